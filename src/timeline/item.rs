//! [`Item`]: one thing in a lane of the page, a bar or a point.

use serde::Serialize;

use crate::text;

/// Where an item begins or ends, in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// At a call or mark that is shown: the step of this number.
    Step(usize),
    /// At this time since the start, between the steps.
    Time(u64),
    /// At this time since the start, with the step that follows.
    Near(u64),
    /// At the end of the run.
    End,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// A turn of an orchestration, from lock to ack.
    Turn,
    /// An attempt at an activity, or an activity that nobody fetched.
    Activity,
    /// A timer, from where it was set to where it was delivered.
    Timer,
    /// A wait for an event or a queue.
    Wait,
    /// A wait for a child.
    Child,
    /// A message to an orchestration: its start, an event, a cancellation.
    Event,
    /// The end of an instance or of one of its executions.
    End,
    /// Any other call.
    Call,
    /// Something that befell a node, for a while or at once.
    Node,
    /// A fault that a call met.
    Fault,
    /// No more than a latency of a call.
    Latency,
    /// A broken law.
    Law,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Well, or there is no well and ill.
    Fine,
    /// It ended with an error.
    Failed,
    /// It was cancelled, or nobody waits for it any more.
    Cancelled,
    /// Its lock ended, or was given back, before it was done.
    Lost,
    /// It was refused.
    Refused,
    /// It has not ended.
    Open,
    /// Nobody has begun it.
    Waiting,
}

/// One thing in a lane of the page.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub kind: Kind,
    pub state: State,
    /// The instance it belongs to, if it belongs to one.
    pub instance: Option<String>,
    /// The node or client that did it, or that it befell.
    pub node: Option<String>,
    pub from: At,
    pub to: At,
    /// Since when it waited to begin.
    pub since: Option<At>,
    /// How long its lock lasted after whoever held it was gone.
    pub tail: Option<At>,
    /// A few words.
    pub label: String,
    /// A full sentence, where there is more to say.
    pub note: String,
    /// The entries of the trace that it is made of.
    pub entries: Vec<usize>,
    /// The items that brought it about.
    pub causes: Vec<usize>,
}

impl Item {
    /// A point.
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

    /// A bar that begins here and has no end yet.
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

/// A label that is not too long to be drawn; the calls have it whole.
fn clipped(label: String) -> String {
    const LONGEST: usize = 80;
    match label.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &label[..end]),
        None => label,
    }
}
