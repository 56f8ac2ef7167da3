//! [`Plan`]: the faults of one run, as plain data.
//!
//! A plan is written by the author of a test, produced by a storm while it runs, and kept
//! with a failure: runs with the same seed and the same plan have the same trace. Every
//! entry can be removed on its own.
//!
//! A plan draws nothing and does nothing: the plan executor carries it out.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::client_call::{ClientCall, Tie};
use super::input::Input;
use crate::call::Method;
use crate::faults::FaultAction;
use crate::text::{Line, Quoted};
use crate::trace::Span;

/// The faults of a run, and when they happen.
///
/// ```
/// use duroxide_sim::call::Method;
/// use duroxide_sim::sim::{Plan, CallSite, Action};
/// use std::time::Duration;
///
/// let plan = Plan::new()
///     .at(Duration::from_secs(5), Action::Partition { node: "b".into(), lasts: Duration::from_secs(60) })
///     .after(CallSite::new("a", Method::AckOrchestrationItem, 3), Action::crash("a", Duration::from_secs(10)));
/// assert_eq!(
///     plan.to_string(),
///     "at +5.000: b is cut off from the storage for 1:00.000\n\
///      after ack_orchestration_item #3 by a: a crashes, and starts again 10.000 later\n"
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The entries. Their order matters only for entries at the same moment, which happen
    /// in this order.
    pub entries: Vec<PlanEntry>,
    /// The beginning of the calm, counted from the start: from then on there are no faults.
    /// Handwritten plans need none.
    #[serde(default)]
    pub calm: Option<Duration>,
    /// The numbers that the body was given, by name ([`super::Handle::input`]).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Input>,
}

/// One fault or other action of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanEntry {
    /// When it happens.
    pub when: Trigger,
    /// What happens.
    pub what: Action,
}

/// When an entry happens. Each entry happens once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Trigger {
    /// At this virtual time after the start.
    At(Duration),
    /// When this call is made, before it reaches the provider.
    Before(CallSite),
    /// When this call has taken effect, before the caller learns of it.
    After(CallSite),
}

/// One provider call of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallSite {
    /// The caller: a node, or a client by its name in the trace.
    pub node: String,
    /// The method.
    pub method: Method,
    /// The number of the call among the caller's calls of the method, counted from 1 across
    /// all restarts of the node.
    pub nth: u64,
}

/// A fault, a recovery, another action on a node, or a client call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub enum Action {
    /// A node crashes: from then on nothing it does reaches the storage.
    Crash {
        /// The node.
        node: String,
        /// The delay until it starts again. `None`: it stays down unless something else
        /// starts it.
        restart_after: Option<Duration>,
    },
    /// A node shuts down gracefully.
    Stop {
        /// The node.
        node: String,
        /// The delay until it starts again, counted from the beginning of the shutdown.
        restart_after: Option<Duration>,
    },
    /// A node that is down starts.
    Start {
        /// The node.
        node: String,
    },
    /// A node shuts down gracefully, if it is running, and starts with another of its
    /// builds: an upgrade or a downgrade.
    Upgrade {
        /// The node.
        node: String,
        /// The name of the build.
        build: String,
    },
    /// A node is cut off from the storage: its calls and the replies to them wait.
    Partition {
        /// The node.
        node: String,
        /// For how long.
        lasts: Duration,
    },
    /// The storage refuses every call of a node with a retryable error.
    Outage {
        /// The node.
        node: String,
        /// For how long.
        lasts: Duration,
    },
    /// A node stalls: its calls, the replies to them and its activities wait.
    Stall {
        /// The node.
        node: String,
        /// For how long.
        lasts: Duration,
    },
    /// The node's wall clock is set ahead of the provider's, or behind it if the number is
    /// negative.
    Skew {
        /// The node.
        node: String,
        /// The offset in milliseconds; 0 corrects the clock.
        by_ms: i64,
    },
    /// The call of the entry's trigger meets this fault. Valid only with
    /// [`Trigger::Before`]; only the first fault for a call applies.
    Fault(FaultAction),
    /// A client calls duroxide. Valid only with [`Trigger::At`].
    Client {
        /// The call.
        call: ClientCall,
        /// What comes first if something else is due at the same millisecond.
        #[serde(default)]
        tie: Tie,
    },
}

impl Plan {
    /// Creates an empty plan.
    pub fn new() -> Plan {
        Plan::default()
    }

    /// Adds an action, or a client call, at a virtual time after the start.
    pub fn at(self, after_start: Duration, what: impl Into<Action>) -> Plan {
        self.and(Trigger::At(after_start), what.into())
    }

    /// Adds an action before a call.
    pub fn before(self, point: CallSite, what: Action) -> Plan {
        self.and(Trigger::Before(point), what)
    }

    /// Adds an action after a call.
    pub fn after(self, point: CallSite, what: Action) -> Plan {
        self.and(Trigger::After(point), what)
    }

    /// Adds a fault of a call.
    pub fn fault(self, point: CallSite, verdict: FaultAction) -> Plan {
        self.before(point, Action::Fault(verdict))
    }

    fn and(mut self, when: Trigger, what: Action) -> Plan {
        self.entries.push(PlanEntry { when, what });
        self
    }
}

impl PlanEntry {
    /// Returns the node that the entry affects, or the caller of its call.
    pub fn node(&self) -> &str {
        match (&self.when, self.what.node()) {
            (_, Some(node)) => node,
            (Trigger::Before(point) | Trigger::After(point), None) => &point.node,
            (Trigger::At(_), None) => "",
        }
    }

    /// Whether the entry is what the test does, and no fault.
    pub(crate) fn is_client_call(&self) -> bool {
        matches!(self.what, Action::Client { .. })
    }

    /// Whether the entry affects this node, or happens at one of its calls.
    pub(crate) fn is_about(&self, node: &str) -> bool {
        let calls = match &self.when {
            Trigger::At(_) => false,
            Trigger::Before(point) | Trigger::After(point) => point.node == node,
        };
        calls || self.node() == node
    }
}

impl CallSite {
    /// The `nth` call of `method` by `node`, counted from 1.
    pub fn new(node: &str, method: Method, nth: u64) -> CallSite {
        CallSite { node: node.to_owned(), method, nth }
    }
}

impl Action {
    /// A crash, followed by a restart.
    pub fn crash(node: &str, restart_after: Duration) -> Action {
        Action::Crash { node: node.to_owned(), restart_after: Some(restart_after) }
    }

    /// A stall.
    pub fn stall(node: &str, lasts: Duration) -> Action {
        Action::Stall { node: node.to_owned(), lasts }
    }

    /// A partition.
    pub fn partition(node: &str, lasts: Duration) -> Action {
        Action::Partition { node: node.to_owned(), lasts }
    }

    /// A restart with another build.
    pub fn upgrade(node: &str, build: &str) -> Action {
        Action::Upgrade { node: node.to_owned(), build: build.to_owned() }
    }

    /// Returns the duration, for actions that have one.
    pub(crate) fn lasts(&self) -> Option<Duration> {
        match self {
            Action::Partition { lasts, .. } | Action::Outage { lasts, .. } | Action::Stall { lasts, .. } => {
                Some(*lasts)
            }
            Action::Crash { .. } | Action::Stop { .. } | Action::Start { .. } | Action::Upgrade { .. } => None,
            Action::Skew { .. } | Action::Fault(_) | Action::Client { .. } => None,
        }
    }

    /// Returns the affected node; `None` for a fault, which affects a call, and for a client
    /// call.
    pub fn node(&self) -> Option<&str> {
        match self {
            Action::Crash { node, .. }
            | Action::Stop { node, .. }
            | Action::Start { node }
            | Action::Upgrade { node, .. }
            | Action::Partition { node, .. }
            | Action::Outage { node, .. }
            | Action::Stall { node, .. }
            | Action::Skew { node, .. } => Some(node),
            Action::Fault(_) | Action::Client { .. } => None,
        }
    }
}

impl From<ClientCall> for Action {
    fn from(call: ClientCall) -> Action {
        Action::Client { call, tie: Tie::Drawn }
    }
}

impl ClientCall {
    /// Fixes that the call comes before what is due at the same time ([`Tie::First`]).
    pub fn first(self) -> Action {
        Action::Client { call: self, tie: Tie::First }
    }

    /// Fixes that the call comes after what is due at the same time ([`Tie::Last`]).
    pub fn last(self) -> Action {
        Action::Client { call: self, tie: Tie::Last }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inputs
            .iter()
            .try_for_each(|(name, input)| writeln!(f, "the input {} is {}", Quoted(name), input.value))?;
        self.entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))?;
        self.calm.iter().try_for_each(|calm| writeln!(f, "calm from +{}", Span(*calm)))
    }
}

impl fmt::Display for PlanEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.when, &self.what) {
            (Trigger::Before(point), Action::Fault(verdict)) => write!(f, "{point} {verdict}"),
            (when, what) => write!(f, "{when}: {what}"),
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trigger::At(after_start) => write!(f, "at +{}", Span(*after_start)),
            Trigger::Before(point) => write!(f, "before {point}"),
            Trigger::After(point) => write!(f, "after {point}"),
        }
    }
}

impl fmt::Display for CallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{} by {}", Line(&self.method), self.nth, Line(&self.node))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let again = |after: &Option<Duration>| {
            after.map(|after| format!(", and starts again {} later", Span(after))).unwrap_or_default()
        };
        match self {
            Action::Crash { node, restart_after } => write!(f, "{} crashes{}", Line(node), again(restart_after)),
            Action::Stop { node, restart_after } => write!(f, "{} stops{}", Line(node), again(restart_after)),
            Action::Start { node } => write!(f, "{} starts", Line(node)),
            Action::Upgrade { node, build } => write!(f, "{} restarts as build {}", Line(node), Line(build)),
            Action::Partition { node, lasts } => {
                write!(f, "{} is cut off from the storage for {}", Line(node), Span(*lasts))
            }
            Action::Outage { node, lasts } => {
                write!(f, "the storage refuses the calls of {} for {}", Line(node), Span(*lasts))
            }
            Action::Stall { node, lasts } => write!(f, "{} stalls for {}", Line(node), Span(*lasts)),
            Action::Skew { node, by_ms: 0 } => write!(f, "{}'s clock is corrected", Line(node)),
            Action::Skew { node, by_ms } => {
                let side = if *by_ms > 0 { "ahead" } else { "behind" };
                write!(f, "{}'s clock is set {} {side}", Line(node), Span(Duration::from_millis(by_ms.unsigned_abs())))
            }
            Action::Fault(verdict) => write!(f, "the call {verdict}"),
            Action::Client { call, tie: Tie::Drawn } => call.fmt(f),
            Action::Client { call, tie: Tie::First } => write!(f, "{call}, before what is due then"),
            Action::Client { call, tie: Tie::Last } => write!(f, "{call}, after what is due then"),
        }
    }
}
