//! Turns, commits and what is read of them.

use duroxide_sim::call::{ActivityId, KvEntry};
use duroxide_sim::store::Touched;

use super::*;

fn started(name: &str, version: &str, carried: Option<Vec<(String, String)>>) -> EventKind {
    EventKind::OrchestrationStarted {
        name: name.to_owned(),
        version: version.to_owned(),
        input: String::new(),
        parent_instance: None,
        parent_id: None,
        parent_execution_id: None,
        carry_forward_events: carried,
        initial_custom_status: None,
    }
}

fn continued(instance: &str, orchestration: &str) -> WorkItem {
    WorkItem::ContinueAsNew {
        instance: instance.to_owned(),
        orchestration: orchestration.to_owned(),
        input: String::new(),
        version: Some("3.0.0".to_owned()),
        parent_instance: None,
        parent_id: None,
        parent_execution_id: None,
        carry_forward_events: Vec::new(),
        initial_custom_status: None,
    }
}

/// Commits these events of `i` as its next turn.
#[track_caller]
fn write(world: &mut World, change: impl FnOnce(&mut AckTurn)) {
    world.send(raised("i"));
    let token = world.turn().token;
    let mut ack = AckTurn::nothing(token, 1);
    change(&mut ack);
    world.done(commit(ack));
}

fn custom(world: &mut World, last_seen_version: u64) -> Option<(Option<String>, u64)> {
    match world.ask(&Call::GetCustomStatus { instance: "i".to_owned(), last_seen_version }) {
        Reply::CustomStatus(status) => status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_turns_name_and_version_come_from_the_record_the_history_or_the_start() {
    let mut world = World::new();
    let identity = |turn: Turn| (turn.orchestration_name, turn.version);
    let is = |name: &str, version: &str| (name.to_owned(), version.to_owned());
    world.send(start("a"));
    assert_eq!(identity(world.turn()), is("O", "unknown"));
    world.send(continued("b", "P"));
    assert_eq!(identity(world.turn()), is("P", "3.0.0"));
    let events = vec![event("c", 1), event_of("c", 1, 2, started("Q", "4.0.0", None))];
    world.done(Call::AppendWithExecution { instance: "c".to_owned(), execution: 1, events });
    world.send(continued("c", "P"));
    assert_eq!(identity(world.turn()), is("Q", "4.0.0"));
    world.done(Call::AppendWithExecution { instance: "d".to_owned(), execution: 1, events: vec![event("d", 1)] });
    world.send(raised("d"));
    let token = world.clone().turn().token;
    assert_eq!(identity(world.turn()), is("unknown", "unknown"));
    let mut ack = ack(&token, Vec::new());
    ack.metadata.orchestration_version = Some("5.0.0".to_owned());
    world.done(commit(ack));
    world.send(continued("d", "P"));
    assert_eq!(identity(world.turn()), is("O", "5.0.0"));
}

#[test]
fn a_turn_holds_what_is_visible_in_the_order_it_came() {
    let mut world = World::new();
    world.send_after(raised("i"), 3);
    world.send(start("i"));
    world.send_after(letter("i"), 4);
    world.pass(3);
    let turn = world.turn();
    assert_eq!(turn.messages.iter().map(|item| (**item).clone()).collect::<Vec<_>>(), [raised("i"), start("i")]);
    world.done(commit(ack(&turn.token, vec![event("i", 1)])));
    assert_eq!(world.pick_turn(Pick::Oldest, None), None);
    world.pass(1);
    assert_eq!(world.turn().messages.len(), 1);
}

#[test]
fn an_ack_is_refused_whole_for_what_does_not_fit() {
    let mut world = World::new();
    world.begin("i");
    world.send(raised("i"));
    let token = world.turn().token;
    let refused = |world: &mut World, change: &dyn Fn(&mut AckTurn)| {
        let mut ack = ack(&token, vec![event("i", 2)]);
        change(&mut ack);
        world.refused(commit(ack))
    };
    assert_eq!(refused(&mut world, &|ack| ack.history.push(event("i", 2))), Class::DuplicateEvent);
    assert_eq!(refused(&mut world, &|ack| ack.history.push(event("i", 1))), Class::DuplicateEvent);
    assert_eq!(refused(&mut world, &|ack| ack.history.push(event("i", 0))), Class::Invalid);
    assert_eq!(refused(&mut world, &|ack| ack.jobs = vec![start("i").into()]), Class::Invalid);
    assert_eq!(refused(&mut world, &|ack| ack.messages = vec![work("i", 1, None, None)]), Class::Invalid);
    assert_eq!(refused(&mut world, &|ack| ack.token = "other".to_owned()), Class::LockLost);
    let mut late = world.clone();
    late.pass(10);
    assert_eq!(refused(&mut late, &|_| {}), Class::LockLost);
    world.pass(9);
    world.done(commit(ack(&token, vec![event("i", 3), event("i", 2)])));
    let Reply::Events(events) = world.ask(&Call::Read { instance: "i".to_owned() }) else { panic!("no history") };
    assert_eq!(events.iter().map(|event| event.event_id).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn items_in_the_wrong_queue_are_refused() {
    let mut world = World::new();
    assert_eq!(world.refused(Call::EnqueueForWorker { item: start("i").into() }), Class::Invalid);
    let job = Call::EnqueueForOrchestrator { item: work("i", 1, None, None), delay: None };
    assert_eq!(world.refused(job), Class::Invalid);
    world.done(Call::EnqueueForWorker { item: work("i", 1, None, None) });
    let token = world.job().token;
    let wrong = Call::AckWorkItem { token: token.clone(), completion: Some(raised("i").into()) };
    assert_eq!(world.refused(wrong), Class::Invalid);
    world.done(Call::AckWorkItem { token: token.clone(), completion: Some(completed("i")) });
    assert_eq!(world.store.messages_of("i").len(), 1);
    assert_eq!(world.refused(Call::AckWorkItem { token, completion: None }), Class::LockLost);
}

#[test]
fn a_timer_comes_when_it_fires_and_other_messages_at_once() {
    let mut world = World::new();
    world.begin("i");
    let timer = WorkItem::TimerFired { instance: "i".to_owned(), execution_id: 1, id: 1, fire_at_ms: 1005 };
    write(&mut world, |ack| ack.messages = vec![timer.into(), start("j").into()]);
    let turn = world.turn();
    assert_eq!((&*turn.instance, turn.messages.len()), ("j", 1));
    assert_eq!(world.store.next_turn_after(world.time()), Some(Time(1005)));
    world.pass(4);
    assert_eq!(world.pick_turn(Pick::Oldest, None), None);
    world.pass(1);
    assert_eq!(world.turn().instance, "i");
}

#[test]
fn a_cancelled_activity_leaves_the_queue_and_no_other() {
    let mut world = World::new();
    world.begin("i");
    let id = |instance: &str, execution, activity| ActivityId { instance: instance.to_owned(), execution, activity };
    write(&mut world, |ack| {
        ack.jobs = [1, 2, 3].map(|n| work("i", n, Some("s"), None)).into();
        ack.cancelled = vec![id("i", 1, 2), id("i", 2, 3), id("nobody", 1, 1)];
    });
    let mut left = Vec::new();
    while let Some(job) = world.pick_job(Pick::Oldest, Some(claim("w")), Tags::Any) {
        left.push(job);
    }
    let items: Vec<Item> = left.iter().map(|job| job.item.clone()).collect();
    assert_eq!(items, [work("i", 1, Some("s"), None), work("i", 3, Some("s"), None)]);
    write(&mut world, |ack| ack.cancelled = vec![id("i", 1, 1)]);
    let lost = Call::RenewWorkItemLock { token: left[0].token.clone(), extend_for: LOCK };
    assert_eq!(world.refused(lost), Class::LockLost);
    world.done(Call::RenewWorkItemLock { token: left[1].token.clone(), extend_for: LOCK });
}

#[test]
fn an_abandoned_turn_comes_again_after_its_delay() {
    for (ignore_attempt, attempts) in [(false, 2), (true, 1)] {
        let mut world = World::new();
        world.send(start("i"));
        let token = world.turn().token;
        let delay = Some(Duration::from_millis(3));
        world.done(Call::AbandonOrchestrationItem { token: token.clone(), delay, ignore_attempt });
        let again = Call::AbandonOrchestrationItem { token: token.clone(), delay, ignore_attempt };
        assert_eq!(world.refused(again), Class::LockLost);
        assert_eq!(world.store.next_turn_after(world.time()), Some(world.at(3)));
        world.pass(2);
        assert_eq!(world.pick_turn(Pick::Oldest, None), None);
        world.pass(1);
        assert_eq!(world.turn().attempts, attempts);
        let lost = Call::RenewOrchestrationItemLock { token, extend_for: LOCK };
        assert_eq!(world.refused(lost), Class::LockLost);
    }
}

#[test]
fn a_renewed_lock_lasts_from_its_renewal() {
    let mut world = World::new();
    world.send(start("i"));
    world.done(Call::EnqueueForWorker { item: work("i", 1, None, None) });
    let (turn, job) = (world.turn().token, world.job().token);
    world.pass(6);
    world.done(Call::RenewOrchestrationItemLock { token: turn.clone(), extend_for: LOCK });
    world.done(Call::RenewWorkItemLock { token: job.clone(), extend_for: LOCK });
    world.pass(9);
    assert_eq!((world.pick_turn(Pick::Oldest, None), world.pick_job(Pick::Oldest, None, Tags::Any)), (None, None));
    world.pass(1);
    let (late_turn, late_job) = (
        Call::RenewOrchestrationItemLock { token: turn, extend_for: LOCK },
        Call::RenewWorkItemLock { token: job, extend_for: LOCK },
    );
    assert_eq!((world.refused(late_turn), world.refused(late_job)), (Class::LockLost, Class::LockLost));
    assert_eq!((world.turn().attempts, world.job().attempts), (2, 2));
}

#[test]
fn a_custom_status_has_a_version_that_rises() {
    let set = |status: Option<&str>| {
        let kind = EventKind::CustomStatusUpdated { status: status.map(str::to_owned) };
        move |ack: &mut AckTurn, id| ack.history.push(event_of("i", 1, id, kind.clone()))
    };
    let mut world = World::new();
    world.begin("i");
    assert_eq!(custom(&mut world, 0), None);
    write(&mut world, |ack| {
        set(Some("one"))(ack, 2);
        set(Some("two"))(ack, 3);
    });
    assert_eq!(custom(&mut world, 0), Some((Some("two".to_owned()), 1)));
    assert_eq!(custom(&mut world, 1), None);
    write(&mut world, |ack| set(None)(ack, 4));
    assert_eq!(custom(&mut world, 1), Some((None, 2)));
    write(&mut world, |ack| ack.history.push(event("i", 5)));
    assert_eq!(custom(&mut world, 2), None);
}

#[test]
fn values_are_read_at_once_and_handed_to_the_next_execution() {
    let mut world = World::new();
    world.begin("i");
    let set = |id, key: &str, value: &str| {
        let (key, value) = (key.to_owned(), value.to_owned());
        event_of("i", 1, id, EventKind::KeyValueSet { key, value, last_updated_at_ms: id })
    };
    let clear = |id, key: &str| event_of("i", 1, id, EventKind::KeyValueCleared { key: key.to_owned() });
    let read =
        |world: &mut World, key: &str| match world.ask(&Call::GetKvValue { instance: "i".into(), key: key.into() }) {
            Reply::Value(value) => value,
            other => panic!("{other:?}"),
        };
    let all = |world: &mut World| match world.ask(&Call::GetKvAllValues { instance: "i".into() }) {
        Reply::Values(values) => values.into_iter().map(|(key, value)| format!("{key}={value} ")).collect::<String>(),
        other => panic!("{other:?}"),
    };
    let snapshot = |world: &World| {
        let mut world = world.clone();
        world.send(raised("i"));
        world.turn().kv_snapshot
    };
    write(&mut world, |ack| ack.history = vec![set(2, "a", "1"), set(3, "b", "2"), set(4, "c", "3")]);
    assert_eq!((read(&mut world, "a").as_deref(), &*all(&mut world)), (Some("1"), "a=1 b=2 c=3 "));
    assert!(snapshot(&world).is_empty(), "the running execution replays them");
    for (status, kept) in [("Running", 0), ("Completed", 3), ("Failed", 3), ("ContinuedAsNew", 3)] {
        let mut world = world.clone();
        write(&mut world, |ack| ack.metadata.status = Some(status.to_owned()));
        assert_eq!(snapshot(&world).len(), kept, "{status}");
    }
    write(&mut world, |ack| ack.metadata.status = Some("ContinuedAsNew".to_owned()));
    assert_eq!(snapshot(&world)["b"], KvEntry { value: "2".to_owned(), last_updated_at_ms: 3 });
    write(&mut world, |ack| ack.history = vec![clear(5, "a"), set(6, "b", "4")]);
    assert_eq!((read(&mut world, "a"), &*all(&mut world)), (None, "b=4 c=3 "));
    assert_eq!(snapshot(&world).len(), 3, "what is cleared is so when the execution ends");
    let mut ended = world.clone();
    write(&mut ended, |ack| ack.metadata.status = Some("Completed".to_owned()));
    assert_eq!((snapshot(&ended).len(), &*all(&mut ended)), (2, "b=4 c=3 "));
    write(&mut world, |ack| ack.history = vec![event_of("i", 1, 7, EventKind::KeyValuesCleared), set(8, "d", "5")]);
    assert_eq!((read(&mut world, "c"), &*all(&mut world)), (None, "d=5 "));
    assert_eq!(read(&mut world, "nothing"), None);
}

#[test]
fn statistics_are_of_the_current_execution() {
    let mut world = World::new();
    let stats = |world: &mut World| match world.ask(&Call::GetInstanceStats { instance: "i".to_owned() }) {
        Reply::Stats(stats) => stats,
        other => panic!("{other:?}"),
    };
    world.send(start("i"));
    assert!(stats(&mut world).is_none(), "nothing is recorded yet");
    let token = world.turn().token;
    let carried = Some(vec![("e".to_owned(), "x".to_owned()), ("e".to_owned(), "y".to_owned())]);
    let set = EventKind::KeyValueSet { key: "k".to_owned(), value: "four".to_owned(), last_updated_at_ms: 1 };
    let history = vec![event_of("i", 1, 1, started("O", "1.0.0", carried)), event_of("i", 1, 2, set)];
    let size: usize =
        history.iter().map(|event| serde_json::to_vec(event).expect("an event has a JSON form").len()).sum();
    world.done(commit(ack(&token, history)));
    let of = stats(&mut world).expect("it is recorded");
    assert_eq!((of.history_event_count, of.history_size_bytes, of.queue_pending_count), (2, size as u64, 2));
    assert_eq!((of.kv_user_key_count, of.kv_total_value_bytes), (1, 4));
}

#[test]
fn a_damaged_history_is_told_and_the_turn_comes_without_it() {
    let mut world = World::new();
    assert!(!world.store.corrupt_history("i"), "there is none");
    world.send(start("i"));
    assert!(!world.store.corrupt_history("i"), "there is none yet");
    let token = world.turn().token;
    world.done(commit(ack(&token, vec![event("i", 1)])));
    assert!(world.store.corrupt_history("i"));
    assert_eq!(world.refused(Call::Read { instance: "i".to_owned() }), Class::Corrupt);
    assert_eq!(world.refused(Call::GetInstanceStats { instance: "i".to_owned() }), Class::Corrupt);
    world.send(raised("i"));
    let turn = world.turn();
    assert!(turn.history_error.is_some() && turn.history.is_empty() && turn.kv_snapshot.is_empty());
    let healthy = Call::Read { instance: "nobody".to_owned() };
    assert_eq!(world.ask(&healthy), Reply::Events(Vec::new()));
}

#[test]
fn what_a_call_may_touch_is_what_it_changes() {
    let mut world = World::new();
    world.begin("i");
    world.send(raised("i"));
    let token = world.turn().token;
    let one = |name: &str| Touched::One(name.to_owned());
    assert_eq!(world.store.touched_by(&commit(AckTurn::nothing(token, 1))), one("i"));
    assert_eq!(world.store.touched_by(&commit(AckTurn::nothing("never issued", 1))), Touched::None);
    let append = Call::AppendWithExecution { instance: "j".to_owned(), execution: 1, events: Vec::new() };
    assert_eq!(world.store.touched_by(&append), one("j"));
    let delete = Call::DeleteInstance { instance: "i".to_owned(), force: true };
    let atomic = Call::DeleteInstancesAtomic { instances: Vec::new(), force: true };
    let prune = Call::PruneExecutions { instance: "i".to_owned(), keep: KeepRule::default() };
    for call in [delete, atomic, prune] {
        assert_eq!(world.store.touched_by(&call), Touched::Any, "{call:?}");
    }
    assert_eq!(world.store.touched_by(&send(start("k"))), Touched::None);
    assert_eq!(world.store.touched_by(&Call::Read { instance: "i".to_owned() }), Touched::None);
}

#[test]
fn instances_of_which_nothing_is_left_are_forgotten() {
    let mut letters = World::new();
    letters.send(letter("i"));
    assert_eq!(letters.pick_turn(Pick::Oldest, None), None);
    let mut jobs = World::new();
    jobs.done(Call::EnqueueForWorker { item: work("i", 1, Some("s"), Some("t")) });
    let token = jobs.job().token;
    jobs.done(Call::AckWorkItem { token, completion: None });
    for world in [letters, jobs] {
        let text = format!("{:?}", world.store);
        for empty in ["names: {}", "ready: {}", "rows: {}", "lanes: {}", "by_activity: {}", "by_session: {}"] {
            assert!(text.contains(empty), "{empty}: {text}");
        }
    }
}
