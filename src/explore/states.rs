//! States: what tells one situation of an instance from another, for counting
//! how much of a scenario has been seen.
//!
//! A state is the history of an instance as it stood after a turn: the kinds of
//! its events and what they answer, without times, payloads and names. More of
//! them from more seeds means that the seeds still show something new.

use std::collections::{BTreeMap, BTreeSet};

use crate::call::{Call, Reply};
use crate::trace::{Answer, Digest, Trace};

/// How many of one run are counted.
const MOST: usize = 1_000;

/// How many states are counted one by one; of more the number is estimated, to
/// one or two per cent.
const EXACT: usize = 4096;

/// How many states all runs have reached, in little memory: it keeps those with
/// the least hashes, and the higher the highest of them is, the fewer there are
/// (the "k minimum values" of Bar-Yossef and others). In which order the runs
/// come does not matter.
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

    /// How many there are, and whether that is an estimate.
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

/// The number with its bits spread evenly (the finalizer of SplitMix64).
fn spread(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// The states that a run reached, as hashes.
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
