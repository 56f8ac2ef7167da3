//! Files and folders for one test, gone at its end.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A file or a folder that is removed when this is dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    /// A name that nothing has yet.
    pub fn new() -> Scratch {
        let name = format!("duroxide-sim-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        Scratch(std::env::temp_dir().join(name))
    }

    /// A file with this text.
    pub fn file(text: &str) -> Scratch {
        let scratch = Scratch::new();
        std::fs::write(&scratch.0, text).expect("a temporary file can be written");
        scratch
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // One of the two fails; what is left is the system's to sweep.
        let _ = std::fs::remove_file(&self.0);
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
