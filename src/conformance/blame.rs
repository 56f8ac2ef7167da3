//! Which rule an answer breaks.

use super::drive::Observed;
use super::oracle::Mismatch;

/// The id of the rule that the last of the observed calls breaks.
pub(crate) fn blame(_observed: &[Observed], _mismatch: &Mismatch) -> &'static str {
    "unknown"
}
