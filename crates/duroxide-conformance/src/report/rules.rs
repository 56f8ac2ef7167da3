//! The outcome of each rule.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::contract::{self, Check, Family, Rule};
use crate::verdict::Verdict;

/// A rule and its outcome.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleLine {
    /// The rule's id.
    pub id: &'static str,
    /// `must`, `should` or `may`.
    pub strength: &'static str,
    /// What a conforming provider does.
    pub claim: &'static str,
    /// The outcome.
    pub fate: Fate,
}

/// The outcome of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Calls that concern the rule were made, and none broke it.
    Held,
    /// The rule was broken.
    Broken,
    /// The rule was broken, and a waiver accepts that.
    Waived,
    /// No call that concerns the rule was made, or sequential calls cannot
    /// break it.
    NotReached,
}

impl Fate {
    /// The outcome as text.
    pub fn word(self) -> &'static str {
        match self {
            Fate::Held => "held",
            Fate::Broken => "broken",
            Fate::Waived => "waived",
            Fate::NotReached => "not reached",
        }
    }
}

pub(super) fn lines(verdict: &Verdict) -> Vec<RuleLine> {
    let called = verdict.counts.methods();
    let races = verdict.races.iter().map(|race| race.rule);
    let broken: BTreeSet<&str> =
        verdict.findings.iter().chain(&verdict.remarks).map(|finding| finding.rule).chain(races).collect();
    let waived: BTreeSet<&str> = verdict.waived.iter().map(|waived| waived.rule).collect();
    let line = |rule: &'static Rule| {
        let fate = match rule.id {
            id if broken.contains(id) => Fate::Broken,
            id if waived.contains(id) => Fate::Waived,
            id if verdict.reached.contains(id) || is_reached(rule, &called) => Fate::Held,
            _ => Fate::NotReached,
        };
        RuleLine { id: rule.id, strength: rule.strength.word(), claim: rule.claim, fate }
    };
    contract::rules().map(line).collect()
}

/// Whether scripts can break the rule, and called a method that it concerns.
fn is_reached(rule: &Rule, called: &BTreeSet<&str>) -> bool {
    let shows = |check: &Check| matches!(check, Check::Script | Check::ReadBack | Check::Drain | Check::Dropped);
    rule.checks.iter().any(shows)
        && Family::of(rule.id)
            .is_some_and(|family| family.methods().iter().any(|method| called.contains(method.name())))
}
