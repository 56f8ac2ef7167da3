//! The trace: every provider call of a run with its answer and virtual time.
//!
//! [`Recorder`] is a layer that writes down what passes through it. A
//! [`Trace`] prints as text ([`Trace::text`], for people and snapshots) and as
//! JSON lines ([`Trace::json_lines`], for programs), the same for the same run.
//!
//! Histories that a provider returned are kept as a [`Digest`]: they are made
//! of what was acknowledged before, and keeping them whole would cost the
//! square of a history's length.
//!
//! It judges nothing; `laws` does.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::call::{Answering, Call, Event, Handler, Item, Job, Reply, Turn};
use crate::clock::{self, Time};

mod history;
mod text;

pub use history::{ExecutionHistory, History};
pub(crate) use text::Span;
#[cfg(feature = "conformance")]
pub(crate) use text::{Tokens, item_text, quote, words};
pub use text::{describe_event, describe_item};

/// Everything that was asked of a provider in one run, in the order of the
/// answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// When the run began.
    pub started: Time,
    /// The calls.
    pub entries: Vec<Entry>,
    /// What was left in the queues at the end, where somebody looked.
    pub remains: Option<Remains>,
}

/// One call and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was asked.
    pub asked: Time,
    /// When it was answered, or its future dropped.
    pub answered: Time,
    /// Who asked: a node's name, or `client`.
    pub by: Arc<str>,
    /// What was asked.
    pub call: Arc<Call>,
    /// What was answered.
    pub answer: Answer,
}

/// An answer, as far as a trace keeps it.
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
    /// Anything else, whole.
    Reply(Reply),
    /// The call's future was dropped before it was done.
    Dropped,
}

/// A fetched turn, its history as a digest.
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

/// A history, small: equal histories have equal digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// How many events.
    pub events: u64,
    /// The highest event id.
    pub last: u64,
    /// A hash of every event's id, source, execution, time and kind, in order.
    pub hash: u64,
}

impl Digest {
    /// The digest of a history.
    pub fn of(events: &[Event]) -> Digest {
        let mut digest = Digest::default();
        events.iter().for_each(|event| digest.push(event));
        digest
    }

    /// Adds an event at the end.
    pub fn push(&mut self, event: &duroxide::Event) {
        self.events += 1;
        self.last = self.last.max(event.event_id);
        let mut hash = self.hash;
        let parts = [event.event_id, event.source_event_id.unwrap_or(0), event.execution_id, event.timestamp_ms];
        for part in parts.into_iter().chain([text::event_number(event)]) {
            hash = (hash ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        }
        self.hash = hash;
    }
}

/// What lies in the queues, fetched or not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Remains {
    /// Messages for orchestrations.
    pub messages: Vec<Item>,
    /// Jobs.
    pub jobs: Vec<Item>,
}

/// Where recorders write to. Clones share one log.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    list: Vec<Entry>,
    closed: bool,
}

impl Log {
    /// An empty log.
    pub fn new() -> Log {
        Log::default()
    }

    /// How many calls there have been.
    pub fn len(&self) -> usize {
        self.0.lock().list.len()
    }

    /// Whether there has been no call.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes everything out.
    pub fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.0.lock().list)
    }

    /// A copy of everything.
    pub fn entries(&self) -> Vec<Entry> {
        self.0.lock().list.clone()
    }

    /// Ends the log: what happens later is not written down. The order in which
    /// a runtime drops its tasks at its end is nobody's business, and tokio
    /// does not promise one.
    pub fn close(&self) {
        self.0.lock().closed = true;
    }

    fn push(&self, entry: Entry) {
        let mut entries = self.0.lock();
        if !entries.closed {
            entries.list.push(entry);
        }
    }
}

/// A layer that writes down every call.
#[derive(Debug)]
pub struct Recorder<H> {
    inner: H,
    by: Arc<str>,
    log: Log,
}

impl<H: Handler> Recorder<H> {
    /// Records what `by` asks of `inner` in `log`.
    pub fn new(inner: H, by: &str, log: Log) -> Recorder<H> {
        Recorder { inner, by: by.into(), log }
    }
}

/// A call that is under way: written down as dropped unless it is answered.
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

/// A reply, as far as a trace keeps it.
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

impl Trace {
    /// The trace as JSON lines: a first line about the trace, then a line for
    /// each call, then one for what was left.
    pub fn json_lines(&self) -> String {
        let line = |value: serde_json::Result<String>| value.expect("plain data with text keys has a JSON form") + "\n";
        let head = serde_json::json!({ "trace": 1, "started": self.started, "entries": self.entries.len() });
        let entries = self.entries.iter().map(|entry| line(serde_json::to_string(entry)));
        let remains = self.remains.iter().map(|remains| line(serde_json::to_string(remains)));
        std::iter::once(format!("{head}\n")).chain(entries).chain(remains).collect()
    }

    /// Reads what [`Trace::json_lines`] wrote.
    ///
    /// # Errors
    ///
    /// When a line is not what it should be, with the line's number.
    pub fn from_json_lines(text: &str) -> Result<Trace, TraceError> {
        #[derive(Deserialize)]
        struct Head {
            trace: u32,
            started: Time,
            entries: usize,
        }
        fn read<T: serde::de::DeserializeOwned>(line: usize, text: Option<&str>) -> Result<T, TraceError> {
            let text = text.ok_or(TraceError { line, reason: "the text ends before it".to_owned() })?;
            serde_json::from_str(text).map_err(|error| TraceError { line, reason: error.to_string() })
        }
        let mut lines = text.lines();
        let head: Head = read(1, lines.next())?;
        if head.trace != 1 {
            let reason = format!("it says version {}, and this crate reads version 1", head.trace);
            return Err(TraceError { line: 1, reason });
        }
        let entries = (0..head.entries).map(|n| read(n + 2, lines.next())).collect::<Result<_, _>>()?;
        let remains = match lines.next() {
            None => None,
            some => Some(read(head.entries + 2, some)?),
        };
        Ok(Trace { started: head.started, entries, remains })
    }
}

/// A text that is not a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    line: usize,
    reason: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line {} of the trace cannot be read: {}. Write the trace again.", self.line, self.reason)
    }
}

impl std::error::Error for TraceError {}
