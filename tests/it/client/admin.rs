//! The management methods that only look.

use std::time::Duration;

use duroxide::RuntimeOptions;
use duroxide_sim::sim::{Handle, START};
use duroxide_sim::{Node, Sim};

use super::{HOUR, MINUTE, SECOND, activities, count, events_of, kinds, orchestrations, sim};

/// Starts one instance a second and lets 10 minutes pass: `sum` has completed,
/// `bad` failed, `more` gone through three executions, and `root` and its
/// child `leaf` are asleep.
async fn populate(sim: &Handle) {
    let client = sim.client();
    client.start_orchestration("sum", "Echo", "x").await.unwrap();
    sim.sleep(SECOND).await;
    client.start_orchestration("bad", "Fail", "broken").await.unwrap();
    sim.sleep(SECOND).await;
    client.start_orchestration("more", "Again", "3").await.unwrap();
    sim.sleep(SECOND).await;
    client.start_orchestration("root", "Parent", "leaf").await.unwrap();
    sim.sleep(10 * MINUTE).await;
}

fn ms(since_start: Duration) -> u64 {
    (START + since_start).0
}

#[test]
fn memory_can_be_managed() {
    sim().run(|sim| async move {
        let client = sim.client();
        assert!(client.has_management_capability());
    });
}

#[test]
fn instances_are_listed_newest_first_and_by_status() {
    sim().run(|sim| async move {
        let client = sim.client();
        assert!(client.list_all_instances().await.unwrap().is_empty());
        populate(&sim).await;
        assert_eq!(client.list_all_instances().await.unwrap(), ["leaf", "root", "more", "bad", "sum"]);
        let lists: [(&str, &[&str]); 4] = [
            ("Running", &["leaf", "root"]),
            ("Completed", &["more", "sum"]),
            ("Failed", &["bad"]),
            // What the current execution is, and none is this.
            ("ContinuedAsNew", &[]),
        ];
        for (status, expected) in lists {
            assert_eq!(client.list_instances_by_status(status).await.unwrap(), expected, "{status}");
        }
    });
}

#[test]
fn an_instance_is_described_with_its_times_and_its_parent() {
    sim().run(|sim| async move {
        populate(&sim).await;
        let client = sim.client();
        let more = client.get_instance_info("more").await.unwrap();
        assert_eq!((more.instance_id.as_str(), more.orchestration_name.as_str()), ("more", "Again"));
        assert_eq!((more.orchestration_version.as_str(), more.current_execution_id), ("1.0.0", 3));
        assert_eq!((more.status.as_str(), more.output.as_deref()), ("Completed", Some("over")));
        assert_eq!(more.created_at, ms(2 * SECOND));
        assert_eq!(more.updated_at, ms(2 * SECOND + 3 * MINUTE));
        assert_eq!(more.parent_instance_id, None);

        let bad = client.get_instance_info("bad").await.unwrap();
        assert_eq!((bad.status.as_str(), bad.output.as_deref()), ("Failed", Some("broken")));
        let leaf = client.get_instance_info("leaf").await.unwrap();
        assert_eq!((leaf.status.as_str(), leaf.output), ("Running", None));
        assert_eq!(leaf.parent_instance_id.as_deref(), Some("root"));
        assert_eq!(client.get_instance_info("sum").await.unwrap().orchestration_version, "2.0.0");
    });
}

#[test]
fn executions_are_described_one_by_one() {
    sim().run(|sim| async move {
        populate(&sim).await;
        let client = sim.client();
        assert_eq!(client.list_executions("more").await.unwrap(), [1, 2, 3]);
        assert_eq!(client.list_executions("root").await.unwrap(), [1]);
        assert!(client.list_executions("none").await.unwrap().is_empty());

        let ends = [("ContinuedAsNew", "2"), ("ContinuedAsNew", "1"), ("Completed", "over")];
        for (n, (status, output)) in (1..).zip(ends) {
            let one = client.get_execution_info("more", n).await.unwrap();
            assert_eq!((one.execution_id, one.status.as_str(), one.output.as_deref()), (n, status, Some(output)));
            assert_eq!(one.started_at, ms(2 * SECOND + (n as u32 - 1) * MINUTE));
            assert_eq!(one.completed_at, Some(ms(2 * SECOND + n as u32 * MINUTE)));
            assert_eq!(one.event_count, 4, "started, timer, fired, ended");
        }
        let root = client.get_execution_info("root", 1).await.unwrap();
        assert_eq!((root.status.as_str(), root.output, root.completed_at), ("Running", None, None));
    });
}

#[test]
fn each_execution_has_a_history_of_its_own() {
    sim().run(|sim| async move {
        populate(&sim).await;
        let client = sim.client();
        for (n, last) in [(1, "continued"), (2, "continued"), (3, "completed")] {
            let events = client.read_execution_history("more", n).await.unwrap();
            assert_eq!(kinds(&events), ["started", "timer", "fired", last]);
            assert_eq!(events.iter().map(|event| event.event_id).collect::<Vec<_>>(), [1, 2, 3, 4]);
            assert!(events.iter().all(|event| event.execution_id == n && event.instance_id == "more"));
            assert_eq!(events, events_of(&sim, "more", n));
        }
        assert!(client.read_execution_history("more", 4).await.unwrap().is_empty());
    });
}

#[test]
fn metrics_add_up() {
    sim().run(|sim| async move {
        populate(&sim).await;
        let client = sim.client();
        let metrics = client.get_system_metrics().await.unwrap();
        assert_eq!((metrics.total_instances, metrics.total_executions), (5, 7));
        let by_status = (metrics.running_instances, metrics.completed_instances, metrics.failed_instances);
        assert_eq!(by_status, (2, 2, 1));
        let others = ["sum", "bad", "root", "leaf"].map(|name| count(&sim, name, 1));
        assert_eq!(metrics.total_events, 3 * 4 + others.iter().sum::<u64>());
    });
}

#[test]
fn queue_depths_count_what_nobody_works_on() {
    // Nobody works at all.
    Sim::new(1).run(|sim| async move {
        let client = sim.client();
        for name in ["a", "b", "c"] {
            client.start_orchestration(name, "Echo", "").await.unwrap();
        }
        let depths = client.get_queue_depths().await.unwrap();
        assert_eq!((depths.orchestrator_queue, depths.worker_queue, depths.timer_queue), (3, 0, 0));
    });
    // Of three activities, one is being worked on.
    let options = RuntimeOptions { worker_concurrency: 1, ..Sim::default_options() };
    Sim::new(1).node(Node::new("a", activities(), orchestrations()).options(options)).run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("work", "Slow", "").await.unwrap();
        sim.sleep(SECOND).await;
        let depths = client.get_queue_depths().await.unwrap();
        assert_eq!((depths.orchestrator_queue, depths.worker_queue, depths.timer_queue), (0, 2, 0));
        client.wait_for_orchestration("work", HOUR).await.unwrap();
        let depths = client.get_queue_depths().await.unwrap();
        assert_eq!((depths.orchestrator_queue, depths.worker_queue, depths.timer_queue), (0, 0, 0));
    });
}

#[test]
fn a_tree_has_the_instance_and_all_below_it() {
    sim().run(|sim| async move {
        populate(&sim).await;
        let client = sim.client();
        let tree = client.get_instance_tree("root").await.unwrap();
        assert_eq!((tree.root_id.as_str(), tree.all_ids.as_slice()), ("root", &["root".into(), "leaf".into()][..]));
        assert!(client.get_instance_tree("leaf").await.unwrap().is_root_only());
    });
}
