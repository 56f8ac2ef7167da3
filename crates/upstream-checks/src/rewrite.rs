//! The mechanical rewrite that moves a test file to simulations.

use std::path::Path;

use crate::exceptions::{EXCEPTIONS, Exception};
use crate::package;

/// What has been moved so far.
#[derive(Debug, Default)]
pub struct Moved {
    /// The files that hold tests, by the names of their modules.
    modules: Vec<String>,
    /// The tests of [`EXCEPTIONS`] that were found.
    met: Vec<&'static str>,
}

/// The attribute of tests in simulations.
const SIMULATED: &str = "#[duroxide_sim::test]";

/// The simulation's provider, for a database that is opened by its name.
const PROVIDER: &str = "duroxide_sim::provider()";

/// A provider with a storage of its own, for a database that is made.
const FRESH: &str = "duroxide_sim::fresh_provider()";

impl Moved {
    /// Rewrites a file. `relative` is its path in the folder `tests`.
    ///
    /// # Errors
    ///
    /// If a test of [`EXCEPTIONS`] is no longer as it says.
    pub fn file(&mut self, relative: &Path, text: &str, tests: &Path) -> Result<String, String> {
        let module = relative.with_extension("").to_string_lossy().into_owned();
        if !module.contains('/') {
            self.modules.push(module.clone());
        }
        let mut text = text.to_owned();
        for exception in EXCEPTIONS {
            if let Some((file, function)) = exception.test.split_once("::")
                && file == module
            {
                text = except(&text, exception, function)?;
                self.met.push(exception.test);
            }
        }
        let text = attributes(&text);
        let text = damage(&stores(&text));
        let text = runtimes(&files(&text));
        let source = tests.with_file_name("src");
        let text = text.replace("\"../src/", &format!("\"{}/", source.display()));
        let text = text.replace("env!(\"CARGO_PKG_VERSION\")", &format!("{:?}", package::version(tests)));
        Ok(if module == "common/mod" { text } else { commons(&text) })
    }

    /// Checks that every test of [`EXCEPTIONS`] was found.
    ///
    /// # Errors
    ///
    /// If one was not.
    pub fn finish(&self) -> Result<(), String> {
        match EXCEPTIONS.iter().find(|exception| !self.met.contains(&exception.test)) {
            Some(lost) => Err(format!("There is no file for the exception {}. Take it off the list.", lost.test)),
            None => Ok(()),
        }
    }

    /// Returns the root of the test crate.
    pub fn root(&self, folder: &Path) -> String {
        let module = |path: String, name: &str| format!("#[path = {path:?}]\npub mod {name};\n");
        let common = folder.join("common/mod.rs").to_string_lossy().into_owned();
        let files = self.modules.iter().map(|name| {
            let path = folder.join(name).with_extension("rs");
            module(path.to_string_lossy().into_owned(), name)
        });
        module(common, "common") + &files.collect::<String>()
    }
}

/// Marks a test that must fail, or leaves it out. Where it passes on another provider, a second
/// test of the same body runs there.
fn except(text: &str, exception: &Exception, function: &str) -> Result<String, String> {
    let lost = || format!("duroxide has no test {}. Take it off the list of exceptions.", exception.test);
    let name = text.find(&format!("fn {function}(")).ok_or_else(lost)?;
    let attribute = text[..name].rfind("test").and_then(|at| text[..at].rfind("#[")).ok_or_else(lost)?;
    if exception.reason.is_left_out() {
        let end = name + text[name..].find("\n}\n").ok_or_else(lost)? + "\n}\n".len();
        return match text[attribute..end].contains(exception.says) {
            true => Ok(format!("{}{}", &text[..attribute], &text[end..])),
            false => Err(format!("{} does not contain {:?}. Take it off the list.", exception.test, exception.says)),
        };
    }
    let signature = format!("async fn {function}(");
    let at = text.find(&signature).ok_or_else(lost)?;
    let body = format!("{function}_body");
    let mut tests = format!(
        "{SIMULATED}\n#[should_panic(expected = {:?})]\nasync fn {function}() {{ {body}().await }}\n",
        exception.says
    );
    if let Some((run, name)) = exception.reason.remedy() {
        tests.push_str(&format!("#[test]\nfn {function}_{name}() {{ upstream_checks::{run}({body}) }}\n"));
    }
    Ok(format!("{}{tests}async fn {body}({}", &text[..attribute], &text[at + signature.len()..]))
}

/// `#[tokio::test…]` becomes `#[duroxide_sim::test]`.
fn attributes(text: &str) -> String {
    let mut parts = text.split("#[tokio::test");
    let mut moved = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(']').map_or(0, |at| at + 1);
        moved.push_str(SIMULATED);
        moved.push_str(&part[end..]);
    }
    moved
}

/// Every line that makes a SQLite provider gets the simulation's.
fn stores(text: &str) -> String {
    let direct = calls_admin(text);
    let mut moved = String::new();
    let mut rest = text;
    while let Some((at, _)) = rest.match_indices("SqliteProvider::new").find(|(at, _)| is_own_word(rest, *at)) {
        let (before, made) = rest.split_at(at);
        let before = before.trim_end_matches(is_of_path);
        let provider = if makes_a_database(before, made) { FRESH } else { PROVIDER };
        let after = after_expression(made);
        let (before, provider, after) = match shared(before, after).filter(|_| !direct) {
            Some((before, after)) => (before, provider.to_owned(), after),
            None => (before, format!("upstream_checks::own({provider})"), after),
        };
        moved.push_str(before);
        moved.push_str(&provider);
        rest = after;
    }
    moved.push_str(rest);
    let moved = moved.replace("use duroxide::providers::sqlite::SqliteProvider;\n", "");
    moved.replace("Arc<SqliteProvider>", "Arc<dyn duroxide::providers::Provider>")
}

/// Whether the call makes a database: one in memory, or the file of a helper that makes one.
fn makes_a_database(before: &str, made: &str) -> bool {
    let in_memory = made.starts_with("SqliteProvider::new_in_memory") || made.starts_with("SqliteProvider::new(\"");
    let function = before.rfind("fn ").map_or("", |at| &before[at..]);
    in_memory || function.starts_with("fn create_sqlite_store")
}

/// What the factory of the validations does by SQL is done by the simulation's storage.
fn damage(text: &str) -> String {
    let bodies = [
        ("async fn corrupt_instance_history(&self, instance: &str) {", "upstream_checks::corrupt(instance)"),
        ("async fn get_max_attempt_count(&self, instance: &str) -> u32 {", "upstream_checks::attempts(instance)"),
    ];
    bodies.iter().fold(text.to_owned(), |text, (signature, body)| {
        let Some(at) = text.find(signature).map(|at| at + signature.len()) else { return text };
        let end = at + text[at..].find("\n        }\n").unwrap_or(0);
        format!("{}{body}{}", &text[..at], &text[end..])
    })
}

/// Whether a file calls methods of `ProviderAdmin` on the provider that it made.
fn calls_admin(text: &str) -> bool {
    text.contains(".read_history(") && !text.contains("as_management_capability")
}

fn is_of_path(c: char) -> bool {
    c.is_alphanumeric() || c == ':' || c == '_'
}

/// Whether no other name ends with what is at `at`.
fn is_own_word(text: &str, at: usize) -> bool {
    !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Returns what follows the call that makes a provider, and what takes its result.
fn after_expression(made: &str) -> &str {
    let mut rest = after_parentheses(&made[made.find('(').unwrap_or(0)..]);
    loop {
        let trimmed = rest.trim_start();
        if let Some(after) = trimmed.strip_prefix(".await") {
            rest = after;
        } else if trimmed.starts_with(".unwrap(") || trimmed.starts_with(".expect(") {
            rest = after_parentheses(&trimmed[trimmed.find('(').unwrap_or(0)..]);
        } else {
            return rest;
        }
    }
}

/// Returns what follows the parentheses that `text` begins with.
fn after_parentheses(text: &str) -> &str {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => return &text[at + 1..],
            ')' => depth -= 1,
            _ => {}
        }
    }
    ""
}

/// Whether the provider is made inside of `Arc::new(…)`: then what comes before and after that.
fn shared<'a>(before: &'a str, after: &'a str) -> Option<(&'a str, &'a str)> {
    let before = before.trim_end().strip_suffix("Arc::new(")?;
    let before = before.trim_end_matches(is_of_path);
    let after = after.trim_start();
    let after = after.strip_prefix(',').unwrap_or(after).trim_start();
    Some((before, after.strip_prefix(')')?))
}

/// A runtime that makes its own storage gets the simulation's, and a body that a runtime of tokio's
/// runs by hand is simulated.
fn runtimes(text: &str) -> String {
    let text = text.replace("Runtime::start(", &format!("Runtime::start_with_store({FRESH}, "));
    const BY_HAND: &str = "tokio::runtime::Runtime::new().unwrap().block_on(async {";
    text.replace(BY_HAND, "duroxide_sim::Sim::new(1).try_run(move |_| async move {")
}

/// Nothing makes the database's file any more.
fn files(text: &str) -> String {
    let makes = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("std::fs::File::create(&") || line.starts_with("std::fs::create_dir_all(&")
    };
    let kept = text.lines().filter(|line| !makes(line));
    let kept = kept.collect::<Vec<_>>().join("\n") + "\n";
    kept.replace("tempfile::", "upstream_checks::")
}

/// The files share one copy of what they have in common.
fn commons(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines() {
        if line == "mod common;" {
            while lines.last().is_some_and(|line| line.starts_with("#[")) {
                lines.pop();
            }
            lines.push("use crate::common;");
        } else {
            lines.push(line);
        }
    }
    lines.join("\n") + "\n"
}
