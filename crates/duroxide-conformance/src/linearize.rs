//! Checks whether the answers to concurrent callers are linearizable.
//!
//! The store is the sequential specification. A history is split at moments
//! without pending calls, and each segment by what its calls touch. For each
//! piece, the checker searches for an order in which the store gives every
//! answer, from each state that the earlier pieces may lead to. A search that
//! exceeds its budget gives no result.
//!
//! The module `entry` defines how answers are interpreted that are not promised
//! to be atomic. This module makes no calls and names no rules.

mod anomalies;
mod cut;
mod entry;
mod history;
mod order;
mod search;
mod smallest;

use std::collections::BTreeSet;

pub(crate) use anomalies::SequentialAnomalies;
pub use history::Made;
pub(crate) use smallest::smallest;

use duroxide_sim::call::{Call, Reply};
use duroxide_sim::store::{StateFingerprint, Store};

use self::cut::{Relations, cut};
use self::entry::{Entry, Others, Standing, entries};
use self::order::Orders;
use self::search::{Found, MOST_ENTRIES, Search};
use super::mismatch::{Aspect, Mismatch};
use super::reading::Reading;

/// The result of checking a history.
#[derive(Clone, Debug, PartialEq)]
pub enum Linearity {
    /// An order explains the history.
    Explained,
    /// No order explains it.
    Broken(Broken),
    /// The search exceeded its budget.
    Unknown,
}

/// Why no order explains a history.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// The piece of the history without an order.
    pub calls: Vec<usize>,
    /// The calls at which the longest order ends, and why they do not fit.
    pub stuck: Vec<(usize, Mismatch)>,
}

/// The budget of a search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// The maximum number of states examined, over the whole history.
    pub states: u64,
    /// The maximum number of states carried from one piece to the next.
    pub worlds: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { states: 200_000, worlds: 64 }
    }
}

/// Checks whether there is an order of `history` in which the store, initially
/// empty, gives the same answers. The calls are given in the order in which
/// they were made.
pub fn linearize(history: &[Made], reading: Reading) -> Linearity {
    linearize_within(history, &BTreeSet::new(), &SequentialAnomalies::default(), reading, Budget::default())
}

/// Like [`linearize`], within a budget. Ignores the answers of the calls in
/// `waived`, and known sequential deviations.
pub(crate) fn linearize_within(
    history: &[Made],
    waived: &BTreeSet<usize>,
    anomalies: &SequentialAnomalies,
    reading: Reading,
    budget: Budget,
) -> Linearity {
    if let Some(broken) = token_given_twice(history, waived) {
        return Linearity::Broken(broken);
    }
    // One state is usually enough and found quickly.
    let hasty = Budget { states: budget.states / 4, worlds: 1 };
    match Sought::new(history, waived, anomalies, reading, hasty).run() {
        Linearity::Explained => Linearity::Explained,
        _ => Sought::new(history, waived, anomalies, reading, budget).run(),
    }
}

/// A token that two fetches returned: two callers would hold the same lock.
fn token_given_twice(history: &[Made], waived: &BTreeSet<usize>) -> Option<Broken> {
    let issued = |call: &usize| history[*call].issued().filter(|_| !waived.contains(call));
    let second = (0..history.len())
        .find(|call| issued(call).is_some_and(|token| (0..*call).any(|i| issued(&i) == Some(token))))?;
    let first = (0..second).find(|call| issued(call) == issued(&second))?;
    let expected = history[second].reply.clone()?;
    Some(Broken { calls: vec![first, second], stuck: vec![(second, Mismatch { aspect: Aspect::Token, expected })] })
}

/// A state that the history so far may lead to.
struct World {
    store: Store,
    /// The calls without an answer that took effect in this state.
    happened: BTreeSet<usize>,
}

struct Sought<'a> {
    history: &'a [Made],
    waived: &'a BTreeSet<usize>,
    anomalies: &'a SequentialAnomalies,
    relations: Relations,
    orders: Orders,
    names: Vec<String>,
    reading: Reading,
    budget: Budget,
    states_left: u64,
    worlds: Vec<World>,
    /// Whether states were dropped to stay within the budget.
    is_cut: bool,
}

impl<'a> Sought<'a> {
    fn new(
        history: &'a [Made],
        waived: &'a BTreeSet<usize>,
        anomalies: &'a SequentialAnomalies,
        reading: Reading,
        budget: Budget,
    ) -> Sought<'a> {
        let relations = Relations::of(history);
        let names = relations.names();
        let worlds = vec![World { store: Store::new(), happened: BTreeSet::new() }];
        let orders = Orders::of(history);
        let states_left = budget.states;
        Sought {
            history,
            waived,
            anomalies,
            relations,
            orders,
            names,
            reading,
            budget,
            states_left,
            worlds,
            is_cut: false,
        }
    }

    fn run(mut self) -> Linearity {
        let mut unanswered: Vec<Entry<'a>> = Vec::new();
        for segment in segments(self.history) {
            let now = self.history[segment[0]].at;
            let (lasting, mut entries): (Vec<_>, Vec<_>) =
                self.entries(&segment).into_iter().partition(|entry| entry.standing == Standing::Ever);
            unanswered.extend(lasting);
            entries.extend(unanswered.iter().cloned().map(|entry| Entry { at: now.max(entry.at), ..entry }));
            let touches: Vec<_> = entries.iter().map(|entry| self.relations.touch(entry)).collect();
            for part in cut(&touches) {
                let part: Vec<Entry<'a>> = part.into_iter().map(|place| entries[place].clone()).collect();
                if part.iter().any(|entry| entry.standing != Standing::Ever)
                    && let Err(answer) = self.follow(&part)
                {
                    return answer;
                }
            }
        }
        Linearity::Explained
    }

    fn entries(&self, segment: &[usize]) -> Vec<Entry<'a>> {
        let of = |call: &usize| {
            let made = &self.history[*call];
            let others = others(self.history, segment, *call);
            let mut found = entries(*call, made, others, &self.orders, &self.names);
            if self.waived.contains(call) {
                found.retain(|_| !made.call.is_read());
                for entry in &mut found {
                    if entry.standing == Standing::Certain {
                        entry.standing = Standing::Perhaps;
                    }
                }
            }
            found
        };
        segment.iter().flat_map(of).collect()
    }

    /// Orders one piece, from every possible state.
    fn follow(&mut self, part: &[Entry<'a>]) -> Result<(), Linearity> {
        let mut next: Vec<World> = Vec::new();
        let mut known: BTreeSet<(Vec<usize>, StateFingerprint)> = BTreeSet::new();
        let mut best = Found::default();
        let mut best_part = part.to_vec();
        for world in std::mem::take(&mut self.worlds) {
            let part: Vec<Entry<'a>> =
                part.iter().filter(|entry| !world.happened.contains(&entry.call)).cloned().collect();
            if part.len() > MOST_ENTRIES {
                return Err(Linearity::Unknown);
            }
            let search = Search {
                entries: &part,
                reading: self.reading,
                anomalies: self.anomalies,
                most_ends: self.budget.worlds,
                states_left: &mut self.states_left,
            };
            let mut found = search.run(world.store);
            self.is_cut |= found.is_cut;
            if found.is_out_of_budget && (found.ends.is_empty() || self.budget.worlds > 1) {
                return Err(Linearity::Unknown);
            }
            for (store, done) in std::mem::take(&mut found.ends) {
                let taken = part.iter().enumerate().filter(|(i, e)| e.standing == Standing::Ever && done >> i & 1 == 1);
                let happened: BTreeSet<usize> =
                    world.happened.iter().copied().chain(taken.map(|(_, e)| e.call)).collect();
                if known.insert((happened.iter().copied().collect(), store.fingerprint())) {
                    next.push(World { store, happened });
                }
            }
            if found.deepest >= best.deepest && !found.stuck.is_empty() {
                (best, best_part) = (found, part);
            }
        }
        if next.len() > self.budget.worlds {
            next.truncate(self.budget.worlds);
            self.is_cut = true;
        }
        self.worlds = next;
        match self.worlds.is_empty() {
            false => Ok(()),
            true if self.is_cut => Err(Linearity::Unknown),
            true => Err(Linearity::Broken(broken(&best_part, best))),
        }
    }
}

fn broken(part: &[Entry<'_>], found: Found) -> Broken {
    let calls: BTreeSet<usize> =
        part.iter().filter(|entry| entry.standing != Standing::Ever).map(|entry| entry.call).collect();
    let stuck = found.stuck.into_iter().map(|(place, mismatch)| (part[place].call, *mismatch)).collect();
    Broken { calls: calls.into_iter().collect(), stuck }
}

/// Splits the history where no call is pending, except those that were never
/// answered.
fn segments(history: &[Made]) -> Vec<Vec<usize>> {
    let mut segments: Vec<Vec<usize>> = Vec::new();
    let mut until = 0;
    for (call, made) in history.iter().enumerate() {
        match segments.last_mut() {
            Some(segment) if made.invoked < until => segment.push(call),
            _ => segments.push(vec![call]),
        }
        until = until.max(if made.reply.is_some() { made.replied } else { made.invoked });
    }
    segments
}

/// What other callers do while a call is pending.
fn others(history: &[Made], segment: &[usize], call: usize) -> Others {
    let made = &history[call];
    let beside = history.iter().enumerate().filter(|(other, _)| *other != call);
    // A call without an answer may take effect in any later segment.
    let beside = beside.filter(|(other, it)| segment.contains(other) || it.reply.is_none());
    let mut others = Others::default();
    for (_, other) in beside.filter(|(_, other)| made.overlaps(other) && !other.call.is_read()) {
        others.change = true;
        others.take_or_free |= !matches!(
            &*other.call,
            Call::EnqueueForOrchestrator { .. } | Call::EnqueueForWorker { .. } | Call::AppendWithExecution { .. }
        ) && !matches!(other.reply, Some(Reply::Refused(ref refusal)) if !refusal.retryable);
    }
    others
}
