//! The runtimes of nodes in the hand of the test: metrics, and graceful shutdown.

use std::time::Duration;

use duroxide::runtime::Runtime;
use duroxide::runtime::observability::MetricsSnapshot;
use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::{ActivityContext, OrchestrationContext};
use duroxide_sim::sim::{Action, NodeError, Plan};
use duroxide_sim::{Handle, Node, Sim};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

fn activities() -> ActivityRegistry {
    ActivityRegistry::builder()
        .register("Slow", |_: ActivityContext, _: String| async move {
            tokio::time::sleep(10 * SECOND).await;
            Ok("done".to_owned())
        })
        .build()
}

/// "Work" runs "Slow", which takes ten seconds; "Break" fails.
fn orchestrations() -> OrchestrationRegistry {
    OrchestrationRegistry::builder()
        .register("Work", |ctx: OrchestrationContext, input: String| async move {
            ctx.schedule_activity("Slow", input).await
        })
        .register("Break", |_: OrchestrationContext, _: String| async move { Err("it broke".to_owned()) })
        .build()
}

fn node(name: &str) -> Node {
    Node::new(name, activities(), orchestrations())
}

async fn start(sim: &Handle, instance: &str, orchestration: &str) {
    sim.client().start_orchestration(instance, orchestration, "").await.expect("it is accepted");
}

/// Runs an instance that completes and one that fails.
async fn work(sim: &Handle) {
    start(sim, "one", "Work").await;
    start(sim, "two", "Break").await;
    sim.output::<String>("one", DAY).await.expect("it completes");
    sim.output::<String>("two", DAY).await.expect_err("it fails");
}

#[test]
fn metrics_are_those_that_duroxide_counts() {
    let ours = Sim::new(1).node(node("a")).run(|sim| async move {
        assert_eq!(sim.metrics("a"), Ok(MetricsSnapshot::default()), "nothing has happened");
        work(&sim).await;
        sim.metrics("a")
    });
    // How duroxide counts is its own affair: some of its counters count an event twice.
    let theirs = Sim::new(1).run(|sim| async move {
        let (activities, orchestrations, store) = (activities(), orchestrations(), duroxide_sim::provider());
        let options = Sim::default_options();
        let runtime = Runtime::start_with_options(store, activities, orchestrations, options).await;
        work(&sim).await;
        let metrics = runtime.metrics_snapshot();
        runtime.shutdown(None).await;
        metrics.ok_or("there are no metrics")
    });
    assert!(ours.orch_starts > 0 && ours.activity_success > 0 && ours.orch_failures > 0, "{ours:?}");
    assert_eq!(ours, theirs);
}

#[test]
fn each_node_and_each_start_has_its_own_metrics() {
    Sim::new(1).node(node("a")).node(node("b")).run(|sim| async move {
        sim.stop("b").await.expect("it is up");
        start(&sim, "one", "Work").await;
        sim.output::<String>("one", DAY).await.expect("it completes");
        sim.start("b").await.expect("it is down");
        let starts = |node: &str| sim.metrics(node).expect("it is up").orch_starts;
        assert!(starts("a") > 0 && starts("b") == 0);
        sim.crash("a").expect("it is up");
        assert_eq!(sim.metrics("a"), Err(NodeError::Down("a".to_owned())));
        sim.start("a").await.expect("it is down");
        assert_eq!(sim.metrics("a").expect("it is up").orch_starts, 0);
        assert!(matches!(sim.metrics("c"), Err(NodeError::Unknown(name, _)) if name == "c"));
        let _store = duroxide_sim::provider();
        assert_eq!(sim.metrics("provider"), Err(NodeError::ByHand("provider".to_owned())));
    });
}

/// When a shutdown two seconds into the activity has ended, and how often the activity began in all.
fn stopped(node: Node, stop: impl AsyncFnOnce(&Handle) + Send + 'static) -> (Duration, usize) {
    Sim::new(1).node(node).run(async move |sim: Handle| {
        start(&sim, "one", "Work").await;
        sim.sleep(2 * SECOND).await;
        stop(&sim).await;
        let ended = sim.elapsed();
        sim.start("a").await.expect("it is down");
        sim.output::<String>("one", DAY).await.expect("it completes");
        Ok::<_, String>((ended, sim.activities("one").len()))
    })
}

async fn stop(sim: &Handle) {
    sim.stop("a").await.expect("it is up");
}

#[test]
fn a_shutdown_waits_no_longer_than_its_grace() {
    assert_eq!(stopped(node("a"), stop), (3 * SECOND, 2), "duroxide waits for a second");
    assert_eq!(stopped(node("a").shutdown_grace(5 * SECOND), stop), (7 * SECOND, 2));
    assert_eq!(stopped(node("a").shutdown_grace(Duration::ZERO), stop), (2 * SECOND, 2));
}

#[test]
fn a_grace_that_is_long_enough_lets_activities_finish() {
    let (ended, calls) = stopped(node("a").shutdown_grace(20 * SECOND), stop);
    assert!(ended >= 10 * SECOND && ended < 22 * SECOND, "{ended:?}");
    assert_eq!(calls, 1);
    let (ended, calls) = stopped(node("a"), async |sim| {
        sim.stop_within("a", Duration::MAX).await.expect("it is up");
    });
    assert!(ended >= 10 * SECOND && ended < 22 * SECOND, "{ended:?}");
    assert_eq!(calls, 1);
}

#[test]
fn the_grace_of_a_call_counts_for_that_call() {
    let within = async |sim: &Handle| sim.stop_within("a", Duration::from_nanos(1)).await.expect("it is up");
    assert_eq!(stopped(node("a").shutdown_grace(20 * SECOND), within), (2 * SECOND + Duration::from_millis(1), 2));
}

#[test]
fn a_plan_stops_a_node_within_its_grace() {
    let calls = |grace: Duration| {
        let stop = Action::Stop { node: "a".to_owned(), restart_after: Some(60 * SECOND) };
        let sim = Sim::new(1).node(node("a").shutdown_grace(grace)).plan(Plan::new().at(2 * SECOND, stop));
        sim.run(|sim| async move {
            start(&sim, "one", "Work").await;
            sim.output::<String>("one", DAY).await.map(|_| sim.activities("one").len())
        })
    };
    assert_eq!((calls(SECOND), calls(20 * SECOND)), (2, 1));
}
