//! Folders for what tests write.

use std::path::{Path, PathBuf};

/// An empty folder of this name.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    // It is there if another process had this id.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder can be created under the target folder");
    folder
}

/// A folder of this name, the same in all processes of a test. The processes that run seeds leave in
/// it what there is; the test itself empties it.
pub fn shared_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if std::env::var_os("DUROXIDE_SIM_WORKER").is_none() {
        // It is not there the first time.
        let _ = std::fs::remove_dir_all(&folder);
    }
    folder
}
