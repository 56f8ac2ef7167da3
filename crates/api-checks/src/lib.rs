//! The public API of a crate as a list of lines, and what of a change to that
//! list breaks users.
//!
//! The lists are in `snapshots/`. The tests compare them with the code and with
//! the newest release.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use public_api::Builder;
use semver::Version;

/// The crates whose public API is listed.
pub const CRATES: [&str; 2] = ["duroxide-sim", "duroxide-conformance"];

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

/// The file with the list of `package`, relative to the root of the workspace.
pub fn snapshot(package: &str) -> PathBuf {
    Path::new("crates/api-checks/snapshots").join(format!("{package}.txt"))
}

/// The public API of `package`, a line for each item.
///
/// # Panics
///
/// If cargo cannot document the package, or if the JSON that this toolchain's
/// rustdoc writes is not of the format that `public-api` reads.
pub fn public_api(package: &str) -> String {
    let root = root();
    // Not in the workspace's own build folder, which cargo locks while it runs the tests.
    let target = root.join("target/api");
    let output = Command::new(env!("CARGO"))
        .current_dir(&root)
        .args(["rustdoc", "--quiet", "--lib", "--package", package, "--target-dir"])
        .arg(&target)
        .args(["--", "-Z", "unstable-options", "--output-format", "json", "--cap-lints", "allow"])
        // rustdoc writes JSON on a nightly toolchain, or with this variable on a stable one.
        .env("RUSTC_BOOTSTRAP", "1")
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo rustdoc: {}", String::from_utf8_lossy(&output.stderr));
    let json = target.join("doc").join(format!("{}.json", package.replace('-', "_")));
    let api = Builder::from_rustdoc_json(&json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .unwrap_or_else(|error| {
            panic!("{}: {error}. Update `public-api` to the release for this toolchain.", json.display())
        });
    api.to_string()
}

/// Whether a requirement on `old` also admits `new`, as Cargo reads it.
pub fn is_compatible(old: &Version, new: &Version) -> bool {
    let leading = |version: &Version| match (version.major, version.minor) {
        (0, 0) => (0, 0, version.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    };
    old <= new && leading(old) == leading(new)
}

/// The lines of two lists that show a breaking change: `-` for an item that is
/// gone or has another signature, `+` for a variant of an enum that users may
/// match exhaustively.
pub fn breaking(old: &str, new: &str) -> Vec<String> {
    let (was, is): (BTreeSet<&str>, BTreeSet<&str>) = (old.lines().collect(), new.lines().collect());
    let gone = was.difference(&is).map(|line| format!("-{line}"));
    let is_exhaustive_variant = |line: &&&str| {
        let path = line.strip_prefix("pub ").and_then(|item| item.split('(').next());
        path.and_then(|path| path.rsplit_once("::"))
            .is_some_and(|(owner, _)| was.contains(format!("pub enum {owner}").as_str()))
    };
    let added = is.difference(&was).filter(is_exhaustive_variant).map(|line| format!("+{line}"));
    gone.chain(added).collect()
}
