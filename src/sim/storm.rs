//! [`Storm`]: random faults drawn from the seed, followed by a calm.
//!
//! A storm uses swarm testing: the seed decides which kinds of faults occur at all, how
//! often, and for how long, so that some runs see a single kind often, and others a little
//! of everything. Each drawn fault becomes an entry of the run's plan before it happens.
//!
//! When the calm begins, every effect of the storm is over: every node is running and
//! reaches the storage, and no call is held back. A storm avoids faults that make duroxide
//! itself give up an instance: it injects no more faults than a message's attempts can
//! absorb ([`Storm::fault_budget`]), and omits those that [`Storm::include_unsurvivable`]
//! lists. (One fault can appear after the storm: a fetch that met it during the storm and
//! waits far into the calm shows it in its reply.)
//!
//! A storm affects only nodes: a client's errors are for its caller to handle.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::topology::Topology;
use crate::variants::listed;

mod state;

pub(super) use state::StormState;

listed! {
    /// A kind of fault in a storm.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[non_exhaustive]
    pub enum FaultKind {
        /// Calls and replies take up to half a second, so that the order in which things happen
        /// varies.
        Latency,
        /// Calls and replies take seconds, so that locks expire meanwhile.
        Slowness,
        /// Calls are refused with a retryable error.
        Refuse,
        /// Calls take effect, but their replies are lost.
        LoseReply,
        /// Waiting fetches are dropped, and the caller gets a retryable error.
        Drop,
        /// Locks expire sooner than requested.
        ShortLock,
        /// Nodes crash and restart.
        Crash,
        /// Nodes shut down gracefully and restart.
        Stop,
        /// Nodes restart with another of their builds, if they have several.
        Upgrade,
        /// Nodes are cut off from the storage.
        Partition,
        /// Nodes stall.
        Stall,
        /// Nodes' wall clocks are wrong.
        Skew,
        /// The storage refuses all calls of a node for a while. Only with
        /// [`Storm::include_unsurvivable`].
        Outage,
    }
}

/// A source of faults drawn from the seed.
///
/// ```
/// use duroxide_sim::sim::{FaultKind, Storm};
/// use std::time::Duration;
///
/// let storm = Storm::new().lasts(Duration::from_secs(3600)).without(&[FaultKind::Skew]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storm {
    kinds: Vec<FaultKind>,
    longest: Duration,
    budget: u64,
    unsurvivable: bool,
    every: bool,
    /// Whether the test selected the kinds by name ([`Storm::only`]).
    chosen: bool,
}

impl Default for Storm {
    fn default() -> Storm {
        Storm::new()
    }
}

impl Storm {
    /// Creates a storm of any kinds that lasts at most ten minutes.
    pub fn new() -> Storm {
        Storm {
            kinds: FaultKind::ALL.to_vec(),
            longest: Duration::from_secs(600),
            budget: 6,
            unsurvivable: false,
            every: false,
            chosen: false,
        }
    }

    /// Restricts the storm to these kinds. If one of them cannot happen in the simulation,
    /// such as [`FaultKind::Upgrade`] where each node has only one build, the run fails
    /// ([`super::Cause::Setup`]).
    pub fn only(mut self, kinds: &[FaultKind]) -> Storm {
        self.kinds = kinds.to_vec();
        self.chosen = true;
        self
    }

    /// Removes these kinds from the storm.
    pub fn without(mut self, kinds: &[FaultKind]) -> Storm {
        self.kinds.retain(|kind| !kinds.contains(kind));
        self
    }

    /// Uses every allowed kind in each run, instead of a subset drawn from the seed.
    pub fn every_kind(mut self) -> Storm {
        self.every = true;
        self
    }

    /// Sets the maximum duration; the actual duration is drawn from the seed.
    pub fn lasts(mut self, at_most: Duration) -> Storm {
        self.longest = at_most;
        self
    }

    /// Sets the maximum number of faults, not counting latencies: 6 by default. Each fault
    /// costs a message at most one attempt, and duroxide gives up on a message after 10
    /// (`RuntimeOptions::max_attempts`). The budget is lower if a node gives up sooner.
    pub fn fault_budget(mut self, at_most: u64) -> Storm {
        self.budget = at_most;
        self
    }

    /// Includes faults that the contract allows, but that make duroxide 0.1.32 give up
    /// work:
    ///
    /// - When the renewal of an activity's lock is refused with a retryable error, the
    ///   runtime cancels the activity. If the activity ends before its lock expires (5 s
    ///   later with the default options), the runtime discards its result and deletes its
    ///   work item, so the orchestration waits for it forever.
    ///
    /// - When the ack of a turn is refused six times with a retryable error, within the 310
    ///   ms of the runtime's retries, the runtime fails the turn, if the storage recovers
    ///   in time to accept that.
    ///
    /// Independent of storms, duroxide 0.1.32 has one delay of its own. It occurs where a
    /// node may have fewer sessions (`max_sessions_per_runtime`) than slots, and two slots
    /// fetch work of two sessions at the same moment. The second slot abandons its work
    /// item and then polls without sessions; but the slot itself owns the session, so the work
    /// item waits until that long poll ends or the session's lock expires. That takes 30 s
    /// with duroxide's options, and 16 hours with [`super::Sim::default_options`], whose
    /// polls are long. Setting `worker_node_id`, which makes all slots one session owner,
    /// avoids it.
    pub fn include_unsurvivable(mut self) -> Storm {
        self.unsurvivable = true;
        self
    }

    /// Returns the reason, if neither the storm as a whole nor a kind that was selected by
    /// name can happen in a simulation of these nodes.
    pub(super) fn impossible(&self, topology: &Topology) -> Option<String> {
        let why = |kind: FaultKind| self.hindrance(kind, topology);
        if self.kinds.is_empty() {
            return Some("The storm has no kinds of faults. Give it at least one, or remove the storm.".to_owned());
        }
        let hindered = |kind: &FaultKind| why(*kind).map(|why| format!("  {kind:?}: {why}"));
        let hindrances: Vec<String> = self.kinds.iter().filter_map(hindered).collect();
        let fails = hindrances.len() == self.kinds.len() || self.chosen && !hindrances.is_empty();
        fails.then(|| {
            format!(
                "The storm has kinds of faults that cannot happen in this simulation:\n{}\nRemove these kinds, or make \
                 them possible.",
                hindrances.join("\n")
            )
        })
    }

    fn hindrance(&self, kind: FaultKind, topology: &Topology) -> Option<String> {
        let budget = self.budget.min(u64::from(topology.fewest_attempts.saturating_sub(2)));
        let of_nodes = [
            FaultKind::Crash,
            FaultKind::Stop,
            FaultKind::Upgrade,
            FaultKind::Partition,
            FaultKind::Stall,
            FaultKind::Outage,
        ];
        let costs_attempts = !matches!(kind, FaultKind::Latency | FaultKind::Skew);
        let why = if topology.nodes.is_empty() {
            "a storm affects only nodes, and the simulation has none."
        } else if self.longest.is_zero() {
            "the storm's duration is zero (Storm::lasts)."
        } else if kind == FaultKind::Upgrade && topology.nodes.values().all(|builds| builds.len() < 2) {
            "no node has a second build (Node::with_build)."
        } else if kind == FaultKind::Outage && !self.unsurvivable {
            "it happens only in storms with Storm::include_unsurvivable."
        } else if costs_attempts && self.budget == 0 {
            "the storm's fault budget is zero (Storm::fault_budget)."
        } else if costs_attempts && budget == 0 {
            "a node gives up on a message after so few attempts that there is no room for a fault \
             (RuntimeOptions::max_attempts)."
        } else if of_nodes.contains(&kind) && self.longest <= MARGIN {
            "the storm is too short for a node to recover before the calm (Storm::lasts: more than 2 s)."
        } else {
            return None;
        };
        Some(why.to_owned())
    }
}

/// The time before the calm in which no fault of a node begins, so that a restart is
/// complete when the calm begins: a shutdown takes up to a second.
const MARGIN: Duration = Duration::from_secs(2);
