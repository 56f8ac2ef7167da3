//! [`shrink`]: the plan of a failing run is made small.
//!
//! It tries smaller plans, the largest cuts first, and keeps each with which the
//! run still fails for the same reason: no latencies, smaller inputs, fewer nodes,
//! fewer entries, one that is long in place of several, then earlier and shorter
//! ones. Each is run in a process of its own. It owns the order of the attempts
//! and what they may cost; what runs them is its caller's.

mod anchor;
mod plainer;

use std::collections::BTreeSet;
use std::time::Duration;

use super::answer::Replay;
use super::reason::Reason;
use crate::clock::Stopwatch;
use crate::cuts::Cuts;
use crate::faults::Verdict;
use crate::sim::{Entry, Failure, Input, Plan, What};
use crate::trace::Trace;

/// Up to how many entries pairs of them are tried.
const FEW: usize = 12;

/// How often everything is tried over again, because something got smaller.
const MOST_ROUNDS: usize = 6;

/// How many runs there are at the most.
const MOST_RUNS: u64 = 5_000;

/// A run that fails, made small.
pub(super) struct Minimal {
    pub replay: Replay,
    /// How it fails; `None` when not even the first plan made it fail again.
    pub failure: Option<Box<Failure>>,
    /// How many runs it took.
    pub runs: u64,
}

/// Shrinks what makes `failure` for as long as `run` fails for the same reason.
/// `run` returns how a replay fails, if it does.
pub(super) fn shrink(
    failure: &Failure,
    at_most: Duration,
    run: impl FnMut(&Replay) -> Option<Box<Failure>>,
) -> Minimal {
    let nodes = failure.trace.marks.iter().filter(|mark| mark.what.is_ordinary()).map(|mark| mark.node.to_string());
    let mut search = Search {
        run,
        reason: Reason::of(failure),
        best: Replay { plan: failure.plan.clone(), without: BTreeSet::new() },
        failure: None,
        watch: Stopwatch::start(),
        at_most,
        runs: 0,
    };
    if search.attempt(search.best.clone()) {
        search.tie_to_calls(&failure.trace);
        search.shrink(&nodes.collect());
    }
    Minimal { replay: search.best, failure: search.failure, runs: search.runs }
}

/// A search under way.
struct Search<F> {
    run: F,
    reason: Reason,
    best: Replay,
    /// How `best` fails.
    failure: Option<Box<Failure>>,
    watch: Stopwatch,
    at_most: Duration,
    runs: u64,
}

impl<F: FnMut(&Replay) -> Option<Box<Failure>>> Search<F> {
    fn shrink(&mut self, nodes: &BTreeSet<String>) {
        self.leave_out(is_latency);
        for _ in 0..MOST_ROUNDS {
            let before = self.best.clone();
            self.forget_unreached();
            self.smaller_inputs();
            self.fewer_nodes(nodes);
            self.cut();
            self.cut_pairs();
            self.let_one_do();
            self.make_plainer();
            self.end_calm();
            if self.best == before || self.is_spent() {
                break;
            }
        }
        self.forget_unreached();
    }

    fn tie_to_calls(&mut self, trace: &Trace) {
        if self.leave_out(is_latency) {
            return;
        }
        for at in 0..self.best.plan.entries.len() {
            anchor::near(&self.best.plan.entries[at], trace).into_iter().any(|entry| {
                let mut entries = self.best.plan.entries.clone();
                entries[at] = entry;
                self.attempt_entries(entries)
            });
        }
    }

    fn is_spent(&self) -> bool {
        self.runs >= MOST_RUNS || self.watch.elapsed() >= self.at_most
    }

    /// Runs a replay, and keeps it if it fails for the same reason.
    fn attempt(&mut self, candidate: Replay) -> bool {
        if self.is_spent() {
            return false;
        }
        self.runs += 1;
        let failure = (self.run)(&candidate);
        let Some(failure) = failure.filter(|failure| self.reason.is_shown_by(&Reason::of(failure))) else {
            return false;
        };
        self.best = candidate;
        // Where there are fewer orders, what there was for the others is not asked.
        // A run that dies tells of none.
        if !failure.plan.inputs.is_empty() {
            self.best.plan.inputs.clone_from(&failure.plan.inputs);
        }
        self.failure = Some(failure);
        true
    }

    fn attempt_entries(&mut self, entries: Vec<Entry>) -> bool {
        let Plan { calm, inputs, .. } = &self.best.plan;
        let plan = Plan { entries, calm: *calm, inputs: inputs.clone() };
        let without = self.best.without.clone();
        self.attempt(Replay { plan, without })
    }

    fn leave_out(&mut self, gone: impl Fn(&Entry) -> bool) -> bool {
        let all = &self.best.plan.entries;
        let left: Vec<Entry> = all.iter().filter(|entry| !gone(entry)).cloned().collect();
        left.len() < all.len() && self.attempt_entries(left)
    }

    /// What was never reached, such as what would come after the failure.
    fn forget_unreached(&mut self) {
        let Some(failure) = &self.failure else { return };
        let unreached = failure.unreached.clone();
        self.leave_out(|entry| unreached.contains(entry));
    }

    /// Halfway to the least, as often as that does, and one less at last.
    fn smaller_inputs(&mut self) {
        let names: Vec<String> = self.best.plan.inputs.keys().cloned().collect();
        for name in names {
            while let Some(Input { value, least }) = self.best.plan.inputs.get(&name).copied() {
                let mut smaller = vec![least, least + value.saturating_sub(least) / 2, value.saturating_sub(1)];
                smaller.retain(|smaller| (least..value).contains(smaller));
                let found = smaller.into_iter().any(|value| {
                    let mut candidate = self.best.clone();
                    candidate.plan.inputs.insert(name.clone(), Input { value, least });
                    self.attempt(candidate)
                });
                if !found {
                    break;
                }
            }
        }
    }

    fn fewer_nodes(&mut self, nodes: &BTreeSet<String>) {
        for node in nodes {
            if self.best.without.contains(node) || nodes.len() <= self.best.without.len() + 1 {
                continue;
            }
            let mut candidate = self.best.clone();
            candidate.without.insert(node.clone());
            candidate.plan.entries.retain(|entry| entry.node() != node);
            self.attempt(candidate);
        }
    }

    fn cut(&mut self) {
        let mut cuts = Cuts::of(self.best.plan.entries.len());
        while let Some(gone) = cuts.next(self.best.plan.entries.len()) {
            let mut left = self.best.plan.entries.clone();
            left.drain(gone);
            if self.attempt_entries(left) {
                cuts.took();
            }
        }
    }

    /// Leaves out two entries that only go together.
    fn cut_pairs(&mut self) {
        let mut first = 0;
        while first < self.best.plan.entries.len() && self.best.plan.entries.len() <= FEW {
            let seconds = first + 1..self.best.plan.entries.len();
            let found = seconds.into_iter().any(|second| {
                let mut left = self.best.plan.entries.clone();
                left.remove(second);
                left.remove(first);
                self.attempt_entries(left)
            });
            first += usize::from(!found);
        }
    }

    /// Leaves out an entry that is not needed where another lasts longer: several
    /// that are short do together what one does that is long.
    fn let_one_do(&mut self) {
        let mut at = 0;
        while at < self.best.plan.entries.len() && self.best.plan.entries.len() <= FEW {
            let entries = self.best.plan.entries.clone();
            let others: Vec<usize> = (0..entries.len()).filter(|other| *other != at).collect();
            let found = plainer::longer(&entries[at].what).into_iter().any(|what| {
                others.iter().any(|other| {
                    let mut left = entries.clone();
                    left[at].what = what.clone();
                    left.remove(*other);
                    self.attempt_entries(left)
                })
            });
            at += usize::from(!found);
        }
    }

    /// Earlier, shorter, rounder.
    fn make_plainer(&mut self) {
        for at in (0..self.best.plan.entries.len()).rev() {
            while let Some(entry) = self.best.plan.entries.get(at) {
                let found = plainer::than(entry).into_iter().any(|entry| {
                    let mut entries = self.best.plan.entries.clone();
                    entries[at] = entry;
                    self.attempt_entries(entries)
                });
                if !found {
                    break;
                }
            }
        }
    }

    /// Without a storm there need not be a calm, or it may begin sooner.
    fn end_calm(&mut self) {
        let Some(calm) = self.best.plan.calm else { return };
        let sooner = plainer::durations(calm).into_iter().map(Some);
        for calm in std::iter::once(None).chain(sooner) {
            let mut candidate = self.best.clone();
            candidate.plan.calm = calm;
            if self.attempt(candidate) {
                return;
            }
        }
    }
}

fn is_latency(entry: &Entry) -> bool {
    const LONGEST: Duration = Duration::from_secs(1);
    matches!(entry.what, What::Fault(Verdict::Delay { before, after }) if before.saturating_add(after) <= LONGEST)
}
