//! The crate keeps to its own rules: who may import whom, what may stand
//! where, and how long files and functions may be.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules, what each may import, and words that must not stand in it.
/// The longest matching path counts.
const TABLE: &[(&str, &[&str], &[&str])] = &[
    ("seed", &[], &["duroxide::", "SystemTime", "tokio"]),
    ("clock", &["seed"], &["duroxide::", "HashMap"]),
    ("text", &[], &["duroxide::", "tokio", "SystemTime", "HashMap", "Instant"]),
    ("command", &["seed", "text"], &["duroxide::", "tokio", "SystemTime", "HashMap"]),
    ("call", &[], &["tokio", "SystemTime", "Mutex", "HashMap"]),
    (
        "store",
        &["call", "clock"],
        &["async ", "tokio", "Mutex", "Arc<", "HashMap", "SystemTime", "Instant::now", "rand"],
    ),
    ("provider", &["call", "clock", "seed", "store"], &["SystemTime", "thread::"]),
    ("trace", &["call", "clock", "faults", "text"], &["SystemTime", "HashMap"]),
    ("faults", &["call", "clock", "seed", "text"], &["SystemTime", "HashMap", "duroxide::"]),
    ("laws", &["call", "clock", "seed", "text", "trace"], &["SystemTime", "HashMap", "Mutex"]),
    (
        "sim",
        &["call", "clock", "command", "seed", "provider", "faults", "text", "trace", "laws"],
        // "HashMap" alone is a word of its advice.
        &["SystemTime", "HashMap<", "HashMap::", "::HashMap", "use crate::store"],
    ),
    ("cuts", &[], &["duroxide::", "tokio", "SystemTime", "HashMap", "Instant"]),
    ("progress", &[], &["duroxide::", "tokio", "SystemTime", "HashMap", "Instant"]),
    (
        "explore",
        &["call", "clock", "command", "cuts", "progress", "seed", "faults", "laws", "text", "trace", "sim"],
        &["SystemTime", "HashMap", "Instant"],
    ),
    (
        "conformance",
        // The entry points write reports.
        &[
            "call", "clock", "command", "cuts", "seed", "store", "provider", "faults", "trace", "laws", "progress",
            "report", "text",
        ],
        &["SystemTime", "HashMap", "use crate::sim"],
    ),
    (
        "report",
        &["call", "clock", "command", "conformance", "explore", "laws", "sim", "text", "trace"],
        &["SystemTime", "HashMap", "Instant", "tokio"],
    ),
    ("contract", &[], &["fn "]),
];

const LONGEST_FILE: usize = 500;
const LONGEST_FUNCTION: usize = 70;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn files(folders: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    folders.iter().for_each(|folder| rust_files(&root().join(folder), &mut found));
    let name = |path: &Path| path.strip_prefix(root()).unwrap_or(path).display().to_string();
    found.iter().map(|path| (name(path), fs::read_to_string(path).expect("a source file can be read"))).collect()
}

/// The source without comments and without what stands in string literals.
fn code(line: &str) -> String {
    let line = line.split("//").next().unwrap_or_default();
    line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

fn report(breaches: Vec<String>) {
    assert!(breaches.is_empty(), "{} breaches:\n{}", breaches.len(), breaches.join("\n"));
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let mut breaches = Vec::new();
    for (name, text) in files(&["src"]) {
        let module = name.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default().to_owned();
        if module == "lib" {
            continue;
        }
        let Some((_, allowed, banned)) = TABLE.iter().find(|(row, _, _)| *row == module) else {
            breaches.push(format!("{name}: the table has no row for module {module}"));
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            let code = code(line);
            for (at, _) in code.match_indices("crate::") {
                let target: String =
                    code[at + 7..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                if !target.is_empty() && target != module && !allowed.contains(&target.as_str()) {
                    breaches.push(format!("{name}:{}: {module} must not import {target}", number + 1));
                }
            }
            let bad = banned.iter().filter(|word| code.contains(**word));
            bad.for_each(|word| breaches.push(format!("{name}:{}: {word:?} must not stand in {module}", number + 1)));
        }
    }
    report(breaches);
}

#[test]
fn unsafe_code_lives_in_one_module() {
    let with = files(&["src", "tests", "benches", "examples"]).into_iter().filter(|(_, text)| {
        text.lines().any(|line| code(line).split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == "unsafe"))
    });
    let names: Vec<String> = with.map(|(name, _)| name).collect();
    assert!(names.iter().any(|name| name == "src/clock/libc.rs"), "{names:?}");
    // An allocator that counts cannot be written without.
    let may = ["src/clock/libc.rs", "tests/flat/counting.rs"];
    let elsewhere = |name: &&String| !may.contains(&name.as_str()) && !name.starts_with("src/clock/libc/");
    assert_eq!(names.iter().find(elsewhere), None);
}

#[test]
fn files_and_functions_are_short() {
    let mut breaches = Vec::new();
    for (name, text) in files(&["src", "tests", "benches", "examples"]) {
        let lines: Vec<&str> = text.lines().collect();
        if lines.len() > LONGEST_FILE {
            breaches.push(format!("{name} has {} lines", lines.len()));
        }
        for (start, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let opens = code(line).contains("fn ") && line.trim_end().ends_with('{');
            let end = || lines[start..].iter().position(|l| *l == format!("{}}}", " ".repeat(indent)));
            if let Some(length) = opens.then(end).flatten().filter(|length| *length + 1 > LONGEST_FUNCTION) {
                breaches.push(format!("{name}:{}: a function of {} lines", start + 1, length + 1));
            }
        }
    }
    report(breaches);
}

#[test]
fn no_test_is_ignored_and_every_example_compiles() {
    let attribute = format!("#[{}", "ignore");
    let block = format!("```{}", "ignore");
    let breaches = files(&["src", "tests", "benches", "examples"]).into_iter().flat_map(|(name, text)| {
        let bad = |line: &str| line.contains(&attribute) || line.contains(&block);
        let numbers: Vec<usize> = text.lines().enumerate().filter(|(_, l)| bad(l)).map(|(n, _)| n + 1).collect();
        numbers.into_iter().map(move |number| format!("{name}:{number}"))
    });
    report(breaches.collect());
}

#[test]
fn library_code_does_not_unwrap() {
    let breaches = files(&["src"]).into_iter().flat_map(|(name, text)| {
        let bad = |line: &str| code(line).contains(".unwrap()");
        let numbers: Vec<usize> = text.lines().enumerate().filter(|(_, l)| bad(l)).map(|(n, _)| n + 1).collect();
        numbers.into_iter().map(move |number| format!("{name}:{number}: unwrap"))
    });
    report(breaches.collect());
}

#[test]
fn dependencies_hold_no_c_code_and_no_database() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock is committed");
    let tree = std::process::Command::new(env!("CARGO"))
        .args(["tree", "-p", "duroxide-sim", "-e", "normal,build,dev", "--prefix", "none", "-f", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo tree runs");
    let tree = String::from_utf8_lossy(&tree.stdout).into_owned();
    assert!(tree.contains("duroxide v0.1"), "cargo tree lists the dependencies: {tree}");
    assert!(lock.contains("name = \"duroxide\""));
    let banned = ["cc ", "cmake ", "bindgen ", "pkg-config ", "libsqlite3-sys ", "sqlx", "openssl"];
    let bad: Vec<&str> = tree.lines().filter(|line| banned.iter().any(|word| line.starts_with(word))).collect();
    assert!(bad.is_empty(), "{bad:?}");
}
