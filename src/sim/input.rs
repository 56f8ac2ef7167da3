//! Inputs: numbers that parametrize a body, drawn from the seed by name.
//!
//! They are part of the run's plan, so that a replay has the same numbers and exploring can
//! shrink them.

use serde::{Deserialize, Serialize};

/// A number given to a body ([`super::Handle::input`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The number.
    pub value: u64,
    /// The smallest value that it could have had.
    pub least: u64,
}
