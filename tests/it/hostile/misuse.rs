//! What is asked for wrongly, or too late, is an error that says so.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use duroxide_sim::call::Method;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::explore::Capsule;
use duroxide_sim::faults::FaultAction;
use duroxide_sim::sim::{Action, CallSite, Cause, NodeError, Plan};
use duroxide_sim::{Failure, Handle, Node, Sim};

const SECOND: Duration = Duration::from_secs(1);

fn one_node() -> Sim {
    let (activities, orchestrations) = (ActivityRegistry::builder().build(), OrchestrationRegistry::builder().build());
    Sim::new(1).node(Node::new("a", activities, orchestrations))
}

fn fails<T: std::fmt::Debug>(run: Result<T, Box<Failure>>) -> Box<Failure> {
    run.expect_err("the run fails")
}

#[test]
fn an_input_that_is_asked_for_in_two_ranges_is_a_mistake() {
    let failure =
        fails(one_node().try_run(|sim| async move { Ok::<_, String>((sim.input("x", 1..=5), sim.input("x", 1..=6))) }));
    let Cause::Setup(why) = &failure.cause else { panic!("{failure}") };
    assert!(why.contains("\"x\" was asked for in the range 1..=5, and then in 1..=6."), "{why}");
    one_node().run(|sim| async move { assert_eq!(sim.input("x", 1..=5), sim.input("x", 1..=5)) });
}

#[test]
fn a_handle_whose_simulation_is_over_says_so() {
    let ended: Handle = one_node().run(|sim| async move {
        sim.sleep(SECOND).await;
        Ok::<_, String>(sim)
    });
    assert_eq!(
        (ended.elapsed(), ended.memory().inspect(|store| store.names().len())),
        (SECOND, 0),
        "what was can be read"
    );
    assert_eq!(ended.crash("a"), Err(NodeError::Over));
    assert_eq!(ended.stall("a", SECOND), Err(NodeError::Over));
    assert_eq!(ended.script(Plan::new()), Err(NodeError::Over));
    let late: [(&str, &dyn Fn()); 2] =
        [("client", &|| drop(ended.client())), ("input", &|| _ = ended.input("orders", 1..=2))];
    for (what, call) in late {
        let panic = catch_unwind(AssertUnwindSafe(call)).expect_err("nothing can be returned");
        let text = panic.downcast_ref::<String>().expect("a panic with a text");
        assert!(text.contains("The simulation that this handle belongs to is over."), "{what}: {text}");
    }
}

#[test]
fn a_capsule_is_a_regular_file_that_holds_an_object() {
    for (path, why) in [("/dev/zero", "it is not a regular file"), (env!("CARGO_MANIFEST_DIR"), "not a regular file")] {
        let error = Capsule::read(path).expect_err("it is no capsule").to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn time_that_is_moved_past_its_limit_ends_the_run_there() {
    let failure = fails(one_node().try_run(|sim| async move { sim.advance(Duration::MAX).await }));
    assert!(matches!(failure.cause, Cause::VirtualTimeLimit(_)), "{failure}");
}

#[test]
fn a_property_whose_check_panics_is_told_from_one_that_does_not_hold() {
    let sim = one_node().sometimes("odd", |_| panic!("no such order"));
    let failure = fails(sim.try_run(|sim| async move { sim.sleep(SECOND).await }));
    assert!(failure.to_string().contains("the check itself panicked: no such order"), "{failure}");
}

#[test]
fn entries_of_a_plan_that_change_nothing_are_refused() {
    let fetch = || CallSite::new("a", Method::FetchOrchestrationItem, 1);
    let none = Duration::ZERO;
    for plan in [
        Plan::new().fault(fetch(), FaultAction::Pass),
        Plan::new().fault(fetch(), FaultAction::Delay { before: none, after: none }),
        Plan::new().at(SECOND, Action::partition("a", none)),
        Plan::new().at(SECOND, Action::stall("a", none)),
    ] {
        let failure = fails(one_node().plan(plan).try_run(|sim| async move { sim.sleep(2 * SECOND).await }));
        assert!(matches!(&failure.cause, Cause::Setup(why) if why.contains("changes nothing")), "{failure}");
    }
}

#[test]
fn a_run_that_fails_says_which_nodes_were_down_or_cut_off() {
    let failure = fails(one_node().try_run(|sim| async move {
        sim.client().start_orchestration("i", "O", "").await.map_err(|error| error.to_string())?;
        sim.crash("a").map_err(|error| error.to_string())?;
        sim.partition("a").map_err(|error| error.to_string())?;
        sim.sleep(SECOND).await;
        Err::<(), _>("as planned".to_owned())
    }));
    let line = "  a has been down since +0.000, when it crashed, and has been cut off from the storage since +0.000.";
    assert!(failure.to_string().contains(line), "{failure}");
}

#[test]
fn a_text_without_end_is_shown_in_part() {
    let long = "x".repeat(5 << 20);
    let failure = fails(one_node().try_run(|_| async move { Err::<(), _>(long) }));
    let text = failure.to_string();
    assert!(text.len() < 200_000 && text.contains("more bytes]"), "{} bytes", text.len());
}

/// The end of one impairment is not taken for the end of another.
#[test]
fn a_node_that_is_cut_off_and_refused_is_told_as_what_is_left() {
    let failure = fails(one_node().try_run(|sim| async move {
        sim.partition("a").map_err(|error| error.to_string())?;
        sim.script(Plan::new().at(SECOND, Action::Outage { node: "a".to_owned(), lasts: SECOND }))
            .map_err(|error| error.to_string())?;
        sim.sleep(3 * SECOND).await;
        Err::<(), _>("as planned".to_owned())
    }));
    let text = failure.to_string();
    assert!(text.contains("  a has been cut off from the storage since +0.000.\n"), "{text}");
}

#[test]
fn a_node_that_starts_again_while_it_shuts_down_is_not_told_as_down() {
    let sim = one_node()
        .plan(Plan::new().at(SECOND, Action::Stop { node: "a".to_owned(), restart_after: Some(Duration::ZERO) }));
    let failure = fails(sim.try_run(|sim| async move {
        sim.sleep(60 * SECOND).await;
        Err::<(), _>("as planned".to_owned())
    }));
    assert!(!failure.to_string().contains("a has been down"), "{failure}");
}

/// `unwrap` shows what happened, not the fields.
#[test]
fn failures_print_their_text_for_debug_too() {
    let failure = fails(one_node().try_run(|_| async move { Err::<(), _>("as planned".to_owned()) }));
    assert_eq!(format!("{failure:?}"), failure.to_string());
    let problem = duroxide_sim::explore().seeds(0).try_run(|sim| sim, |_| async {}).expect_err("no seeds");
    assert_eq!(format!("{problem:?}"), problem.to_string());
}
