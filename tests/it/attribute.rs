//! `#[duroxide_sim::test]` and `duroxide_sim::provider()`: tests that start their own runtimes.

use std::sync::Arc;
use std::time::Duration;

use duroxide::providers::Provider;
use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::runtime::{OrchestrationStatus, Runtime};
use duroxide::{ActivityContext, Client, OrchestrationContext};
use duroxide_sim::sim::NodeError;
use duroxide_sim::{Handle, Node, Sim, provider};

const DAY: Duration = Duration::from_secs(86_400);

fn activities() -> ActivityRegistry {
    ActivityRegistry::builder().register("Do", |_: ActivityContext, what: String| async move { Ok(what) }).build()
}

fn orchestrations() -> OrchestrationRegistry {
    OrchestrationRegistry::builder()
        .register("Day", |ctx: OrchestrationContext, what: String| async move {
            ctx.schedule_timer(DAY).await;
            ctx.schedule_activity("Do", what).await
        })
        .build()
}

/// As a suite has it that was written for another provider.
async fn day(store: Arc<dyn Provider>) -> OrchestrationStatus {
    let runtime = Runtime::start_with_store(store.clone(), activities(), orchestrations()).await;
    let client = Client::new(store);
    client.start_orchestration("i", "Day", "x").await.expect("it starts");
    let status = client.wait_for_orchestration("i", 2 * DAY).await.expect("it ends");
    runtime.shutdown(None).await;
    status
}

#[duroxide_sim::test]
async fn a_suites_body_runs_on_virtual_time() {
    let status = day(provider()).await;
    assert!(matches!(status, OrchestrationStatus::Completed { output, .. } if output == "x"));
}

#[duroxide_sim::test(seed = 7)]
async fn the_handle_and_the_seed_are_there(sim: Handle) -> Result<(), String> {
    day(provider()).await;
    assert_eq!(sim.seed(), duroxide_sim::Seed::from(7));
    assert!(sim.elapsed() >= DAY);
    let by: Vec<String> = sim.trace().entries.iter().map(|entry| entry.by.to_string()).collect();
    assert!(by.iter().all(|by| by == "provider") && by.len() > 5, "its calls are in the trace: {by:?}");
    Ok(())
}

#[duroxide_sim::test(seeds = 5)]
async fn seeds_are_explored(sim: Handle) {
    day(provider()).await;
    assert!(sim.elapsed() >= DAY);
}

#[duroxide_sim::test]
#[should_panic = "as it should be"]
async fn other_attributes_apply() {
    day(provider()).await;
    panic!("as it should be");
}

#[duroxide_sim::test]
#[should_panic = "on purpose"]
async fn an_error_of_the_body_fails_the_test() -> Result<(), String> {
    Err("on purpose".to_owned())
}

#[test]
fn a_runtime_by_hand_crashes_by_name_and_another_takes_over() {
    Sim::new(3).run(|sim| async move {
        let first = Runtime::start_with_store(provider(), activities(), orchestrations()).await;
        let client = sim.client();
        client.start_orchestration("i", "Day", "x").await.map_err(|error| error.to_string())?;
        sim.sleep(DAY / 2).await;
        sim.crash("provider").map_err(|error| error.to_string())?;
        assert_eq!(sim.crash("provider"), Err(NodeError::Down("provider".to_owned())));
        assert_eq!(sim.start("provider").await, Err(NodeError::ByHand("provider".to_owned())));
        let crashed = sim.now();
        let second = Runtime::start_with_store(provider(), activities(), orchestrations()).await;
        assert_eq!(sim.finished::<String>("i").await.map_err(|error| error.to_string())?, "x");
        let trace = sim.trace();
        let late = trace.entries.iter().filter(|entry| &*entry.by == "provider" && entry.asked > crashed);
        assert_eq!(late.count(), 0, "nothing of a crashed runtime reaches the storage");
        assert!(sim.trace().entries.iter().any(|entry| &*entry.by == "provider-2"));
        second.shutdown(None).await;
        drop(first);
        Ok::<_, String>(())
    });
}

#[test]
fn a_runtime_by_hand_works_beside_nodes_and_comes_to_rest() {
    let none = OrchestrationRegistry::builder().build();
    let sim = Sim::new(3).node(Node::new("a", activities(), none)).at_end("it ended", |sim| {
        let ended = sim.history("i").executions.iter().all(|execution| execution.status == "Completed");
        if ended { Ok(()) } else { Err("it runs".to_owned()) }
    });
    sim.run(|sim| async move {
        let runtime =
            Runtime::start_with_store(provider(), ActivityRegistry::builder().build(), orchestrations()).await;
        sim.client().start_orchestration("i", "Day", "x").await.map_err(|error| error.to_string())?;
        sim.until_ended("i").await;
        runtime.shutdown(None).await;
        Ok::<_, String>(())
    });
}

#[test]
fn outside_of_a_simulation_it_is_a_provider_of_its_own() {
    assert_eq!(provider().name(), duroxide_sim::Memory::new().name());
}
