//! What goes on for ever and gets nowhere ends the run soon, and the failure says what
//! it is.

use std::time::{Duration, Instant};

use duroxide_sim::call::Method;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext};
use duroxide_sim::faults::{CallContext, FaultAction};
use duroxide_sim::sim::{Cause, Code, Failure, Handle, Limits, NoProgress};
use duroxide_sim::{Node, Sim};

const DAY: Duration = Duration::from_secs(86_400);

fn activities() -> ActivityRegistry {
    ActivityRegistry::builder()
        .register("Fail", |_: ActivityContext, _: String| async { Err("no".to_owned()) })
        .register("Echo", |_: ActivityContext, text: String| async move { Ok(text) })
        .register("Signal", |ctx: ActivityContext, to: String| async move {
            let sent = ctx.get_client().enqueue_event(&to, "ball", "").await;
            sent.map(|()| String::new()).map_err(|error| error.to_string())
        })
        .register("Spin", |_: ActivityContext, _: String| async {
            loop {
                tokio::task::yield_now().await;
            }
        })
        .build()
}

fn orchestrations() -> OrchestrationRegistry {
    OrchestrationRegistry::builder()
        .register("Again", |ctx: OrchestrationContext, input: String| async move { ctx.continue_as_new(input).await })
        .register("Player", |ctx: OrchestrationContext, other: String| async move {
            ctx.dequeue_event("ball").await;
            ctx.schedule_activity("Signal", &other).await?;
            ctx.continue_as_new(other).await
        })
        .register("Broken", |_: OrchestrationContext, _: String| async move { Err("at once".to_owned()) })
        .register("Stubborn", |ctx: OrchestrationContext, _: String| async move {
            loop {
                if let Ok(done) = ctx.schedule_sub_orchestration("Broken", "").await {
                    return Ok(done);
                }
            }
        })
        .register("Retries", |ctx: OrchestrationContext, _: String| async move {
            loop {
                if let Ok(done) = ctx.schedule_activity("Fail", "").await {
                    return Ok(done);
                }
            }
        })
        .register("Zero", |ctx: OrchestrationContext, _: String| async move {
            loop {
                ctx.schedule_timer(Duration::ZERO).await;
            }
            #[allow(unreachable_code)]
            Ok(String::new())
        })
        .register("Deep", |ctx: OrchestrationContext, _: String| async move {
            let next = ctx.instance_id().trim_start_matches("i-").parse().unwrap_or(0u32) + 1;
            ctx.schedule_orchestration("Deep", format!("i-{next}"), "");
            Ok(String::new())
        })
        .register("Endless", |ctx: OrchestrationContext, other: String| async move {
            loop {
                ctx.dequeue_event("ball").await;
                ctx.schedule_activity("Signal", &other).await?;
            }
            #[allow(unreachable_code)]
            Ok(String::new())
        })
        .register("Drain", |ctx: OrchestrationContext, count: String| async move {
            for _ in 0..count.parse().unwrap_or(0u32) {
                ctx.dequeue_event("ball").await;
            }
            Ok(count)
        })
        .register("Family", |ctx: OrchestrationContext, count: String| async move {
            let child = |_| ctx.schedule_sub_orchestration("Chain", "1");
            let all = ctx.join((0..count.parse().unwrap_or(0u32)).map(child).collect()).await;
            Ok(all.len().to_string())
        })
        .register(
            "Spins",
            |ctx: OrchestrationContext, _: String| async move { ctx.schedule_activity("Spin", "").await },
        )
        .register("Chain", |ctx: OrchestrationContext, length: String| async move {
            for _ in 0..length.parse().unwrap_or(0u32) {
                ctx.schedule_activity("Echo", "").await?;
            }
            Ok(length)
        })
        .build()
}

fn sim() -> Sim {
    Sim::new(5).node(Node::new("a", activities(), orchestrations()))
}

#[track_caller]
fn circle(sim: Sim, orchestration: &'static str) -> (NoProgress, Box<Failure>) {
    let failure = sim
        .try_run(move |sim| async move {
            sim.sleep(Duration::from_secs(3)).await;
            sim.client().start_orchestration("i-1", orchestration, "").await?;
            sim.client().wait_for_orchestration("i-1", DAY).await.map(drop)
        })
        .map(drop)
        .expect_err("it gets nowhere");
    match &failure.cause {
        Cause::NoProgress(circle) => (circle.clone(), failure),
        other => panic!("{other}"),
    }
}

#[test]
fn continue_as_new_without_a_timer_is_told_with_its_executions() {
    let (circle, failure) = circle(sim(), "Again");
    let NoProgress::Chain { at, length, instances } = &circle else { panic!("{circle:?}") };
    assert_eq!((*at, *length), (Duration::from_secs(3), 2_000));
    assert_eq!((&*instances[0].instance, instances[0].turns, instances[0].executions), ("i-1", 2_001, 2_000));
    assert!(instances[0].brought_by[0].starts_with("ContinueAsNew Again"), "{circle}");
    assert!(failure.trace.entries.len() < 10_000, "{} entries", failure.trace.entries.len());
    assert!(failure.to_string().contains("Limits::chain") && !failure.is_live(), "{failure}");
}

/// Each throws the ball back from a new execution.
#[test]
fn two_instances_that_signal_each_other_are_both_named() {
    let limits = Limits { barren: u64::MAX, ..Limits::default() };
    let failure = sim().limits(limits).try_run(|sim| async move {
        play(&sim, "Player").await?;
        sim.client().wait_for_orchestration("p-1", DAY).await.map(drop)
    });
    let failure = failure.map(drop).expect_err("they play for ever");
    let Cause::NoProgress(NoProgress::Chain { instances, .. }) = &failure.cause else { panic!("{failure}") };
    let names: Vec<&str> = instances.iter().map(|one| one.instance.as_str()).collect();
    assert!(names == ["p-1", "p-2"] || names == ["p-2", "p-1"], "{names:?}");
}

#[test]
fn two_instances_that_signal_each_other_in_one_execution_are_told_before_their_histories_are_long() {
    let failure = sim().try_run(|sim| async move {
        play(&sim, "Endless").await?;
        sim.client().wait_for_orchestration("p-1", DAY).await.map(drop)
    });
    let failure = failure.map(drop).expect_err("they play for ever");
    let Cause::NoProgress(NoProgress::Barren { turns, brought_by, .. }) = &failure.cause else { panic!("{failure}") };
    assert_eq!(*turns, 251);
    assert!(brought_by[0].starts_with("QueueMessage ball"), "{failure}");
    assert!(failure.trace.entries.len() < 10_000, "{} entries", failure.trace.entries.len());
}

async fn play(sim: &Handle, orchestration: &str) -> Result<(), ClientError> {
    let client = sim.client();
    client.start_orchestration("p-1", orchestration, "p-2").await?;
    client.start_orchestration("p-2", orchestration, "p-1").await?;
    client.enqueue_event("p-1", "ball", "").await
}

#[test]
fn retries_without_a_pause_are_told_with_what_fails() {
    for (orchestration, fails) in [("Stubborn", "SubOrchFailed"), ("Retries", "ActivityFailed"), ("Zero", "TimerFired")]
    {
        let (circle, failure) = circle(sim(), orchestration);
        let NoProgress::Barren { instance, turns, brought_by, .. } = &circle else { panic!("{circle:?}") };
        assert_eq!((&**instance, *turns), ("i-1", 251), "{orchestration}");
        assert!(brought_by[0].starts_with(fails), "{circle}");
        assert!(failure.trace.entries.len() < 10_000, "{} entries", failure.trace.entries.len());
    }
}

/// Every one of them has a single turn.
#[test]
fn a_family_that_grows_for_ever_at_one_moment_is_a_chain() {
    let (circle, _) = circle(sim(), "Deep");
    assert!(matches!(circle, NoProgress::Chain { length: 2_000, .. }), "{circle:?}");
}

#[test]
fn an_activity_that_loops_on_yield_now_is_named_with_its_node_and_instance() {
    let (circle, failure) = circle(sim(), "Spins");
    let NoProgress::Polls { code: Some(code), .. } = &circle else { panic!("{circle:?}") };
    let spins = Code::Activity { node: "a".into(), instance: "i-1".into(), activity: "Spin".into() };
    assert_eq!(*code, spins);
    assert!(failure.to_string().contains("activity \"Spin\" of instance i-1 on node a"), "{failure}");
}

async fn spin() {
    loop {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_body_that_loops_on_yield_now_is_told_as_that() {
    let failure = sim().try_run(|_| spin()).map(drop).expect_err("it loops");
    let Cause::NoProgress(NoProgress::Polls { code: Some(Code::Body), polls, .. }) = failure.cause else {
        panic!("{failure}")
    };
    assert_eq!(polls, 300_001);
}

#[test]
fn a_spawned_task_that_loops_on_yield_now_is_told_as_that() {
    let began = Instant::now();
    let failure = sim().try_run(|_| async { drop(tokio::spawn(spin()).await) }).map(drop).expect_err("it loops");
    let found = matches!(failure.cause, Cause::NoProgress(NoProgress::Polls { code: None, .. }));
    assert!(found, "{failure}");
    assert!(failure.to_string().contains("a task that the body or an activity has spawned"), "{failure}");
    assert!(began.elapsed() < Duration::from_secs(20), "well before Limits::stuck: {:?}", began.elapsed());
}

#[test]
fn a_client_that_asks_in_a_circle_is_named_with_what_it_asks() {
    let limits = Limits { calls: 5_000, ..Limits::default() };
    let failure = sim().limits(limits).try_run(|sim| async move {
        loop {
            let _ = sim.client_named("eager").get_orchestration_status("i-1").await;
        }
        #[allow(unreachable_code)]
        ()
    });
    let failure = failure.expect_err("it asks for ever");
    let Cause::NoProgress(NoProgress::Calls { calls, by, method, instance, .. }) = &failure.cause else {
        panic!("{failure}")
    };
    assert_eq!((*calls, &**by, *method, instance.as_deref()), (5_001, "eager", Method::Read, Some("i-1")));
}

/// The reply to every fetch of a turn comes a minute late, and the lock lasts 5 s.
#[test]
fn a_lease_that_is_dead_on_arrival_is_named_with_its_stretch() {
    let late = |method: Method| {
        move |asked: &CallContext<'_>| match asked.method() == method {
            true => FaultAction::Delay { before: Duration::ZERO, after: Duration::from_secs(60) },
            false => FaultAction::Pass,
        }
    };
    let (circle, failure) = circle(sim().rule(late(Method::FetchOrchestrationItem)), "Chain");
    let NoProgress::Deliveries { instance, work, deliveries, since, until, node, refusal, .. } = &circle else {
        panic!("{circle:?}")
    };
    assert_eq!((&**instance, *deliveries, &**node), ("i-1", 1_011, "a"));
    assert!(work.contains("StartOrchestration Chain") && *since == Duration::from_secs(3), "{circle}");
    assert!(*until > Duration::from_secs(1_000) && refusal.is_some(), "{circle}");
    assert!(failure.trace.entries.len() < 20_000, "{} entries", failure.trace.entries.len());

    let (circle, _) = self::circle(sim().rule(late(Method::FetchWorkItem)), "Retries");
    let NoProgress::Deliveries { work, deliveries, .. } = &circle else { panic!("{circle:?}") };
    assert_eq!((&**work, *deliveries), ("Activity \"Fail\" (event 2)", 1_011));
}

#[test]
fn a_lot_of_work_at_one_moment_is_progress() {
    let few = Limits { chain: 50, barren: 20, ..Limits::default() };
    sim().limits(few).run(|sim| async move {
        let client = sim.client();
        // Many instances at one moment, and many events to one of them.
        for n in 0..500 {
            client.start_orchestration(format!("c-{n}"), "Chain", "1").await?;
        }
        client.start_orchestration("p-1", "Drain", "10000").await?;
        for n in 0..10_000 {
            client.enqueue_event("p-1", "ball", n.to_string()).await?;
        }
        client.start_orchestration("parent", "Family", "500").await?;
        for id in ["c-499", "p-1", "parent"] {
            client.wait_for_orchestration(id, DAY).await?;
        }
        // Event by event: each of them begins something.
        client.start_orchestration("p-2", "Drain", "60").await?;
        for n in 0..60 {
            client.enqueue_event("p-2", "ball", n.to_string()).await?;
            duroxide_sim::clock::settle().await;
        }
        client.wait_for_orchestration("p-2", DAY).await?;
        assert!(sim.elapsed() < Duration::from_secs(1), "all of that at once");
        Ok::<_, ClientError>(())
    });
}

#[test]
fn the_limit_on_a_chain_can_be_raised() {
    let chain = |limits: Limits| {
        sim().limits(limits).try_run(|sim| async move {
            sim.client().start_orchestration("i-1", "Chain", "100").await?;
            sim.client().wait_for_orchestration("i-1", DAY).await.map(drop)
        })
    };
    let low = chain(Limits { chain: 60, ..Limits::default() }).map(drop).expect_err("it is longer");
    assert!(matches!(low.cause, Cause::NoProgress(NoProgress::Chain { length: 60, .. })), "{low}");
    chain(Limits::default()).unwrap_or_else(|failure| panic!("{failure}"));
}
