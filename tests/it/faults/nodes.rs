//! Nodes: the faults that they survive.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use duroxide_sim::call::Method;
use duroxide_sim::duroxide::providers::SemverRange;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::runtime::{RuntimeOptions, UnregisteredBackoffConfig};
use duroxide_sim::duroxide::{ActivityContext, ClientError, Either2, EventKind, OrchestrationContext};
use duroxide_sim::sim::{Action, Effects, NodeError, Plan};
use duroxide_sim::trace::{NodeEvent, Trace};
use duroxide_sim::{Handle, Limits, Node, Sim};
use semver::Version;

use super::{SECOND, activities, once, one_node, orchestrations, output, point, run_one, two_nodes, work};

const HOUR: Duration = Duration::from_secs(3600);

/// When calls of `node` that `is` accepts were answered, since the start.
fn answered(trace: &Trace, node: &str, is: impl Fn(Method) -> bool) -> Vec<Duration> {
    let mine =
        trace.entries.iter().filter(|entry| &*entry.by == node && !entry.found_nothing() && is(entry.call.method()));
    mine.map(|entry| entry.answered - trace.started).collect()
}

#[test]
fn every_method_says_what_is_wrong_with_the_node() {
    let node = || Node::new("a", activities(), orchestrations());
    Sim::new(1).node(node().with_build("second", activities(), orchestrations())).run(|sim| async move {
        let unknown = NodeError::Unknown("z".to_owned(), vec!["a".to_owned()]);
        let down = NodeError::Down("a".to_owned());
        assert_eq!(sim.partition("z"), Err(unknown.clone()));
        assert_eq!(sim.outage("z"), Err(unknown.clone()));
        assert_eq!(sim.heal("z"), Err(unknown.clone()));
        assert_eq!(sim.stall("z", SECOND), Err(unknown.clone()));
        assert_eq!(sim.skew("z", 1), Err(unknown.clone()));
        assert_eq!(sim.upgrade("z", "second").await, Err(unknown.clone()));
        assert_eq!(sim.start_as("z", "second").await, Err(unknown));
        assert_eq!(sim.start_as("a", "second").await, Err(NodeError::Up("a".to_owned())));
        let error = sim.upgrade("a", "third").await.expect_err("there is no third");
        assert_eq!(
            error.to_string(),
            "Node \"a\" has no build \"third\"; it has [\"first\", \"second\"]. Add it with Node::with_build."
        );
        assert_eq!(sim.crash("a"), Ok(()));
        assert_eq!(sim.stall("a", SECOND), Err(down.clone()));
        assert_eq!(sim.stop("a").await, Err(down));
        assert_eq!(sim.start_as("a", "third").await, Err(error));
        assert_eq!(sim.upgrade("a", "second").await, Ok(()), "a node that is down only starts");
    });
    let twice = Sim::new(1).node(node().with_build("first", activities(), orchestrations())).try_run(|_| async {});
    let text = twice.expect_err("two builds have one name").to_string();
    assert!(text.contains("Node \"a\" has two builds \"first\"."), "{text}");
}

#[test]
fn a_node_that_begins_down_joins_when_it_is_started() {
    let node =
        || Node::new("a", activities(), orchestrations()).with_build("v2", activities(), orchestrations()).down();
    let by_plan = Plan::new().at(HOUR, Action::Start { node: "a".to_owned() });
    let joins = |sim: Sim, build: Option<&'static str>| {
        let run = sim.try_run(move |sim| async move {
            sim.client().start_orchestration("i", "Echo", "x").await.map_err(|error| error.to_string())?;
            sim.sleep(HOUR).await;
            if let Some(build) = build {
                sim.start_as("a", build).await.map_err(|error| error.to_string())?;
            }
            sim.output::<String>("i", SECOND).await.map_err(|error| error.to_string())
        });
        let run = run.unwrap_or_else(|failure| panic!("{failure}"));
        let first = answered(&run.trace, "a", |_| true).into_iter().min();
        assert!(first.is_some_and(|first| first >= HOUR), "{first:?}");
        let started = run.trace.marks.iter().map(|mark| (mark.at - run.trace.started, mark.what.clone()));
        started.collect::<Vec<_>>()
    };
    let started = |build: &str| [(HOUR, NodeEvent::Started { build: build.to_owned(), restarts: 0 })];
    assert_eq!(joins(Sim::new(1).node(node()), Some("v2")), started("v2"));
    assert_eq!(joins(Sim::new(1).node(node()).plan(by_plan), None), started("first"));
    let waits = Sim::new(1).node(node()).try_run(|sim| once(sim, "Echo")).expect_err("nothing starts the node");
    assert!(waits.to_string().contains("fetched 0 times"), "{waits}");
}

#[test]
fn a_node_that_is_cut_off_reaches_nothing_until_it_heals() {
    let run = one_node(1).try_run(|sim| async move {
        sim.partition("a").map_err(|error| error.to_string())?;
        let waiting = sim.clone();
        let task = tokio::spawn(async move { once(waiting, "Echo").await.map_err(|error| error.to_string()) });
        sim.sleep(60 * SECOND).await;
        sim.heal("a").map_err(|error| error.to_string())?;
        task.await.map_err(|error| error.to_string())?
    });
    let run = run.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(run.value, "x");
    let times = answered(&run.trace, "a", |_| true);
    assert!(times.iter().all(|at| *at == Duration::ZERO || *at >= 60 * SECOND), "{times:?}");
}

#[test]
fn an_activity_goes_on_while_its_node_is_cut_off_and_not_while_it_stands_still() {
    let lasts = 9 * SECOND;
    for (what, ends) in
        [(Action::partition("a", lasts), 20), (Action::stall("a", lasts), 20), (Action::stall("a", 29 * SECOND), 31)]
    {
        // The activity takes until 11 s, and 10 s more if it is asked for late.
        let times = Arc::new(parking_lot::Mutex::new(Vec::new()));
        let notes = times.clone();
        let activities = ActivityRegistry::builder().register("Slow", move |_: ActivityContext, _: String| {
            let notes = notes.clone();
            async move {
                for _ in 0..10 {
                    tokio::time::sleep(SECOND).await;
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                    notes.lock().push(now.as_secs() - duroxide_sim::sim::START.0 / 1000);
                }
                Ok(String::new())
            }
        });
        let sim = Sim::new(1).node(Node::new("a", activities.build(), orchestrations()));
        let is_cut = matches!(what, Action::Partition { .. });
        let run = run_one(sim.plan(Plan::new().at(2 * SECOND + SECOND / 2, what)), "Slow");
        let steps: Vec<u64> = times.lock().clone();
        if is_cut {
            assert_eq!(steps, (1..=10).collect::<Vec<_>>());
        } else {
            assert_eq!(&steps[..2], [1, 2]);
            assert!(steps[2] >= 11, "nothing runs while the node stands still: {steps:?}");
        }
        assert!(run.elapsed.as_secs() <= ends + 20, "{:?}", run.elapsed);
    }
}

#[test]
fn an_outage_refuses_calls_that_wait_and_work_goes_on_after_it() {
    let run = one_node(1).try_run(|sim| async move {
        sim.sleep(SECOND).await;
        sim.outage("a").map_err(|error| error.to_string())?;
        sim.sleep(10 * SECOND).await;
        let before = sim.trace().entries.len();
        sim.heal("a").map_err(|error| error.to_string())?;
        let value = once(sim, "Echo").await.map_err(|error| error.to_string())?;
        Ok::<_, String>((before, value))
    });
    let run = run.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(run.value.1, "x");
    let entries = &run.trace.entries[..run.value.0];
    let dropped = entries.iter().filter(|entry| entry.answer == duroxide_sim::trace::Answer::Dropped).count();
    assert_eq!(dropped, 4, "the four fetches that waited were refused: {}", run.trace.text());
}

#[test]
fn a_stall_longer_than_its_lock_costs_a_node_the_turn() {
    let plan = Plan::new()
        .before(point("a", Method::AckOrchestrationItem, 1), Action::stall("a", 20 * SECOND))
        .before(point("b", Method::AckOrchestrationItem, 1), Action::stall("b", 20 * SECOND));
    let run = run_one(two_nodes(1).plan(plan), "Echo");
    assert_eq!(run.value, "x");
    let text = run.trace.text();
    assert!(text.contains("attempt 2: i execution 1") && text.contains("refused (LockLost)"), "{text}");
}

/// What `Work` says of the time: what `utc_now` told it, what its activity read,
/// and when its timer was to fire.
fn clock_teller() -> Sim {
    work(
        |_, _| async {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Ok(now.as_millis().to_string())
        },
        |ctx, _| async move {
            let told = ctx.utc_now().await?.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            let read = ctx.schedule_activity("Do", "").await?;
            ctx.schedule_timer(5 * SECOND).await;
            Ok(format!("{told} {read}"))
        },
    )
}

#[test]
fn a_wrong_clock_shows_in_everything_a_node_says_of_the_time() {
    for by_ms in [60_000_i64, -60_000, 0] {
        let value = clock_teller().run(move |sim| async move {
            for node in ["a", "b"] {
                sim.skew(node, by_ms).map_err(|error| error.to_string())?;
            }
            sim.sleep(100 * SECOND).await;
            let value = once(sim.clone(), "Work").await.map_err(|error| error.to_string())?;
            Ok::<_, String>((value, sim.history("i").events().to_vec(), sim.elapsed()))
        });
        let (value, events, elapsed) = value;
        let wrong = duroxide_sim::sim::START.0.saturating_add_signed(by_ms) + 100_000;
        assert_eq!(value, format!("{wrong} {wrong}"));
        assert_eq!(events[0].timestamp_ms, wrong);
        let fires = events.iter().find_map(|event| match event.kind {
            EventKind::TimerCreated { fire_at_ms } => Some(fire_at_ms),
            _ => None,
        });
        assert_eq!(fires, Some(wrong + 5_000));
        // The provider's clock is right: what should have fired long ago fires now.
        let expected = if by_ms < 0 { 100 } else { 105 + by_ms.unsigned_abs() / 1000 };
        assert_eq!(elapsed.as_secs(), expected);
    }
}

/// Orchestration `O` in the given versions, each telling its own.
fn versions(list: &[&'static str]) -> OrchestrationRegistry {
    list.iter()
        .fold(OrchestrationRegistry::builder(), |builder, version| {
            let version = *version;
            builder.register_versioned("O", version, move |ctx: OrchestrationContext, _: String| async move {
                ctx.schedule_timer(60 * SECOND).await;
                ctx.schedule_activity("Echo", version).await
            })
        })
        .build()
}

#[test]
fn a_rolling_upgrade_keeps_old_instances_on_their_version() {
    let (old, new) = (["1.0.0"], ["1.0.0", "2.0.0"]);
    let sim = ["a", "b"].into_iter().fold(Sim::new(1), |sim, node| {
        sim.node(Node::new(node, activities(), versions(&old)).with_build("v2", activities(), versions(&new)))
    });
    let (run, builds) = {
        let run = sim.try_run(|sim| async move {
            let client = sim.client();
            client.start_orchestration("early", "O", "").await?;
            sim.sleep(SECOND).await;
            sim.upgrade("a", "v2").await.expect("node a has a build v2");
            // Mixed: whichever node takes it decides.
            client.start_orchestration("mixed", "O", "").await?;
            sim.sleep(SECOND).await;
            sim.upgrade("b", "v2").await.expect("node b has a build v2");
            client.start_orchestration("late", "O", "").await?;
            let mut outputs = Vec::new();
            for instance in ["early", "mixed", "late"] {
                outputs.push(output(&client, instance).await?);
            }
            Ok::<_, ClientError>(outputs)
        });
        let run = run.unwrap_or_else(|failure| panic!("{failure}"));
        let builds = run.trace.marks.iter().filter_map(|mark| match &mark.what {
            NodeEvent::Started { build, .. } => Some(format!("{} {build}", mark.node)),
            _ => None,
        });
        let builds: Vec<String> = builds.collect();
        (run, builds)
    };
    assert_eq!((run.value[0].as_str(), run.value[2].as_str()), ("1.0.0", "2.0.0"));
    assert!(["1.0.0", "2.0.0"].contains(&run.value[1].as_str()));
    assert_eq!(builds, ["a first", "b first", "a v2", "b v2"]);
}

#[test]
fn a_downgraded_node_leaves_what_it_cannot_run_to_others() {
    let backoff = UnregisteredBackoffConfig { base_delay: SECOND, max_delay: SECOND };
    let options =
        || RuntimeOptions { unregistered_backoff: backoff.clone(), max_attempts: 100, ..Sim::default_options() };
    let sim = ["a", "b"].into_iter().fold(Sim::new(1), |sim, node| {
        let node = Node::new(node, activities(), versions(&["1.0.0", "2.0.0"])).options(options());
        sim.node(node.with_build("old", activities(), versions(&["1.0.0"])))
    });
    let value = sim.run(|sim| async move {
        sim.client().start_orchestration("i", "O", "").await?;
        sim.sleep(SECOND).await;
        sim.upgrade("a", "old").await.expect("node a has an old build");
        sim.crash("b").expect("node b is up");
        sim.sleep(100 * SECOND).await;
        assert!(sim.history("i").executions[0].output.is_none(), "node a cannot run version 2.0.0");
        sim.start("b").await.expect("node b is down");
        output(&sim.client(), "i").await
    });
    assert_eq!(value, "2.0.0");
}

#[test]
fn a_node_that_supports_other_replay_versions_takes_no_turn() {
    let range = SemverRange { min: Version::new(9, 0, 0), max: Version::new(9, 9, 9) };
    let options = RuntimeOptions { supported_replay_versions: Some(range), ..Sim::default_options() };
    let sim = one_node(1).node(Node::new("other", activities(), orchestrations()).options(options));
    let run = run_one(sim, "Mix");
    let first = |entry: &&duroxide_sim::trace::Entry| matches!(&entry.answer, duroxide_sim::trace::Answer::Turn(turn) if turn.history.events > 0);
    let others = run.trace.entries.iter().filter(|entry| &*entry.by == "other").filter(first).count();
    assert_eq!(others, 0, "{}", run.trace.text());
}

#[test]
fn nothing_of_a_crashed_node_goes_on() {
    let effects = Effects::default();
    let count = effects.clone();
    let sim = work(
        move |ctx, _| {
            let count = count.clone();
            let who = ctx.worker_id().to_owned();
            async move {
                tokio::time::sleep(5 * SECOND).await;
                count.add(who);
                Ok(String::new())
            }
        },
        |ctx, _| async move { ctx.schedule_activity("Do", "").await },
    );
    // Both are due at the same instant; the crash comes first in the plan of time.
    sim.run(|sim: Handle| async move {
        sim.client().start_orchestration("i", "Work", "").await?;
        sim.sleep(4 * SECOND).await;
        for node in ["a", "b"] {
            sim.crash(node).expect("the node is up");
        }
        sim.sleep(60 * SECOND).await;
        Ok::<_, ClientError>(())
    });
    assert_eq!(effects.all(), std::collections::BTreeMap::new());
}

#[test]
fn a_crash_at_the_very_start_of_a_node_is_stood() {
    let first = || point("a", Method::GetSystemMetrics, 1);
    for plan in [
        Plan::new().before(first(), Action::crash("a", SECOND)),
        Plan::new().after(first(), Action::crash("a", SECOND)),
        Plan::new().before(first(), Action::partition("a", 30 * SECOND)),
    ] {
        assert_eq!(run_one(one_node(1).plan(plan), "Echo").value, "x");
    }
    one_node(1).run(|sim| async move {
        sim.crash("a").expect("node a is up");
        let plan = Plan::new()
            .before(point("a", Method::GetSystemMetrics, 2), Action::Crash { node: "a".into(), restart_after: None });
        sim.script(plan).expect("the plan is sound");
        assert_eq!(sim.start("a").await, Err(NodeError::Crashed("a".to_owned())));
        assert_eq!(sim.start("a").await, Ok(()));
    });
}

#[test]
fn a_clock_that_is_behind_does_not_hold_time_still() {
    let limits = Limits { steps: 5_000, ..Limits::default() };
    let sim = work(
        |_, _| async { Ok(String::new()) },
        |ctx, _| async move {
            let mut rounds = 0;
            while let Either2::Second(()) = ctx.select2(ctx.dequeue_event("stop"), ctx.schedule_timer(SECOND)).await {
                rounds += 1;
            }
            Ok(rounds.to_string())
        },
    );
    let run = sim.limits(limits).try_run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("i", "Work", "").await.map_err(|error| error.to_string())?;
        // Each timer is due when it is set, for a minute.
        for by_ms in [-60_000, 0] {
            sim.sleep(60 * SECOND).await;
            ["a", "b"].into_iter().try_for_each(|node| sim.skew(node, by_ms)).map_err(|error| error.to_string())?;
        }
        client.enqueue_event("i", "stop", "").await.map_err(|error| error.to_string())?;
        output(&client, "i").await.map_err(|error| error.to_string())
    });
    let rounds: u64 = run.unwrap_or_else(|failure| panic!("{failure}")).value.parse().expect("a number");
    assert!((100..1_000).contains(&rounds), "{rounds}");
}

/// What its activities count in the node's memory.
fn counter() -> (ActivityRegistry, OrchestrationRegistry) {
    let count = AtomicU64::new(0);
    let activities = ActivityRegistry::builder().register("Count", move |_: ActivityContext, _: String| {
        let counted = count.fetch_add(1, Ordering::Relaxed) + 1;
        async move { Ok(counted.to_string()) }
    });
    let orchestrations =
        OrchestrationRegistry::builder().register("Twice", |ctx: OrchestrationContext, _: String| async move {
            let first = ctx.schedule_activity("Count", "").await?;
            ctx.schedule_timer(60 * SECOND).await;
            Ok(first + &ctx.schedule_activity("Count", "").await?)
        });
    (activities.build(), orchestrations.build())
}

#[test]
fn what_code_keeps_in_memory_is_lost_where_it_is_made_again() {
    let (activities, orchestrations) = counter();
    let same = Sim::new(1).node(Node::new("a", activities, orchestrations));
    let remade = Sim::new(1).node(Node::with_factory("a", counter));
    let crash = || Plan::new().at(30 * SECOND, Action::crash("a", SECOND));
    assert_eq!(run_one(same.plan(crash()), "Twice").value, "12");
    assert_eq!(run_one(remade.plan(crash()), "Twice").value, "11");
    let stays_up = Sim::new(1).node(Node::with_factory("a", counter));
    assert_eq!(run_one(stays_up, "Twice").value, "12");
}
