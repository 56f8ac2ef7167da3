//! Inputs: numbers that parametrize a body, drawn from the seed by name.
//!
//! They are part of the run's plan, so that a replay has the same numbers and exploring can
//! shrink them.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::executor::Record;
use crate::seed::Seed;

/// A number given to a body ([`super::Handle::input`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The number.
    pub value: u64,
    /// The smallest value that it could have had.
    pub least: u64,
}

impl Record {
    /// Returns the number with this name. Draws it if necessary.
    pub(super) fn input(&mut self, name: &str, range: RangeInclusive<u64>, seed: Seed) -> u64 {
        let (least, most) = range.into_inner();
        if least > most {
            let why = format!(
                "The input {name:?} has the empty range {least}..={most}. Give it a range with at least one number."
            );
            self.misused.get_or_insert(why);
            return least;
        }
        let before = self.ranges.entry(name.to_owned()).or_insert(least..=most).clone();
        if before != (least..=most) {
            let why = format!(
                "The input {name:?} was asked for in the range {}..={}, and then in {least}..={most}. A name stands for \
                 one number in a run: use another name for the other range.",
                before.start(),
                before.end()
            );
            self.misused.get_or_insert(why);
        }
        let known = self.plan.inputs.get(name).copied();
        let cut = |input: Input| input.value.clamp(least, most);
        let draw = || {
            let mut random = seed.child("input").child(name).stream();
            match (most - least).checked_add(1) {
                Some(length) => least + random.below(length),
                // The number of values in the full range does not fit in a `u64`.
                None => random.next_u64(),
            }
        };
        let value = known.or_else(|| self.given.get(name).copied()).map_or_else(draw, cut);
        let input = Input { value, least };
        // Properties may request the same input many times.
        if known != Some(input) {
            self.note_input(name, input);
        }
        value
    }
}
