//! States of instances, counted to measure how much of a scenario has been covered.
//!
//! A state is the history of an instance after a turn: the kinds of its events and their results,
//! without times, payloads and names. If more seeds reach more states, they still show something
//! new.

use std::collections::{BTreeMap, BTreeSet};

use crate::call::{Call, Reply};
use crate::trace::{Answer, Digest, Trace};

/// The largest number of states counted in one run.
const MOST: usize = 1_000;

/// The number of states that are counted exactly. Beyond it, the number is estimated to within one
/// or two percent.
const EXACT: usize = 4096;

/// Counts the distinct states of all runs in constant memory. It keeps the states with the smallest
/// hashes: the larger the largest of them, the fewer distinct states there are (the "k minimum
/// values" sketch of Bar-Yossef et al.). The order of the runs does not matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen(BTreeSet<u64>);

impl Seen {
    pub fn add(&mut self, state: u64) {
        let hash = spread(state);
        let is_among_least = self.0.len() < EXACT || self.0.last().is_some_and(|last| hash < *last);
        if is_among_least && self.0.insert(hash) && self.0.len() > EXACT {
            self.0.pop_last();
        }
    }

    /// The number of states, and whether it is an estimate.
    pub fn count(&self) -> (u64, bool) {
        match self.0.last() {
            Some(last) if self.0.len() == EXACT => {
                let all = (EXACT as u128 - 1) << 64;
                (u64::try_from(all / u128::from(*last).max(1)).unwrap_or(u64::MAX), true)
            }
            _ => (self.0.len() as u64, false),
        }
    }
}

/// Mixes the bits of a number (the finalizer of SplitMix64).
fn spread(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// The hashes of the states that a run reached.
pub(super) fn reached(trace: &Trace) -> BTreeSet<u64> {
    let mut holders = BTreeMap::<&str, &str>::new();
    let mut histories = BTreeMap::<&str, Digest>::new();
    let mut states = BTreeSet::new();
    for entry in &trace.entries {
        match (&*entry.call, &entry.answer) {
            (_, Answer::Turn(turn)) => {
                holders.insert(&turn.token, &turn.instance);
            }
            (Call::AckOrchestrationItem(ack), Answer::Reply(Reply::Done)) if states.len() < MOST => {
                let Some(instance) = holders.get(&*ack.token) else { continue };
                let state = histories.entry(instance).or_default();
                ack.history.iter().for_each(|event| state.push_shape(event));
                states.insert(state.hash);
            }
            _ => {}
        }
    }
    states
}
