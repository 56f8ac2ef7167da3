//! The command that runs what is running now: this test, or this program.
//!
//! It reads where cargo and libtest have put things, and runs nothing.

use std::path::{Path, PathBuf};

/// The command that runs this test, or this program.
pub(crate) fn here() -> String {
    of(test_name())
}

/// The command that runs a test of this name, or this program.
pub(crate) fn of(test: Option<String>) -> String {
    let program = std::env::current_exe().ok();
    let target = program.as_deref().and_then(target);
    let package = std::env::var("CARGO_PKG_NAME").ok();
    match (target, package, test) {
        (Some(Target::Example(name)), Some(package), _) => format!("cargo run -p {package} --example {name}"),
        (Some(Target::Test(flag)), Some(package), Some(test)) => {
            format!("cargo test -p {package}{flag} -- --exact {test}")
        }
        (_, Some(package), Some(test)) => format!("cargo test -p {package} -- --exact {test}"),
        _ => {
            let arguments: Vec<String> = std::env::args().collect();
            arguments.join(" ")
        }
    }
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
    let arguments: Vec<String> = std::env::args().collect();
    let flag = arguments.iter().any(|argument| argument == "--test-threads=1");
    let pair = arguments.windows(2).any(|pair| pair[0] == "--test-threads" && pair[1] == "1");
    flag || pair || std::env::var_os("RUST_TEST_THREADS").is_some_and(|value| value == "1")
}

/// What this program is called.
pub(crate) fn program() -> Option<String> {
    let program = std::env::current_exe().ok()?;
    Some(program.file_stem()?.to_str()?.to_owned())
}

/// Where cargo puts what it builds: the folder above this program that cargo has
/// marked, or the one that its variables name.
fn target_folder() -> PathBuf {
    let program = std::env::current_exe().ok();
    let above = || program.iter().flat_map(|program| program.ancestors().skip(1));
    let marked = |folder: &&Path| folder.join("CACHEDIR.TAG").exists() || folder.join(".rustc_info.json").exists();
    // <target>/<profile>/deps/<program>
    let beside = |folder: &&Path| folder.ends_with("deps") || folder.ends_with("examples");
    let profile = || above().find(beside).and_then(Path::parent);
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let found = above().find(marked).or_else(|| profile()?.parent()).map(Path::to_path_buf);
    found
        .or_else(|| variable("CARGO_TARGET_DIR"))
        .or_else(|| Some(variable("CARGO_MANIFEST_DIR")?.join("target")))
        .unwrap_or_else(std::env::temp_dir)
}

/// Where a failing test leaves a file about the run of a seed, by its extension:
/// `<target>/duroxide-sim/<test>/<seed>.<extension>`, with a folder's name that
/// every file system takes.
pub(crate) fn left_by(test: &str, seed: impl std::fmt::Display, extension: &str) -> PathBuf {
    let fit = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let test: String = test.replace("::", ".").chars().map(fit).collect();
    target_folder().join("duroxide-sim").join(test).join(format!("{seed}.{extension}"))
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
    let exact = std::env::args().any(|argument| argument == "--exact");
    exact && std::env::var_os("NEXTEST").is_none() || is_example()
}

/// The test under way: libtest names a test's thread after it; where it runs
/// tests on the main thread, the exact filter says which one.
pub(crate) fn test_name() -> Option<String> {
    let thread = std::thread::current();
    if let Some(name) = thread.name().filter(|name| *name != "main") {
        return Some(name.to_owned());
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let exact = arguments.iter().any(|argument| argument == "--exact");
    arguments.into_iter().find(|argument| exact && !argument.starts_with('-'))
}
