//! [`Finding`]: a rule that a provider breaks, with the smallest program that
//! shows it.

use super::drive::{Deviation, Run};
use super::script::Script;
use crate::seed::Seed;

/// A rule that a provider breaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule's id in the contract table.
    pub rule: &'static str,
    /// The smallest script found that shows it.
    pub script: Script,
    /// How that script went.
    pub run: Run,
    /// The seed of the script it was found in; `None` for a script that was
    /// given.
    pub seed: Option<Seed>,
}

impl Finding {
    /// The answer that deviates.
    pub fn deviation(&self) -> Option<&Deviation> {
        match &self.run.end {
            super::End::Deviates(deviation) => Some(deviation),
            _ => None,
        }
    }
}
