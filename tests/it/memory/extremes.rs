//! Extreme inputs: nothing panics, wraps or starves others.

use std::collections::BTreeSet;
use std::time::Duration;

use duroxide_sim::call::{Call, Metrics, QueueDepths, Reply};
use duroxide_sim::duroxide::{Event, EventKind};
use duroxide_sim::sim::{Handle, Limits};
use duroxide_sim::{Memory, Sim};

use super::*;

const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Two hundred years of virtual time, nearly to the end of the virtual clock.
fn simulate<F: Future<Output = ()> + 'static>(body: impl FnOnce(Handle) -> F + Send + 'static) {
    let limits = Limits { virtual_time: 2 * CENTURY, ..Limits::default() };
    Sim::new(1).limits(limits).without_laws().run(body);
}

/// Scaled down where the store is compiled for debugging.
const fn scaled(number: usize) -> usize {
    if cfg!(debug_assertions) { number / 10 } else { number }
}

#[test]
fn a_timer_for_the_end_of_time_never_fires_and_starves_nobody() {
    simulate(|sim| async move {
        let memory = sim.memory();
        ask(&memory, start("i")).await;
        let token = turn(ask(&memory, fetch_turn(SECOND, Duration::ZERO)).await).token;
        let timer = |fire_at_ms| WorkItem::TimerFired { instance: "i".to_owned(), execution_id: 1, id: 1, fire_at_ms };
        let messages = vec![timer(u64::MAX).into(), timer(u64::MAX - 1).into()];
        assert_eq!(ask(&memory, ack_turn(AckTurn { messages, ..ack(&token) })).await, Reply::Done);

        ask(&memory, start("other")).await;
        let other = turn(ask(&memory, fetch_turn(SECOND, SECOND)).await);
        assert_eq!(other.instance, "other");
        assert_eq!(ask(&memory, ack_turn(ack(&other.token))).await, Reply::Done);
        ask(&memory, event("i", "now")).await;
        let turn = turn(ask(&memory, fetch_turn(SECOND, SECOND)).await);
        assert_eq!((turn.instance.as_str(), turn.messages.len()), ("i", 1), "only the event has come");
        assert_eq!(ask(&memory, ack_turn(ack(&turn.token))).await, Reply::Done);

        sim.sleep(CENTURY).await;
        assert_eq!(ask(&memory, fetch_turn(SECOND, SECOND)).await, Reply::Turn(None));
    });
}

#[test]
fn a_lock_of_the_longest_duration_never_expires() {
    simulate(|sim| async move {
        let memory = sim.memory();
        ask(&memory, start("i")).await;
        ask(&memory, enqueue_job(1, Some("s"))).await;
        ask(&memory, enqueue_job(2, Some("s"))).await;
        let turn = turn(ask(&memory, fetch_turn(Duration::MAX, Duration::MAX)).await);
        let fetched = job(ask(&memory, fetch_job_as("a", Duration::MAX, Duration::MAX, Duration::MAX)).await);
        let extend_for = Duration::MAX;
        let renew_turn = Call::RenewOrchestrationItemLock { token: turn.token.clone(), extend_for };
        let renew_job = Call::RenewWorkItemLock { token: fetched.token.clone(), extend_for };
        for call in [renew_turn, renew_job] {
            assert_eq!(ask(&memory, call).await, Reply::Done);
            sim.sleep(CENTURY / 2).await;
        }
        let owners = vec!["a".to_owned()];
        let renew = Call::RenewSessionLock { owners, extend_for, idle_for: Duration::MAX };
        assert_eq!(ask(&memory, renew).await, Reply::Count(1));
        sim.sleep(CENTURY / 2).await;

        assert_eq!(ask(&memory, fetch_turn(SECOND, SECOND)).await, Reply::Turn(None));
        assert_eq!(ask(&memory, fetch_job_as("b", SECOND, SECOND, SECOND)).await, Reply::Job(None));
        let second = job(ask(&memory, fetch_job_as("a", SECOND, SECOND, SECOND)).await);
        assert_eq!(*second.item, activity("i", 2, Some("s")));
        assert_eq!(ask(&memory, ack_turn(ack(&turn.token))).await, Reply::Done);
        assert_eq!(ask(&memory, Call::AckWorkItem { token: fetched.token, completion: None }).await, Reply::Done);
    });
}

#[test]
fn a_delay_of_the_longest_duration_never_ends() {
    simulate(|sim| async move {
        let memory = sim.memory();
        ask(&memory, start_after("never", Some(Duration::MAX))).await;
        ask(&memory, start("i")).await;
        ask(&memory, enqueue_job(1, None)).await;
        let (delay, ignore_attempt) = (Some(Duration::MAX), true);
        let token = turn(ask(&memory, fetch_turn(SECOND, SECOND)).await).token;
        ask(&memory, Call::AbandonOrchestrationItem { token, delay, ignore_attempt }).await;
        let token = job(ask(&memory, fetch_job(SECOND, SECOND)).await).token;
        ask(&memory, Call::AbandonWorkItem { token, delay, ignore_attempt }).await;

        sim.sleep(CENTURY).await;
        assert_eq!(ask(&memory, fetch_turn(SECOND, SECOND)).await, Reply::Turn(None));
        assert_eq!(ask(&memory, fetch_job(SECOND, SECOND)).await, Reply::Job(None));
        let depths = QueueDepths { orchestrator_queue: 2, worker_queue: 1, timer_queue: 0 };
        assert_eq!(ask(&memory, Call::GetQueueDepths).await, Reply::QueueDepths(depths));
    });
}

#[test]
fn a_poll_of_the_longest_duration_waits_for_what_comes() {
    simulate(|sim| async move {
        let memory = sim.memory();
        let inside = memory.clone();
        let fetch = tokio::spawn(async move { ask(&inside, fetch_turn(SECOND, Duration::MAX)).await });
        // tokio takes what is longer than thirty years for thirty years.
        sim.sleep(CENTURY / 4).await;
        ask(&memory, start("i")).await;
        assert_eq!(turn(fetch.await.expect("no panic")).instance, "i");
        assert_eq!(sim.elapsed(), CENTURY / 4);
    });
}

/// A turn with one event that holds `payload`, all of it in strange texts.
async fn round_trip(memory: &Memory, instance: &str, payload: &str) {
    ask(memory, start(instance)).await;
    ask(memory, event(instance, payload)).await;
    let turn = turn(ask(memory, fetch_turn(SECOND, Duration::ZERO)).await);
    assert_eq!(turn.instance, instance);
    let last = turn.messages.last().map(|item| &**item);
    let Some(WorkItem::ExternalRaised { data, .. }) = last else { panic!("{:?}", turn.messages.len()) };
    assert!(data == payload, "the payload comes back as it was");
    let raised = Event {
        event_id: 1,
        source_event_id: None,
        instance_id: instance.to_owned(),
        execution_id: 1,
        timestamp_ms: u64::MAX,
        duroxide_version: String::new(),
        kind: EventKind::ExternalEvent { name: payload.to_owned(), data: payload.to_owned() },
    };
    let history = vec![raised.clone().into()];
    let mut ack = AckTurn { history, ..ack(&turn.token) };
    ack.metadata.status = Some("Completed".to_owned());
    ack.metadata.output = Some(payload.to_owned());
    assert_eq!(ask(memory, ack_turn(ack)).await, Reply::Done);

    let read = ask(memory, Call::Read { instance: instance.to_owned() }).await;
    assert!(read == Reply::Events(vec![raised.into()]), "the history comes back as it was");
    let info = ask(memory, Call::GetInstanceInfo { instance: instance.to_owned() }).await;
    let Reply::Instance(info) = info else { panic!("no instance of this name") };
    assert!(info.output.as_deref() == Some(payload));
    let deleted = ask(memory, Call::DeleteInstance { instance: instance.to_owned(), force: false }).await;
    assert!(matches!(deleted, Reply::Deleted(counts) if counts.instances_deleted == 1));
    assert_eq!(ask(memory, Call::ListInstances).await, Reply::Names(Vec::new()));
}

#[tokio::test]
async fn any_text_is_a_name_and_a_payload() {
    let memory = Memory::new();
    let long = "\0long".repeat(1 << 20);
    for text in ["", "\0", "a\0b", " ", "'; DROP TABLE instances; --", "%_*", "\u{feff}é\u{301}🦀", "\r\n", &long] {
        round_trip(&memory, text, text).await;
    }
}

#[tokio::test]
async fn names_that_differ_in_little_are_different_instances() {
    let memory = Memory::new();
    let names = ["", "\0", "\0\0", "i", "I", "i ", " i", "i\0", "é", "e\u{301}"];
    for name in names {
        ask(&memory, start(name)).await;
    }
    for name in names {
        let turn = turn(ask(&memory, fetch_turn(SECOND, Duration::ZERO)).await);
        assert_eq!((turn.instance.as_str(), turn.messages.len()), (name, 1));
    }
}

#[tokio::test]
async fn the_largest_numbers_are_executions_and_events() {
    let memory = Memory::new();
    ask(&memory, start("i")).await;
    let token = turn(ask(&memory, fetch_turn(SECOND, Duration::ZERO)).await).token;
    let event = Event {
        event_id: u64::MAX,
        source_event_id: Some(u64::MAX),
        instance_id: "i".to_owned(),
        execution_id: u64::MAX,
        timestamp_ms: u64::MAX,
        duroxide_version: String::new(),
        kind: EventKind::ExternalSubscribed { name: String::new() },
    };
    let turn_ack = AckTurn { execution: u64::MAX, history: vec![event.clone().into()], ..ack(&token) };
    assert_eq!(ask(&memory, ack_turn(turn_ack)).await, Reply::Done);
    let instance = || "i".to_owned();
    assert_eq!(ask(&memory, Call::LatestExecutionId { instance: instance() }).await, Reply::Number(u64::MAX));
    assert_eq!(ask(&memory, Call::Read { instance: instance() }).await, Reply::Events(vec![event.into()]));
    let job = Call::EnqueueForWorker { item: activity("i", u64::MAX, None).into() };
    assert_eq!(ask(&memory, job).await, Reply::Done);
    let deleted = ask(&memory, Call::DeleteInstance { instance: instance(), force: true }).await;
    assert!(matches!(deleted, Reply::Deleted(counts) if counts.queue_messages_deleted == 1), "{deleted:?}");
}

#[tokio::test]
async fn a_million_messages_for_one_instance_come_in_order() {
    let number = scaled(1_000_000);
    let memory = Memory::new();
    ask(&memory, start("i")).await;
    for nth in 0..number {
        ask(&memory, event("i", nth.to_string())).await;
    }
    let turn = turn(ask(&memory, fetch_turn(SECOND, Duration::ZERO)).await);
    let data = turn.messages.iter().filter_map(|item| match &**item {
        WorkItem::ExternalRaised { data, .. } => data.parse::<usize>().ok(),
        _ => None,
    });
    assert!(data.eq(0..number));
    assert_eq!(ask(&memory, ack_turn(ack(&turn.token))).await, Reply::Done);
    assert_eq!(ask(&memory, Call::GetQueueDepths).await, Reply::QueueDepths(QueueDepths::default()));
}

#[tokio::test]
async fn a_hundred_thousand_instances_each_get_their_turn() {
    let number = scaled(100_000);
    let memory = Memory::new();
    for nth in 0..number {
        ask(&memory, start(&format!("i{nth}"))).await;
    }
    let mut fetched = BTreeSet::new();
    while let Some(turn) = match ask(&memory, fetch_turn(SECOND * 3600, Duration::ZERO)).await {
        Reply::Turn(turn) => turn,
        other => panic!("{other:?}"),
    } {
        assert_eq!(ask(&memory, ack_turn(ack(&turn.token))).await, Reply::Done);
        assert!(fetched.insert(turn.instance));
    }
    assert_eq!(fetched.len(), number);
    let number = number as u64;
    let metrics =
        Metrics { total_instances: number, total_executions: number, running_instances: number, ..Metrics::default() };
    assert_eq!(ask(&memory, Call::GetSystemMetrics).await, Reply::Metrics(metrics));
}

#[tokio::test]
async fn messages_for_nobody_starve_nobody() {
    let memory = Memory::new();
    let queue_message = |nth: usize| WorkItem::QueueMessage {
        instance: format!("nobody{nth}"),
        name: "queue".to_owned(),
        data: String::new(),
    };
    for nth in 0..scaled(20_000) {
        ask(&memory, event(&format!("nobody{nth}"), "lost")).await;
        ask(&memory, Call::EnqueueForOrchestrator { item: queue_message(nth).into(), delay: None }).await;
    }
    ask(&memory, start("somebody")).await;
    assert_eq!(turn(ask(&memory, fetch_turn(SECOND * 3600, Duration::ZERO)).await).instance, "somebody");
    assert_eq!(ask(&memory, fetch_turn(SECOND, Duration::ZERO)).await, Reply::Turn(None));

    // What waits for an instance is there when it comes; queue messages for
    // nobody are dropped.
    ask(&memory, start("nobody3")).await;
    let turn = turn(ask(&memory, fetch_turn(SECOND, Duration::ZERO)).await);
    assert_eq!(turn.instance, "nobody3");
    let kinds: Vec<_> = turn.messages.iter().map(|item| duroxide_sim::call::kind_of(item)).collect();
    assert_eq!(kinds, ["ExternalRaised", "StartOrchestration"]);
}
