//! [`LatencyJitter`]: latencies that the seed gives calls, to vary the order in which
//! things happen.
//!
//! It is no storm: no lock ends for it, it lasts as long as the run, and it
//! touches clients too, all but what they read.

use std::time::Duration;

use super::plan::{Action, CallSite, PlanEntry, Trigger};
use super::storm::Topology;
use crate::faults::{CallContext, FaultAction};
use crate::seed::{Seed, Stream};

/// Latencies under way.
pub(super) struct LatencyJitter {
    random: Stream,
    /// One call in this many is delayed; none where it is 0.
    one_in: u64,
    /// A latency is below this.
    below_ms: u64,
}

impl LatencyJitter {
    /// What `seed` draws.
    pub fn draw(seed: Seed, topology: &Topology) -> LatencyJitter {
        let mut random = seed.child("latencies").stream();
        let mut pick = |from: [u64; 4]| from[random.below(4) as usize];
        let (one_in, below_ms) = (pick([0, 1, 2, 8]), pick([2, 20, 100, 500]));
        let bearable = u64::try_from(topology.shortest_lock.as_millis() / 8).unwrap_or(u64::MAX);
        LatencyJitter { random, one_in, below_ms: below_ms.min(bearable) }
    }

    /// What it brings before a call.
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
