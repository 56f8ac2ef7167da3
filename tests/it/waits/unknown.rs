//! Handlers that no node has, threads that are kept busy, and failures of the body.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

static OVER: AtomicBool = AtomicBool::new(false);

/// Lets a thread that a test has given up end.
pub fn over() -> bool {
    OVER.load(Ordering::Relaxed)
}

#[track_caller]
fn lacks(orchestration: &'static str, input: &'static str) -> (Lack, String) {
    let failure = fails(sim(), orchestration, input);
    let Cause::UnknownHandler(unknown) = &failure.cause else { panic!("{failure}") };
    assert_eq!(failure.at, failure.start, "as soon as the work is stored");
    assert!(failure.trace.entries.len() < 20, "{} entries", failure.trace.entries.len());
    assert!(failure.to_string().contains("Sim::allow_unknown_handlers"), "{failure}");
    (unknown.lack.clone(), unknown.instance.clone())
}

fn orchestration(name: &str, nearest: Option<&str>) -> Lack {
    Lack::Orchestration { name: name.to_owned(), nearest: nearest.map(str::to_owned) }
}

#[test]
fn a_misspelt_orchestration_is_told_at_once_with_the_nearest_name() {
    assert_eq!(lacks("Oder", ""), (orchestration("Oder", Some("Order")), "i-1".to_owned()));
    assert_eq!(lacks("order", ""), (orchestration("order", Some("Order")), "i-1".to_owned()));
    assert_eq!(lacks("Something else", ""), (orchestration("Something else", None), "i-1".to_owned()));
}

#[test]
fn a_misspelt_activity_child_or_detached_orchestration_is_told_with_who_asks() {
    let activity = Lack::Activity { name: "Chrage".to_owned(), nearest: Some("Charge".to_owned()) };
    assert_eq!(lacks("Calls", "Chrage"), (activity, "i-1".to_owned()));
    assert_eq!(lacks("Parent", "Ordr"), (orchestration("Ordr", Some("Order")), "i-1".to_owned()));
    assert_eq!(lacks("Detaches", "Ordr"), (orchestration("Ordr", Some("Order")), "detached".to_owned()));
}

#[test]
fn a_version_that_no_node_has_is_told_with_those_there_are() {
    let failure = sim().try_run(|sim| async move {
        sim.client().start_orchestration_versioned("i-1", "Order", "7.0.0", "").await?;
        sim.client().wait_for_orchestration("i-1", DAY).await.map(drop)
    });
    let failure = failure.expect_err("nobody has it");
    let Cause::UnknownHandler(unknown) = &failure.cause else { panic!("{failure}") };
    assert!(matches!(&unknown.lack, Lack::Version { known, .. } if *known == ["1.0.0"]), "{failure}");
}

#[test]
fn a_handler_of_a_later_build_or_of_a_node_that_is_down_is_no_mistake() {
    let nothing = || (ActivityRegistry::builder().build(), OrchestrationRegistry::builder().build());
    let (no_activities, no_orchestrations) = nothing();
    let node = Node::new("a", no_activities.clone(), no_orchestrations.clone());
    let upgraded = Sim::new(3).node(node.with_build("v2", activities(), orchestrations()));
    upgraded.run(|sim| async move {
        sim.client().start_orchestration("i-1", "Calls", "Charge").await?;
        sim.sleep(Duration::from_secs(5)).await;
        sim.upgrade("a", "v2").await.expect("node a has it");
        sim.client().wait_for_orchestration("i-1", DAY).await
    });
    let (without, with) =
        (Node::new("a", no_activities, no_orchestrations), Node::new("b", activities(), orchestrations()));
    let two = Sim::new(3).node(without).node(with);
    two.run(|sim| async move {
        sim.crash("b").expect("node b is up");
        sim.client().start_orchestration("i-1", "Order", "").await?;
        sim.sleep(Duration::from_secs(5)).await;
        sim.start("b").await.expect("node b is down");
        sim.client().wait_for_orchestration("i-1", DAY).await
    });
}

#[test]
fn runtimes_that_the_body_starts_may_have_other_handlers() {
    let other = OrchestrationRegistry::builder()
        .register("Other", |_: OrchestrationContext, text: String| async move { Ok(text) })
        .build();
    // The laws know only of the calls that pass the simulation's layers.
    let status = sim().without_laws().run(|sim| async move {
        let memory = sim.memory();
        sim.client().start_orchestration("i-1", "Other", "done").await?;
        sim.sleep(Duration::from_secs(3)).await;
        let activities = ActivityRegistry::builder().build();
        let runtime = Runtime::start_with_options(memory, activities, other, Sim::default_options()).await;
        let status = sim.client().wait_for_orchestration("i-1", DAY).await;
        runtime.shutdown(None).await;
        status
    });
    assert!(matches!(&status, OrchestrationStatus::Completed { output, .. } if output == "done"), "{status:?}");
    // Nor is anything known of who works where there are no nodes.
    let failure = Sim::new(3).try_run(|sim| one(sim, "Order", "")).map(drop).expect_err("nobody works");
    assert!(matches!(failure.cause, Cause::Stalled { .. }), "{failure}");
}

#[test]
fn unknown_handlers_can_be_meant() {
    let status = sim().allow_unknown_handlers().run(|sim| one(sim, "Nobody", ""));
    assert!(matches!(status, OrchestrationStatus::Failed { .. }), "poison, after all its attempts: {status:?}");
}

#[test]
fn busy_code_is_named_and_told_from_code_that_is_blocked() {
    let stuck = || Limits { stuck: Duration::from_millis(300), ..Limits::default() };
    let activity = fails(sim().limits(stuck()), "Calls", "Busy");
    let orchestration = fails(sim().limits(stuck()), "Spins", "");
    OVER.store(true, Ordering::Relaxed);
    let (node, instance) = ("a".to_owned(), "i-1".to_owned());
    let code = Code::Activity { node: node.clone(), instance: instance.clone(), activity: "Busy".to_owned() };
    assert_eq!(activity.cause, Cause::Hang(Stuck { code: Some(code), busy: true }));
    let told = "activity \"Busy\" of instance i-1 on node a keeps it busy and never yields";
    assert!(activity.to_string().contains(told), "{activity}");
    assert!(activity.stack.iter().any(|frame| frame.contains("waits::activities::")), "{activity}");
    assert!(orchestration.stack.iter().any(|frame| frame.contains("waits::orchestrations::")), "{orchestration}");
    assert!(activity.to_string().contains("Stack of the simulation's thread:"), "{activity}");
    let code = Code::Orchestration { node, instance };
    assert_eq!(orchestration.cause, Cause::Hang(Stuck { code: Some(code), busy: true }));
    let told = "the orchestration of instance i-1 on node a keeps it busy and never yields";
    assert!(orchestration.to_string().contains(told), "{orchestration}");
}

#[test]
fn a_failure_of_the_body_shows_the_end_of_the_histories_that_it_names() {
    let body = |text: &'static str| {
        let failure = sim().try_run(move |sim| async move {
            let client = sim.client();
            for id in ["order-1", "order-10", "order-2"] {
                client.start_orchestration(id, "Order", "x".repeat(500)).await.map_err(|error| error.to_string())?;
            }
            client.start_orchestration("bad-1", "Fails", "out of stock").await.map_err(|error| error.to_string())?;
            client.wait_for_orchestration("bad-1", DAY).await.map_err(|error| error.to_string())?;
            sim.sleep(HOUR).await;
            assert!(!text.starts_with("panic"), "{text}");
            Err::<(), String>(text.to_owned())
        });
        failure.map(drop).expect_err("the body fails")
    };
    let names = |failure: &Failure| failure.tails.iter().map(|tail| tail.instance.clone()).collect::<Vec<_>>();
    let failure = body("order-10 and order-2 are wrong");
    assert_eq!(names(&failure), ["order-10", "order-2"]);
    assert!(failure.tails.iter().all(|tail| tail.events.len() == 2 && tail.status == "Completed"), "{failure}");
    assert!(failure.to_string().lines().all(|line| line.chars().count() < 200), "{failure}");
    assert_eq!(names(&body("panic: order-1 is wrong")), ["order-1"]);
    let failure = body("something is wrong");
    assert_eq!(names(&failure), ["bad-1"], "those that have failed, where none is named");
    assert!(failure.to_string().contains("OrchestrationFailed \"out of stock\""), "{failure}");
}
