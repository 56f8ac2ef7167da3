//! A task that panics makes the run fail, unless somebody else reports it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use duroxide_sim::call::Method;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext};
use duroxide_sim::explore::Problem;
use duroxide_sim::faults::{CallContext, FaultAction};
use duroxide_sim::sim::{Cause, Limits, OutputError, TaskPanic};
use duroxide_sim::{Failure, Handle, Node, Sim};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

type Done<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn with_nodes(sim: Sim) -> Sim {
    let activities = ActivityRegistry::builder()
        .register("Panic", |_: ActivityContext, _: String| async move {
            tokio::time::sleep(SECOND).await;
            panic!("the activity panics")
        })
        .register("Spawn", |_: ActivityContext, _: String| async move {
            drop(tokio::spawn(async {
                tokio::time::sleep(SECOND).await;
                panic!("a task of the activity panics")
            }));
            Ok("started".to_owned())
        })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Run", |ctx: OrchestrationContext, name: String| async move { ctx.schedule_activity(name, "").await })
        .register("Panic", |_: OrchestrationContext, _: String| async move { panic!("the orchestration panics") })
        .build();
    sim.node(Node::new("a", activities.clone(), orchestrations.clone())).node(Node::new(
        "b",
        activities,
        orchestrations,
    ))
}

fn sim() -> Sim {
    with_nodes(Sim::new(1))
}

fn failed<T>(run: Result<T, Box<Failure>>) -> Box<Failure> {
    run.err().expect("the run fails")
}

/// What the panics of tasks say, all of them in this file.
fn texts(failure: &Failure) -> Vec<&str> {
    let Cause::TaskPanic(panics) = &failure.cause else { panic!("{failure}") };
    panics.iter().for_each(|TaskPanic { place, .. }| {
        let (file, line) = place.rsplit_once(':').expect("a file and a line");
        assert!(file.ends_with("panics.rs") && line.parse::<u32>().is_ok(), "{place}");
    });
    panics.iter().map(|panic| panic.text.as_str()).collect()
}

async fn run(sim: Handle, orchestration: &'static str, input: &'static str) -> Done<String> {
    sim.client().start_orchestration("i-1", orchestration, input).await?;
    let output = sim.output("i-1", HOUR).await;
    sim.sleep(HOUR).await;
    Ok(output?)
}

#[test]
fn a_detached_task_of_the_body_that_panics_fails_the_run_at_its_moment() {
    let failure = failed(sim().try_run(|sim| async move {
        drop(tokio::spawn(async {
            tokio::time::sleep(5 * SECOND).await;
            panic!("number {}", 7)
        }));
        sim.sleep(HOUR).await;
    }));
    assert_eq!(texts(&failure), ["number 7"]);
    assert_eq!(failure.at - failure.start, 5 * SECOND);
    assert!(!failure.is_safe());
    let text = failure.to_string();
    assert!(text.contains("a task panicked, and its panic is reported nowhere else: number 7 (at tests/"), "{text}");
    assert!(text.contains("Sim::allow_panics") && text.contains("virtual time: +5.000"), "{text}");
}

#[test]
fn a_task_that_panics_as_the_body_ends_fails_the_run() {
    let failure = failed(sim().try_run(|_| async {
        let task = tokio::spawn(async { panic!("at once") });
        assert!(task.await.is_err());
    }));
    assert_eq!(texts(&failure), ["at once"]);
}

#[test]
fn a_task_of_an_activity_that_panics_fails_the_run() {
    let failure = failed(sim().try_run(|sim| run(sim, "Run", "Spawn")));
    assert_eq!(texts(&failure), ["a task of the activity panics"]);
    assert_eq!(failure.at - failure.start, SECOND);
}

#[test]
fn tasks_that_panic_at_one_moment_are_all_told() {
    let failure = failed(sim().try_run(|sim| async move {
        for name in ["one", "two"] {
            drop(tokio::spawn(async move { panic!("{name}") }));
        }
        sim.sleep(HOUR).await;
    }));
    assert_eq!(texts(&failure), ["one", "two"]);
}

#[test]
fn what_is_dropped_at_the_runs_end_and_panics_fails_the_run() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped")
        }
    }
    let failure = failed(sim().try_run(|sim| async move {
        let bomb = Bomb;
        drop(tokio::spawn(async move {
            let _bomb = bomb;
            std::future::pending::<()>().await;
        }));
        sim.sleep(SECOND).await;
    }));
    assert_eq!(texts(&failure), ["dropped"]);
}

#[test]
fn a_rule_that_panics_in_a_nodes_call_fails_the_run() {
    let rule = |asked: &CallContext<'_>| match asked.method() {
        Method::AckWorkItem => panic!("the rule panics"),
        _ => FaultAction::Pass,
    };
    let failure = failed(sim().rule(rule).try_run(|sim| run(sim, "Run", "Spawn")));
    assert_eq!(texts(&failure)[0], "the rule panics");
}

#[test]
fn panics_that_are_meant_can_be_allowed() {
    sim().allow_panics().run(|sim| async move {
        let task = tokio::spawn(async { panic!("as expected") });
        let error = task.await.expect_err("it panics");
        assert!(error.is_panic());
        sim.sleep(HOUR).await;
    });
}

#[test]
fn panics_of_activities_and_orchestrations_stay_duroxides() {
    for (orchestration, input, said) in [("Run", "Panic", "panicked"), ("Panic", "", "the orchestration panics")] {
        let details = sim().run(move |sim| async move {
            sim.client().start_orchestration("i-1", orchestration, input).await?;
            let output = sim.output::<String>("i-1", HOUR).await;
            sim.sleep(HOUR).await;
            match output {
                Err(OutputError::Failed { details, .. }) => Done::Ok(details.display_message()),
                other => panic!("it fails: {other:?}"),
            }
        });
        assert!(details.contains(said), "{details}");
    }
}

#[test]
fn panics_of_the_body_and_of_properties_stay_theirs() {
    let failure = failed(sim().try_run(|sim| async move {
        sim.sleep(SECOND).await;
        if sim.elapsed() >= SECOND {
            panic!("the body panics");
        }
    }));
    assert_eq!(failure.cause, Cause::Panic("the body panics".to_owned()));
    let sim = sim().always("no panic", |sim| match sim.history("i-1").events().len() {
        0 => Ok(()),
        _ => panic!("the property panics"),
    });
    let failure = failed(sim.try_run(|sim| run(sim, "Run", "Spawn")));
    let Cause::Property { what, .. } = &failure.cause else { panic!("{failure}") };
    assert_eq!(what, "the check itself panicked: the property panics");
}

#[test]
fn a_panic_that_the_body_catches_is_none() {
    sim().run(|sim| async move {
        assert!(catch_unwind(AssertUnwindSafe(|| panic!("caught"))).is_err());
        sim.sleep(HOUR).await;
    });
}

#[test]
fn exploring_reports_them_with_text_and_place() {
    let explored = duroxide_sim::explore().seeds(5).quiet().try_run(with_nodes, |sim| run(sim, "Run", "Spawn"));
    let Err(problem) = explored else { panic!("it is found") };
    let Problem::Failed(found) = &*problem else { panic!("{problem}") };
    assert_eq!(texts(&found.failure), ["a task of the activity panics"]);
    let capsule = duroxide_sim::explore::Capsule::read(found.capsule.as_ref().expect("it has a capsule"));
    let capsule = capsule.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(capsule.cause, found.failure.cause);
    let meant = |sim: Sim| with_nodes(sim).allow_panics();
    let explored = duroxide_sim::explore().seeds(5).quiet().try_run(meant, |sim| run(sim, "Run", "Spawn"));
    explored.unwrap_or_else(|problem| panic!("{problem}"));
}

#[test]
fn a_limit_of_zero_is_told_at_once() {
    let all = Limits::default();
    let zero = Duration::ZERO;
    let cases = [
        ("virtual_time", Limits { virtual_time: zero, ..all }),
        ("waiting", Limits { waiting: zero, ..all }),
        ("idle", Limits { idle: zero, ..all }),
        ("steps", Limits { steps: 0, ..all }),
        ("real_time", Limits { real_time: zero, ..all }),
        ("stuck", Limits { stuck: zero, ..all }),
    ];
    for (name, limits) in cases {
        let failure = failed(sim().limits(limits).try_run(|_| async {}));
        let Cause::Setup(why) = &failure.cause else { panic!("{name}: {failure}") };
        assert!(why.starts_with(&format!("Limits::{name} is zero. It limits ")), "{why}");
    }
}

#[test]
fn the_shortest_limits_end_a_run_that_waits_for_nothing() {
    let shortest = Duration::from_nanos(1);
    let limits = Limits { waiting: shortest, idle: shortest, ..Limits::default() };
    let failure = failed(sim().limits(limits).try_run(|_| std::future::pending::<()>()));
    assert!(matches!(failure.cause, Cause::Stalled { .. }), "{failure}");
}
