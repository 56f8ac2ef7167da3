//! Orders: retries of payments, packing that is interrupted, compensation.

use std::time::Duration;

use duroxide_sim::sim::Double;

use super::{Checked, HOUR, MINUTE, order_of_two_lamps, shop};
use crate::activities::{CHARGE, RELEASE, SHIP};
use crate::app::ORDER;
use crate::model::OrderOutcome;
use crate::world::World;

#[test]
fn a_payment_that_fails_twice_is_tried_three_times_a_minute_apart() {
    let world = World::with_stock("lamp", 3);
    shop(&world).double(CHARGE, Double::fails("503").times(2).then(Double::real())).run(|sim| async move {
        sim.client().start_orchestration_typed("order-1", ORDER, order_of_two_lamps()).await?;
        let outcome = sim.finished::<OrderOutcome>("order-1").await?;
        assert_eq!(outcome, OrderOutcome::Shipped { parcel: "parcel-order-1".into() });
        let charges = sim.activities("order-1").of(CHARGE);
        let attempts: Vec<_> = charges.iter().map(|call| (call.attempt, call.began)).collect();
        assert_eq!(attempts, [(1, Duration::ZERO), (2, MINUTE), (3, 2 * MINUTE)]);
        Checked::Ok(())
    });
    assert!(world.is_paid("order-1"));
}

#[test]
fn a_payment_that_fails_three_times_puts_the_goods_back() {
    let world = World::with_stock("lamp", 3);
    shop(&world).double(CHARGE, Double::fails("503")).run(|sim| async move {
        sim.client().start_orchestration_typed("order-1", ORDER, order_of_two_lamps()).await?;
        assert_eq!(sim.finished::<OrderOutcome>("order-1").await?, OrderOutcome::PaymentDeclined);
        assert_eq!(sim.activities("order-1").of(RELEASE).len(), 1);
        Checked::Ok(())
    });
    assert_eq!(world.stock("lamp"), 3);
}

#[test]
fn packing_starts_again_after_a_crash() {
    let world = World::with_stock("lamp", 3);
    shop(&world).run(|sim| async move {
        sim.client().start_orchestration_typed("order-1", ORDER, order_of_two_lamps()).await?;
        sim.sleep(30 * MINUTE).await;
        sim.crash("shop")?;
        sim.start("shop").await?;
        let outcome = sim.finished::<OrderOutcome>("order-1").await?;
        assert_eq!(outcome, OrderOutcome::Shipped { parcel: "parcel-order-1".into() });
        let packings = sim.activities("order-1").of(SHIP);
        assert_eq!(packings.iter().map(|call| call.delivery).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(packings[0].ended, None);
        assert_eq!(packings[1].ended.unwrap() - packings[1].began, 45 * MINUTE);
        assert!(sim.elapsed() < 2 * HOUR, "{}", sim.activities("order-1"));
        Checked::Ok(())
    });
    assert!(world.is_paid("order-1") && world.is_shipped("order-1"));
}
