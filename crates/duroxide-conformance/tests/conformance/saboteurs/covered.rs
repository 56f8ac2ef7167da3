//! Whether there is a saboteur for every rule that binds.

use std::collections::{BTreeMap, BTreeSet};

use duroxide_conformance::contract::{self, Strength};

use super::super::concurrent::saboteur;
use super::{all, crashes};

/// The rules that saboteurs break: in scripts, when callers meet, and when their
/// process is killed.
fn broken() -> BTreeSet<&'static str> {
    let scripts = all().into_iter().map(|saboteur| saboteur.rule);
    let callers = saboteur::RULES.iter().map(|(_, rule)| *rule);
    scripts.chain(callers).chain(crashes::RULES.iter().map(|(_, rule)| *rule)).collect()
}

#[test]
fn every_must_rule_has_a_saboteur() {
    let broken = broken();
    let must = contract::rules().filter(|rule| rule.strength == Strength::Must).map(|rule| rule.id);
    let free: Vec<&str> = must.filter(|id| !broken.contains(id)).collect();
    assert!(free.is_empty(), "no saboteur breaks {free:?}");
}

#[test]
fn saboteurs_break_rules_that_are_in_the_table() {
    let unknown: Vec<&str> = broken().into_iter().filter(|rule| contract::find(rule).is_none()).collect();
    assert!(unknown.is_empty(), "the table has no {unknown:?}");
}

#[test]
fn saboteurs_have_names_of_their_own() {
    let mut rules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    all().iter().for_each(|saboteur| rules.entry(saboteur.name).or_default().push(saboteur.rule));
    rules.retain(|_, rules| rules.len() > 1);
    assert!(rules.is_empty(), "several saboteurs have one name: {rules:?}");
}
