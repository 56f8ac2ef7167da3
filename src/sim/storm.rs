//! [`Storm`]: faults drawn from the seed, and then a calm.
//!
//! A storm is a swarm: which kinds of faults it has at all, how often, how long
//! it goes on, all of that is drawn from the seed, so that some runs see one
//! kind alone and often, and others a little of everything. What is drawn
//! becomes entries of the run's plan before it happens.
//!
//! Everything a storm does is over when its calm begins: every node is up and
//! reaches the storage, and no call is held back. A storm does not do what
//! duroxide itself gives an instance up for: it makes no more trouble than a
//! message's attempts can bear ([`Storm::fault_budget`]), and leaves alone what
//! [`Storm::include_unsurvivable`] lists. (One thing can outlast the storm: a fetch that
//! met a fault in it and waits far into the calm shows the fault when it is
//! answered.)
//!
//! It touches nodes only: a client's errors are its caller's to handle.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

mod state;

pub(super) use state::StormState;

/// What may go wrong in a storm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FaultKind {
    /// Calls and replies take some milliseconds to half a second, and with them
    /// the order in which things happen varies.
    Latency,
    /// Calls and replies take seconds: locks end meanwhile.
    Slowness,
    /// Calls are refused, retryable.
    Refuse,
    /// Calls take effect and their replies are lost.
    LoseReply,
    /// Fetches are given up while they wait.
    Drop,
    /// Locks end sooner than they were asked for.
    ShortLock,
    /// Nodes crash and start again.
    Crash,
    /// Nodes shut down in good order and start again.
    Stop,
    /// Nodes restart as another of their builds. Only where they have several.
    Upgrade,
    /// Nodes are cut off from the storage.
    Partition,
    /// Nodes stand still.
    Stall,
    /// Nodes' wall clocks are wrong.
    Skew,
    /// The storage refuses all calls of a node for a while. Only in a merciless
    /// storm.
    Outage,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: &[FaultKind] = &[
        FaultKind::Latency,
        FaultKind::Slowness,
        FaultKind::Refuse,
        FaultKind::LoseReply,
        FaultKind::Drop,
        FaultKind::ShortLock,
        FaultKind::Crash,
        FaultKind::Stop,
        FaultKind::Upgrade,
        FaultKind::Partition,
        FaultKind::Stall,
        FaultKind::Skew,
        FaultKind::Outage,
    ];
}

/// Faults drawn from the seed.
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
    troubles: u64,
    merciless: bool,
    every: bool,
    /// Whether each kind was asked for by name.
    chosen: bool,
}

impl Default for Storm {
    fn default() -> Storm {
        Storm::new()
    }
}

impl Storm {
    /// A storm of any kinds that lasts ten minutes at most.
    pub fn new() -> Storm {
        Storm {
            kinds: FaultKind::ALL.to_vec(),
            longest: Duration::from_secs(600),
            troubles: 6,
            merciless: false,
            every: false,
            chosen: false,
        }
    }

    /// Draws only from these kinds. Where one of them cannot happen in the
    /// simulation, such as [`FaultKind::Upgrade`] where each node has one build, the
    /// run fails ([`super::Cause::Setup`]).
    pub fn only(mut self, kinds: &[FaultKind]) -> Storm {
        self.kinds = kinds.to_vec();
        self.chosen = true;
        self
    }

    /// Draws from any of the kinds it had but these.
    pub fn without(mut self, kinds: &[FaultKind]) -> Storm {
        self.kinds.retain(|kind| !kinds.contains(kind));
        self
    }

    /// Has every kind that it may have, instead of those that the seed draws.
    pub fn every_kind(mut self) -> Storm {
        self.every = true;
        self
    }

    /// How long it may last; how long it does is drawn.
    pub fn lasts(mut self, at_most: Duration) -> Storm {
        self.longest = at_most;
        self
    }

    /// How much trouble it makes at most, latencies not counted: 6 unless set.
    /// Each trouble costs a message one attempt at most, and duroxide gives a
    /// message up after 10 (`RuntimeOptions::max_attempts`). Where a node gives
    /// up sooner there is less trouble.
    pub fn fault_budget(mut self, at_most: u64) -> Storm {
        self.troubles = at_most;
        self
    }

    /// Also does what duroxide 0.1.32 gives up work for, though the contract
    /// allows it:
    ///
    /// - A renewal of an activity's lock that is refused, retryable, makes the
    ///   runtime cancel the activity. If that ends before the lock does (5 s
    ///   later with the default options), the runtime throws away its result and
    ///   deletes its job, so that the orchestration waits for it for good.
    /// - A turn whose ack is refused six times, retryable, within the 310 ms of
    ///   the runtime's retries is failed, if the storage comes back in time to
    ///   take that.
    ///
    /// One thing duroxide 0.1.32 delays by itself, in any storm and in none: where a
    /// node may have fewer sessions (`max_sessions_per_runtime`) than slots, and two slots
    /// fetch work of two sessions at one moment, the second gives its work back and then
    /// polls without sessions; but the session is its own, so that the work waits until that long
    /// poll, or the session's lock, is over. That is 30 s by duroxide's options, and 16 hours by
    /// [`super::Sim::default_options`], whose polls are long. A `worker_node_id`, which makes all
    /// slots one owner, avoids it.
    pub fn include_unsurvivable(mut self) -> Storm {
        self.merciless = true;
        self
    }

    /// Why nothing of it, or nothing of a kind that was asked for by name, can
    /// ever happen in a simulation of these nodes.
    pub(super) fn impossible(&self, topology: &Topology) -> Option<String> {
        let why = |kind: FaultKind| self.hindrance(kind, topology);
        if self.kinds.is_empty() {
            return Some("The storm may have no kind of fault. Give it one, or leave the storm out.".to_owned());
        }
        let hindered = |kind: &FaultKind| why(*kind).map(|why| format!("  {kind:?}: {why}"));
        let hindrances: Vec<String> = self.kinds.iter().filter_map(hindered).collect();
        let fails = hindrances.len() == self.kinds.len() || self.chosen && !hindrances.is_empty();
        fails.then(|| {
            format!(
                "The storm is to have kinds of faults that cannot happen here:\n{}\nLeave them out, or make them \
                 possible.",
                hindrances.join("\n")
            )
        })
    }

    fn hindrance(&self, kind: FaultKind, topology: &Topology) -> Option<String> {
        let troubles = self.troubles.min(u64::from(topology.fewest_attempts.saturating_sub(2)));
        let of_nodes = [
            FaultKind::Crash,
            FaultKind::Stop,
            FaultKind::Upgrade,
            FaultKind::Partition,
            FaultKind::Stall,
            FaultKind::Outage,
        ];
        let makes_trouble = !matches!(kind, FaultKind::Latency | FaultKind::Skew);
        let why = if topology.nodes.is_empty() {
            "a storm touches nodes, and there are none."
        } else if self.longest.is_zero() {
            "the storm lasts no time (Storm::lasts)."
        } else if kind == FaultKind::Upgrade && topology.nodes.values().all(|builds| builds.len() < 2) {
            "no node has a second build (Node::with_build)."
        } else if kind == FaultKind::Outage && !self.merciless {
            "it is left to storms that are merciless (Storm::include_unsurvivable)."
        } else if makes_trouble && self.troubles == 0 {
            "the storm makes no trouble (Storm::fault_budget)."
        } else if makes_trouble && troubles == 0 {
            "a node gives a message up after so few attempts that none is to spare (RuntimeOptions::max_attempts)."
        } else if of_nodes.contains(&kind) && self.longest <= MARGIN {
            "the storm is too short for a node to be back before the calm (Storm::lasts: more than 2 s)."
        } else {
            return None;
        };
        Some(why.to_owned())
    }
}

/// A restart that has begun must have ended when the calm comes: a shutdown
/// takes up to a second.
const MARGIN: Duration = Duration::from_secs(2);

/// What a storm needs to know of the simulation.
#[derive(Clone, Debug)]
pub(super) struct Topology {
    /// The nodes, and the builds of each.
    pub nodes: BTreeMap<String, Vec<String>>,
    /// The shortest lock that any node takes: latencies stay well below it.
    pub shortest_lock: Duration,
    /// The fewest attempts after which a node gives a message up.
    pub fewest_attempts: u32,
}
