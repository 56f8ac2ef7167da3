//! What a test asks for and a run does not do fails the run, unless it is said
//! that it need not happen.

use std::time::Duration;

use duroxide_sim::call::Method;
use duroxide_sim::faults::FaultAction;
use duroxide_sim::sim::{
    Action, Cause, FaultKind, Incidents, Input, Missed, Plan, Storm, Why, crash_everywhere, try_crash_everywhere,
};
use duroxide_sim::{Failure, Handle, Node, Sim};

use super::{SECOND, once, one_node, point, two_nodes};

fn fails(sim: Sim) -> Box<Failure> {
    sim.try_run(|sim| once(sim, "Echo")).expect_err("what was asked for did not happen")
}

/// Why the entries of a plan did not happen in a short run of node a.
fn missed(plan: Plan) -> Vec<Missed> {
    let failure = fails(one_node(1).plan(plan.clone()));
    let run = one_node(1).plan(plan).allow_unreached().try_run(|sim| once(sim, "Echo"));
    assert!(run.is_ok(), "it can be meant: {run:?}");
    match failure.cause {
        Cause::Unreached(missed) => missed,
        other => panic!("{other}"),
    }
}

fn why(plan: Plan) -> Why {
    match &missed(plan)[..] {
        [Missed::Entry { why, .. }] => why.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_that_is_never_made_fails_a_scripted_run() {
    let plan = || Plan::new().fault(point("a", Method::AckWorkItem, 99), FaultAction::LoseReply);
    assert_eq!(why(plan()), Why::Calls(1));
    let never = Plan::new().fault(point("a", Method::AbandonWorkItem, 1), FaultAction::LoseReply);
    assert_eq!(why(never), Why::Calls(0));
    let text = fails(one_node(1).plan(plan())).to_string();
    let says = "ack_work_item #99 by a is applied and its reply lost: a called ack_work_item once.";
    assert!(text.contains(says) && text.contains("Sim::allow_unreached"), "{text}");
}

#[test]
fn a_time_after_the_end_fails_a_scripted_run() {
    assert!(
        matches!(why(Plan::new().at(3600 * SECOND, Action::crash("a", SECOND))), Why::Ended(at) if at < 60 * SECOND)
    );
}

#[test]
fn a_caller_that_was_never_there_fails_a_scripted_run() {
    let plan = Plan::new().fault(point("ghost", Method::AckWorkItem, 1), FaultAction::LoseReply);
    assert_eq!(why(plan), Why::NoCaller(vec!["a".to_owned(), "client".to_owned()]));
}

#[test]
fn what_cannot_be_carried_out_fails_a_scripted_run() {
    let start = Plan::new().before(point("a", Method::AckWorkItem, 1), Action::Start { node: "a".to_owned() });
    assert!(matches!(why(start), Why::NotDone(why) if why.contains("is running already")));
}

#[test]
fn a_number_that_the_body_never_asks_for_fails_a_scripted_run() {
    let mut plan = Plan::new();
    plan.inputs.insert("ordres".to_owned(), Input { value: 3, least: 1 });
    assert_eq!(missed(plan), [Missed::Input { name: "ordres".to_owned(), asked: Vec::new() }]);
}

#[test]
fn what_the_body_scripts_has_to_happen_too() {
    let late = |sim: Handle| async move {
        let result = once(sim.clone(), "Echo").await;
        let plan = Plan::new().before(point("a", Method::AckWorkItem, 1), Action::crash("a", SECOND));
        sim.script(plan).expect("the plan is sound");
        result
    };
    let failure = one_node(1).try_run(late).expect_err("the call was made before");
    let text = failure.to_string();
    assert!(text.contains("This call had no effect, or was made before the entry was added."), "{text}");
    assert!(one_node(1).allow_unreached().try_run(late).is_ok());
}

#[test]
fn storms_and_replays_need_not_reach_their_plans() {
    let plan = Plan::new().fault(point("a", Method::AckWorkItem, 99), FaultAction::LoseReply);
    let run = one_node(1).replay(plan.clone()).try_run(|sim| once(sim, "Echo")).unwrap_or_else(|f| panic!("{f}"));
    assert_eq!(run.unreached, plan.entries);
    let storm = |seed| two_nodes(seed).storm(Storm::new().every_kind()).latencies();
    let missed = (0..10).filter(|seed| {
        let run = storm(*seed).try_run(|sim| once(sim, "Echo"));
        !run.unwrap_or_else(|failure| panic!("{failure}")).unreached.is_empty()
    });
    assert!(missed.count() > 0, "a storm draws what comes after the end of a short run");
}

/// What the simulation says when it cannot be set up.
#[track_caller]
fn refused(sim: Sim) -> String {
    match sim.try_run(|_| async {}).expect_err("it cannot be run").cause {
        Cause::Setup(why) => why,
        other => panic!("{other}"),
    }
}

#[test]
fn a_fault_that_changes_nothing_is_a_mistake() {
    let lock = FaultAction::ShortLock { lasts: SECOND };
    let text = refused(one_node(1).plan(Plan::new().fault(point("a", Method::AckWorkItem, 1), lock)));
    assert!(text.contains("changes nothing: ack_work_item locks nothing"), "{text}");
    let ack = || point("a", Method::AckWorkItem, 1);
    let text = refused(
        one_node(1).plan(Plan::new().fault(ack(), FaultAction::LoseReply).fault(ack(), FaultAction::LoseReply)),
    );
    assert!(text.contains("two faults for ack_work_item #1 by a"), "{text}");
}

#[test]
fn a_storm_that_can_bring_nothing_is_a_mistake() {
    let storm = |storm| refused(one_node(1).storm(storm));
    for (text, why) in [
        (storm(Storm::new().only(&[])), "has no kinds of faults"),
        (storm(Storm::new().without(FaultKind::ALL)), "has no kinds of faults"),
        (storm(Storm::new().only(&[FaultKind::Upgrade])), "Upgrade: no node has a second build"),
        (
            storm(Storm::new().only(&[FaultKind::Crash, FaultKind::Outage])),
            "Outage: it happens only in storms with Storm::include_unsurvivable",
        ),
        (storm(Storm::new().lasts(Duration::ZERO)), "the storm's duration is zero"),
        (storm(Storm::new().lasts(SECOND).only(&[FaultKind::Crash])), "too short for a node to recover"),
        (
            storm(Storm::new().fault_budget(0).without(&[FaultKind::Latency, FaultKind::Skew])),
            "the storm's fault budget is zero",
        ),
        (refused(Sim::new(1).storm(Storm::new())), "the simulation has none"),
    ] {
        assert!(text.contains(why), "{text}");
    }
}

#[test]
fn names_that_cannot_be_told_apart_are_a_mistake() {
    let text = refused(one_node(1).node(Node::new("client", super::activities(), super::orchestrations())));
    assert!(text.contains("which traces and plans use for the calls of Handle::client"), "{text}");
    let text = refused(one_node(1).node(Node::new("", super::activities(), super::orchestrations())));
    assert!(text.contains("empty name"), "{text}");
    for (name, why) in [("a", "but a node has that name"), ("", "empty name")] {
        let failure = one_node(1).try_run(move |sim| async move { drop(sim.client_named(name)) });
        let failure = failure.expect_err("the name is wrong").to_string();
        assert!(failure.contains(why), "{failure}");
    }
    let hold = |_: &Handle| Ok(());
    for sim in [
        one_node(1).always("it", hold).eventually("it", hold),
        one_node(1).sometimes("it", |_| true).sometimes("it", |_| false),
    ] {
        let text = refused(sim);
        assert!(text.contains("Two properties have the name \"it\""), "{text}");
    }
}

#[test]
fn a_node_that_is_not_there_cannot_be_left_out() {
    let text = refused(one_node(1).without_node("b"));
    assert!(text.contains("no node \"b\" to remove; the nodes are [\"a\"]"), "{text}");
}

#[test]
fn a_survey_of_crashes_without_a_crash_is_no_survey() {
    let empty = try_crash_everywhere(|_| Sim::new(1), |_| async {}).expect_err("there is nothing to crash");
    assert!(matches!(empty, Incidents::NoCalls), "{empty}");
    let blind = try_crash_everywhere(|_| one_node(1).without_trace(), |sim| once(sim, "Echo"));
    assert!(matches!(blind, Err(Incidents::NoCalls)));
    let stormy = try_crash_everywhere(|_| one_node(1).storm(Storm::new()), |sim| once(sim, "Echo"));
    assert!(matches!(stormy, Err(Incidents::HasFaults)));
    assert!(!crash_everywhere(|_| one_node(1), |sim| once(sim, "Echo")).tried.is_empty());
}
