//! The crate keeps to its own rules: what of the harness it may import, what may
//! stand where, and how long files and functions may be.

#[path = "../../../../tests/it/tidy/circles.rs"]
mod circles;
#[path = "../../../../tests/it/tidy/rules.rs"]
mod rules;

use rules::Row;

/// The modules, what each may import of `duroxide_sim`, and words that must not
/// stand in it. Simulations and exploring are nothing to any of them.
const TABLE: &[Row] = &[
    ("report", &["unstable"], &["SystemTime", "HashMap", "Instant", "tokio"]),
    (
        "*",
        &["call", "clock", "seed", "store", "provider", "faults", "trace", "laws", "unstable"],
        &["SystemTime", "HashMap"],
    ),
];

#[test]
fn modules_import_only_what_the_table_allows() {
    rules::imports("duroxide_sim::", TABLE);
}

#[test]
fn no_files_import_each_other() {
    let circles = circles::circles(&rules::files(&["src"]));
    assert!(circles.is_empty(), "move what both need into a file below them: {}", circles.join("\n"));
}

#[test]
fn no_code_is_unsafe() {
    assert_eq!(rules::files_with_unsafe_code(), Vec::<String>::new());
}

#[test]
fn files_and_functions_are_short() {
    rules::lengths();
}

#[test]
fn no_test_is_ignored_and_every_example_compiles() {
    rules::nothing_ignored();
}

#[test]
fn library_code_does_not_unwrap() {
    rules::no_unwrap();
}

#[test]
fn dependencies_hold_no_c_code_and_no_database() {
    rules::dependencies();
}

#[test]
fn texts_are_in_plain_words() {
    rules::plain_words(&["src", "tests", "benches", "examples"], &["README.md"]);
}
