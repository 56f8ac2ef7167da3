//! What a test hears that doubles an activity wrongly.

use duroxide_sim::duroxide::runtime::registry::ActivityRegistry;
use duroxide_sim::sim::{Cause, Double};
use duroxide_sim::{Failure, Node, Sim};

use super::{Checked, order_of_two_lamps, shop};
use crate::activities::{CHARGE, MAIL, RESERVE};
use crate::app::{self, ORDER};
use crate::model::OrderOutcome;
use crate::world::World;

fn fails(sim: Sim) -> Box<Failure> {
    let run = sim.try_run(|sim| async move {
        sim.client().start_orchestration_typed("order-1", ORDER, order_of_two_lamps()).await?;
        sim.finished::<OrderOutcome>("order-1").await?;
        Checked::Ok(())
    });
    run.expect_err("the test is wrong")
}

#[test]
fn a_misspelt_name_is_refused_with_the_right_one() {
    let failure = fails(shop(&World::default()).double("Chrage", Double::returns("receipt")));
    assert!(matches!(failure.cause, Cause::Setup(_)), "{failure}");
    assert!(failure.to_string().contains("the nearest name is \"Charge\""), "{failure}");
}

#[test]
fn activities_that_cannot_be_built_in_a_test_exist_as_doubles_alone() {
    let (_, orchestrations) = app::registries(&World::default().services());
    let without = || Sim::new(1).node(Node::new("shop", ActivityRegistry::builder().build(), orchestrations.clone()));
    let failure = fails(without());
    assert!(failure.to_string().contains("no node has an activity \"Mail\""), "{failure}");

    let sim = without().activity(MAIL, Double::returns(())).activity(RESERVE, Double::returns(false));
    let outcome = sim.run(|sim| async move {
        sim.client().start_orchestration_typed("order-1", ORDER, order_of_two_lamps()).await?;
        Ok::<_, Box<dyn std::error::Error>>(sim.finished::<OrderOutcome>("order-1").await?)
    });
    assert_eq!(outcome, OrderOutcome::OutOfStock);
}

#[test]
fn a_double_that_is_never_released_is_named() {
    let failure = fails(shop(&World::with_stock("lamp", 3)).double(CHARGE, Double::returns("receipt").held()));
    let line = "\"Charge\" of instance \"order-1\" on node \"shop\": held until the body calls Handle::release";
    assert_eq!(failure.unanswered, [line]);
}
