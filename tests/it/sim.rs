//! How simulations run and end: every outcome has a name, and a text that says
//! what happened.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext, OrchestrationStatus};
use duroxide_sim::sim::{Cause, Limits, NodeError};
use duroxide_sim::{Node, Sim, clock};

const DAY: Duration = Duration::from_secs(86_400);

fn activities() -> ActivityRegistry {
    ActivityRegistry::builder()
        .register("Echo", |_: ActivityContext, text: String| async move { Ok(text) })
        .register("Slow", |_: ActivityContext, text: String| async move {
            tokio::time::sleep(Duration::from_secs(20)).await;
            Ok(text)
        })
        .build()
}

fn orchestrations() -> OrchestrationRegistry {
    OrchestrationRegistry::builder()
        .register(
            "Echo",
            |ctx: OrchestrationContext, text: String| async move { ctx.schedule_activity("Echo", text).await },
        )
        .register("Wait", |ctx: OrchestrationContext, _: String| async move { Ok(ctx.schedule_wait("approval").await) })
        .register(
            "Slow",
            |ctx: OrchestrationContext, text: String| async move { ctx.schedule_activity("Slow", text).await },
        )
        .build()
}

fn sim() -> Sim {
    Sim::new(1).node(Node::new("a", activities(), orchestrations()))
}

fn completed(status: &OrchestrationStatus) -> Option<&str> {
    match status {
        OrchestrationStatus::Completed { output, .. } => Some(output),
        _ => None,
    }
}

#[test]
fn the_bodys_value_comes_back() {
    assert_eq!(sim().run(|_| async { Ok::<_, String>(42) }), 42);
    sim().run(|_| async {});
}

#[test]
fn an_error_of_the_body_is_told_with_seed_and_time() {
    let failure = sim().try_run(|sim| async move {
        sim.sleep(2 * DAY).await;
        Err::<(), _>("no luck")
    });
    let failure = failure.expect_err("the body failed");
    assert_eq!(failure.cause, Cause::Error("no luck".to_owned()));
    let text = failure.to_string();
    assert!(text.contains("no luck") && text.contains("seed:         1"), "{text}");
    assert!(text.contains("virtual time: +2d 00:00:00.000 (2025-01-03 00:00:00.000)"), "{text}");
}

#[test]
fn the_bodys_error_need_not_be_send() {
    let failure = sim().try_run(|_| async {
        let number: u32 = "many".parse()?;
        Ok::<_, Box<dyn std::error::Error>>(number)
    });
    let failure = failure.expect_err("the body failed");
    assert_eq!(failure.cause, Cause::Error("invalid digit found in string".to_owned()));
}

#[test]
fn a_panic_of_the_body_is_told_with_seed_and_time() {
    let failure = sim().try_run(|sim| async move {
        sim.sleep(Duration::from_millis(1500)).await;
        if sim.elapsed() > Duration::ZERO {
            panic!("odd: {}", 7);
        }
    });
    let failure = failure.expect_err("the body panicked");
    assert_eq!(failure.cause, Cause::Panic("odd: 7".to_owned()));
    assert!(failure.to_string().contains("+1.500 "), "{failure}");
}

#[test]
fn a_body_that_waits_for_ever_ends_and_says_what_instances_wait_for() {
    let failure = sim().allow_unknown_handlers().try_run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("ask-1", "Wait", "").await?;
        client.start_orchestration("gone-1", "NoSuchOrchestration", "").await?;
        std::future::pending::<()>().await;
        Ok::<_, ClientError>(())
    });
    let failure = failure.expect_err("the body never ends");
    // The last that happens is that the unknown orchestration is given up.
    assert_eq!(failure.cause, Cause::Stalled { since: Duration::from_secs(303), then: None }, "{failure}");
    let waits = failure.to_string();
    assert!(waits.contains("ask-1 waits for ExternalSubscribed approval (event 2, since +0.000)."), "{waits}");
    assert!(!waits.contains("gone-1 waits"), "an unknown orchestration is poisoned in the end: {waits}");
}

#[test]
fn a_message_nobody_can_take_is_told() {
    let limits = Limits { virtual_time: Duration::from_secs(3), ..Limits::default() };
    let failure = sim().limits(limits).allow_unknown_handlers().try_run(|sim| async move {
        sim.client().start_orchestration("gone-1", "NoSuchOrchestration", "").await?;
        std::future::pending::<()>().await;
        Ok::<_, ClientError>(())
    });
    let waits = failure.expect_err("the body never ends").to_string();
    assert!(waits.contains("gone-1") && waits.contains("StartOrchestration NoSuchOrchestration"), "{waits}");
    assert!(waits.contains("fetched 2 times"), "{waits}");
}

#[test]
fn too_many_calls_end_the_run() {
    let limits = Limits { steps: 500, ..Limits::default() };
    let failure = sim().limits(limits).try_run(|sim| async move {
        loop {
            let _ = sim.client().get_orchestration_status("nobody").await;
            tokio::task::yield_now().await;
        }
        #[allow(unreachable_code)]
        ()
    });
    assert_eq!(failure.expect_err("the body never ends").cause, Cause::StepLimit(500));
}

#[test]
fn what_cannot_be_set_up_says_why() {
    let same = Sim::new(1).node(Node::new("a", activities(), orchestrations())).node(Node::new(
        "a",
        activities(),
        orchestrations(),
    ));
    let failure = same.try_run(|_| async {}).expect_err("two nodes have one name");
    assert!(matches!(&failure.cause, Cause::Setup(why) if why.contains("Two nodes have the name \"a\"")), "{failure}");

    let inside = sim().try_run(|_| async {
        let failure = sim().try_run(|_| async {}).expect_err("a simulation is under way");
        Err::<(), _>(failure.to_string())
    });
    let text = inside.expect_err("it says so").to_string();
    assert!(text.contains("inside a simulation"), "{text}");
}

#[test]
fn time_does_not_move_while_anything_can_run() {
    let spent = sim().run(|sim| async move {
        let client = sim.client();
        for n in 0..50 {
            client.start_orchestration(format!("i-{n}"), "Echo", n.to_string()).await?;
        }
        for n in 0..50 {
            client.wait_for_orchestration(&format!("i-{n}"), DAY).await?;
        }
        Ok::<_, ClientError>(sim.elapsed())
    });
    // The client's first wait looks again after 5 ms; by then all is done.
    assert_eq!(spent, Duration::from_millis(5));
}

#[test]
fn nodes_crash_stop_and_start_and_work_goes_on() {
    let status = sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("slow", "Slow", "done").await?;
        sim.sleep(Duration::from_secs(10)).await;
        assert_eq!(sim.crash("a"), Ok(()));
        assert_eq!(sim.crash("a"), Err(NodeError::Down("a".to_owned())));
        assert_eq!(sim.start("a").await, Ok(()));
        assert_eq!(sim.start("a").await, Err(NodeError::Up("a".to_owned())));
        let status = client.wait_for_orchestration("slow", DAY).await?;
        // The lock of the crashed node holds until 30 s; then 20 s of work.
        assert_eq!(sim.elapsed().as_secs(), 50);
        assert_eq!(sim.stop("a").await, Ok(()));
        Ok::<_, ClientError>(status)
    });
    assert_eq!(completed(&status), Some("done"));
}

#[test]
fn an_unknown_node_gives_a_clear_error() {
    sim().run(|sim| async move {
        let error = sim.crash("b").expect_err("there is no node b");
        assert_eq!(error.to_string(), "The simulation has no node \"b\"; it has [\"a\"]. Add it with Sim::node.");
    });
}

#[test]
fn a_crashed_node_reaches_nothing_from_that_instant_on() {
    let run = sim().try_run(|sim| async move {
        sim.sleep(Duration::from_secs(1)).await;
        sim.crash("a").map_err(|error| error.to_string())?;
        let client = sim.client();
        client.start_orchestration("late", "Echo", "x").await.map_err(|error| error.to_string())?;
        sim.sleep(DAY).await;
        Ok::<_, String>(())
    });
    let run = run.unwrap_or_else(|failure| panic!("{failure}"));
    let later = run.trace.entries.iter().filter(|entry| &*entry.by == "a" && entry.answered > run.trace.started);
    let answers: Vec<_> = later.map(|entry| &entry.answer).collect();
    assert!(answers.iter().all(|answer| matches!(answer, duroxide_sim::trace::Answer::Dropped)), "{answers:?}");
}

#[test]
fn nodes_have_runtimes_with_ids_of_their_own() {
    let names = Arc::new(parking_lot::Mutex::new(std::collections::BTreeSet::new()));
    let seen = names.clone();
    let activities = ActivityRegistry::builder().register("Who", move |ctx: ActivityContext, _: String| {
        seen.lock().insert(ctx.worker_id().to_owned());
        async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(String::new())
        }
    });
    let activities = activities.build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Who", |ctx: OrchestrationContext, _: String| async move { ctx.schedule_activity("Who", "").await });
    let orchestrations = orchestrations.build();
    let sim = Sim::new(1).node(Node::new("a", activities.clone(), orchestrations.clone())).node(Node::new(
        "b",
        activities,
        orchestrations,
    ));
    sim.run(|sim| async move {
        let client = sim.client();
        for n in 0..4 {
            client.start_orchestration(format!("i-{n}"), "Who", "").await?;
        }
        client.wait_for_orchestration("i-3", DAY).await.map(|_| ())
    });
    assert_eq!(names.lock().len(), 4, "two workers on each of two nodes: {:?}", names.lock());
}

#[test]
fn many_simulations_run_side_by_side() {
    let done = Arc::new(AtomicU32::new(0));
    let threads: Vec<_> = (0..4u64)
        .map(|seed| {
            let done = done.clone();
            std::thread::spawn(move || {
                let elapsed = Sim::new(seed).run(move |sim| async move {
                    sim.sleep(DAY * (seed as u32 + 1)).await;
                    Ok::<_, String>(sim.elapsed())
                });
                assert_eq!(elapsed, DAY * (seed as u32 + 1));
                done.fetch_add(1, Ordering::Relaxed);
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("the simulation went well"));
    assert_eq!(done.load(Ordering::Relaxed), 4);
    assert!(!clock::is_virtual());
}
