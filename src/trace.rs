//! The trace: every provider call of a run with its answer and virtual time.
//!
//! [`Recorder`] is a layer that records the calls that pass through it, and [`Mark`]s record what
//! happened to nodes and calls between the entries. A [`Trace`] can be formatted as text
//! ([`Trace::text`], for people and snapshots) and as JSON lines ([`Trace::json_lines`], for
//! programs); equal runs have equal traces.
//!
//! Histories that a provider returned are kept as a [`Digest`]: they repeat what was acked before,
//! and keeping them in full would take memory quadratic in a history's length.
//!
//! This module judges nothing; `laws` does.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::call::{Answering, Call, Event, Handler, Item, Job, Reply, Turn};
use crate::clock::{self, Time};

mod history;
mod lines;
mod mark;
mod part;
pub(crate) mod text;

pub use history::{ExecutionHistory, History};
pub(crate) use history::{with_gaps, worth_showing};
pub use lines::TraceError;
pub use mark::{Mark, NodeEvent};
#[cfg(feature = "timeline")]
pub(crate) use part::Part;
pub(crate) use part::Wanted;
pub(crate) use text::Span;
pub(crate) use text::event_name;
#[cfg(feature = "timeline")]
pub(crate) use text::{Tokens, is_idle, is_repeated, words};
pub use text::{describe_event, describe_item};

/// All provider calls of a run, ordered by their answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The time at which the run began.
    pub started: Time,
    /// The calls.
    pub entries: Vec<Entry>,
    /// The node and call events between the calls, in order.
    pub marks: Vec<Mark>,
    /// The contents of the queues at the end, if they were recorded.
    pub remains: Option<Remains>,
}

/// A call and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The time of the call.
    pub asked: Time,
    /// The time at which the call was answered or its future dropped.
    pub answered: Time,
    /// The caller: a node's name, or `client`.
    pub by: Arc<str>,
    /// The call.
    pub call: Arc<Call>,
    /// The answer.
    pub answer: Answer,
}

/// An answer in the form that a trace keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// A turn was fetched.
    Turn(Box<SeenTurn>),
    /// A job was fetched.
    Job(Job),
    /// A fetch found nothing.
    Nothing,
    /// A history was read.
    History(Digest),
    /// Any other reply, in full.
    Reply(Reply),
    /// The call's future was dropped before it completed.
    Dropped,
}

/// A fetched turn, with its history as a digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SeenTurn {
    pub instance: String,
    pub orchestration_name: String,
    pub version: String,
    pub execution: u64,
    pub history: Digest,
    pub history_error: Option<String>,
    pub messages: Vec<Item>,
    pub kv_keys: usize,
    pub token: String,
    pub attempts: u32,
}

/// A compact summary of a history. Equal histories have equal digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// The number of events.
    pub events: u64,
    /// The highest event id.
    pub last: u64,
    /// A hash of every event's id, source, execution, time and kind, in order.
    pub hash: u64,
}

impl Entry {
    /// Whether the call changed nothing and delivered no work: a fetch that found nothing, a read,
    /// a lock renewal, or maintenance.
    pub fn found_nothing(&self) -> bool {
        let nothing = matches!(self.answer, Answer::Nothing | Answer::Dropped);
        match &*self.call {
            Call::FetchOrchestrationItem { .. } | Call::FetchWorkItem { .. } => nothing,
            Call::RenewOrchestrationItemLock { .. }
            | Call::RenewWorkItemLock { .. }
            | Call::RenewSessionLock { .. }
            | Call::CleanupOrphanedSessions { .. } => true,
            call => call.is_read(),
        }
    }
}

impl Digest {
    /// The digest of a history.
    pub fn of(events: &[Event]) -> Digest {
        let mut digest = Digest::default();
        events.iter().for_each(|event| digest.push(event));
        digest
    }

    /// Appends an event.
    pub fn push(&mut self, event: &duroxide::Event) {
        self.push_at(event, event.timestamp_ms);
    }

    /// Appends an event, ignoring its time.
    pub(crate) fn push_shape(&mut self, event: &duroxide::Event) {
        self.push_at(event, 0);
    }

    fn push_at(&mut self, event: &duroxide::Event, at: u64) {
        self.events += 1;
        self.last = self.last.max(event.event_id);
        let mut hash = self.hash;
        let parts = [event.event_id, event.source_event_id.unwrap_or(0), event.execution_id, at];
        for part in parts.into_iter().chain([text::event_number(event)]) {
            hash = (hash ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        }
        self.hash = hash;
    }
}

/// The contents of the queues, including locked items.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Remains {
    /// Messages for orchestrations.
    pub messages: Vec<Item>,
    /// Jobs.
    pub jobs: Vec<Item>,
}

/// The log that recorders write to. Clones share one log.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    list: Vec<Entry>,
    marks: Vec<Mark>,
    closed: bool,
    /// Whether calls are only counted and not kept.
    forgets: bool,
    /// The time of the last mark or productive call.
    moved: Time,
    /// The start and the last time of the current wait, in which a client reads repeatedly or waits
    /// otherwise.
    waited: (Time, Time),
    /// The number of productive calls.
    moves: u64,
}

impl Log {
    /// Creates an empty log.
    pub fn new() -> Log {
        Log::default()
    }

    /// Creates an empty log that does not keep calls.
    pub(crate) fn forgetful() -> Log {
        let log = Log::new();
        log.0.lock().forgets = true;
        log
    }

    /// The number of calls kept.
    pub fn len(&self) -> usize {
        self.0.lock().list.len()
    }

    /// Whether no calls are kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes and returns the calls and marks.
    pub fn take(&self) -> (Vec<Entry>, Vec<Mark>) {
        let mut entries = self.0.lock();
        (std::mem::take(&mut entries.list), std::mem::take(&mut entries.marks))
    }

    /// A copy of the calls.
    pub fn entries(&self) -> Vec<Entry> {
        self.0.lock().list.clone()
    }

    /// A copy of the marks.
    pub fn marks(&self) -> Vec<Mark> {
        self.0.lock().marks.clone()
    }

    /// Records an event of `node`.
    pub fn mark(&self, node: &str, what: NodeEvent) {
        let mut entries = self.0.lock();
        if !entries.closed {
            let before = entries.list.len();
            let at = clock::now();
            entries.moved = at;
            entries.marks.push(Mark { at, before, node: node.into(), what });
        }
    }

    /// The time of the last mark or productive call (one for which [`Entry::found_nothing`] is false); 0
    /// if there was none.
    pub fn moved(&self) -> Time {
        self.0.lock().moved
    }

    /// The number of productive calls.
    pub(crate) fn moves(&self) -> u64 {
        self.0.lock().moves
    }

    /// The start and the last time of the current wait, in which a client reads repeatedly (apart
    /// from the runtimes' gauges), or as reported by [`Log::note_wait`].
    pub(crate) fn waited(&self) -> (Time, Time) {
        self.0.lock().waited
    }

    /// Records a wait that made no reads.
    pub(crate) fn note_wait(&self, from: Time, to: Time) {
        let waited = &mut self.0.lock().waited;
        *waited = if from <= next_read(*waited) { (waited.0.min(from), to) } else { (from, to) };
    }

    /// Closes the log, so that later calls are not recorded. The order in which a runtime drops its
    /// tasks at its end is irrelevant, and tokio does not guarantee one.
    pub fn close(&self) {
        self.0.lock().closed = true;
    }

    fn push(&self, entry: Entry) {
        let mut entries = self.0.lock();
        if entries.closed {
            return;
        }
        if !entry.found_nothing() {
            entries.moved = entry.answered;
            entries.moves += 1;
        } else if entry.call.is_read() && !is_gauge(&entry.call) {
            let (at, late) = (entry.answered, entry.answered > next_read(entries.waited));
            entries.waited = (if late { at } else { entries.waited.0 }, at);
        }
        if !entries.forgets {
            entries.list.push(entry);
        }
    }
}

/// The latest time of the next read in a wait with this start and last time. The longest pause in a
/// client's wait is one hundredth of the time that it has waited.
pub(crate) fn next_read((from, to): (Time, Time)) -> Time {
    to + (to - from) / 50 + Duration::from_secs(1)
}

/// A layer that records every call.
#[derive(Debug)]
pub struct Recorder<H> {
    inner: H,
    by: Arc<str>,
    log: Log,
}

impl<H: Handler> Recorder<H> {
    /// Creates a layer that records the calls of `by` to `inner` in `log`.
    pub fn new(inner: H, by: &str, log: Log) -> Recorder<H> {
        Recorder { inner, by: by.into(), log }
    }
}

/// A call in progress, which is recorded as dropped unless it is answered.
struct Open<'a> {
    log: &'a Log,
    entry: Option<Entry>,
}

impl Open<'_> {
    fn close(mut self, answer: Answer) {
        if let Some(entry) = self.entry.take() {
            self.log.push(Entry { answered: clock::now(), answer, ..entry });
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.log.push(Entry { answered: clock::now(), ..entry });
        }
    }
}

impl<H: Handler> Handler for Recorder<H> {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        let asked = clock::now();
        let by = self.by.clone();
        let entry = Entry { asked, answered: asked, by, call: call.clone(), answer: Answer::Dropped };
        let open = Open { log: &self.log, entry: Some(entry) };
        match self.inner.handle(call).try_now() {
            Ok(reply) => {
                open.close(answer(&reply));
                Answering::ready(reply)
            }
            Err(answering) => Answering::wait(async move {
                let reply = answering.await;
                open.close(answer(&reply));
                reply
            }),
        }
    }

    fn describe(&self) -> String {
        format!("Recorder({})", self.inner.describe())
    }

    fn has_admin(&self) -> bool {
        self.inner.has_admin()
    }
}

/// Whether runtimes make the call for their gauges.
fn is_gauge(call: &Call) -> bool {
    matches!(call, Call::GetSystemMetrics | Call::GetQueueDepths)
}

/// Converts a reply to the form that a trace keeps.
pub(crate) fn answer(reply: &Reply) -> Answer {
    match reply {
        Reply::Turn(Some(turn)) => Answer::Turn(seen(turn)),
        Reply::Job(Some(job)) => Answer::Job((**job).clone()),
        Reply::Turn(None) | Reply::Job(None) => Answer::Nothing,
        Reply::Events(events) => Answer::History(Digest::of(events)),
        other => Answer::Reply(other.clone()),
    }
}

fn seen(turn: &Turn) -> Box<SeenTurn> {
    Box::new(SeenTurn {
        instance: turn.instance.clone(),
        orchestration_name: turn.orchestration_name.clone(),
        version: turn.version.clone(),
        execution: turn.execution,
        history: Digest::of(&turn.history),
        history_error: turn.history_error.clone(),
        messages: turn.messages.clone(),
        kv_keys: turn.kv_snapshot.len(),
        token: turn.token.clone(),
        attempts: turn.attempts,
    })
}
