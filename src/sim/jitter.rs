//! [`LatencyJitter`]: latencies drawn from the seed, which vary the order in which things
//! happen.
//!
//! Unlike a storm, the jitter is too short to expire a lock, lasts as long as the run, and
//! also delays clients, except their reads.

use std::time::Duration;

use super::plan::{Action, CallSite, PlanEntry, Trigger};
use super::topology::Topology;
use crate::faults::{CallContext, FaultAction};
use crate::seed::{Seed, Stream};

/// The parameters and the random stream of the latencies.
pub(super) struct LatencyJitter {
    random: Stream,
    /// The rate: one call in this many is delayed; 0 delays none.
    one_in: u64,
    /// The exclusive upper bound of a latency.
    below_ms: u64,
}

impl LatencyJitter {
    /// Draws the parameters from `seed`.
    pub fn draw(seed: Seed, topology: &Topology) -> LatencyJitter {
        let mut random = seed.child("latencies").stream();
        let mut pick = |from: [u64; 4]| from[random.below(4) as usize];
        let (one_in, below_ms) = (pick([0, 1, 2, 8]), pick([2, 20, 100, 500]));
        let bearable = u64::try_from(topology.shortest_lock.as_millis() / 8).unwrap_or(u64::MAX);
        LatencyJitter { random, one_in, below_ms: below_ms.min(bearable) }
    }

    /// Returns the delay of a call, if it has one, as an entry of the plan.
    pub fn before(&mut self, asked: &CallContext<'_>, topology: &Topology) -> Option<PlanEntry> {
        let spared = asked.call.is_read() && !topology.nodes.contains_key(asked.by);
        if spared || !self.random.one_in(self.one_in) {
            return None;
        }
        let mut some = || Duration::from_millis(self.random.below(self.below_ms));
        let (before, after) = (some(), some());
        let point = CallSite::new(asked.by, asked.method(), asked.nth);
        let what = Action::Fault(FaultAction::Delay { before, after });
        (!(before + after).is_zero()).then_some(PlanEntry { when: Trigger::Before(point), what })
    }
}
