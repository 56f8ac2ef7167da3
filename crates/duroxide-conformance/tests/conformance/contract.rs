//! The contract table is whole, well formed, and the same as its page.

use std::collections::{BTreeMap, BTreeSet};

use duroxide_conformance::contract::{self, Check, Strength, rules};
use duroxide_sim::laws::Law;

use crate::{source, validations::published};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/contract.md");

#[test]
fn committed_page_is_the_table() {
    let page = contract::page();
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        std::fs::write(PAGE, &page).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(PAGE).expect("the page is committed");
    assert!(
        committed == page,
        "src/contract.md is not what the table gives. Run `UPDATE_CONTRACT=1 cargo test -p duroxide-conformance --test \
         conformance committed_page_is_the_table` and commit the file."
    );
}

#[test]
fn ids_are_unique_and_well_formed() {
    let word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
    let kebab = |part: &str| part.split('-').all(word);
    let mut seen = BTreeSet::new();
    for rule in rules() {
        assert!(seen.insert(rule.id), "{} stands twice in the table", rule.id);
        let parts: Vec<&str> = rule.id.split('.').collect();
        assert!(parts.len() == 2 && parts.iter().all(|part| kebab(part)), "{:?} is not area.claim", rule.id);
        assert_eq!(contract::find(rule.id), Some(rule));
    }
    assert_eq!(contract::find("turn.never-heard-of"), None);
}

#[test]
fn rules_of_one_area_stand_together() {
    let mut areas: Vec<&str> = rules().map(|rule| rule.area()).collect();
    areas.dedup();
    let distinct: BTreeSet<&str> = areas.iter().copied().collect();
    assert_eq!(areas.len(), distinct.len(), "{areas:?}");
}

#[test]
fn claims_are_sentences_with_a_source() {
    for rule in rules() {
        let claim = rule.claim;
        let begins = claim.chars().next().is_some_and(|c| c.is_uppercase() || c == '`');
        assert!(begins && claim.ends_with('.') && claim.contains(' '), "{}: {claim:?} is no sentence", rule.id);
        assert!(!rule.source.is_empty(), "{} has no source", rule.id);
        let cell = [claim, rule.source];
        assert!(cell.iter().all(|text| !text.contains(['|', '\n'])), "{} does not fit in a table", rule.id);
        assert!(cell.iter().all(|text| text.matches('`').count() % 2 == 0), "{}: a backtick is open", rule.id);
        assert!(rule.source.matches('"').count() % 2 == 0, "{}: a quote is open", rule.id);
    }
}

#[test]
fn open_questions_say_that_they_are_open() {
    let open = [" open", " may ", " or "];
    let silent: Vec<&str> = rules()
        .filter(|rule| rule.strength == Strength::May && !open.iter().any(|word| rule.claim.contains(word)))
        .map(|rule| rule.id)
        .collect();
    assert!(silent.is_empty(), "These rules are a `may` and do not say what is open: {silent:?}");
}

#[test]
fn every_rule_has_a_check_of_each_kind_once() {
    for rule in rules() {
        let kinds: BTreeSet<&Check> = rule.checks.iter().collect();
        assert!(!kinds.is_empty(), "nothing checks {}", rule.id);
        assert_eq!(kinds.len(), rule.checks.len(), "{} names a check twice", rule.id);
    }
}

#[test]
fn every_official_validation_looks_at_a_rule() {
    let listed: BTreeSet<String> = contract::validations().collect();
    let published: BTreeSet<String> = published()
        .into_iter()
        .flat_map(|(module, names)| names.into_iter().map(move |name| format!("{module}::{name}")))
        .collect();
    assert_eq!(listed, published, "official.rs does not list the validations of this duroxide");
    let idle: Vec<&String> = listed.iter().filter(|name| contract::rules_of(name).next().is_none()).collect();
    assert!(idle.is_empty(), "No rule names these validations: {idle:?}");
    let unknown: BTreeMap<&str, &str> = rules()
        .flat_map(|rule| rule.validations().map(|name| (name, rule.id)))
        .filter(|(name, _)| !listed.contains(*name))
        .collect();
    assert!(unknown.is_empty(), "These validations are named by a rule and do not exist: {unknown:?}");
}

#[test]
fn every_law_looks_at_a_rule() {
    let named: BTreeSet<Law> = rules()
        .flat_map(|rule| rule.checks)
        .filter_map(|check| match check {
            Check::Law(law) => Some(*law),
            _ => None,
        })
        .collect();
    let laws: BTreeSet<Law> = Law::ALL.iter().copied().collect();
    assert_eq!(named, laws, "no rule names these laws");
}

#[test]
fn every_method_of_both_traits_is_named() {
    let text = std::fs::read_to_string(source::folder().join("src/providers/mod.rs")).expect("source is text");
    let mut methods = source::names_after(&["async fn "], &text);
    assert!(methods.contains("prune_executions_bulk") && methods.contains("read"), "not understood: {methods:?}");
    methods.extend(["name", "version", "as_management_capability"].map(str::to_owned));
    let named = |method: &String| {
        let word = format!("`{method}`");
        rules().any(|rule| rule.claim.contains(&word) || rule.source.contains(&word))
    };
    let missing: Vec<&String> = methods.iter().filter(|method| !named(method)).collect();
    assert!(missing.is_empty(), "No rule is about these methods: {missing:?}");
}
