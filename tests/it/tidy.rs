//! The crate keeps to its own rules: who may import whom, what may stand
//! where, and how long files and functions may be.

mod circles;
mod rules;

use std::fs;

use rules::Row;

/// The modules, what each may import, and words that must not stand in it.
/// The longest matching path counts.
const TABLE: &[Row] = &[
    ("seed", &[], &["duroxide::", "SystemTime", "tokio"]),
    ("clock", &["seed"], &["duroxide::", "HashMap"]),
    ("text", &[], &["duroxide::", "tokio", "SystemTime", "HashMap", "Instant"]),
    ("errors", &[], &["duroxide::", "tokio", "SystemTime"]),
    ("command", &["seed", "text"], &["duroxide::", "tokio", "SystemTime", "HashMap"]),
    ("call", &[], &["tokio", "SystemTime", "Mutex", "HashMap"]),
    (
        "store",
        &["call", "clock"],
        &["async ", "tokio", "Mutex", "Arc<", "HashMap", "SystemTime", "Instant::now", "rand"],
    ),
    ("provider", &["call", "clock", "seed", "store"], &["SystemTime", "thread::"]),
    ("trace", &["call", "clock", "errors", "faults", "text"], &["SystemTime", "HashMap"]),
    ("logs", &["clock", "command", "text", "trace"], &["SystemTime", "Instant", "thread::"]),
    ("faults", &["call", "clock", "seed", "text"], &["SystemTime", "HashMap", "duroxide::"]),
    ("laws", &["call", "clock", "seed", "text", "trace", "variants"], &["SystemTime", "HashMap", "Mutex"]),
    (
        "sim",
        &["call", "clock", "command", "seed", "provider", "faults", "logs", "text", "trace", "laws", "variants"],
        // "HashMap" alone is a word of its advice.
        &["SystemTime", "HashMap<", "HashMap::", "::HashMap", "use crate::store"],
    ),
    ("run", &["command", "errors", "sim", "text"], &["SystemTime", "HashMap", "Instant", "tokio"]),
    ("ddmin", &[], &["duroxide::", "tokio", "SystemTime", "HashMap", "Instant"]),
    ("progress", &[], &["duroxide::", "tokio", "SystemTime", "HashMap", "Instant"]),
    (
        "explore",
        &[
            "call", "clock", "command", "ddmin", "errors", "progress", "recorded", "seed", "faults", "laws", "logs",
            "text", "trace", "sim", "versions",
        ],
        &["SystemTime", "HashMap", "Instant"],
    ),
    (
        "timeline",
        &["call", "clock", "command", "errors", "explore", "laws", "logs", "sim", "text", "trace", "versions"],
        &["SystemTime", "HashMap", "Instant", "tokio"],
    ),
    ("recorded", &["clock", "command", "errors", "text", "trace"], &["SystemTime", "HashMap", "Instant"]),
    ("contract", &[], &["fn "]),
    ("versions", &["text"], &["tokio", "SystemTime"]),
    ("variants", &[], &["fn ", "struct "]),
    ("guide", &[], &["fn "]),
    // It shows what is elsewhere.
    (
        "unstable",
        &["call", "clock", "command", "ddmin", "progress", "text", "trace", "versions"],
        &["HashMap", "struct "],
    ),
];

#[test]
fn modules_import_only_what_the_table_allows() {
    rules::imports("crate::", TABLE);
}

#[test]
fn no_file_imports_in_a_circle() {
    let circles = circles::circles(&rules::files(&["src"]));
    assert!(circles.is_empty(), "move what both need into a file below them: {}", circles.join("\n"));
}

#[test]
fn circles_are_found_through_groups_reexports_and_paths() {
    let found = |files: &[(&str, &str)]| {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        circles::circles(&files.iter().map(owned).collect::<Vec<_>>())
    };
    // In a group, and through the root.
    let group = ("src/a.rs", "use crate::{b::{self, X}, other::Y};\nfn f(_: X) {}");
    let root = ("src/b.rs", "use crate::A;\npub struct X(A);");
    let circle = found(&[("src/lib.rs", "mod a;\nmod b;\npub use a::A;"), group, root]);
    assert_eq!(circle, ["a circle of 2 files:\n  src/a.rs imports of src/b.rs: X\n  src/b.rs imports of src/a.rs: A"]);
    // By a path, and by a module's name.
    let path = ("src/c.rs", "fn f() { super::d::g() }");
    let name = ("src/d.rs", "use crate::{\n    c,\n};\npub(crate) use c::f as h;\nfn g() { c::f() }");
    assert_eq!(found(&[("src/lib.rs", "mod c; mod d;"), path, name]).len(), 1);
    // A parent passes on what its child defines, and the child uses its parent's.
    let parent = ("src/e.rs", "mod f;\npub use f::Child;\npub struct Parent(Child);");
    let child = ("src/e/f.rs", "use super::Parent;\npub struct Child(Box<Parent>);");
    assert_eq!(found(&[("src/lib.rs", "mod e;"), parent, child]), [""; 0]);
    // Neither comments nor texts import.
    let words = ("src/g.rs", "// use crate::h::X;\nconst T: &str = \"crate::h::X\";\npub struct Y;");
    let other = ("src/h.rs", "use crate::g::Y;\npub struct X(Y);");
    assert_eq!(found(&[("src/lib.rs", "mod g; mod h;"), words, other]), [""; 0]);
}

/// ARCHITECTURE.md shows the table. With `UPDATE_ARCHITECTURE=1` it is written there.
#[test]
fn the_architecture_shows_the_table() {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ARCHITECTURE.md");
    let text = fs::read_to_string(PATH).expect("ARCHITECTURE.md can be read");
    let (begin, end) = ("<!-- imports: begin -->\n", "<!-- imports: end -->");
    let (head, rest) = text.split_once(begin).expect("the table has a beginning");
    let (_, tail) = rest.split_once(end).expect("the table has an end");
    let wanted = format!("{head}{begin}| module | may import |\n|---|---|\n{}{end}{tail}", rules::rows(TABLE));
    if std::env::var_os("UPDATE_ARCHITECTURE").is_some() {
        fs::write(PATH, &wanted).expect("ARCHITECTURE.md can be written");
    }
    assert!(
        text == wanted || std::env::var_os("UPDATE_ARCHITECTURE").is_some(),
        "ARCHITECTURE.md shows another table: update it with UPDATE_ARCHITECTURE=1 cargo test --test it tidy"
    );
}

#[test]
fn unsafe_code_lives_in_one_module() {
    let names = rules::files_with_unsafe_code();
    assert!(names.iter().any(|name| name == "src/clock/libc.rs"), "{names:?}");
    // An allocator that counts cannot be written without.
    let may = ["src/clock/libc.rs", "tests/flat/counting.rs"];
    let elsewhere = |name: &&String| !may.contains(&name.as_str()) && !name.starts_with("src/clock/libc/");
    assert_eq!(names.iter().find(elsewhere), None);
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
fn texts_are_in_plain_words() {
    rules::plain_words(
        &["src", "tests", "benches", "examples"],
        &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"],
    );
}

#[test]
fn library_code_does_not_unwrap() {
    rules::no_unwrap();
}

#[test]
fn dependencies_hold_no_c_code_and_no_database() {
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock");
    let lock = fs::read_to_string(lock).expect("Cargo.lock is committed");
    assert!(lock.contains("name = \"duroxide\""));
    let dependencies = rules::dependencies();
    assert!(!dependencies.contains("duroxide-conformance"), "this package knows nothing of what is built on it");
}
