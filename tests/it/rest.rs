//! What is judged at the end is judged at rest: when nothing is under way or due.

mod trip;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use duroxide_sim::call::Method;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, Either2, OrchestrationContext};
use duroxide_sim::sim::{Busy, Cause, Effects, FaultKind, Held, Run, Storm};
use duroxide_sim::{Failure, Handle, Node, Sim};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

type Work = std::pin::Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;

/// An activity whose input says for how many seconds it works before its effect,
/// at each attempt: "3" or, at the first attempt and at later ones, "60 1".
fn work(effects: Effects) -> impl Fn(ActivityContext, String) -> Work + Send + Sync + 'static {
    let attempts = Arc::new(AtomicU64::new(0));
    move |_, takes| {
        let (effects, attempts) = (effects.clone(), attempts.clone());
        Box::pin(async move {
            let attempt = attempts.fetch_add(1, Ordering::Relaxed);
            let mut takes = takes.split(' ').map(|takes| takes.parse().expect("a number of seconds"));
            let first = takes.next().expect("a number");
            tokio::time::sleep(Duration::from_secs(if attempt == 0 { first } else { takes.next().unwrap_or(first) }))
                .await;
            effects.add("worked");
            Ok(String::new())
        })
    }
}

fn sim() -> Sim {
    let sim = Sim::new(1);
    let activities = ActivityRegistry::builder().register("Work", work(sim.effects())).build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Work", |ctx: OrchestrationContext, takes: String| async move {
            ctx.schedule_activity("Work", takes).await
        })
        // Gives up after ten seconds.
        .register("Impatient", |ctx: OrchestrationContext, takes: String| async move {
            let work = ctx.schedule_activity("Work", takes);
            match ctx.select2(work, ctx.schedule_timer(10 * SECOND)).await {
                Either2::First(done) => done,
                Either2::Second(()) => Ok("too slow".to_owned()),
            }
        })
        .register("Approval", |ctx: OrchestrationContext, _: String| async move {
            match ctx.select2(ctx.schedule_wait("approval"), ctx.schedule_timer(30 * DAY)).await {
                Either2::First(_) => Ok("approved".to_owned()),
                Either2::Second(()) => ctx.schedule_activity("Work", "1").await,
            }
        })
        .register("Monitor", |ctx: OrchestrationContext, _: String| async move {
            ctx.schedule_timer(60 * SECOND).await;
            ctx.continue_as_new("").await
        })
        .register("Tagged", |ctx: OrchestrationContext, _: String| async move {
            ctx.schedule_activity("Work", "1").with_tag("gpu").await
        })
        .build();
    sim.node(Node::new("a", activities.clone(), orchestrations.clone())).node(Node::new(
        "b",
        activities,
        orchestrations,
    ))
}

/// Starts an instance, and ends.
fn begin<'a>(orchestration: &'a str, input: &'a str) -> impl Fn(Handle) -> Begun + Send + 'static {
    let (orchestration, input) = (orchestration.to_owned(), input.to_owned());
    move |sim| {
        let (orchestration, input) = (orchestration.clone(), input.clone());
        Box::pin(async move { sim.client().start_orchestration("i-1", orchestration, input).await })
    }
}

type Begun = std::pin::Pin<Box<dyn Future<Output = Result<(), ClientError>>>>;

fn well<T>(run: Result<Run<T>, Box<Failure>>) -> Run<T> {
    run.unwrap_or_else(|failure| panic!("{failure}"))
}

fn failed<T>(run: Result<Run<T>, Box<Failure>>) -> Failure {
    match run {
        Ok(_) => panic!("the run goes well"),
        Err(failure) => *failure,
    }
}

/// Holds once the activity has had its effect so often.
fn worked(times: u64) -> impl Fn(&Handle) -> Result<(), String> + Send + Sync + 'static {
    move |sim| match sim.effects().count("worked") {
        seen if seen == times => Ok(()),
        seen => Err(format!("it worked {seen} times")),
    }
}

#[test]
fn what_the_body_left_under_way_is_waited_for() {
    let run = well(sim().at_end("worked once", worked(1)).try_run(begin("Work", "100")));
    assert_eq!(run.elapsed, 100 * SECOND);
    let failure = failed(sim().at_end("worked twice", worked(2)).try_run(begin("Work", "100")));
    let what = "it worked 1 times".to_owned();
    assert_eq!(failure.cause, Cause::AtEnd { name: "worked twice".to_owned(), what });
    assert_eq!(failure.at - failure.start, 100 * SECOND);
    assert!(!failure.is_live() && failure.is_safe());
    let text = failure.to_string();
    assert!(text.contains("\"worked twice\" must hold at the end, when nothing is under way or due"), "{text}");
}

#[test]
fn what_holds_while_something_is_under_way_decides_nothing() {
    let failure = failed(sim().eventually("nothing done", worked(0)).try_run(begin("Work", "100")));
    let Cause::Eventually { held, what, .. } = &failure.cause else { panic!("{failure}") };
    assert_eq!(what, "it worked 1 times");
    assert_eq!(*held, Some(Held { from: Duration::ZERO, until: 100 * SECOND }));
    let text = failure.to_string();
    assert!(text.contains("it held at +0.000, and no longer at +1:40.000: it worked 1 times"), "{text}");
}

#[test]
fn an_activity_whose_orchestration_has_ended_is_waited_for() {
    let body = |sim: Handle| async move {
        sim.client().start_orchestration("i-1", "Impatient", "20").await?;
        let output: String = sim.output("i-1", HOUR).await?;
        assert_eq!((output.as_str(), sim.elapsed()), ("too slow", 10 * SECOND));
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    let run = well(sim().at_end("worked once", worked(1)).try_run(body));
    assert_eq!(run.elapsed, 20 * SECOND);
    failed(sim().eventually("nothing done", worked(0)).finish_within(HOUR).try_run(body));
}

#[test]
fn an_activity_whose_lock_was_lost_is_waited_for_and_one_of_a_crashed_node_is_not() {
    let body = |crashes: bool| {
        move |sim: Handle| async move {
            sim.client().start_orchestration("i-1", "Work", "60 1").await?;
            sim.sleep(SECOND).await;
            let by = sim
                .trace()
                .entries
                .iter()
                .find(|entry| entry.call.method() == Method::FetchWorkItem)
                .map(|entry| entry.by.to_string());
            let node = by.expect("a node works");
            if crashes {
                sim.crash(&node)?
            } else {
                sim.partition(&node)?
            }
            sim.output::<String>("i-1", HOUR).await?;
            Ok::<_, Box<dyn std::error::Error>>(sim.elapsed())
        }
    };
    let run = well(sim().at_end("worked twice", worked(2)).try_run(body(false)));
    assert!(run.value < 40 * SECOND, "the other node is done at {:?}", run.value);
    assert_eq!(run.elapsed, 60 * SECOND);
    let run = well(sim().at_end("worked once", worked(1)).try_run(body(true)));
    assert_eq!(run.elapsed, run.value);
}

#[test]
fn tasks_of_the_body_are_waited_for() {
    let body = |sim: Handle| async move {
        let effects = sim.effects();
        tokio::spawn(async move {
            tokio::time::sleep(20 * 60 * SECOND).await;
            effects.add("worked");
        });
    };
    let run = well(sim().at_end("worked once", worked(1)).try_run(body));
    assert_eq!(run.elapsed, Duration::ZERO, "the quiet stretch is not counted");
    failed(sim().eventually("nothing done", worked(0)).try_run(body));
}

#[test]
fn tasks_of_an_activity_are_waited_for() {
    let sim = || {
        let sim = Sim::new(1);
        let effects = sim.effects();
        let activities = ActivityRegistry::builder().register("Work", move |_: ActivityContext, _: String| {
            let effects = effects.clone();
            tokio::spawn(async move {
                tokio::time::sleep(20 * 60 * SECOND).await;
                effects.add("worked");
            });
            async { Ok(String::new()) }
        });
        let orchestrations =
            OrchestrationRegistry::builder().register("Work", |ctx: OrchestrationContext, _: String| async move {
                ctx.schedule_activity("Work", "").await
            });
        sim.node(Node::new("a", activities.build(), orchestrations.build()))
    };
    well(sim().at_end("worked once", worked(1)).try_run(begin("Work", "")));
    failed(sim().eventually("nothing done", worked(0)).try_run(begin("Work", "")));
}

#[test]
fn a_task_in_the_handles_sleep_is_waited_for_however_long() {
    let body = |sim: Handle| async move {
        let sleeper = sim.clone();
        tokio::spawn(async move {
            sleeper.sleep(50 * DAY).await;
            sleeper.effects().add("worked");
        });
    };
    let run = well(sim().at_end("worked once", worked(1)).try_run(body));
    assert_eq!(run.elapsed, 50 * DAY);
}

#[test]
fn timers_of_months_are_due_and_come_first() {
    let run = well(sim().at_end("worked once", worked(1)).try_run(begin("Approval", "")));
    assert_eq!(run.elapsed, 30 * DAY + SECOND);
    let failure = failed(sim().eventually("nothing done", worked(0)).try_run(begin("Approval", "")));
    let held = Some(Held { from: Duration::ZERO, until: 30 * DAY + SECOND });
    assert!(matches!(&failure.cause, Cause::Eventually { held: seen, .. } if *seen == held), "{failure}");
    // The deadline stays what it was.
    let failure = failed(sim().eventually("worked once", worked(1)).try_run(begin("Approval", "")));
    assert_eq!(failure.at - failure.start, HOUR, "{failure}");
}

#[test]
fn a_timer_that_lost_its_race_is_not_waited_for() {
    let run = sim().at_end("nothing done", worked(0)).try_run(|sim| async move {
        sim.client().start_orchestration("i-1", "Approval", "").await?;
        sim.sleep(SECOND).await;
        sim.client().raise_event("i-1", "approval", "").await
    });
    assert_eq!(well(run).elapsed, SECOND);
}

#[test]
fn an_orchestration_that_never_ends_is_judged_at_the_deadline() {
    let executions = |least: usize| {
        move |sim: &Handle| match sim.history("i-1").executions.len() {
            seen if seen >= least => Ok(()),
            seen => Err(format!("{seen} executions")),
        }
    };
    let run = well(sim().eventually("it goes on", executions(50)).try_run(begin("Monitor", "")));
    assert!(run.elapsed >= HOUR && run.elapsed < 4 * HOUR, "{:?}", run.elapsed);
    let failure = failed(sim().eventually("it goes on", executions(500)).try_run(begin("Monitor", "")));
    assert!(matches!(&failure.cause, Cause::Eventually { held: None, .. }), "{failure}");
    assert_eq!(failure.at - failure.start, HOUR);
}

#[test]
fn what_is_for_the_end_of_a_run_without_an_end_says_what_is_still_due() {
    let failure = failed(sim().at_end("worked", worked(1)).try_run(begin("Monitor", "")));
    let Cause::NeverAtRest { name, busy } = &failure.cause else { panic!("{failure}") };
    assert_eq!(name, "worked");
    let due = |busy: &&Busy| matches!(busy, Busy::Message { instance, message, .. } if instance == "i-1" && message.starts_with("TimerFired"));
    assert_eq!(busy.iter().filter(due).count(), 1, "{failure}");
    let text = failure.to_string();
    assert!(text.contains("use Sim::eventually") && text.contains("TimerFired"), "{text}");
}

#[test]
fn work_that_nobody_takes_is_told_soon() {
    let failure = failed(sim().at_end("worked", worked(1)).try_run(begin("Tagged", "")));
    let Cause::NeverAtRest { busy, .. } = &failure.cause else { panic!("{failure}") };
    assert!(matches!(&busy[..], [Busy::Job { attempts: 0, .. }]), "{failure}");
    assert!(failure.at - failure.start <= 3 * HOUR, "{failure}");
}

#[test]
fn the_end_is_judged_once_and_after_the_calm() {
    let storm = Storm::new().only(&[FaultKind::Latency]).lasts(2 * HOUR);
    for seed in 0..10 {
        let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
        let note = asked.clone();
        let sim = sim().seed(seed).storm(storm.clone()).at_end("noted", move |sim| {
            note.lock().expect("nobody panics").push(sim.elapsed());
            Ok(())
        });
        let run = well(sim.try_run(begin("Work", "1")));
        let calm = run.plan.calm.expect("a storm has a calm");
        let asked = asked.lock().expect("nobody panics").clone();
        assert!(asked.len() == 1 && asked[0] >= calm, "seed {seed}: {asked:?}, and the calm is at {calm:?}");
    }
}

#[test]
fn every_instance_has_to_end_within_the_bound_whoever_starts_it() {
    let late = |after: Duration| {
        move |sim: Handle| async move {
            let later = sim.clone();
            tokio::spawn(async move {
                later.sleep(after).await;
                later.client().start_orchestration("i-2", "Work", "100").await
            });
            sim.client().start_orchestration("i-1", "Work", "100").await
        }
    };
    let run = well(sim().finish_within(HOUR).try_run(late(300 * SECOND)));
    assert_eq!(run.elapsed, 400 * SECOND);
    let failure = failed(sim().finish_within(350 * SECOND).try_run(late(300 * SECOND)));
    assert_eq!(failure.cause, Cause::Unfinished(350 * SECOND));
    assert_eq!(failure.at - failure.start, 350 * SECOND);
    let failure = failed(sim().finish_within(HOUR).at_end("worked", worked(2)).try_run(late(2 * HOUR)));
    assert_eq!(failure.cause, Cause::Unfinished(HOUR), "{failure}");
}

#[test]
fn coming_to_rest_makes_no_calls() {
    let body = |sim: Handle| async move {
        sim.client().start_orchestration("i-1", "Work", "100").await?;
        sim.output::<String>("i-1", HOUR).await?;
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    let plain = well(sim().try_run(body));
    let judged =
        sim().eventually("worked", worked(1)).at_end("worked once", worked(1)).finish_within(HOUR).try_run(body);
    let judged = well(judged);
    assert_eq!((judged.elapsed, plain.elapsed), (100 * SECOND, 100 * SECOND));
    let more = judged.trace.entries.len() - plain.trace.entries.len();
    assert!(more <= 4, "the answer to the last ack, and {more} calls more");
}

#[test]
fn a_cancellation_of_what_nobody_started_leaves_nothing_to_end() {
    let run = sim().finish_within(HOUR).try_run(|sim| async move {
        sim.client().cancel_instance("nobody", "too late").await?;
        Ok::<_, ClientError>(())
    });
    well(run);
}

#[test]
fn an_assertion_that_names_no_instance_shows_the_last_events_of_those_that_ended_last() {
    let run = sim().try_run(|sim| async move {
        sim.client().start_orchestration("w-1", "Work", "1").await?;
        let output: String = sim.output("w-1", HOUR).await?;
        assert_eq!(output, "something else");
        Ok::<_, Box<dyn std::error::Error>>(())
    });
    let failure = failed(run);
    assert_eq!(failure.tails.iter().map(|tail| tail.instance.as_str()).collect::<Vec<_>>(), ["w-1"], "{failure}");
}
