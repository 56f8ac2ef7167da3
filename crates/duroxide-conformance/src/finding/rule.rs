//! What the contract says of a rule.

use crate::contract;

/// A rule in words.
pub(super) struct Cited {
    pub strength: &'static str,
    pub claim: &'static str,
    pub source: &'static str,
}

/// The rule of this id. What a script found may be about no rule of the table,
/// which is then said.
pub(super) fn cite(id: &str) -> Cited {
    contract::find(id).map_or(
        Cited { strength: "in no table", claim: "The contract table has no rule of this id.", source: "none" },
        |rule| Cited { strength: rule.strength.word(), claim: rule.claim, source: rule.source },
    )
}
