//! Which saboteurs duroxide's own validations tell from a right provider: the
//! page `src/saboteurs.md`.

use std::fmt::Write as _;
use std::time::Duration;

use duroxide_sim::{Limits, Sim};

use super::{Factory, OFFICIAL, Validation};
use crate::concurrent::saboteur;
use crate::saboteurs::{Saboteur, all, crashes, honest};

/// Of so many saboteurs one is looked at in every run of the tests.
const SAMPLE: usize = 20;

/// The first validation that a saboteur fails, hangs in or panics in.
fn killer(saboteur: Saboteur) -> Option<&'static str> {
    let fails = |validation: fn(Factory) -> Validation| {
        // Some wait for ever for what the saboteur does not bring.
        let limits = Limits { virtual_time: Duration::from_secs(86_400), steps: 200_000, ..Limits::default() };
        let sim = Sim::new(1).without_laws().limits(limits);
        sim.try_run(move |_| validation(Factory::of(saboteur))).is_err()
    };
    // A saboteur's fetches never wait.
    let mut own = OFFICIAL.iter().filter(|(name, _)| !name.ends_with("waits_for_timeout"));
    own.find(|(_, validation)| fails(*validation)).map(|(name, _)| *name)
}

fn line(saboteur: Saboteur) -> String {
    let killer = killer(saboteur).map_or_else(|| "none".to_owned(), |name| format!("`{name}`"));
    format!("| `{}` | {} | {killer} |", saboteur.rule, saboteur.name)
}

fn page() -> String {
    let mut saboteurs = all();
    saboteurs.sort_by_key(|saboteur| (saboteur.rule, saboteur.name));
    let lines: Vec<String> = saboteurs.into_iter().map(line).collect();
    let missed = lines.iter().filter(|line| line.ends_with("| none |")).count();
    let mut page = String::from("# Saboteurs\n\n");
    let _ = writeln!(
        page,
        "Providers that each do one thing wrong. The suite catches every one of them, by the rule it breaks. Of these \
         {}, duroxide's own validations pass {missed}; for the others the first validation that fails is named.\n",
        lines.len()
    );
    page += "| rule it breaks | what it does wrong | first of duroxide's validations to fail |\n|---|---|---|\n";
    lines.iter().for_each(|line| page += &format!("{line}\n"));
    page + &others()
}

/// Those that no caller alone sees.
fn others() -> String {
    let mut page = String::from(
        "\nThese are right as long as callers do not meet, and no process is killed; duroxide's validations were not run \
         on them.\n\n| rule it breaks | what goes wrong | when |\n|---|---|---|\n",
    );
    let met = saboteur::RULES.iter().map(|(fault, rule)| (rule, format!("{fault:?}"), "several callers meet"));
    let killed = crashes::RULES.iter().map(|(fault, rule)| (rule, format!("{fault:?}"), "the process is killed"));
    for (rule, fault, when) in met.chain(killed) {
        page += &format!("| `{rule}` | {} | {when} |\n", in_words(&fault));
    }
    page
}

/// The name of a variant as words.
fn in_words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

#[test]
fn the_page_of_saboteurs_says_which_of_them_pass_duroxides_validations() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/saboteurs.md");
    if std::env::var_os("UPDATE_SABOTEURS").is_some() {
        std::fs::write(file, page()).expect("the page can be written");
    }
    let page = std::fs::read_to_string(file).expect("the page is there");
    let again = "Run `UPDATE_SABOTEURS=1 cargo test --release -p duroxide-conformance --test conformance the_page_of_saboteurs`.";
    let Some(page) = page.strip_suffix(&others()) else {
        panic!("src/saboteurs.md has others at its end. {again}");
    };
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, all().len(), "src/saboteurs.md has other saboteurs. {again}");
    for saboteur in all().into_iter().step_by(SAMPLE) {
        let line = line(saboteur);
        assert!(page.lines().any(|other| other == line), "src/saboteurs.md lacks {line:?}. {again}");
    }
}

#[test]
fn a_saboteur_that_does_nothing_wrong_passes_all_of_duroxides_validations() {
    assert_eq!(killer(honest()), None);
}
