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
