//! Whether there is a saboteur for every rule that binds.

use std::collections::{BTreeMap, BTreeSet};

use duroxide_sim::conformance::contract::{self, Strength};

use super::all;

/// Rules that no saboteur can break, by the beginnings of their ids, and why: a
/// saboteur answers one call after the other, each in one poll, and keeps
/// nothing when the process ends.
const BEYOND: &[(&str, &str)] = &[
    ("concurrent.", "it takes several callers at once"),
    ("error.contention-is-retryable", "it takes callers that contend"),
    ("dropped.", "it takes a future that can be dropped half way"),
    ("durable.", "it takes storage that outlives its process"),
];

#[test]
fn every_must_rule_has_a_saboteur() {
    let broken: BTreeSet<&str> = all().iter().map(|saboteur| saboteur.rule).collect();
    let beyond = |id: &str| BEYOND.iter().any(|(start, _)| id.starts_with(start));
    let must = || contract::rules().filter(|rule| rule.strength == Strength::Must).map(|rule| rule.id);
    let free: Vec<&str> = must().filter(|id| !broken.contains(id) && !beyond(id)).collect();
    assert!(free.is_empty(), "no saboteur breaks {free:?}");
    let both: Vec<&str> = must().filter(|id| broken.contains(id) && beyond(id)).collect();
    assert!(both.is_empty(), "there are saboteurs for rules that are said to be beyond them: {both:?}");
    let idle: Vec<&str> =
        BEYOND.iter().map(|(start, _)| *start).filter(|s| !must().any(|id| id.starts_with(s))).collect();
    assert!(idle.is_empty(), "no rule begins with {idle:?}");
}

#[test]
fn saboteurs_break_rules_that_are_in_the_table() {
    let unknown: Vec<&str> = all().iter().map(|s| s.rule).filter(|rule| contract::find(rule).is_none()).collect();
    assert!(unknown.is_empty(), "the table has no {unknown:?}");
}

#[test]
fn saboteurs_have_names_of_their_own() {
    let mut rules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    all().iter().for_each(|saboteur| rules.entry(saboteur.name).or_default().push(saboteur.rule));
    rules.retain(|_, rules| rules.len() > 1);
    assert!(rules.is_empty(), "several saboteurs have one name: {rules:?}");
}
