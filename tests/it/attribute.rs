//! `#[duroxide_sim::test]` and `duroxide_sim::provider()`: tests that start their own runtimes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use duroxide::providers::{Provider, WorkItem};
use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::runtime::{OrchestrationStatus, Runtime};
use duroxide::{ActivityContext, Client, Event, EventKind, OrchestrationContext};
use duroxide_sim::laws::Law;
use duroxide_sim::sim::NodeError;
use duroxide_sim::{Handle, Node, Sim, fresh_provider, provider};

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

fn start(instance: &str) -> WorkItem {
    WorkItem::StartOrchestration {
        instance: instance.to_owned(),
        orchestration: "Day".to_owned(),
        input: "x".to_owned(),
        version: None,
        parent_instance: None,
        parent_id: None,
        parent_execution_id: None,
        execution_id: 1,
    }
}

/// Fetches a turn, and acks it with these events.
async fn turn(store: &dyn Provider, ids: &[u64]) {
    let fetched = store.fetch_orchestration_item(DAY, Duration::ZERO, None).await.expect("a fetch succeeds");
    let (_, token, _) = fetched.expect("there is a turn");
    let kind = || EventKind::ExternalEvent { name: "e".to_owned(), data: String::new() };
    let events = ids.iter().map(|id| Event::with_event_id(*id, "i", 1, None, kind())).collect();
    let acked = store.ack_orchestration_item(&token, 1, events, vec![], vec![], Default::default(), vec![]).await;
    acked.expect("the ack succeeds");
}

#[duroxide_sim::test]
async fn fresh_providers_share_nothing(sim: Handle) {
    for _ in 0..3 {
        assert!(matches!(day(fresh_provider()).await, OrchestrationStatus::Completed { .. }));
    }
    let history = |store: Arc<dyn Provider>| async move { store.read("i").await.expect("a read succeeds").len() };
    assert!(history(provider()).await > 0, "the first one is the simulation's own");
    assert_eq!(history(fresh_provider()).await, 0);
    assert_eq!(sim.history("i").executions.len(), 1);
    let by: BTreeSet<String> = sim.trace().entries.iter().map(|entry| entry.by.to_string()).collect();
    assert!(by.contains("provider") && by.contains("provider-2") && by.contains("provider-3"), "{by:?}");
}

#[duroxide_sim::test]
async fn a_fresh_provider_is_not_what_was_used_before(sim: Handle) {
    let client = sim.client();
    client.start_orchestration("i", "Day", "").await.expect("it starts");
    let depths = |client: Client| async move { client.get_queue_depths().await.expect("a read succeeds") };
    assert_eq!(depths(Client::new(fresh_provider())).await.orchestrator_queue, 0);
    assert_eq!(depths(client).await.orchestrator_queue, 1);
}

#[test]
fn each_storage_is_judged_by_itself() {
    let failure = Sim::new(1).try_run(|_| async {
        for ids in [&[1, 2][..], &[1], &[2, 1]] {
            let store = fresh_provider();
            store.enqueue_for_orchestrator(start("i"), None).await.map_err(|error| error.to_string())?;
            turn(&*store, ids).await;
        }
        Ok::<_, String>(())
    });
    let failure = failure.expect_err("the third storage's history goes back");
    let broken: Vec<_> = failure.breaches.iter().map(|breach| (breach.law, breach.entry)).collect();
    assert_eq!(broken, [(Law::AppendOnly, Some(8))], "{failure}");
    assert_eq!(&*failure.trace.entries[8].by, "provider-3");
}

#[test]
fn what_a_fresh_storage_waits_for_is_reported() {
    let failure = Sim::new(1).try_run(|_| async {
        drop(fresh_provider());
        let store = fresh_provider();
        let _runtime = Runtime::start_with_store(store.clone(), activities(), orchestrations()).await;
        let client = Client::new(store);
        client.start_orchestration("elsewhere", "Unknown", "").await.map_err(|error| error.to_string())?;
        client.wait_for_orchestration("elsewhere", DAY / 1000).await.map(|_| ()).map_err(|error| error.to_string())
    });
    let failure = failure.expect_err("the wait times out");
    assert_eq!(failure.waits.iter().map(|wait| wait.instance.as_str()).collect::<Vec<_>>(), ["elsewhere"], "{failure}");
}

#[test]
fn the_current_simulation_is_found_where_one_runs() {
    assert!(Handle::current().is_none());
    Sim::new(9).run(|sim| async move {
        assert_eq!(Handle::current().map(|current| current.seed()), Some(sim.seed()));
    });
    assert!(Handle::current().is_none());
}
