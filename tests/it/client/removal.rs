//! Deleting instances and pruning executions.

use duroxide::{ClientError, InstanceFilter, OrchestrationStatus, PruneOptions};
use duroxide_sim::sim::START;

use super::{HOUR, MINUTE, SECOND, count, sim};

#[test]
fn a_deleted_instance_is_gone_with_all_it_had() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("sum", "Echo", "x").await.unwrap();
        client.start_orchestration("more", "Again", "2").await.unwrap();
        client.start_orchestration("stays", "Echo", "x").await.unwrap();
        client.wait_for_orchestration("more", HOUR).await.unwrap();
        let events = [count(&sim, "sum", 1), count(&sim, "more", 1) + count(&sim, "more", 2)];
        for (instance, executions, events) in [("sum", 1, events[0]), ("more", 2, events[1])] {
            let deleted = client.delete_instance(instance, false).await.unwrap();
            assert_eq!((deleted.instances_deleted, deleted.executions_deleted), (1, executions));
            assert_eq!((deleted.events_deleted, deleted.queue_messages_deleted), (events, 0));
            let status = client.get_orchestration_status(instance).await.unwrap();
            assert_eq!(status, OrchestrationStatus::NotFound);
        }
        assert_eq!(client.list_all_instances().await.unwrap(), ["stays"]);
        // The name is free again.
        client.start_orchestration("sum", "Echo", "y").await.unwrap();
        let status = client.wait_for_orchestration("sum", HOUR).await.unwrap();
        assert!(matches!(status, OrchestrationStatus::Completed { output, .. } if output == "2.0.0 y"));
    });
}

#[test]
fn only_roots_that_have_ended_are_deleted_without_force() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("root", "Parent", "leaf").await.unwrap();
        sim.sleep(SECOND).await;
        let error = client.delete_instance("root", false).await.unwrap_err();
        assert!(matches!(error, ClientError::InstanceStillRunning { instance_id } if instance_id == "root"));
        for force in [false, true] {
            let error = client.delete_instance("leaf", force).await.unwrap_err();
            assert!(
                matches!(error, ClientError::CannotDeleteSubOrchestration { instance_id } if instance_id == "leaf")
            );
            let error = client.delete_instance("none", force).await.unwrap_err();
            assert!(matches!(error, ClientError::InstanceNotFound { instance_id } if instance_id == "none"));
        }
        let events = count(&sim, "root", 1) + count(&sim, "leaf", 1);
        let deleted = client.delete_instance("root", true).await.unwrap();
        assert_eq!((deleted.instances_deleted, deleted.executions_deleted), (2, 2));
        // The message is that of the sleeper's timer.
        assert_eq!((deleted.events_deleted, deleted.queue_messages_deleted), (events, 1));
        assert!(client.list_all_instances().await.unwrap().is_empty());
    });
}

#[test]
fn bulk_deletion_takes_what_ended_before_a_moment_up_to_a_limit() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("sleeper", "Sleep", "").await.unwrap();
        for name in ["a", "b", "c", "d"] {
            client.start_orchestration(name, "Echo", "").await.unwrap();
            sim.sleep(10 * SECOND).await;
        }
        let each = count(&sim, "a", 1);
        let ended_before = Some((START + 25 * SECOND).0);
        let filter = InstanceFilter { completed_before: ended_before, limit: Some(2), ..InstanceFilter::default() };
        let deleted = client.delete_instance_bulk(filter.clone()).await.unwrap();
        assert_eq!((deleted.instances_deleted, deleted.executions_deleted), (2, 2));
        assert_eq!((deleted.events_deleted, deleted.queue_messages_deleted), (2 * each, 0));
        let deleted = client.delete_instance_bulk(filter).await.unwrap();
        assert_eq!(deleted.instances_deleted, 1);
        assert_eq!(client.list_all_instances().await.unwrap(), ["d", "sleeper"]);

        // Running instances are skipped even when they are named.
        let instance_ids = Some(vec!["sleeper".to_owned(), "d".to_owned(), "none".to_owned()]);
        let filter = InstanceFilter { instance_ids, ..InstanceFilter::default() };
        assert_eq!(client.delete_instance_bulk(filter).await.unwrap().instances_deleted, 1);
        assert_eq!(client.list_all_instances().await.unwrap(), ["sleeper"]);
    });
}

#[test]
fn pruning_keeps_the_latest_executions() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("more", "Again", "5").await.unwrap();
        client.wait_for_orchestration("more", HOUR).await.unwrap();
        // The executions end a minute apart; the first ended early enough.
        let completed_before = Some((START + MINUTE + SECOND).0);
        let options = PruneOptions { keep_last: Some(2), completed_before };
        let pruned = client.prune_executions("more", options).await.unwrap();
        assert_eq!((pruned.instances_processed, pruned.executions_deleted, pruned.events_deleted), (1, 1, 4));
        assert_eq!(client.list_executions("more").await.unwrap(), [2, 3, 4, 5]);

        let options = PruneOptions { keep_last: Some(2), ..PruneOptions::default() };
        let pruned = client.prune_executions("more", options).await.unwrap();
        assert_eq!((pruned.instances_processed, pruned.executions_deleted, pruned.events_deleted), (1, 2, 8));
        assert_eq!(client.list_executions("more").await.unwrap(), [4, 5]);
        assert!(client.read_execution_history("more", 3).await.unwrap().is_empty());
        let status = client.get_orchestration_status("more").await.unwrap();
        assert!(matches!(status, OrchestrationStatus::Completed { .. }), "{status:?}");

        let error = client.prune_executions("none", PruneOptions::default()).await.unwrap_err();
        assert!(matches!(&error, ClientError::Provider(_)) && !error.is_retryable(), "{error:?}");
    });
}

#[test]
fn bulk_pruning_prunes_each_selected_instance() {
    sim().run(|sim| async move {
        let client = sim.client();
        for (name, executions) in [("two", "2"), ("three", "3"), ("other", "2")] {
            client.start_orchestration(name, "Again", executions).await.unwrap();
        }
        client.wait_for_orchestration("three", HOUR).await.unwrap();
        let instance_ids = Some(vec!["two".to_owned(), "three".to_owned()]);
        let filter = InstanceFilter { instance_ids, ..InstanceFilter::default() };
        let pruned = client.prune_executions_bulk(filter, PruneOptions::default()).await.unwrap();
        assert_eq!((pruned.instances_processed, pruned.executions_deleted), (2, 3));
        assert_eq!(pruned.events_deleted, 3 * 4);
        for (name, left) in [("two", vec![2]), ("three", vec![3]), ("other", vec![1, 2])] {
            assert_eq!(client.list_executions(name).await.unwrap(), left, "{name}");
        }
    });
}
