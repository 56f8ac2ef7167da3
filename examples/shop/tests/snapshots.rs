//! What an order does, as text that is looked at once and kept.

use duroxide_sim::sim::Double;

use super::{order_of_two_lamps, shop};
use crate::activities::SHIP;
use crate::app::ORDER;
use crate::model::OrderOutcome;
use crate::world::World;

#[test]
fn an_order_whose_parcel_breaks() {
    let world = World::with_stock("lamp", 3);
    let sim = shop(&world).double(SHIP, Double::fails("broken"));
    // Compared outside of the simulation: insta reads and writes files.
    let (calls, history) = sim.run(|sim| async move {
        sim.client().start_orchestration_typed("order-1", ORDER, order_of_two_lamps()).await?;
        assert_eq!(sim.finished::<OrderOutcome>("order-1").await?, OrderOutcome::Refunded);
        Ok::<_, Box<dyn std::error::Error>>((sim.activities("order-1"), sim.history("order-1")))
    });
    insta::assert_snapshot!("calls", calls);
    insta::assert_snapshot!("history", history);
}
