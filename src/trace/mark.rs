//! [`Mark`]: what happened in a run beside its provider calls.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::call::Method;
use crate::clock::Time;
use crate::faults::FaultAction;
use crate::text::Line;

/// Something that happened to a node, or to one of its calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When.
    pub at: Time,
    /// How many calls had been answered by then: it stands before the entry of
    /// this number.
    pub before: usize,
    /// Whom it happened to: a node, or a client by its name in the trace.
    pub node: Arc<str>,
    /// What happened.
    pub what: NodeEvent,
}

/// What happened to a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NodeEvent {
    /// It started.
    Started {
        /// The name of the build it runs.
        build: String,
        /// How many times it had been started before.
        restarts: u64,
    },
    /// It began to shut down in good order.
    Stopping,
    /// It has shut down.
    Stopped,
    /// It crashed: nothing more of it reaches the storage.
    Crashed,
    /// It was cut off from the storage: its calls and replies wait.
    CutOff,
    /// The storage began to refuse its calls.
    Refused,
    /// It reaches the storage again.
    Healed,
    /// It began to stand still.
    Stalled,
    /// It goes on after it stood still.
    Resumed,
    /// Its wall clock was set off.
    Skewed {
        /// How far ahead of the provider's clock it is, in milliseconds.
        by_ms: i64,
    },
    /// One of its calls met a fault.
    Fault {
        /// The method.
        method: Method,
        /// Which of the caller's calls of the method it was, from 1.
        nth: u64,
        /// What was done to it.
        verdict: FaultAction,
    },
    /// Something that was to happen to it could not.
    Skipped {
        /// What was to happen.
        what: String,
        /// Why it did not: a full sentence.
        why: String,
    },
}

impl NodeEvent {
    /// Whether every run has it: the first start of a node.
    pub fn is_ordinary(&self) -> bool {
        matches!(self, NodeEvent::Started { restarts: 0, .. })
    }

    /// Whether it is no more than that a call or its reply took time. Storms lay
    /// such latencies on nearly every call.
    pub fn is_latency(&self) -> bool {
        matches!(self, NodeEvent::Fault { verdict: FaultAction::Delay { .. }, .. })
    }
}

impl fmt::Display for NodeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeEvent::Started { build, restarts: 0 } => write!(f, "starts (build {})", Line(build)),
            NodeEvent::Started { build, .. } => write!(f, "starts again (build {})", Line(build)),
            NodeEvent::Stopping => f.write_str("begins to shut down"),
            NodeEvent::Stopped => f.write_str("has shut down"),
            NodeEvent::Crashed => f.write_str("crashes"),
            NodeEvent::CutOff => f.write_str("is cut off from the storage"),
            NodeEvent::Refused => f.write_str("is refused by the storage"),
            NodeEvent::Healed => f.write_str("reaches the storage again"),
            NodeEvent::Stalled => f.write_str("stands still"),
            NodeEvent::Resumed => f.write_str("goes on"),
            NodeEvent::Skewed { by_ms } => write!(f, "has its clock set {by_ms:+} ms off"),
            NodeEvent::Fault { method, nth, verdict } => write!(f, "{method} #{nth} {verdict}"),
            NodeEvent::Skipped { what, why } => write!(f, "does not: {}. {}", Line(what), Line(why)),
        }
    }
}
