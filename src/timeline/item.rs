//! [`Item`]: a bar or a point in a lane of the page.

use serde::Serialize;

use crate::text;

/// Where an item begins or ends, in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// At a call or mark that is shown: the step with this index.
    Step(usize),
    /// At this time since the start, between the steps.
    Time(u64),
    /// At this time since the start, together with the step that follows.
    Near(u64),
    /// At the end of the run.
    End,
}

/// The kind of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// A turn of an orchestration, from lock to ack.
    Turn,
    /// An attempt at an activity, or an activity that was never fetched.
    Activity,
    /// A timer, from its creation to its delivery.
    Timer,
    /// A wait for an event or a queue.
    Wait,
    /// A wait for a sub-orchestration.
    Child,
    /// A message to an orchestration: its start, an event, a cancellation.
    Event,
    /// The end of an instance or of one of its executions.
    End,
    /// Any other call.
    Call,
    /// An event of a node, with or without a duration.
    Node,
    /// A fault that was injected into a call.
    Fault,
    /// The latency of a call, without another fault.
    Latency,
    /// A broken law.
    Law,
    /// Lines that the code logged.
    Log,
    /// Effects of activities on the outside world.
    Effect,
}

/// The outcome of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// It succeeded, or has no outcome.
    Fine,
    /// It ended with an error.
    Failed,
    /// It was cancelled, or no longer had a waiter.
    Cancelled,
    /// Its lock expired or was released before it was done.
    Lost,
    /// It was refused.
    Refused,
    /// It has not ended.
    Open,
    /// It has not begun.
    Waiting,
}

/// A bar or a point in a lane of the page.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub kind: Kind,
    pub state: State,
    /// The instance that it belongs to, if any.
    pub instance: Option<String>,
    /// The node or client that performed it, or that it happened to.
    pub node: Option<String>,
    pub from: At,
    pub to: At,
    /// The time since which it waited to begin.
    pub since: Option<At>,
    /// The end of its lock, if the lock outlived its holder.
    pub tail: Option<At>,
    /// A short description.
    pub label: String,
    /// A full sentence, if there is more to say.
    pub note: String,
    /// The entries of the trace that it consists of.
    pub entries: Vec<usize>,
    /// The items that caused it.
    pub causes: Vec<usize>,
}

impl Item {
    /// Creates a point.
    pub fn point(kind: Kind, at: At, label: impl Into<String>) -> Item {
        Item {
            kind,
            state: State::Fine,
            instance: None,
            node: None,
            from: at,
            to: at,
            since: None,
            tail: None,
            label: clipped(text::line(label.into())),
            note: String::new(),
            entries: Vec::new(),
            causes: Vec::new(),
        }
    }

    /// Creates a bar that begins here and has no end yet.
    pub fn bar(kind: Kind, from: At, label: impl Into<String>) -> Item {
        Item { to: At::End, state: State::Open, ..Item::point(kind, from, label) }
    }

    pub fn of(mut self, instance: &str) -> Item {
        self.instance = Some(instance.to_owned());
        self
    }

    pub fn by(mut self, node: &str) -> Item {
        self.node = Some(node.to_owned());
        self
    }

    pub fn entry(mut self, entry: usize) -> Item {
        self.entries.push(entry);
        self
    }

    pub fn state(mut self, state: State) -> Item {
        self.state = state;
        self
    }

    pub fn note(mut self, note: impl Into<String>) -> Item {
        self.note = text::line(note.into());
        self
    }
}

/// Truncates a label that is too long to be drawn; the calls contain the full text.
fn clipped(label: String) -> String {
    const LONGEST: usize = 80;
    match label.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &label[..end]),
        None => label,
    }
}
