//! The shell command that runs the current test or program again.
//!
//! This module reads where cargo and libtest have put things, and runs nothing.

mod left;

use std::path::Path;

use crate::text;

pub(crate) use left::{left_by, may_leave, write_or_remove, write_whole};

/// Returns the command that runs the current test or program.
pub fn here() -> String {
    of(test_name())
}

/// Returns the command that runs the test with this name, or the current program. A program that
/// cargo has started is run with cargo again; one that was started by hand is named by its path.
pub(crate) fn of(test: Option<String>) -> String {
    let program = std::env::current_exe().ok();
    let target = program.as_deref().and_then(target);
    let package = std::env::var("CARGO_PKG_NAME").ok().map(|name| quoted(&name));
    match (package, target, test) {
        (Some(package), Some(Target::Example(name)), _) => {
            format!("cargo run -p {package} --example {}", quoted(&name))
        }
        (Some(package), Some(Target::Test(flag)), Some(test)) => {
            format!("cargo test -p {package}{flag} -- --exact {}", quoted(&test))
        }
        (Some(package), None, Some(test)) => format!("cargo test -p {package} -- --exact {}", quoted(&test)),
        (None, Some(Target::Test(_)) | None, Some(test)) => by_hand(["--exact".to_owned(), test]),
        (Some(_) | None, _, None) | (None, Some(Target::Example(_)), Some(_)) => by_hand(arguments()),
    }
}

/// The command that starts this program with the given arguments.
fn by_hand(arguments: impl IntoIterator<Item = String>) -> String {
    let program = std::env::current_exe().ok().or_else(|| std::env::args_os().next().map(Into::into));
    let program = program.unwrap_or_default().to_string_lossy().into_owned();
    let words: Vec<String> = std::iter::once(program).chain(arguments).map(|word| quoted(&word)).collect();
    words.join(" ")
}

/// The arguments of this program, without its name.
pub(crate) fn arguments() -> Vec<String> {
    std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect()
}

/// Quotes a word for a POSIX shell, so that the shell reads exactly this text. Invisible characters
/// and line breaks are escaped through `printf`; line breaks at the end of such a word are lost, as
/// in every shell substitution.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@".contains(c);
    if !word.is_empty() && !word.starts_with('=') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    if text::line(word) == word {
        return format!("'{}'", word.replace('\'', "'\\''"));
    }
    let byte = |byte: &u8| match char::from(*byte) {
        letter if letter.is_ascii_alphanumeric() || letter == ' ' => letter.to_string(),
        _ => format!("\\{byte:03o}"),
    };
    format!("\"$(printf '{}')\"", word.as_bytes().iter().map(byte).collect::<String>())
}

/// The name of the current test as its harness knows it: `named` if given; otherwise the name of
/// the thread or the exact filter; otherwise, for tests on the main thread, the function that
/// defines the type named `within`. `None` if the program is not a test.
pub(crate) fn test(named: Option<&str>, within: &str) -> Option<String> {
    if is_example() {
        return None;
    }
    let by_type = || {
        let function = within.trim_end_matches("::{{closure}}");
        let name = function.split_once("::").map(|(_crate, name)| name.to_owned());
        name.filter(|_| tests_on_the_main_thread())
    };
    named.map(str::to_owned).or_else(test_name).or_else(by_type)
}

/// Whether this is libtest running one test at a time, for which some versions use the main thread.
fn tests_on_the_main_thread() -> bool {
    let arguments = arguments();
    let flag = arguments.iter().any(|argument| argument == "--test-threads=1");
    let pair = arguments.windows(2).any(|pair| pair[0] == "--test-threads" && pair[1] == "1");
    flag || pair || std::env::var_os("RUST_TEST_THREADS").is_some_and(|value| value == "1")
}

/// The name of this program.
pub(crate) fn program() -> Option<String> {
    let program = std::env::current_exe().ok()?;
    Some(program.file_stem()?.to_str()?.to_owned())
}

fn is_example() -> bool {
    let program = std::env::current_exe().ok();
    matches!(program.as_deref().and_then(target), Some(Target::Example(_)))
}

enum Target {
    Example(String),
    Test(String),
}

/// Determines which of cargo's targets a program is from its path.
fn target(program: &Path) -> Option<Target> {
    let folder = program.parent()?.file_name()?.to_str()?;
    let stem = program.file_stem()?.to_str()?;
    let hashed = stem.rsplit_once('-').filter(|(_, hash)| is_hash(hash)).map(|(name, _)| name);
    if folder == "examples" {
        // Cargo gives an example a second name without a hash, and runs that. The tests of an example have none.
        let tests = hashed.map(|name| Target::Test(format!(" --example {}", quoted(name))));
        return tests.or_else(|| Some(Target::Example(stem.to_owned())));
    }
    let name = hashed.filter(|_| folder == "deps")?;
    let root = std::env::var_os("CARGO_MANIFEST_DIR")?;
    let tests = Path::new(&root).join("tests");
    let is_test = tests.join(format!("{name}.rs")).exists() || tests.join(name).join("main.rs").exists();
    Some(Target::Test(if is_test { format!(" --test {name}") } else { String::new() }))
}

/// Whether a word has the form of the hash that cargo appends to the names of programs.
fn is_hash(word: &str) -> bool {
    word.len() == 16 && word.chars().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase())
}

/// Whether this process runs a single thing: an example, or a test selected by an exact filter,
/// unless nextest runs each of many tests that way.
pub(crate) fn runs_one_test() -> bool {
    exact_filter().is_some() && std::env::var_os("NEXTEST").is_none() || is_example()
}

/// The name of the current test: libtest names each test's thread after the test. If tests run on
/// the main thread, the exact filter has the name.
pub(crate) fn test_name() -> Option<String> {
    let thread = std::thread::current();
    thread.name().filter(|name| *name != "main").map(str::to_owned).or_else(exact_filter)
}

/// The test that an exact filter selects, if exactly one.
fn exact_filter() -> Option<String> {
    // The options of libtest whose value may be the next argument.
    const WITH_VALUE: [&str; 7] =
        ["--test-threads", "--skip", "--color", "--format", "--logfile", "--shuffle-seed", "-Z"];
    let (mut is_exact, mut filters) = (false, Vec::new());
    let mut arguments = arguments().into_iter();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            filters.extend(arguments.by_ref());
        } else if WITH_VALUE.contains(&argument.as_str()) {
            arguments.next();
        } else if !argument.starts_with('-') {
            filters.push(argument);
        } else {
            is_exact |= argument == "--exact";
        }
    }
    filters.pop().filter(|_| is_exact && filters.is_empty())
}
