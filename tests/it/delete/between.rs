//! Deleting between two turns: when a child has been started and not run yet,
//! and when an execution has ended and the next has not begun.

use std::time::Duration;

use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::{Client, ClientError, InstanceFilter, OrchestrationContext, OrchestrationStatus, PruneOptions};
use duroxide_sim::sim::Handle;
use duroxide_sim::{Node, Sim};

use super::trees::{assert_bare, assert_gone};

/// Branch `parents` knows only the parent, so the child's start stays queued
/// until node `children` runs.
fn split_world() -> Sim {
    let parent = |ctx: OrchestrationContext, _: String| async move {
        ctx.schedule_sub_orchestration_with_id("Child", "child", "").await
    };
    let child = |ctx: OrchestrationContext, _: String| async move {
        ctx.set_kv_value("key", "value");
        ctx.schedule_wait("finish").await;
        Ok("grown".to_owned())
    };
    let activities = || ActivityRegistry::builder().build();
    let parents = OrchestrationRegistry::builder().register("Parent", parent).build();
    let children = OrchestrationRegistry::builder().register("Child", child).register("Parent", parent).build();
    Sim::new(3).node(Node::new("parents", activities(), parents)).node(Node::new("children", activities(), children))
}

/// Starts the parent and stops when its child's start is queued.
async fn start_split(sim: &Handle) {
    sim.crash("children").unwrap();
    sim.client().start_orchestration("parent", "Parent", "").await.unwrap();
    sim.sleep(Duration::from_millis(500)).await;
}

/// Lets the child run after all.
async fn run_children(sim: &Handle) {
    sim.start("children").await.unwrap();
    sim.sleep(Duration::from_secs(60)).await;
}

/// The contract deletes what belongs to the instances of the tree, and a child
/// belongs to it from its first turn on (`instances.parent_instance_id`). A
/// start that is still queued is the child's own message and is not touched:
/// the child comes to life as an orphan, which only `delete_instances_atomic`
/// or the deletion of a new root of its parent's name can remove.
#[test]
fn a_child_whose_start_is_queued_survives_its_deleted_parent() {
    split_world().run(|sim| async move {
        let client = sim.client();
        start_split(&sim).await;
        assert_eq!(client.get_instance_tree("parent").await.unwrap().all_ids, ["parent"]);
        let deleted = client.delete_instance("parent", true).await.unwrap();
        // OrchestrationStarted and SubOrchestrationScheduled; no message is the parent's.
        assert_eq!((deleted.instances_deleted, deleted.events_deleted), (1, 2));
        assert_eq!(deleted.queue_messages_deleted, 0);

        run_children(&sim).await;
        assert_gone_but_for(&sim, "parent", "child").await;
        let info = client.get_instance_info("child").await.unwrap();
        assert_eq!((info.status.as_str(), info.parent_instance_id.as_deref()), ("Running", Some("parent")));
        let refused = client.delete_instance("child", true).await;
        assert!(matches!(refused, Err(ClientError::CannotDeleteSubOrchestration { .. })), "{refused:?}");
        let refused = client.delete_instance("parent", true).await;
        assert!(matches!(refused, Err(ClientError::InstanceNotFound { .. })), "{refused:?}");
        let bulk = client.delete_instance_bulk(InstanceFilter::default()).await.unwrap();
        assert_eq!(bulk.instances_deleted, 0);
    });
}

/// No client sees the parent but as the name above its orphan.
async fn assert_gone_but_for(sim: &Handle, parent: &str, orphan: &str) {
    let client = sim.client();
    let status = client.get_orchestration_status(parent).await.unwrap();
    assert!(matches!(status, OrchestrationStatus::NotFound), "{status:?}");
    assert_eq!(client.list_all_instances().await.unwrap(), [orphan]);
    assert_eq!(client.get_instance_tree(parent).await.unwrap().all_ids, [parent, orphan]);
}

#[test]
fn an_orphan_goes_with_the_next_root_of_its_parents_name() {
    split_world().run(|sim| async move {
        let client = sim.client();
        start_split(&sim).await;
        client.delete_instance("parent", true).await.unwrap();
        run_children(&sim).await;

        client.start_orchestration("parent", "Child", "").await.unwrap();
        sim.sleep(Duration::from_secs(60)).await;
        let running = client.delete_instance("parent", false).await;
        assert!(matches!(running, Err(ClientError::InstanceStillRunning { .. })), "{running:?}");
        let deleted = client.delete_instance("parent", true).await.unwrap();
        assert_eq!(deleted.instances_deleted, 2);
        assert_gone(&sim, "child").await;
        assert_gone(&sim, "parent").await;
        assert_bare(&sim).await;
    });
}

/// The contract does not say what becomes of an orphan's last message. It stays
/// in the queue for an instance that nobody knows, as any message but one from
/// a queue does, until an instance of that name is started or deleted.
#[test]
fn the_completion_of_an_orphan_waits_for_an_instance_of_its_parents_name() {
    split_world().without_laws().run(|sim| async move {
        let client = sim.client();
        start_split(&sim).await;
        client.delete_instance("parent", true).await.unwrap();
        run_children(&sim).await;
        client.raise_event("child", "finish", "").await.unwrap();
        sim.sleep(Duration::from_secs(60)).await;
        let status = client.get_orchestration_status("child").await.unwrap();
        assert!(matches!(status, OrchestrationStatus::Completed { .. }), "{status:?}");
        assert_gone_but_for(&sim, "parent", "child").await;
        assert_eq!(client.get_queue_depths().await.unwrap().orchestrator_queue, 1);

        let both = ["parent".to_owned(), "child".to_owned()];
        let deleted = delete_atomic(&sim, &both).await;
        assert_eq!((deleted.instances_deleted, deleted.queue_messages_deleted), (1, 1));
        assert_bare(&sim).await;
    });
}

async fn delete_atomic(sim: &Handle, ids: &[String]) -> duroxide::DeleteInstanceResult {
    use duroxide::providers::ProviderAdmin;
    sim.memory().delete_instances_atomic(ids, false).await.unwrap()
}

/// Branch `old` knows the first version only, so the second execution's start
/// stays queued until node `new` runs.
fn versioned_world() -> Sim {
    let first = |ctx: OrchestrationContext, _: String| async move { ctx.continue_as_new_versioned("2.0.0", "").await };
    let second = |_: OrchestrationContext, _: String| async move { Ok("done".to_owned()) };
    let activities = || ActivityRegistry::builder().build();
    let registry = || OrchestrationRegistry::builder().register_versioned("Hop", "1.0.0", first);
    let old = registry().build();
    let new = registry().register_versioned("Hop", "2.0.0", second).build();
    Sim::new(5).node(Node::new("old", activities(), old)).node(Node::new("new", activities(), new))
}

/// Starts a hop and stops in the middle of it.
async fn hop(sim: &Handle) -> Client {
    let client = sim.client();
    sim.crash("new").unwrap();
    client.start_orchestration_versioned("hop", "Hop", "1.0.0", "").await.unwrap();
    sim.sleep(Duration::from_millis(500)).await;
    let info = client.get_instance_info("hop").await.unwrap();
    assert_eq!((info.status.as_str(), info.current_execution_id), ("ContinuedAsNew", 1));
    client
}

/// "Only instances in terminal states (Completed, Failed) are eligible"; an
/// execution that continues as new is no end of its instance.
#[test]
fn an_instance_between_two_executions_has_not_ended() {
    versioned_world().run(|sim| async move {
        let client = hop(&sim).await;
        let before = sim.memory().snapshot();
        let refused = client.delete_instance("hop", false).await;
        assert!(matches!(refused, Err(ClientError::InstanceStillRunning { .. })), "{refused:?}");
        let bulk = client.delete_instance_bulk(InstanceFilter::default()).await.unwrap();
        assert_eq!(bulk.instances_deleted, 0);
        let pruned = client.prune_executions("hop", PruneOptions::default()).await.unwrap();
        assert_eq!((pruned.instances_processed, pruned.executions_deleted), (1, 0));
        assert!(sim.memory().snapshot() == before, "what was not done has changed something");

        sim.start("new").await.unwrap();
        sim.sleep(Duration::from_secs(60)).await;
        let status = client.get_orchestration_status("hop").await.unwrap();
        assert!(matches!(&status, OrchestrationStatus::Completed { output, .. } if output == "done"), "{status:?}");
        let pruned = client.prune_executions("hop", PruneOptions::default()).await.unwrap();
        assert_eq!(pruned.executions_deleted, 1);
        client.delete_instance("hop", false).await.unwrap();
        assert_bare(&sim).await;
    });
}

#[test]
fn a_forced_deletion_between_two_executions_takes_the_start_of_the_next() {
    versioned_world().run(|sim| async move {
        let client = hop(&sim).await;
        let deleted = client.delete_instance("hop", true).await.unwrap();
        // OrchestrationStarted, OrchestrationContinuedAsNew, and the message.
        assert_eq!((deleted.executions_deleted, deleted.events_deleted), (1, 2));
        assert_eq!(deleted.queue_messages_deleted, 1);
        sim.start("new").await.unwrap();
        sim.sleep(Duration::from_secs(60)).await;
        assert_gone(&sim, "hop").await;
        assert_bare(&sim).await;
    });
}
