//! Each law holds in real runs and fires on a trace that breaks it.

mod histories;
mod queues;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use duroxide_sim::Sim;
use duroxide_sim::call::{AckTurn, Call, Job, Metadata, Reply, Tags, VersionRange};
use duroxide_sim::clock::Time;
use duroxide_sim::duroxide::providers::WorkItem;
use duroxide_sim::duroxide::{Event, EventKind};
use duroxide_sim::laws::{Law, check};
use duroxide_sim::trace::{Answer, Digest, Entry, Remains, SeenTurn, Trace};

/// A trace, built call by call; each builder says what was answered.
struct Script {
    now: u64,
    trace: Trace,
}

impl Script {
    fn new() -> Script {
        Script {
            now: 1000,
            trace: Trace { started: Time(1000), entries: Vec::new(), marks: Vec::new(), remains: None },
        }
    }

    fn after(mut self, ms: u64) -> Script {
        self.now += ms;
        self
    }

    fn push(mut self, call: Call, answer: Answer) -> Script {
        let at = Time(self.now);
        self.trace.entries.push(Entry { asked: at, answered: at, by: "a".into(), call: Arc::new(call), answer });
        self
    }

    fn done(self, call: Call) -> Script {
        self.push(call, Answer::Reply(Reply::Done))
    }

    fn send(self, item: WorkItem) -> Script {
        self.done(Call::EnqueueForOrchestrator { item: item.into(), delay: None })
    }

    /// A fetch of duroxide's runtime, which always names the versions it can replay.
    fn fetch(self, turn: SeenTurn) -> Script {
        self.fetch_of(Some(vec![]), turn)
    }

    fn fetch_of(self, versions: Option<Vec<VersionRange>>, turn: SeenTurn) -> Script {
        let lock_for = Duration::from_millis(100);
        let call = Call::FetchOrchestrationItem { lock_for, poll_for: Duration::ZERO, versions };
        self.push(call, Answer::Turn(Box::new(turn)))
    }

    fn fetch_job(self, token: &str, attempts: u32) -> Script {
        let (lock_for, poll_for) = (Duration::from_millis(100), Duration::ZERO);
        let call = Call::FetchWorkItem { lock_for, poll_for, session: None, tags: Tags::Any };
        self.push(call, Answer::Job(Job { item: job().into(), token: token.into(), attempts }))
    }

    fn ack(self, token: &str, history: Vec<Event>, status: Option<&str>) -> Script {
        self.done(ack(token, history, status))
    }

    /// The first turn of instance `i`, up to its ack.
    fn started(self) -> Script {
        self.send(start()).fetch(turn("t1", 1, vec![start()], &[])).ack("t1", vec![event(1, None)], None)
    }

    fn left(mut self, messages: Vec<WorkItem>, jobs: Vec<WorkItem>) -> Script {
        let shared = |items: Vec<WorkItem>| items.into_iter().map(Arc::new).collect();
        self.trace.remains = Some(Remains { messages: shared(messages), jobs: shared(jobs) });
        self
    }

    #[track_caller]
    fn breaks(self, law: Law) {
        let found: Vec<Law> = check(&self.trace).into_iter().map(|breach| breach.law).collect();
        assert!(found.contains(&law), "{law} is broken; found {found:?}");
    }

    /// This law is broken, once, and no other.
    #[track_caller]
    fn breaks_only(self, law: Law) {
        let found = check(&self.trace);
        assert!(found.len() == 1 && found[0].law == law, "{law} alone is broken; found {found:#?}");
    }

    #[track_caller]
    fn breaks_nothing(self) {
        let found = check(&self.trace);
        assert!(found.is_empty(), "{found:#?}");
    }
}

fn ack(token: &str, history: Vec<Event>, status: Option<&str>) -> Call {
    let history = history.into_iter().map(Arc::new).collect();
    let metadata = Metadata { status: status.map(str::to_owned), ..Metadata::default() };
    let ack = AckTurn {
        token: token.into(),
        execution: 1,
        history,
        jobs: vec![],
        messages: vec![],
        metadata,
        cancelled: vec![],
    };
    Call::AckOrchestrationItem(Box::new(ack))
}

fn with_job(token: &str) -> Call {
    match ack(token, vec![event(1, None)], None) {
        Call::AckOrchestrationItem(mut ack) => {
            ack.jobs.push(job().into());
            Call::AckOrchestrationItem(ack)
        }
        other => other,
    }
}

fn start() -> WorkItem {
    crate::start_item("i", "O")
}

fn raised(data: &str) -> WorkItem {
    WorkItem::ExternalRaised { instance: "i".into(), name: "e".into(), data: data.into() }
}

fn job() -> WorkItem {
    WorkItem::ActivityExecute {
        instance: "i".into(),
        execution_id: 1,
        id: 2,
        name: "A".into(),
        input: String::new(),
        session_id: None,
        tag: None,
    }
}

fn event(id: u64, source: Option<u64>) -> Event {
    let kind = match source {
        None => EventKind::CustomStatusUpdated { status: None },
        Some(_) => EventKind::ActivityCompleted { result: String::new() },
    };
    Event {
        event_id: id,
        source_event_id: source,
        instance_id: "i".into(),
        execution_id: 1,
        timestamp_ms: 1000,
        duroxide_version: "0.1.32".into(),
        kind,
    }
}

fn turn(token: &str, attempts: u32, messages: Vec<WorkItem>, history: &[Event]) -> SeenTurn {
    let mut digest = Digest::default();
    history.iter().for_each(|event| digest.push(event));
    SeenTurn {
        instance: "i".into(),
        orchestration_name: "O".into(),
        version: "1.0.0".into(),
        execution: 1,
        history: digest,
        history_error: None,
        messages: messages.into_iter().map(Arc::new).collect(),
        kv_keys: 0,
        token: token.into(),
        attempts,
    }
}

#[test]
fn a_good_trace_breaks_no_law() {
    Script::new()
        .started()
        .send(raised("x"))
        .fetch(turn("t2", 1, vec![raised("x")], &[event(1, None)]))
        .after(100)
        .fetch(turn("t3", 2, vec![raised("x")], &[event(1, None)]))
        .ack("t3", vec![event(2, None)], Some("Completed"))
        .left(vec![], vec![])
        .breaks_nothing();
}

#[test]
fn fetching_a_locked_instance_breaks_one_live_lease() {
    let first = Script::new().send(start()).fetch(turn("t1", 1, vec![start()], &[]));
    first.after(99).fetch(turn("t2", 2, vec![start()], &[])).breaks(Law::OneLiveLease);
}

#[test]
fn acking_after_the_lock_has_expired_breaks_one_live_lease() {
    let first = Script::new().send(start()).fetch(turn("t1", 1, vec![start()], &[]));
    first.after(100).ack("t1", vec![event(1, None)], None).breaks(Law::OneLiveLease);
}

#[test]
fn issuing_a_token_twice_breaks_one_live_lease() {
    Script::new()
        .started()
        .send(raised("x"))
        .fetch(turn("t1", 1, vec![raised("x")], &[event(1, None)]))
        .breaks(Law::OneLiveLease);
}

#[test]
fn fetching_a_locked_job_breaks_one_live_lease() {
    let first = Script::new().send(start()).fetch(turn("t1", 1, vec![start()], &[])).done(with_job("t1"));
    first.fetch_job("j1", 1).after(99).fetch_job("j2", 2).breaks(Law::OneLiveLease);
}

#[test]
fn fetching_a_delayed_message_early_breaks_nothing_invisible() {
    let delay = Some(Duration::from_millis(10));
    let delayed = Call::EnqueueForOrchestrator { item: start().into(), delay };
    Script::new().done(delayed).after(9).fetch(turn("t1", 1, vec![start()], &[])).breaks(Law::NothingInvisible);
}

#[test]
fn leaving_a_visible_message_behind_breaks_whole_batch() {
    Script::new().send(start()).send(raised("x")).fetch(turn("t1", 1, vec![start()], &[])).breaks(Law::WholeBatch);
}

#[test]
fn delivering_an_acked_message_again_breaks_acked_once() {
    let again = turn("t2", 1, vec![start()], &[event(1, None)]);
    Script::new().started().fetch(again).breaks(Law::AckedOnce);
}

#[test]
fn losing_a_message_breaks_acked_once() {
    Script::new().started().send(raised("x")).left(vec![], vec![]).breaks(Law::AckedOnce);
}

#[test]
fn keeping_an_acked_message_breaks_acked_once() {
    Script::new().started().left(vec![start()], vec![]).breaks(Law::AckedOnce);
}

#[test]
fn losing_a_job_breaks_acked_once() {
    let first = Script::new().send(start()).fetch(turn("t1", 1, vec![start()], &[])).done(with_job("t1"));
    first.left(vec![], vec![]).breaks(Law::AckedOnce);
}

#[test]
fn counting_attempts_wrong_breaks_attempts_rise() {
    Script::new().send(start()).fetch(turn("t1", 2, vec![start()], &[])).breaks(Law::AttemptsRise);
    let first = Script::new().send(start()).fetch(turn("t1", 1, vec![start()], &[])).done(with_job("t1"));
    first.fetch_job("j1", 1).after(100).fetch_job("j2", 1).breaks(Law::AttemptsRise);
}

#[test]
fn reading_less_than_was_acked_breaks_ack_atomic() {
    let read = Call::Read { instance: "i".into() };
    Script::new().started().push(read, Answer::History(Digest::default())).breaks(Law::AckAtomic);
    Script::new().started().send(raised("x")).fetch(turn("t2", 1, vec![raised("x")], &[])).breaks(Law::AckAtomic);
}

#[test]
fn a_gap_in_the_event_ids_breaks_append_only() {
    let first = Script::new().send(start()).fetch(turn("t1", 1, vec![start()], &[]));
    first.ack("t1", vec![event(1, None), event(3, None)], None).breaks(Law::AppendOnly);
}

#[test]
fn a_test_that_plays_the_runtime_may_leave_gaps_and_must_not_go_back() {
    let ids = |versions, ids: [u64; 2]| {
        let first = Script::new().send(start()).fetch_of(versions, turn("t1", 1, vec![start()], &[]));
        first.ack("t1", ids.map(|id| event(id, None)).to_vec(), None)
    };
    ids(None, [1, 100]).breaks_nothing();
    ids(None, [100, 99]).breaks_only(Law::AppendOnly);
    ids(None, [100, 100]).breaks_only(Law::AppendOnly);
    ids(Some(vec![]), [1, 100]).breaks_only(Law::AppendOnly);
}

#[test]
fn growing_after_the_end_breaks_terminal_final() {
    let ended = Script::new().send(start()).fetch(turn("t1", 1, vec![start()], &[]));
    let ended = ended.ack("t1", vec![event(1, None)], Some("Completed")).send(raised("x"));
    let again = ended.fetch(turn("t2", 1, vec![raised("x")], &[event(1, None)]));
    again.ack("t2", vec![event(2, None)], Some("Failed")).breaks(Law::TerminalFinal);
}

#[test]
fn a_second_outcome_breaks_completed_once() {
    let first = Script::new().send(start()).fetch(turn("t1", 1, vec![start()], &[]));
    let history = vec![event(1, None), event(2, None), event(3, Some(2)), event(4, Some(2))];
    first.ack("t1", history, None).breaks(Law::CompletedOnce);
}

#[test]
fn mail_that_came_before_the_start_may_be_dropped_and_no_other() {
    let mail = || WorkItem::QueueMessage { instance: "i".into(), name: "q".into(), data: "x".into() };
    Script::new().send(mail()).started().left(vec![], vec![]).breaks_nothing();
    Script::new().started().send(mail()).left(vec![], vec![]).breaks(Law::AckedOnce);
}

#[test]
fn every_law_names_its_source() {
    let sources: BTreeSet<&str> = Law::ALL.iter().map(|law| law.source()).collect();
    assert!(sources.len() == Law::ALL.len() && !sources.contains(""), "{sources:?}");
}

#[test]
fn a_broken_law_fails_the_simulation_that_breaks_it() {
    // A message that goes past the simulation's layers is one that the trace
    // knows nothing of.
    let failure = Sim::new(1).try_run(|sim| async move {
        let client = duroxide_sim::duroxide::Client::new(sim.memory());
        client.raise_event("nobody", "event", "x").await.map_err(|error| error.to_string())
    });
    let failure = failure.expect_err("the law is broken");
    assert_eq!(failure.breaches[0].law, Law::AckedOnce);
    assert!(failure.to_string().contains("never enqueued"), "{failure}");
}
