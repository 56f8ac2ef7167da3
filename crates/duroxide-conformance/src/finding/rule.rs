//! What the contract table says about a rule.

use crate::contract;

/// A rule as text.
pub(super) struct Cited {
    pub strength: &'static str,
    pub claim: &'static str,
    pub source: &'static str,
}

/// The rule with this id, or a note that the table does not contain it.
pub(super) fn cite(id: &str) -> Cited {
    contract::find(id).map_or(
        Cited { strength: "in no table", claim: "The contract table has no rule with this id.", source: "none" },
        |rule| Cited { strength: rule.strength.word(), claim: rule.claim, source: rule.source },
    )
}
