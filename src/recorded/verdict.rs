//! [`Verdict`]: whether today's code replays a recorded execution.

use std::fmt;

use duroxide::{Event, EventKind};

use crate::text::{Line, Quoted};
use crate::trace::describe_event;

/// Whether today's code replays a recorded execution.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// The code does what is recorded, and ends the execution as is recorded.
    Replays,
    /// The execution had not ended; the code does what is recorded and goes on from there.
    GoesOn(Box<GoesOn>),
    /// The code does something else than is recorded.
    Diverges(Box<Divergence>),
    /// The registry has no handler for the recorded orchestration and version.
    HandlerGone {
        /// The versions of the orchestration that the registry has.
        versions: Vec<String>,
    },
    /// The code did not return within the time limit, in real time.
    NeverReturns,
    /// The history is not one that duroxide could have recorded: why.
    Unreadable(String),
}

/// What the code does after the last recorded event of an execution that had not ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GoesOn {
    /// Actions that are not recorded and that the next turn would add. The recorded code has none;
    /// they come from changed code, and duroxide accepts them.
    pub next: Vec<EventKind>,
    /// How the next turn would end the execution, which the recorded code did not do.
    pub ends: Option<End>,
    /// The activities, timers and sub-orchestrations that were under way.
    pub waits_for: Vec<Event>,
}

/// The first difference between a history and what the code does.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Divergence {
    /// The recorded event; `None` if nothing is recorded where the code does something.
    pub recorded: Option<Event>,
    /// What the code does in its place.
    pub wanted: Wanted,
    /// duroxide's own description, where it reports the difference.
    pub reason: Option<String>,
}

/// What the code does in the place of a recorded event.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Wanted {
    /// It does something else.
    Action(EventKind),
    /// It ends the execution.
    End(End),
    /// It waits.
    Nothing,
}

/// How code ends an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// It returns this output.
    Completed(String),
    /// It fails or panics with this message.
    Failed(String),
    /// It continues as new with this input.
    ContinuedAsNew(String),
    /// It is cancelled for this reason.
    Cancelled(String),
}

impl Verdict {
    /// Whether a node with today's code can take over the instance.
    pub fn is_compatible(&self) -> bool {
        match self {
            Verdict::Replays | Verdict::GoesOn(_) => true,
            Verdict::Diverges(_) | Verdict::HandlerGone { .. } | Verdict::NeverReturns | Verdict::Unreadable(_) => {
                false
            }
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Replays => f.write_str("replays"),
            Verdict::GoesOn(how) => how.fmt(f),
            Verdict::Diverges(how) => how.fmt(f),
            Verdict::HandlerGone { versions } if versions.is_empty() => {
                f.write_str("needs an orchestration that is not registered. Register it, under the recorded name")
            }
            Verdict::HandlerGone { versions } => {
                let versions = Line(versions.join(", ")).to_string();
                write!(
                    f,
                    "needs a version that is not registered: the registry has {versions}. Keep the old version registered until no instance needs it"
                )
            }
            Verdict::NeverReturns => f.write_str(
                "was given up: the code did not return within the time limit. Look for a loop or a wait that blocks",
            ),
            Verdict::Unreadable(why) => write!(f, "cannot be replayed. {}", Line(why.trim_end_matches('.'))),
        }
    }
}

impl fmt::Display for GoesOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("replays and goes on")?;
        if !self.next.is_empty() {
            let next: Vec<String> = self.next.iter().map(action).collect();
            write!(f, "; the next turn would add {}", next.join(", "))?;
        }
        if let Some(end) = &self.ends {
            write!(f, "; the next turn would end it: {end}")?;
        }
        if !self.waits_for.is_empty() {
            let waits: Vec<String> = self.waits_for.iter().map(|event| action(&event.kind)).collect();
            write!(f, "; under way: {}", waits.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.recorded {
            Some(event) => {
                write!(f, "diverges at event {}. Recorded: {}. ", event.event_id, action(&event.kind))?;
            }
            None => f.write_str("diverges after the last event. Recorded: nothing. ")?,
        }
        write!(f, "The code: {}", self.wanted)?;
        match &self.reason {
            Some(reason) => write!(f, ". duroxide: {}", Line(reason)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Action(kind) => f.write_str(&action(kind)),
            Wanted::End(end) => end.fmt(f),
            Wanted::Nothing => f.write_str(
                "waits. If it waits for something that duroxide does not record, such as a tokio timer, it cannot be replayed",
            ),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Completed(output) => write!(f, "completes with {}", Quoted(output)),
            End::Failed(message) => write!(f, "fails with {}", Quoted(message)),
            End::ContinuedAsNew(input) => write!(f, "continues as new with {}", Quoted(input)),
            End::Cancelled(reason) => write!(f, "is cancelled: {}", Quoted(reason)),
        }
    }
}

/// An event of this kind on one line. Times are left out: they differ from run to run.
fn action(kind: &EventKind) -> String {
    let text = |kind: &EventKind| describe_event(&Event::with_event_id(0, "", 1, None, kind.clone()));
    match kind {
        EventKind::TimerCreated { .. } => "TimerCreated".to_owned(),
        kind => text(kind),
    }
}
