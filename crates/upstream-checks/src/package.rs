//! Where duroxide's tests are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the folder with the tests of the `duroxide` that this build depends on. For build
/// scripts.
///
/// # Errors
///
/// If cargo cannot tell where the package is, or the package has no tests.
pub fn tests() -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let metadata = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform"])
        .arg(std::env::var("HOST").map_err(|_| "Cargo sets HOST for build scripts, and it is not set.".to_owned())?)
        .output()
        .map_err(|error| format!("`cargo metadata` cannot be run: {error}."))?;
    if !metadata.status.success() {
        return Err(format!("`cargo metadata` failed: {}", String::from_utf8_lossy(&metadata.stderr)));
    }
    let manifest = manifest(&String::from_utf8_lossy(&metadata.stdout))
        .ok_or("`cargo metadata` lists no package duroxide 0.1. Does crates/upstream-checks still depend on it?")?;
    let tests = manifest.with_file_name("tests");
    if tests.join("common/mod.rs").is_file() {
        return Ok(tests);
    }
    Err(format!(
        "The package of duroxide has no tests in {}. Take a release that ships them, or take the folder from its \
         repository.",
        tests.display()
    ))
}

/// Returns the version of the package whose tests are in `tests`.
pub fn version(tests: &Path) -> String {
    let folder = tests.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    folder.trim_start_matches("duroxide-").to_owned()
}

/// Finds duroxide's own manifest among those that cargo lists.
fn manifest(metadata: &str) -> Option<PathBuf> {
    const KEY: &str = "\"manifest_path\":\"";
    let paths = metadata.match_indices(KEY).filter_map(|(at, _)| metadata[at + KEY.len()..].split('"').next());
    let is_duroxide = |path: &&Path| {
        let folder = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        folder.is_some_and(|folder| folder.starts_with("duroxide-0.1."))
    };
    paths.map(Path::new).find(is_duroxide).map(Path::to_path_buf)
}

/// Returns the Rust files in a folder and the folders below it, in order.
///
/// # Errors
///
/// If a folder cannot be read.
pub fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}.", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            found.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}
