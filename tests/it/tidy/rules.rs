//! What is looked for in the files of a package, in whichever package this is
//! compiled.

use std::fs;
use std::path::{Path, PathBuf};

/// A module, what it may import, and words that must not stand in it.
pub type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

const LONGEST_FILE: usize = 500;
const LONGEST_FUNCTION: usize = 70;

/// Where code stands.
const FOLDERS: [&str; 4] = ["src", "tests", "benches", "examples"];

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

/// The files of code in these folders, with what stands in them.
pub fn files(folders: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    folders.iter().for_each(|folder| rust_files(&root().join(folder), &mut found));
    assert!(!found.is_empty(), "there is no code in {folders:?}");
    let name = |path: &Path| path.strip_prefix(root()).unwrap_or(path).display().to_string();
    found.iter().map(|path| (name(path), fs::read_to_string(path).expect("a source file can be read"))).collect()
}

/// The source without comments and without what stands in string literals.
pub fn code(line: &str) -> String {
    let line = line.split("//").next().unwrap_or_default();
    line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

pub fn report(breaches: Vec<String>) {
    assert!(breaches.is_empty(), "{} breaches:\n{}", breaches.len(), breaches.join("\n"));
}

/// What the root of the crate re-exports, and from which module.
const REEXPORTED: [(&str, &str); 9] = [
    ("Memory", "provider"),
    ("MemorySettings", "provider"),
    ("Seed", "seed"),
    ("Failure", "sim"),
    ("Handle", "sim"),
    ("Limits", "sim"),
    ("Node", "sim"),
    ("Sim", "sim"),
    ("explore", "explore"),
];

/// The modules of the crate `of` that a file names, each with the line: one after the
/// other (`crate::call`), in a group (`crate::{call, clock::Time}`), or by what the
/// root re-exports of them (`crate::Seed`).
fn imported(of: &str, text: &str) -> Vec<(usize, String)> {
    let code: String = text.lines().map(|line| code(line) + "\n").collect();
    let mut found = Vec::new();
    for (at, _) in code.match_indices(of) {
        // `duroxide_sim::` is not what another name ends with.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let after = &code[at + of.len()..];
        let names = match after.strip_prefix('{') {
            Some(group) => of_group(group),
            None => vec![first_word(after)],
        };
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            let module = REEXPORTED.iter().find(|(item, _)| *item == name).map_or(name.as_str(), |(_, module)| module);
            found.push((line, module.to_owned()));
        }
    }
    found
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// The first words of a group's items, up to its closing brace.
fn of_group(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut words) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' if depth == 0 => {
                words.push(first_word(&group[start..at]));
                start = at + 1;
            }
            '}' => {
                words.push(first_word(&group[start..at]));
                return words;
            }
            _ => {}
        }
    }
    words
}

/// The table as rows of Markdown.
#[allow(dead_code)] // One of the two packages shows its table.
pub fn rows(table: &[Row]) -> String {
    let row = |(module, allowed, _): &Row| {
        let allowed: Vec<String> = allowed.iter().map(|name| format!("`{name}`")).collect();
        format!("| `{module}` | {} |\n", if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") })
    };
    table.iter().map(row).collect()
}

/// Words that readers stumble over, and what to write in their place.
const WORDS: [(&str, &str); 9] = [
    (concat!("an", "ew"), "again"),
    (concat!("be", "fall"), "happens to"),
    (concat!("in v", "ain"), "without effect"),
    (concat!("made sm", "all"), "shrunk"),
    (concat!("nobody is to be h", "ad"), "there is none"),
    (concat!("takes no", "te of"), "records"),
    (concat!("on the l", "ine"), "connected"),
    (concat!("to be h", "ad"), "available"),
    (concat!("merci", "less"), "including unsurvivable faults"),
];

/// No file speaks in riddles, and no page of the guide, if there is one.
pub fn plain_words(folders: &[&str], texts: &[&str]) {
    let mut all = files(folders);
    let guide = fs::read_dir(root().join("src/guide")).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut guide: Vec<PathBuf> = guide.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    guide.sort();
    all.extend(
        guide.iter().map(|path| {
            (path.display().to_string(), fs::read_to_string(path).expect("a page of the guide can be read"))
        }),
    );
    let read = |name: &&str| ((*name).to_owned(), fs::read_to_string(root().join(name)).expect("the text can be read"));
    all.extend(texts.iter().map(read));
    let mut breaches = Vec::new();
    for (name, text) in all {
        for (number, line) in text.lines().enumerate() {
            let line = line.to_lowercase();
            let is_word = |word: &str| {
                line.match_indices(word).any(|(at, _)| {
                    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
                    edge(line[..at].chars().next_back()) && edge(line[at + word.len()..].chars().next())
                })
            };
            let bad = WORDS.iter().filter(|(word, _)| is_word(word));
            bad.for_each(|(word, plain)| breaches.push(format!("{name}:{}: {word:?}; say {plain:?}", number + 1)));
        }
    }
    report(breaches);
}

/// Each module imports of the crate `of` only what its row allows. The row `*` is
/// that of modules which have none of their own.
pub fn imports(of: &str, table: &[Row]) {
    let mut breaches = Vec::new();
    for (name, text) in files(&["src"]) {
        let module = name.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default().to_owned();
        if module == "lib" {
            continue;
        }
        let row = |named: &str| table.iter().find(|(row, _, _)| *row == named);
        let Some((_, allowed, banned)) = row(&module).or_else(|| row("*")) else {
            breaches.push(format!("{name}: the table has no row for module {module}"));
            continue;
        };
        for (number, target) in imported(of, &text) {
            let own = of == "crate::" && target == module;
            if !own && !allowed.contains(&target.as_str()) {
                breaches.push(format!("{name}:{number}: {module} must not import {target}"));
            }
        }
        for (number, line) in text.lines().enumerate() {
            let code = code(line);
            let bad = banned.iter().filter(|word| code.contains(**word));
            bad.for_each(|word| breaches.push(format!("{name}:{}: {word:?} must not stand in {module}", number + 1)));
        }
    }
    report(breaches);
}

/// The files with unsafe code.
pub fn files_with_unsafe_code() -> Vec<String> {
    let with = files(&FOLDERS).into_iter().filter(|(_, text)| {
        text.lines().any(|line| code(line).split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == "unsafe"))
    });
    with.map(|(name, _)| name).collect()
}

/// No file and no function is too long.
pub fn lengths() {
    let mut breaches = Vec::new();
    for (name, text) in files(&FOLDERS) {
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

/// No test and no example is left out.
pub fn nothing_ignored() {
    let attribute = format!("#[{}", "ignore");
    let block = format!("```{}", "ignore");
    let breaches = files(&FOLDERS).into_iter().flat_map(|(name, text)| {
        let bad = |line: &str| line.contains(&attribute) || line.contains(&block);
        let numbers: Vec<usize> = text.lines().enumerate().filter(|(_, l)| bad(l)).map(|(n, _)| n + 1).collect();
        numbers.into_iter().map(move |number| format!("{name}:{number}"))
    });
    report(breaches.collect());
}

/// The library has its errors explained.
pub fn no_unwrap() {
    let breaches = files(&["src"]).into_iter().flat_map(|(name, text)| {
        let bad = |line: &str| code(line).contains(".unwrap()");
        let numbers: Vec<usize> = text.lines().enumerate().filter(|(_, l)| bad(l)).map(|(n, _)| n + 1).collect();
        numbers.into_iter().map(move |number| format!("{name}:{number}: unwrap"))
    });
    report(breaches.collect());
}

/// The package's dependencies, one a line; none of them holds C code or is a
/// database.
pub fn dependencies() -> String {
    let tree = std::process::Command::new(env!("CARGO"))
        .args(["tree", "-p", env!("CARGO_PKG_NAME"), "-e", "normal,build,dev", "--prefix", "none", "-f", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo tree runs");
    let tree = String::from_utf8_lossy(&tree.stdout).into_owned();
    assert!(tree.contains("duroxide v0.1"), "cargo tree lists the dependencies: {tree}");
    let banned = ["cc ", "cmake ", "bindgen ", "pkg-config ", "libsqlite3-sys ", "sqlx", "openssl"];
    let bad: Vec<&str> = tree.lines().filter(|line| banned.iter().any(|word| line.starts_with(word))).collect();
    assert!(bad.is_empty(), "{bad:?}");
    tree
}
