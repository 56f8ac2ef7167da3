//! Files that failing tests write under the target folder: their paths, and writing them
//! atomically.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::seed::Seed;

/// The maximum length in bytes of a test name that is used unchanged as a folder name.
const LONGEST: usize = 100;

/// The length to which longer names are cut.
const KEPT: usize = 80;

/// The folder of cargo's build output in which this program lies.
fn made_by_cargo() -> Option<PathBuf> {
    let program = std::env::current_exe().ok();
    let above = || program.iter().flat_map(|program| program.ancestors().skip(1));
    let marked = |folder: &&Path| folder.join("CACHEDIR.TAG").exists() || folder.join(".rustc_info.json").exists();
    // <target>/<profile>/deps/<program>
    let beside = |folder: &&Path| folder.ends_with("deps") || folder.ends_with("examples");
    // Any other program may be in a folder with such a name.
    let built = |folder: &&Path| folder.join(".fingerprint").exists() || folder.join(".cargo-lock").exists();
    let profile = || above().find(beside).and_then(Path::parent).filter(built);
    above().find(marked).or_else(|| profile()?.parent()).map(Path::to_path_buf)
}

/// The folder of cargo's build output: the one in which this program lies, or the one named by
/// cargo's environment variables.
fn target_folder() -> PathBuf {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    made_by_cargo()
        .or_else(|| variable("CARGO_TARGET_DIR"))
        .or_else(|| Some(variable("CARGO_MANIFEST_DIR")?.join("target")))
        .unwrap_or_else(std::env::temp_dir)
}

/// The path at which a failing test writes a file about the run of a seed:
/// `<target>/duroxide-sim/<test>/<seed>.<extension>`.
pub(crate) fn left_by(test: &str, seed: Seed, extension: &str) -> PathBuf {
    target_folder().join("duroxide-sim").join(folder(test)).join(format!("{seed}.{extension}"))
}

/// Whether this program lies in a folder of cargo's build output, where failing tests leave files
/// unasked.
pub(crate) fn may_leave() -> bool {
    made_by_cargo().is_some()
}

/// Writes a file as [`write_whole`] does, or removes the one of an earlier run if there is no text.
pub(crate) fn write_or_remove(path: &Path, text: Option<&str>) -> Result<()> {
    match text {
        Some(text) => write_whole(path, text),
        None if path.is_file() => fs::remove_file(path),
        None => Ok(()),
    }
}

/// The folder name for a test: its Rust path, with dots. Other harnesses allow any test name; a
/// name that is long or contains other characters gets its hash, after a character that no Rust
/// path contains, so that no two tests share a folder.
fn folder(test: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_path = test.split("::").all(|part| !part.is_empty() && part.chars().all(is_plain));
    if is_path && test.len() <= LONGEST {
        return test.replace("::", ".");
    }
    let fit = test.chars().map(|c| if is_plain(c) { c } else { '-' });
    let start: String = fit.take(KEPT).collect();
    format!("{start}@{:016x}", Seed(0).child(test).0)
}

#[cfg(unix)]
fn is_pipe(there: &fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&there.file_type())
}

#[cfg(not(unix))]
fn is_pipe(_: &fs::Metadata) -> bool {
    false
}

/// Writes a file completely or not at all, because other processes may read it meanwhile and the
/// disk may be full. Creates its folder if needed.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let nameless = || Error::new(ErrorKind::InvalidInput, "the path names no file");
    let folder = path.file_name().and_then(|_| path.parent()).ok_or_else(nameless)?;
    if !folder.as_os_str().is_empty() {
        fs::create_dir_all(folder)?;
    }
    if path.metadata().is_ok_and(|there| is_pipe(&there)) {
        // The pipe may have no reader.
        return Err(Error::new(ErrorKind::InvalidInput, "the path is a pipe"));
    }
    if path.metadata().is_ok_and(|there| !there.is_file()) {
        // A terminal or device is written to, not replaced.
        return fs::write(path, text);
    }
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let aside = folder.join(format!(".{}-{count}.tmp", std::process::id()));
    let written = fs::write(&aside, text).and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&aside);
    }
    written
}
