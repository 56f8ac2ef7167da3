#![doc = include_str!("contract.md")]

mod ack_turn;
mod admin;
mod capability;
mod data;
mod delete;
mod family;
mod finish_job;
mod history;
mod hold_turn;
mod job;
mod official;
mod page;
mod prune;
mod queue;
mod session;
mod tag;
mod turn;
mod values;
mod world;

use duroxide_sim::laws::Law;

pub(crate) use family::Family;
pub use page::page;

/// How binding a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// A document demands it, or an official validation asserts it.
    Must,
    /// A document recommends it.
    Should,
    /// The documents leave it open or contradict each other.
    May,
}

impl Strength {
    /// The strength as a word.
    pub fn word(self) -> &'static str {
        match self {
            Strength::Must => "must",
            Strength::Should => "should",
            Strength::May => "may",
        }
    }
}

/// A check that can show that a rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// The reply of a generated call.
    Script,
    /// Reading everything back after a script.
    ReadBack,
    /// Advancing time and fetching everything that is left.
    Drain,
    /// Several concurrent callers.
    Concurrent,
    /// Futures dropped at any await.
    Dropped,
    /// A process killed at any moment, after reopening the storage.
    Crash,
    /// A second provider on the same storage.
    Reopen,
    /// The official validation with this module and name.
    Official(&'static str),
    /// This law.
    Law(Law),
}

/// One rule of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `area.claim-in-kebab-case`; the meaning of an id never changes.
    pub id: &'static str,
    /// How binding the rule is.
    pub strength: Strength,
    /// What a conforming provider does, as a sentence.
    pub claim: &'static str,
    /// The document and the place in it. Without a document, the documentation
    /// in duroxide's `src/providers/mod.rs`.
    pub source: &'static str,
    /// The checks for this rule.
    pub checks: &'static [Check],
}

impl Rule {
    /// The family of calls that the rule is about.
    pub fn area(&self) -> &'static str {
        self.id.split('.').next().unwrap_or(self.id)
    }

    /// Whether sequential scripts can break the rule.
    pub(crate) fn is_for_scripts(&self) -> bool {
        use Check::{Drain, Dropped, ReadBack, Reopen, Script};
        self.checks.iter().any(|check| matches!(check, Script | ReadBack | Drain | Dropped | Reopen))
    }

    /// The official validations that check the rule.
    pub fn validations(&self) -> impl Iterator<Item = &'static str> {
        self.checks.iter().filter_map(|check| match check {
            Check::Official(name) => Some(*name),
            _ => None,
        })
    }
}

const fn must(id: &'static str, claim: &'static str, source: &'static str, checks: &'static [Check]) -> Rule {
    Rule { id, strength: Strength::Must, claim, source, checks }
}

const fn should(id: &'static str, claim: &'static str, source: &'static str, checks: &'static [Check]) -> Rule {
    Rule { id, strength: Strength::Should, claim, source, checks }
}

const fn may(id: &'static str, claim: &'static str, source: &'static str, checks: &'static [Check]) -> Rule {
    Rule { id, strength: Strength::May, claim, source, checks }
}

const TABLES: &[&[Rule]] = &[
    turn::RULES,
    capability::RULES,
    ack_turn::RULES,
    hold_turn::RULES,
    queue::RULES,
    job::RULES,
    finish_job::RULES,
    session::RULES,
    tag::RULES,
    history::RULES,
    values::RULES,
    admin::RULES,
    delete::RULES,
    prune::RULES,
    data::RULES,
    world::RULES,
];

/// Every rule, by area.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    TABLES.iter().copied().flatten()
}

/// The rule with this id, which the compiler looks up: an id that the contract
/// does not have is a compile error.
macro_rules! rule {
    ($id:literal) => {{
        const RULE: &$crate::contract::Rule = $crate::contract::known($id);
        RULE
    }};
}
pub(crate) use rule;

/// The rule with this id, for [`rule!`].
pub(crate) const fn known(id: &str) -> &'static Rule {
    let mut table = 0;
    while table < TABLES.len() {
        let mut at = 0;
        while at < TABLES[table].len() {
            if is_same(TABLES[table][at].id.as_bytes(), id.as_bytes()) {
                return &TABLES[table][at];
            }
            at += 1;
        }
        table += 1;
    }
    panic!("the contract has no rule with this id")
}

/// `==`, which constants do not have yet.
const fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The rule with this id.
pub fn find(id: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.id == id)
}

/// Duroxide's official validations as `module::name`, in the order of its
/// source.
pub fn validations() -> impl Iterator<Item = String> {
    official::VALIDATIONS.iter().flat_map(|(module, names)| names.iter().map(move |name| format!("{module}::{name}")))
}

/// The rules that an official validation, given as `module::name`, checks.
pub fn rules_of(validation: &str) -> impl Iterator<Item = &'static Rule> {
    rules().filter(move |rule| rule.validations().any(|name| name == validation))
}
