//! Files that failing tests leave under the target folder: where they lie, and
//! how they are written.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::seed::Seed;

/// The longest name of a folder that is a test's name as it is, in bytes.
const LONGEST: usize = 100;

/// What is kept of the names that are longer.
const KEPT: usize = 80;

/// Where cargo puts what it builds: the folder above this program that cargo has
/// marked, or the one that its variables name.
fn target_folder() -> PathBuf {
    let program = std::env::current_exe().ok();
    let above = || program.iter().flat_map(|program| program.ancestors().skip(1));
    let marked = |folder: &&Path| folder.join("CACHEDIR.TAG").exists() || folder.join(".rustc_info.json").exists();
    // <target>/<profile>/deps/<program>
    let beside = |folder: &&Path| folder.ends_with("deps") || folder.ends_with("examples");
    // Any other program may lie in folders of such names.
    let built = |folder: &&Path| folder.join(".fingerprint").exists() || folder.join(".cargo-lock").exists();
    let profile = || above().find(beside).and_then(Path::parent).filter(built);
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let found = above().find(marked).or_else(|| profile()?.parent()).map(Path::to_path_buf);
    found
        .or_else(|| variable("CARGO_TARGET_DIR"))
        .or_else(|| Some(variable("CARGO_MANIFEST_DIR")?.join("target")))
        .unwrap_or_else(std::env::temp_dir)
}

/// Where a failing test leaves a file about the run of a seed, by its extension:
/// `<target>/duroxide-sim/<test>/<seed>.<extension>`.
pub(crate) fn left_by(test: &str, seed: Seed, extension: &str) -> PathBuf {
    target_folder().join("duroxide-sim").join(folder(test)).join(format!("{seed}.{extension}"))
}

/// A folder's name for a test: a path of Rust's with dots. A test may have any
/// name in other harnesses: what has other letters or is long gets its hash, after
/// a letter that no path of Rust's has, so that no two tests share a folder.
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

/// Writes a file whole or not at all, because others may read it meanwhile and the
/// disk may be full. Makes its folder if need be.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let nameless = || Error::new(ErrorKind::InvalidInput, "the path names no file");
    let folder = path.file_name().and_then(|_| path.parent()).ok_or_else(nameless)?;
    if !folder.as_os_str().is_empty() {
        fs::create_dir_all(folder)?;
    }
    if path.metadata().is_ok_and(|there| is_pipe(&there)) {
        // Nobody may ever read it.
        return Err(Error::new(ErrorKind::InvalidInput, "there is a pipe at this path"));
    }
    if path.metadata().is_ok_and(|there| !there.is_file()) {
        // A terminal is written to, not replaced.
        return fs::write(path, text);
    }
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let aside = folder.join(format!(".{}-{count}.tmp", std::process::id()));
    let written = fs::write(&aside, text).and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        // What went wrong first is what is told.
        let _ = fs::remove_file(&aside);
    }
    written
}
