//! Numbers that a body draws stand in the plan, and are shrunk with it.

use duroxide_sim::duroxide::runtime::registry::ActivityRegistry;
use duroxide_sim::duroxide::{ClientError, OrchestrationContext, OrchestrationRegistry};
use duroxide_sim::explore::{Capsule, Finding, Problem};
use duroxide_sim::sim::{Cause, Input, Plan, Run};
use duroxide_sim::{Handle, Node, Sim};

use super::explore;

/// Orders, and for each a number of items.
async fn orders(sim: Handle) -> Result<Vec<u64>, ClientError> {
    let orders = sim.input("orders", 1..=40);
    Ok((0..orders).map(|order| sim.input(&format!("items of {order}"), 3..=9)).collect())
}

fn run(sim: Sim) -> Run<Vec<u64>> {
    sim.try_run(orders).unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn inputs_come_from_the_seed_and_stay_in_their_range() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let first = run(Sim::new(seed));
        assert_eq!(first.value, run(Sim::new(seed)).value, "seed {seed}");
        assert!((1..=40).contains(&first.value.len()), "{:?}", first.value);
        assert!(first.value.iter().all(|items| (3..=9).contains(items)), "{:?}", first.value);
        assert_eq!(first.plan.inputs.len(), 1 + first.value.len());
        seen.insert(first.value);
    }
    assert!(seen.len() > 40, "seeds differ");
}

#[test]
fn a_plan_repeats_them_whatever_the_seed() {
    let first = run(Sim::new(1));
    let again = run(Sim::new(2).replay(first.plan.clone()));
    assert_eq!((first.value, first.plan), (again.value, again.plan));
}

/// The range may have changed since the plan was made.
#[test]
fn a_plan_s_number_is_cut_to_the_range() {
    let plan = |value| Plan { inputs: [("orders".to_owned(), Input { value, least: 0 })].into(), ..Plan::new() };
    assert_eq!(run(Sim::new(1).replay(plan(1_000))).value.len(), 40);
    let none = run(Sim::new(1).replay(plan(0)));
    assert_eq!(none.value.len(), 1);
    assert_eq!(none.plan.inputs["orders"], Input { value: 1, least: 1 });
}

#[test]
fn one_name_is_one_number_and_every_range_will_do() {
    let run = Sim::new(3).try_run(|sim| async move {
        let any = sim.input("any", 0..=u64::MAX);
        Ok::<_, String>((any == sim.input("any", 0..=u64::MAX), sim.input("one", 5..=5)))
    });
    assert_eq!(run.unwrap_or_else(|failure| panic!("{failure}")).value, (true, 5));
}

#[test]
#[allow(clippy::reversed_empty_ranges)]
fn an_empty_range_is_told() {
    let body = |sim: Handle| async move { Ok::<_, String>(sim.input("orders", 5..=4)) };
    let failure = Sim::new(3).try_run(body).expect_err("it is empty");
    let told = "The simulation could not be run. The input \"orders\" has the empty range 5..=4. Give it a range \
                with at least one number.";
    assert!(failure.to_string().starts_with(told), "{failure}");
}

/// Starts as many instances as the input says; from seven on that is too many.
fn finding(too_many: fn()) -> Finding {
    let build = |sim: Sim| {
        let orchestrations = OrchestrationRegistry::builder()
            .register("Order", |_: OrchestrationContext, _: String| async move { Ok(String::new()) })
            .build();
        sim.node(Node::new("a", ActivityRegistry::builder().build(), orchestrations))
    };
    let body = move |sim: Handle| async move {
        let orders = sim.input("orders", 1..=40);
        for order in 0..orders {
            sim.client().start_orchestration(&format!("order-{order}"), "Order", "").await?;
        }
        if orders >= 7 {
            too_many();
        }
        Ok::<_, ClientError>(())
    };
    match explore().seeds(50).try_run(build, body).map_err(|found| *found) {
        Err(Problem::Failed(found)) => *found,
        other => panic!("{other:?}"),
    }
}

#[test]
fn inputs_are_made_small() {
    let found = finding(|| panic!("too many orders"));
    assert_eq!(found.failure.plan.inputs["orders"], Input { value: 7, least: 1 }, "{found}");
    assert!(found.to_string().contains("\nInputs:\n  orders: 7\n"), "{found}");
    let capsule = Capsule::read(found.capsule.expect("a capsule")).expect("it can be read");
    assert_eq!(capsule.plan.inputs["orders"].value, 7);
}

/// A process that dies has told its inputs before.
#[test]
fn inputs_of_a_run_that_dies_are_made_small_too() {
    let found = finding(|| std::process::abort());
    assert!(matches!(found.failure.cause, Cause::Died(_)), "{found}");
    assert_eq!(found.failure.plan.inputs["orders"].value, 7, "{found}");
}
