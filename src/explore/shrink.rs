//! [`shrink`]: finds a smaller plan with which a run fails for the same reason.
//!
//! It tries smaller plans, the largest cuts first, and keeps each one with which the run still
//! fails for the same reason: no entries at all, no latencies, fewer nodes, fewer entries, one long
//! entry instead of several, then smaller numbers. It repeats this until nothing gets smaller. The
//! last candidates are exactly those that would show that the plan is not minimal ([`Shrunk`]).
//!
//! This file defines the order of the candidates. `search` limits what they cost and runs several
//! at once.

mod anchor;
mod numbers;
mod search;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use super::answer::Replay;
use super::shrunk::{Shrunk, Stopped};
use crate::ddmin::DeltaDebug;
use crate::faults::FaultAction;
use crate::sim::{Action, Failure, Plan, PlanEntry};
use numbers::Number;
pub(super) use search::Batch;
use search::Search;

/// The largest number of entries for which pairs of entries are tried.
const FEW: usize = 12;

/// The result of shrinking.
pub(super) struct Minimal {
    pub replay: Replay,
    pub shrunk: Shrunk,
}

/// Shrinks the plan of `failure` while the run fails for the same reason. Returns `None` if not
/// even the original plan makes the run fail again. `run` runs a batch of candidates, `width` of
/// them in parallel.
///
/// # Errors
///
/// A sentence that says why the first run did not take place.
pub(super) fn shrink(
    failure: &Failure,
    at_most: Duration,
    width: usize,
    mut run: impl FnMut(Batch<'_>) -> Result<Vec<Option<Box<Failure>>>, String>,
) -> Result<Option<Minimal>, String> {
    // Client calls are what the test does, and no faults: every candidate makes them.
    let (calls, faults): (Vec<PlanEntry>, Vec<PlanEntry>) =
        failure.plan.entries.iter().cloned().partition(PlanEntry::is_client_call);
    let with_faults = || Failure { plan: Plan { entries: faults, ..failure.plan.clone() }, ..failure.clone() };
    let failure = &*if calls.is_empty() { Cow::Borrowed(failure) } else { Cow::Owned(with_faults()) };
    let with_calls = |replay: &Replay| {
        let mut replay = replay.clone();
        replay.plan.entries.extend(calls.iter().cloned());
        replay
    };
    let run = |batch: Batch<'_>| {
        let replays: Vec<Replay> = batch.replays.iter().map(with_calls).collect();
        run(Batch { replays: &replays, brief: batch.brief })
    };
    let nodes = failure.trace.marks.iter().filter(|mark| mark.what.is_ordinary()).map(|mark| mark.node.to_string());
    let nodes: BTreeSet<String> = nodes.collect();
    let mut search = Search::of(failure, at_most, width, run);
    if !search.fails_again()? {
        return Ok(None);
    }
    let stopped = search.shrink(&nodes).err();
    let untried = search.untried(last(&search.best));
    let shrunk = Shrunk {
        runs: search.runs,
        entries: failure.plan.entries.len(),
        left: search.best.plan.entries.len(),
        minimal: untried == 0,
        untried,
        stopped,
    };
    Ok(Some(Minimal { replay: with_calls(&search.best), shrunk }))
}

/// The candidates of which any that fails shows that the plan is not minimal.
fn last(best: &Replay) -> Vec<Replay> {
    let plan = &best.plan;
    let fewer = (0..plan.entries.len()).map(|at| without(best, &[at]));
    let halved = |number: Number| {
        let half = number.read(plan)?.half()?;
        Some(with_plan(best, number.set(plan, half)))
    };
    fewer.chain(numbers::of(plan).into_iter().filter_map(halved)).collect()
}

fn with_plan(replay: &Replay, plan: Plan) -> Replay {
    Replay { plan, without: replay.without.clone() }
}

fn with_entries(replay: &Replay, entries: Vec<PlanEntry>) -> Replay {
    let Plan { calm, inputs, .. } = &replay.plan;
    with_plan(replay, Plan { entries, calm: *calm, inputs: inputs.clone() })
}

/// Leaves out the entries at these indices.
fn without(replay: &Replay, gone: &[usize]) -> Replay {
    let entries = replay.plan.entries.iter().enumerate().filter(|(at, _)| !gone.contains(at));
    with_entries(replay, entries.map(|(_, entry)| entry.clone()).collect())
}

impl<F: FnMut(Batch<'_>) -> Result<Vec<Option<Box<Failure>>>, String>> Search<F> {
    fn shrink(&mut self, nodes: &BTreeSet<String>) -> Result<(), Stopped> {
        let mut is_first = true;
        loop {
            let before = self.best.clone();
            self.leave_out(|_| true)?;
            self.leave_out(is_latency)?;
            self.forget_unreached()?;
            self.fewer_nodes(nodes)?;
            if self.best.plan.entries.iter().any(is_latency) {
                self.cut(|entry| !is_latency(entry))?;
                self.tie_to_calls()?;
                self.leave_out(is_latency)?;
            }
            self.cut(|_| true)?;
            self.cut_pairs()?;
            self.let_one_do()?;
            self.end_calm()?;
            self.smaller_numbers(is_first)?;
            self.forget_unreached()?;
            let last = last(&self.best);
            self.first(last)?;
            if self.best == before {
                return Ok(());
            }
            is_first = false;
        }
    }

    fn leave_out(&mut self, gone: impl Fn(&PlanEntry) -> bool) -> Result<bool, Stopped> {
        let left = self.best.plan.entries.iter().filter(|entry| !gone(entry)).cloned().collect();
        let candidate = with_entries(&self.best, left);
        Ok(self.first([candidate])?.is_some())
    }

    /// Leaves out entries that were never reached, such as those due after the failure.
    fn forget_unreached(&mut self) -> Result<(), Stopped> {
        let unreached = self.unreached.clone();
        self.leave_out(|entry| unreached.contains(entry)).map(drop)
    }

    fn fewer_nodes(&mut self, nodes: &BTreeSet<String>) -> Result<(), Stopped> {
        for node in nodes {
            if self.best.without.contains(node) || nodes.len() <= self.best.without.len() + 1 {
                continue;
            }
            let mut candidate = self.best.clone();
            candidate.without.insert(node.clone());
            candidate.plan.entries.retain(|entry| !entry.is_about(node));
            self.first([candidate])?;
        }
        Ok(())
    }

    /// Leaves out as many entries as possible among those that `may_go`.
    fn cut(&mut self, may_go: impl Fn(&PlanEntry) -> bool) -> Result<(), Stopped> {
        let those = |best: &Replay| -> Vec<usize> {
            let entries = best.plan.entries.iter().enumerate();
            entries.filter(|(_, entry)| may_go(entry)).map(|(at, _)| at).collect()
        };
        let mut cuts = DeltaDebug::of(those(&self.best).len());
        loop {
            let (best, those) = (self.best.clone(), those(&self.best));
            let mut ahead = cuts.clone();
            let ranges = std::iter::from_fn(|| ahead.next(those.len()));
            let Some(found) = self.first(ranges.map(|gone| without(&best, &those[gone])))? else { return Ok(()) };
            (0..=found).for_each(|_| _ = cuts.next(those.len()));
            cuts.took();
        }
    }

    /// Leaves out pairs of entries that can only be removed together.
    fn cut_pairs(&mut self) -> Result<(), Stopped> {
        loop {
            let best = self.best.clone();
            let count = best.plan.entries.len();
            if count > FEW {
                return Ok(());
            }
            let pairs = (0..count).flat_map(|first| (first + 1..count).map(move |second| [first, second]));
            if self.first(pairs.map(|pair| without(&best, &pair)))?.is_none() {
                return Ok(());
            }
        }
    }

    /// Leaves out an entry while another lasts longer: one long fault may replace several short
    /// ones.
    fn let_one_do(&mut self) -> Result<(), Stopped> {
        loop {
            let best = self.best.clone();
            let count = best.plan.entries.len();
            if count > FEW {
                return Ok(());
            }
            let longer = (0..count)
                .flat_map(|at| numbers::longer(&best.plan.entries[at]).into_iter().map(move |entry| (at, entry)));
            let candidates = longer.flat_map(|(at, entry)| {
                let mut longer = best.clone();
                longer.plan.entries[at] = entry;
                (0..count).filter(move |other| *other != at).map(move |other| without(&longer, &[other]))
            });
            if self.first(candidates)?.is_none() {
                return Ok(());
            }
        }
    }

    /// Ties entries to calls instead of times: without the latencies, the times of a plan lose
    /// their meaning, but its calls do not.
    fn tie_to_calls(&mut self) -> Result<(), Stopped> {
        let Some(trace) = self.trace()? else { return Ok(()) };
        for at in 0..self.best.plan.entries.len() {
            let best = self.best.clone();
            let near = anchor::near(&best.plan.entries[at], &trace).into_iter().map(|entry| {
                let mut candidate = best.clone();
                candidate.plan.entries[at] = entry;
                candidate
            });
            self.first(near)?;
        }
        Ok(())
    }

    /// Looks for the smallest value of each number. After the first pass, a number is bisected only
    /// if its minimum or half its value has become sufficient.
    fn smaller_numbers(&mut self, is_first: bool) -> Result<(), Stopped> {
        for number in numbers::of(&self.best.plan) {
            if !is_first {
                let Some(reading) = number.read(&self.best.plan) else { continue };
                let less = [reading.least(), reading.half()].into_iter().flatten();
                let less: Vec<Replay> = less.map(|value| self.with(&number, value)).collect();
                if self.first(less)?.is_none() {
                    continue;
                }
            }
            self.bisect(&number)?;
        }
        Ok(())
    }

    fn bisect(&mut self, number: &Number) -> Result<(), Stopped> {
        let Some(reading) = number.read(&self.best.plan) else { return Ok(()) };
        let values = reading.below();
        // The run does not fail with the value at `low`, and fails with the value at `high`.
        let (mut low, mut high) = (None, values.len());
        loop {
            let ahead = ahead(low, high);
            let candidates: Vec<Replay> = ahead.iter().map(|at| self.with(number, values.at(*at))).collect();
            let Some(found) = self.first(candidates)? else { return Ok(()) };
            high = ahead[found];
            low = if found == 0 { low } else { Some(ahead[found - 1]) };
        }
    }

    fn with(&self, number: &Number, value: u64) -> Replay {
        with_plan(&self.best, number.set(&self.best.plan, value))
    }

    /// Removes the calm, which is not needed without a storm.
    fn end_calm(&mut self) -> Result<(), Stopped> {
        let candidate = with_plan(&self.best, Plan { calm: None, ..self.best.plan.clone() });
        self.first([candidate]).map(drop)
    }
}

/// The sequence of positions that a bisection between `low` and `high` tries if none of them
/// succeeds, preceded by the first position of all if `low` is unknown.
fn ahead(low: Option<u64>, high: u64) -> Vec<u64> {
    let mut all = Vec::new();
    if low.is_none() && high > 0 {
        all.push(0);
    }
    let mut low = low.unwrap_or(0);
    while high.saturating_sub(low) > 1 {
        low += (high - low) / 2;
        all.push(low);
    }
    all
}

fn is_latency(entry: &PlanEntry) -> bool {
    const LONGEST: Duration = Duration::from_secs(1);
    matches!(entry.what, Action::Fault(FaultAction::Delay { before, after }) if before.saturating_add(after) <= LONGEST)
}
