//! The command that runs what is running now: this test, or this program.
//!
//! It reads where cargo and libtest have put things, and runs nothing.

mod left;

use std::path::Path;

use crate::text;

pub(crate) use left::{left_by, write_whole};

/// The command that runs this test, or this program.
pub fn here() -> String {
    of(test_name())
}

/// The command that runs a test of this name, or this program. Only what cargo has
/// started can be found by cargo again; what was started by hand is named by its path.
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

/// The command that starts this program with arguments.
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

/// A word for a POSIX shell, which takes it for exactly this text. What a person
/// cannot see, or would see on a line of its own, is written out for `printf`; there,
/// line breaks at its end are lost, as in every shell's substitution.
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

/// The name of this test for its harness: as `named`; or as its thread or its
/// filter says; or, for tests on the main thread, as the function is called that
/// defines the type with the name `within`. `None` in a program that is no test.
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

/// Whether this is libtest, told to run one test at a time, which some versions
/// of it do on the main thread.
fn tests_on_the_main_thread() -> bool {
    let arguments = arguments();
    let flag = arguments.iter().any(|argument| argument == "--test-threads=1");
    let pair = arguments.windows(2).any(|pair| pair[0] == "--test-threads" && pair[1] == "1");
    flag || pair || std::env::var_os("RUST_TEST_THREADS").is_some_and(|value| value == "1")
}

/// What this program is called.
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

/// Which of cargo's targets a program is, from where cargo puts it.
fn target(program: &Path) -> Option<Target> {
    let folder = program.parent()?.file_name()?.to_str()?;
    let stem = program.file_stem()?.to_str()?;
    if folder == "examples" {
        return Some(Target::Example(stem.to_owned()));
    }
    let (name, _hash) = stem.rsplit_once('-').filter(|_| folder == "deps")?;
    let root = std::env::var_os("CARGO_MANIFEST_DIR")?;
    let tests = Path::new(&root).join("tests");
    let is_test = tests.join(format!("{name}.rs")).exists() || tests.join(name).join("main.rs").exists();
    Some(Target::Test(if is_test { format!(" --test {name}") } else { String::new() }))
}

/// Whether this process is to run one thing alone: an example, or the test of an
/// exact filter, unless that is how nextest runs each of many.
pub(crate) fn runs_one_test() -> bool {
    exact_filter().is_some() && std::env::var_os("NEXTEST").is_none() || is_example()
}

/// The test under way: libtest names a test's thread after it; where it runs
/// tests on the main thread, the exact filter says which one.
pub(crate) fn test_name() -> Option<String> {
    let thread = std::thread::current();
    thread.name().filter(|name| *name != "main").map(str::to_owned).or_else(exact_filter)
}

/// The one test that libtest is told to run, if it is one.
fn exact_filter() -> Option<String> {
    // Those of libtest's options whose value may be the argument after them.
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
