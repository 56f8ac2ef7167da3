//! [`Mark`]: an event of a run other than a provider call.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::call::Method;
use crate::clock::Time;
use crate::faults::FaultAction;
use crate::text::Line;

/// An event of a node, or of one of its calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The time of the event.
    pub at: Time,
    /// The number of calls that had been answered; the mark comes before the entry with this index.
    pub before: usize,
    /// The node, or the client by its name in the trace.
    pub node: Arc<str>,
    /// The event.
    pub what: NodeEvent,
}

/// An event of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NodeEvent {
    /// It started.
    Started {
        /// The name of the build that the node runs.
        build: String,
        /// How many times the node had been started before.
        restarts: u64,
    },
    /// It began a graceful shutdown.
    Stopping,
    /// It has shut down.
    Stopped,
    /// It crashed: none of its calls reach the storage any more.
    Crashed,
    /// It was disconnected from the storage: its calls and replies wait.
    CutOff,
    /// The storage began to refuse its calls.
    Refused,
    /// It was reconnected to the storage.
    Healed,
    /// The storage accepts its calls again.
    Accepted,
    /// It stalled.
    Stalled,
    /// It resumed after a stall.
    Resumed,
    /// Its wall clock was shifted.
    Skewed {
        /// The offset from the provider's clock in milliseconds.
        by_ms: i64,
    },
    /// One of its calls met a fault.
    Fault {
        /// The method.
        method: Method,
        /// The number of the call among the caller's calls of this method, from 1.
        nth: u64,
        /// What was done to the call.
        verdict: FaultAction,
    },
    /// A planned action on the node could not be carried out.
    Skipped {
        /// The action.
        what: String,
        /// Why the action was not carried out: a full sentence.
        why: String,
    },
}

impl NodeEvent {
    /// Whether the event occurs in every run: the first start of a node.
    pub fn is_ordinary(&self) -> bool {
        matches!(self, NodeEvent::Started { restarts: 0, .. })
    }

    /// Whether the event is only a latency of a call or its reply. Storms add latencies to nearly
    /// every call.
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
            NodeEvent::Accepted => f.write_str("is accepted by the storage again"),
            NodeEvent::Stalled => f.write_str("stalls"),
            NodeEvent::Resumed => f.write_str("resumes"),
            NodeEvent::Skewed { by_ms } => write!(f, "has its clock shifted by {by_ms:+} ms"),
            NodeEvent::Fault { method, nth, verdict } => write!(f, "{method} #{nth} {verdict}"),
            NodeEvent::Skipped { what, why } => write!(f, "skips: {}. {}", Line(what), Line(why)),
        }
    }
}
