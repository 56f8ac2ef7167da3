//! What lists, counts, deletes and prunes: boundaries and orders.

use duroxide_sim::call::{DeleteCounts, InstanceQuery, Metrics, PruneCounts};

use super::*;

fn names(world: &mut World, call: &Call) -> Vec<String> {
    match world.ask(call) {
        Reply::Names(names) => names,
        other => panic!("{other:?}"),
    }
}

/// `a` completed at 1002, `b` failed at 1004, `c` runs; each began 1 ms later
/// than the one before had ended.
fn three() -> World {
    let mut world = World::new();
    for (instance, status) in [("a", Some("Completed")), ("b", Some("Failed")), ("c", None)] {
        world.pass(1);
        world.begin(instance);
        if let Some(status) = status {
            world.pass(1);
            world.end(instance, 1, status);
        }
    }
    world
}

/// An instance with three executions, the last of which runs; each has one
/// event and ended 2 ms after the one before: at 1002 and 1004.
fn chain() -> World {
    let mut world = World::new();
    world.begin("i");
    for execution in [1, 2] {
        world.pass(2);
        world.end("i", execution, "ContinuedAsNew");
        world.send(raised("i"));
        let history = vec![event_of("i", execution + 1, 1, EventKind::ExternalSubscribed { name: "e".to_owned() })];
        let token = world.turn().token;
        world.done(commit(AckTurn { execution: execution + 1, ..ack(&token, history) }));
    }
    world
}

#[test]
fn instances_are_listed_newest_first_and_by_status() {
    let mut world = three();
    world.begin("d");
    world.send(start("unrecorded"));
    assert_eq!(names(&mut world, &Call::ListInstances), ["d", "c", "b", "a"]);
    let by = |status: &str| Call::ListInstancesByStatus { status: status.to_owned() };
    assert_eq!(names(&mut world, &by("Running")), ["d", "c"]);
    assert_eq!(names(&mut world, &by("Completed")), ["a"]);
    assert_eq!(names(&mut world, &by("Failed")), ["b"]);
    assert_eq!(names(&mut world, &by("Nothing")), [""; 0]);
    let metrics = Metrics {
        total_instances: 4,
        total_executions: 4,
        running_instances: 2,
        completed_instances: 1,
        failed_instances: 1,
        total_events: 4,
    };
    assert_eq!(world.ask(&Call::GetSystemMetrics), Reply::Metrics(metrics));
}

#[test]
fn what_has_not_ended_is_unfinished_recorded_or_not() {
    let mut world = three();
    world.send(raised("mail"));
    assert_eq!(world.store.unfinished(), ["c", "mail"]);
    assert_eq!(
        ["a", "b", "c", "mail", "nobody"].map(|name| world.store.has_ended(name)),
        [true, true, false, false, false]
    );
}

#[test]
fn an_instance_is_told_with_its_current_execution() {
    let mut world = three();
    let info = |world: &mut World, instance: &str| match world.ask(&Call::GetInstanceInfo { instance: instance.into() })
    {
        Reply::Instance(info) => info,
        other => panic!("{other:?}"),
    };
    let b = info(&mut world, "b");
    assert_eq!((&*b.instance_id, &*b.orchestration_name, &*b.orchestration_version), ("b", "O", "unknown"));
    assert_eq!((&*b.status, b.output.as_deref(), b.current_execution_id), ("Failed", Some("Failed 1"), 1));
    assert_eq!((b.created_at, b.updated_at, b.parent_instance_id), (1003, 1004, None));
    let mut world = chain();
    let last = info(&mut world, "i");
    assert_eq!((&*last.status, last.output, last.current_execution_id), ("Running", None, 3));
    assert_eq!((last.created_at, last.updated_at), (1000, 1004));
    let execution =
        |world: &mut World, execution| world.ask(&Call::GetExecutionInfo { instance: "i".to_owned(), execution });
    match execution(&mut world, 2) {
        Reply::Execution(second) => {
            assert_eq!((second.execution_id, &*second.status, second.event_count), (2, "ContinuedAsNew", 1));
            assert_eq!(second.output.as_deref(), Some("ContinuedAsNew 2"));
            assert_eq!((second.started_at, second.completed_at), (1002, Some(1004)));
        }
        other => panic!("{other:?}"),
    }
    let running = execution(&mut world, 3);
    assert!(matches!(&running, Reply::Execution(third) if third.completed_at.is_none()), "{running:?}");
    assert_eq!(world.refused(Call::GetExecutionInfo { instance: "i".to_owned(), execution: 4 }), Class::NotFound);
    assert_eq!(world.refused(Call::GetInstanceInfo { instance: "nobody".to_owned() }), Class::NotFound);
    assert_eq!(world.ask(&Call::ListExecutions { instance: "i".to_owned() }), Reply::Numbers(vec![1, 2, 3]));
    assert_eq!(world.ask(&Call::LatestExecutionId { instance: "i".to_owned() }), Reply::Number(3));
    assert_eq!(world.ask(&Call::LatestExecutionId { instance: "nobody".to_owned() }), Reply::Number(1));
}

#[test]
fn executions_are_told_to_people_with_their_events() {
    let mut world = chain();
    world.done(Call::AppendWithExecution {
        instance: "i".to_owned(),
        execution: 9,
        events: vec![event_of("i", 9, 1, EventKind::ExternalSubscribed { name: "e".to_owned() })],
    });
    let all = world.store.executions_of("i");
    let told: Vec<_> = all
        .iter()
        .map(|(id, status, output, events)| (*id, status.as_str(), output.as_deref(), events.len()))
        .collect();
    let first = (1, "ContinuedAsNew", Some("ContinuedAsNew 1"), 1);
    let second = (2, "ContinuedAsNew", Some("ContinuedAsNew 2"), 1);
    assert_eq!(told, [first, second, (3, "Running", None, 1), (9, "", None, 1)]);
    assert_eq!(world.store.executions_of("nobody"), []);
}

#[test]
fn queues_are_counted_without_what_is_under_a_lock() {
    let mut world = World::new();
    let depths = |world: &mut World| match world.ask(&Call::GetQueueDepths) {
        Reply::QueueDepths(depths) => (depths.orchestrator_queue, depths.worker_queue, depths.timer_queue),
        other => panic!("{other:?}"),
    };
    world.send(start("a"));
    world.send(raised("a"));
    world.send_after(start("late"), 50);
    world.done(Call::EnqueueForWorker { item: work("a", 1, None, None) });
    world.done(Call::EnqueueForWorker { item: work("a", 2, None, None) });
    assert_eq!(depths(&mut world), (3, 2, 0));
    world.turn();
    world.job();
    assert_eq!(depths(&mut world), (1, 1, 0));
    world.pass(9);
    assert_eq!(depths(&mut world), (1, 1, 0));
    world.pass(1);
    assert_eq!(depths(&mut world), (3, 2, 0), "both locks have ended");
}

#[test]
fn people_are_told_what_lies_in_the_queues() {
    let mut world = World::new();
    world.send(start("a"));
    assert_eq!(world.store.lock_of("a"), None);
    world.turn();
    world.send_after(raised("a"), 20);
    world.done(Call::EnqueueForWorker { item: work("a", 1, None, None) });
    world.done(Call::EnqueueForWorker { item: work("a", 2, None, None) });
    world.done(Call::EnqueueForWorker { item: work("b", 1, None, None) });
    world.job();
    assert_eq!(world.store.lock_of("a"), Some(world.at(10)));
    assert_eq!(world.store.lock_of("nobody"), None);
    let (begins, later) = (start("a"), raised("a"));
    assert_eq!(world.store.messages_of("a"), [(&begins, world.at(10), 1), (&later, world.at(20), 0)]);
    assert_eq!(world.store.messages_of("nobody"), []);
    let (first, second) = (work("a", 1, None, None), work("a", 2, None, None));
    assert_eq!(world.store.jobs_of("a"), [(&*first, world.at(10), 1, true), (&*second, world.at(0), 0, false)]);
    assert_eq!(world.store.jobs_of("nobody"), []);
    assert_eq!(world.store.max_attempts("a"), 1);
    assert_eq!(world.store.max_attempts("nobody"), 0);
    let (messages, jobs) = world.store.queued();
    assert_eq!((messages.len(), jobs.len()), (2, 3));
    assert!(messages.iter().any(|item| **item == begins) && jobs.contains(&second));
}

#[test]
fn a_message_is_awaited_until_it_is_visible() {
    let mut world = World::new();
    assert!(!world.store.awaits_a_message(world.time()));
    world.send_after(start("a"), 2);
    assert!(world.store.awaits_a_message(world.time()) && world.store.awaits_a_message(world.at(1)));
    assert!(!world.store.awaits_a_message(world.at(2)));
    let mut world = World::new();
    world.send_after(start("a"), u64::MAX);
    assert!(!world.store.awaits_a_message(world.time()), "what comes at the end of time never comes");
}

#[test]
fn an_instance_is_known_by_a_history_or_a_message_that_starts_it() {
    let mut world = three();
    world.send(raised("mail"));
    world.send_after(start("later"), 5);
    let events = vec![event("appended", 1)];
    world.done(Call::AppendWithExecution { instance: "appended".to_owned(), execution: 1, events });
    assert_eq!(world.store.names(), ["a", "appended", "b", "c", "later"]);
    assert!(!world.store.knows("mail") && !world.store.knows("nobody") && world.store.knows("later"));
}

#[test]
fn a_store_is_busy_while_something_is_queued_or_locked_for_what_has_not_ended() {
    let mut world = World::new();
    let busy = |world: &World| {
        let busy = world.store.busy_instances();
        assert_eq!(world.store.is_busy(), !busy.is_empty());
        busy
    };
    assert_eq!(busy(&world), [""; 0]);
    world.begin("i");
    assert_eq!(busy(&world), [""; 0], "it waits, and nothing is queued for it");
    world.send_after(raised("i"), 5);
    world.send(letter("mail"));
    world.send_after(start("never"), u64::MAX);
    assert_eq!(busy(&world), ["i"], "neither mail for nobody nor what never comes");
    world.pass(5);
    let token = world.turn().token;
    assert_eq!(busy(&world), ["i"], "its lock is held");
    let mut ack = ack(&token, Vec::new());
    ack.metadata.status = Some("Completed".to_owned());
    world.done(commit(ack));
    world.send(raised("i"));
    assert_eq!(busy(&world), [""; 0], "it has ended");
    world.done(Call::EnqueueForWorker { item: work("i", 1, None, None) });
    assert_eq!(busy(&world), ["i"], "its activity goes on");
}

#[test]
fn ends_are_told_to_the_millisecond() {
    let world = three();
    assert!(world.store.has_unfinished());
    assert!(world.store.any_ended_after(Time(1003)) && !world.store.any_ended_after(Time(1004)));
    let mut world = World::new();
    assert!(!world.store.has_unfinished() && !world.store.any_ended_after(Time(0)));
    world.begin("i");
    assert!(world.store.has_unfinished() && !world.store.any_ended_after(Time(0)));
    world.end("i", 1, "Failed");
    assert!(!world.store.has_unfinished() && world.store.any_ended_after(Time(0)));
}

fn query(ids: Option<&[&str]>, completed_before: Option<u64>, limit: Option<u32>) -> InstanceQuery {
    let instance_ids = ids.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
    InstanceQuery { instance_ids, completed_before, limit }
}

#[test]
fn a_bulk_deletion_takes_what_its_query_selects_oldest_first() {
    let gone = |query: InstanceQuery| {
        let mut world = three();
        world.begin("d");
        world.end("d", 1, "Completed");
        let before = names(&mut world, &Call::ListInstances);
        let Reply::Deleted(counts) = world.ask(&Call::DeleteInstanceBulk { query }) else { panic!("it is refused") };
        let left = names(&mut world, &Call::ListInstances);
        let mut gone: Vec<String> = before.into_iter().filter(|name| !left.contains(name)).collect();
        gone.sort();
        assert_eq!(counts.instances_deleted, gone.len() as u64);
        gone.concat()
    };
    assert_eq!(gone(query(None, None, None)), "abd");
    assert_eq!(gone(query(None, None, Some(2))), "ab");
    assert_eq!(gone(query(None, None, Some(0))), "");
    assert_eq!(gone(query(Some(&[]), None, None)), "");
    assert_eq!(gone(query(Some(&["d", "c", "b", "nobody"]), None, None)), "bd");
    assert_eq!(gone(query(Some(&["d", "b"]), None, Some(1))), "b");
    assert_eq!(gone(query(None, Some(1004), None)), "a", "strictly before");
    assert_eq!(gone(query(None, Some(1005), None)), "ab");
}

#[test]
fn a_deletion_counts_everything_that_goes() {
    let mut world = World::new();
    world.begin("a");
    world.begin_under("child", Some("a"));
    world.send(raised("a"));
    world.done(Call::EnqueueForWorker { item: work("a", 1, None, None) });
    world.done(Call::EnqueueForWorker { item: work("child", 1, None, None) });
    world.turn();
    world.send(raised("a"));
    world.job();
    let delete = |force| Call::DeleteInstance { instance: "a".to_owned(), force };
    assert_eq!(world.refused(delete(false)), Class::StillRunning);
    let child = Call::DeleteInstance { instance: "child".to_owned(), force: true };
    assert_eq!(world.refused(child), Class::SubOrchestration);
    let left = Call::DeleteInstancesAtomic { instances: vec!["a".to_owned()], force: true };
    assert_eq!(world.refused(left), Class::ChildLeft);
    let counts =
        DeleteCounts { instances_deleted: 2, executions_deleted: 2, events_deleted: 2, queue_messages_deleted: 4 };
    assert_eq!(world.ask(&delete(true)), Reply::Deleted(counts));
    let text = format!("{:?}", world.store);
    assert!(text.contains("instances: {}") && text.contains("ready: {}"), "{text}");
    assert_eq!(world.refused(delete(true)), Class::NotFound);
    assert_eq!(world.ask(&Call::GetSystemMetrics), Reply::Metrics(Metrics::default()));
}

#[test]
fn a_tree_is_told_parents_first() {
    let mut world = World::new();
    world.begin("a");
    world.begin_under("c", Some("a"));
    world.begin_under("b", Some("a"));
    world.begin_under("d", Some("c"));
    assert_eq!(names(&mut world, &Call::ListChildren { instance: "a".to_owned() }), ["c", "b"]);
    assert_eq!(names(&mut world, &Call::ListChildren { instance: "d".to_owned() }), [""; 0]);
    let Reply::Tree(tree) = world.ask(&Call::GetInstanceTree { instance: "a".to_owned() }) else { panic!("no tree") };
    assert_eq!((&*tree.root_id, tree.all_ids.concat()), ("a", "acbd".to_owned()));
    let parent = |world: &mut World, name: &str| world.ask(&Call::GetParentId { instance: name.to_owned() });
    assert_eq!(parent(&mut world, "d"), Reply::Value(Some("c".to_owned())));
    assert_eq!(parent(&mut world, "a"), Reply::Value(None));
    world.end("a", 1, "Completed");
    let bulk = Call::DeleteInstanceBulk { query: InstanceQuery::default() };
    assert_eq!(world.ask(&bulk), Reply::Deleted(DeleteCounts::default()), "its descendants run");
}

#[test]
fn pruning_keeps_the_last_the_running_and_the_recent() {
    let left = |keep_last, completed_before| {
        let mut world = chain();
        let keep = KeepRule { keep_last, completed_before };
        let Reply::Pruned(counts) = world.ask(&Call::PruneExecutions { instance: "i".to_owned(), keep }) else {
            panic!("it is refused")
        };
        let Reply::Numbers(left) = world.ask(&Call::ListExecutions { instance: "i".to_owned() }) else {
            panic!("no executions")
        };
        let gone = 3 - left.len() as u64;
        assert_eq!(counts, PruneCounts { instances_processed: 1, executions_deleted: gone, events_deleted: gone });
        let Reply::Metrics(metrics) = world.ask(&Call::GetSystemMetrics) else { panic!("no metrics") };
        assert_eq!((metrics.total_executions, metrics.total_events), (3 - gone, 3 - gone));
        // What is left can still be deleted, and is counted then.
        let deleted = world.ask(&Call::DeleteInstance { instance: "i".to_owned(), force: true });
        assert!(matches!(deleted, Reply::Deleted(counts) if counts.events_deleted == 3 - gone), "{deleted:?}");
        left
    };
    assert_eq!(left(None, None), [3]);
    assert_eq!(left(Some(0), None), [3]);
    assert_eq!(left(Some(2), None), [2, 3]);
    assert_eq!(left(Some(3), None), [1, 2, 3]);
    assert_eq!(left(None, Some(1002)), [1, 2, 3], "strictly before");
    assert_eq!(left(None, Some(1003)), [2, 3]);
    assert_eq!(left(Some(2), Some(1005)), [2, 3]);
}

#[test]
fn a_bulk_pruning_adds_up_what_it_did() {
    let mut world = chain();
    world.begin("j");
    world.pass(1);
    world.end("j", 1, "ContinuedAsNew");
    world.send(raised("j"));
    let token = world.turn().token;
    let history = vec![event_of("j", 2, 1, EventKind::ExternalSubscribed { name: "e".to_owned() })];
    world.done(commit(AckTurn { execution: 2, ..ack(&token, history) }));
    let keep = KeepRule::default();
    let prune = |world: &mut World, query| world.ask(&Call::PruneExecutionsBulk { query, keep });
    let all = PruneCounts { instances_processed: 2, executions_deleted: 3, events_deleted: 3 };
    assert_eq!(prune(&mut world.clone(), InstanceQuery::default()), Reply::Pruned(all));
    let one = PruneCounts { instances_processed: 1, executions_deleted: 2, events_deleted: 2 };
    assert_eq!(prune(&mut world, query(None, None, Some(1))), Reply::Pruned(one));
    assert_eq!(world.refused(Call::PruneExecutions { instance: "nobody".to_owned(), keep }), Class::NotFound);
}
