//! [`StormState`]: the state of a storm during a run.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::plan::{Action, CallSite, PlanEntry, Trigger};
use super::super::topology::Topology;
use super::{FaultKind, MARGIN, Storm};
use crate::call::Call;
use crate::clock::{self, Time};
use crate::faults::{CallContext, FaultAction};
use crate::seed::{Seed, Stream};
use crate::variants::listed;

/// The state of a storm: the parameters drawn from the seed, and the remaining budget.
pub(in super::super) struct StormState {
    random: Stream,
    start: Time,
    /// The beginning of the calm, counted from the start.
    calm: Duration,
    nodes: BTreeMap<String, Vec<String>>,
    kinds: Vec<FaultKind>,
    /// The rate of latencies: one call in this many is delayed.
    latency_in: u64,
    /// The exclusive upper bound of a latency.
    latency_ms: u64,
    /// The rate of other faults: one call in this many draws one.
    fault_in: u64,
    left: u64,
    unsurvivable: bool,
    /// The index of the build that each node is assumed to run.
    running: BTreeMap<String, usize>,
}

listed! {
    /// A fault that affects a whole node and begins at one of its calls.
    #[derive(Clone, Copy)]
    enum NodeFault {
        Crash,
        Stop,
        Upgrade,
        Partition,
        Stall,
        Outage,
    }
}

impl NodeFault {
    fn kind(self) -> FaultKind {
        match self {
            NodeFault::Crash => FaultKind::Crash,
            NodeFault::Stop => FaultKind::Stop,
            NodeFault::Upgrade => FaultKind::Upgrade,
            NodeFault::Partition => FaultKind::Partition,
            NodeFault::Stall => FaultKind::Stall,
            NodeFault::Outage => FaultKind::Outage,
        }
    }
}

impl StormState {
    /// Draws the parameters of `storm` from `seed`, and the entries that happen at set
    /// times.
    pub fn draw(storm: &Storm, seed: Seed, start: Time, topology: Topology) -> (StormState, Vec<PlanEntry>) {
        let nodes = topology.nodes;
        let mut random = seed.child("storm").stream();
        let may = |kind: FaultKind| match kind {
            FaultKind::Outage => storm.unsurvivable,
            FaultKind::Upgrade => nodes.values().any(|builds| builds.len() > 1),
            FaultKind::Latency
            | FaultKind::Slowness
            | FaultKind::Refuse
            | FaultKind::LoseReply
            | FaultKind::Drop
            | FaultKind::ShortLock => true,
            FaultKind::Crash | FaultKind::Stop | FaultKind::Partition | FaultKind::Stall | FaultKind::Skew => true,
        };
        let mut kinds = Vec::new();
        for &kind in FaultKind::ALL {
            // Drawn for every kind, so that omitting one does not change the others.
            let drawn = random.below(100) < if kind == FaultKind::Latency { 75 } else { 40 };
            if storm.kinds.contains(&kind) && may(kind) && (drawn || storm.every) {
                kinds.push(kind);
            }
        }
        let calm = spread(&mut random, Duration::from_secs(1).min(storm.longest), storm.longest);
        let bearable = u64::try_from(topology.shortest_lock.as_millis() / 8).unwrap_or(u64::MAX);
        let most = storm.budget.min(u64::from(topology.fewest_attempts.saturating_sub(2)));
        let mut storm = StormState {
            latency_in: *pick(&mut random, &[1, 1, 2, 8]),
            latency_ms: bearable.min(*pick(&mut random, &[3, 20, 100, 500])),
            fault_in: *pick(&mut random, &[4, 12, 40, 150]),
            left: if most == 0 { 0 } else { 1 + random.below(most) },
            random,
            start,
            calm,
            running: nodes.keys().map(|node| (node.clone(), 0)).collect(),
            nodes,
            kinds,
            unsurvivable: storm.unsurvivable,
        };
        let timed = storm.timed();
        (storm, timed)
    }

    /// Returns the beginning of the calm, counted from the start.
    pub fn calm(&self) -> Duration {
        self.calm
    }

    /// Draws the entries that happen at set times: about a third of the faults of nodes,
    /// and the clock skews.
    fn timed(&mut self) -> Vec<PlanEntry> {
        let names: Vec<String> = self.nodes.keys().cloned().collect();
        let mut entries = Vec::new();
        if names.is_empty() || self.calm <= MARGIN {
            return entries;
        }
        for _ in 0..self.left {
            if !self.random.one_in(3) {
                continue;
            }
            let at = spread(&mut self.random, Duration::from_millis(1), self.calm - MARGIN);
            let node = pick(&mut self.random, &names).clone();
            if let Some(what) = self.node_fault(&node, at) {
                self.left -= 1;
                entries.push(PlanEntry { when: Trigger::At(at), what });
            }
        }
        if self.kinds.contains(&FaultKind::Skew) {
            let node = pick(&mut self.random, &names).clone();
            let at = spread(&mut self.random, Duration::from_millis(1), self.calm);
            let by_ms = *pick(&mut self.random, &[50, 2_000, 60_000, -50, -2_000, -60_000]);
            let set = |at, by_ms| PlanEntry { when: Trigger::At(at), what: Action::Skew { node: node.clone(), by_ms } };
            entries.extend([set(at, by_ms), set(self.calm, 0)]);
        }
        entries
    }

    /// Draws a fault of a node at `at`, if a kind of such faults is enabled.
    fn node_fault(&mut self, node: &str, at: Duration) -> Option<Action> {
        let on: Vec<NodeFault> =
            NodeFault::ALL.iter().copied().filter(|fault| self.kinds.contains(&fault.kind())).collect();
        if on.is_empty() || at + MARGIN >= self.calm {
            return None;
        }
        let fault = *pick(&mut self.random, &on);
        let lasts = spread(&mut self.random, Duration::from_millis(10), Duration::from_secs(120));
        let lasts = lasts.min(self.calm - MARGIN - at);
        let (name, random) = (node.to_owned(), &mut self.random);
        Some(match fault {
            NodeFault::Crash => Action::Crash { node: name, restart_after: Some(lasts) },
            NodeFault::Stop => Action::Stop { node: name, restart_after: Some(lasts) },
            NodeFault::Upgrade => {
                let builds = &self.nodes[node];
                if builds.len() < 2 {
                    return None;
                }
                let running = self.running.get_mut(node).expect("every node runs a build");
                let step = 1 + random.below(builds.len() as u64 - 1) as usize;
                *running = (*running + step) % builds.len();
                Action::Upgrade { node: name, build: builds[*running].clone() }
            }
            NodeFault::Partition => Action::Partition { node: name, lasts },
            NodeFault::Outage => Action::Outage { node: name, lasts },
            NodeFault::Stall => Action::Stall { node: name, lasts },
        })
    }

    /// Returns the fault before a call, if the storm draws one.
    pub fn before(&mut self, asked: &CallContext<'_>) -> Option<PlanEntry> {
        let elapsed = self.touches(asked)?;
        if self.begins_fault() {
            let what = match self.fault_of(asked.call, elapsed) {
                Some(verdict) => Some(Action::Fault(verdict)),
                None => self.node_fault(asked.by, elapsed),
            };
            if let Some(what) = what {
                self.left -= 1;
                return Some(PlanEntry { when: Trigger::Before(point(asked)), what });
            }
        }
        let verdict = self.latency(elapsed)?;
        Some(PlanEntry { when: Trigger::Before(point(asked)), what: Action::Fault(verdict) })
    }

    /// Returns the fault after a call, if the storm draws one.
    pub fn after(&mut self, asked: &CallContext<'_>) -> Option<PlanEntry> {
        let elapsed = self.touches(asked)?;
        if !self.begins_fault() {
            return None;
        }
        let what = self.node_fault(asked.by, elapsed)?;
        self.left -= 1;
        Some(PlanEntry { when: Trigger::After(point(asked)), what })
    }

    /// Returns the time of a call after the start, if a node makes it during the storm.
    fn touches(&self, asked: &CallContext<'_>) -> Option<Duration> {
        let elapsed = clock::now() - self.start;
        (elapsed < self.calm && self.nodes.contains_key(asked.by)).then_some(elapsed)
    }

    fn begins_fault(&mut self) -> bool {
        self.left > 0 && self.random.one_in(self.fault_in)
    }

    /// Draws a fault of the call. The chance of one is the share of call faults among the
    /// enabled kinds.
    fn fault_of(&mut self, call: &Call, elapsed: Duration) -> Option<FaultAction> {
        let kind = if self.kinds.is_empty() { return None } else { *pick(&mut self.random, &self.kinds) };
        let renews = matches!(call, Call::RenewWorkItemLock { .. });
        let fetches = call.is_fetch();
        let spared = renews && !self.unsurvivable;
        let longest = self.calm.saturating_sub(elapsed);
        match kind {
            FaultKind::Refuse if !spared => Some(FaultAction::Refuse { retryable: true }),
            FaultKind::LoseReply if !spared => Some(FaultAction::LoseReply),
            FaultKind::Drop if fetches => {
                let after = spread(&mut self.random, Duration::from_millis(1), Duration::from_secs(10));
                Some(FaultAction::Drop { after })
            }
            FaultKind::ShortLock => {
                let lasts = spread(&mut self.random, Duration::from_millis(1), Duration::from_secs(20));
                Some(FaultAction::ShortLock { lasts }).filter(|verdict| verdict.concerns(call))
            }
            FaultKind::Slowness => {
                let slow = spread(&mut self.random, Duration::from_secs(1), Duration::from_secs(60)).min(longest);
                let zero = Duration::ZERO;
                let (before, after) = if self.random.one_in(2) { (slow, zero) } else { (zero, slow) };
                Some(FaultAction::Delay { before, after })
            }
            FaultKind::Refuse | FaultKind::LoseReply | FaultKind::Drop => None,
            // Latencies are drawn for every call, and the other kinds affect nodes.
            FaultKind::Latency | FaultKind::Crash | FaultKind::Stop | FaultKind::Upgrade => None,
            FaultKind::Partition | FaultKind::Stall | FaultKind::Skew | FaultKind::Outage => None,
        }
    }

    fn latency(&mut self, elapsed: Duration) -> Option<FaultAction> {
        if !self.kinds.contains(&FaultKind::Latency) || !self.random.one_in(self.latency_in) {
            return None;
        }
        let mut some = || Duration::from_millis(self.random.below(self.latency_ms));
        let (before, after) = (some(), some());
        let verdict = FaultAction::Delay { before, after };
        (before + after > Duration::ZERO && elapsed + before + after <= self.calm).then_some(verdict)
    }
}

fn point(asked: &CallContext<'_>) -> CallSite {
    CallSite::new(asked.by, asked.method(), asked.nth)
}

fn pick<'a, T>(random: &mut Stream, from: &'a [T]) -> &'a T {
    &from[random.below(from.len() as u64) as usize]
}

/// Draws a duration of whole milliseconds between the two, with each order of magnitude
/// equally likely.
fn spread(random: &mut Stream, least: Duration, most: Duration) -> Duration {
    let (least, most) = (least.as_millis().max(1) as u64, most.as_millis() as u64);
    let doublings = (most / least).max(1).ilog2() + 1;
    let low = least << random.below(u64::from(doublings)).min(62);
    Duration::from_millis((low + random.below(low)).clamp(least.min(most), most))
}
