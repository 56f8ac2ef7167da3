//! duroxide's own integration tests, moved to simulations by a mechanical rewrite: the attribute
//! of each test, and the line that makes its storage. The tests are those in duroxide's package;
//! no copy of them is kept here.

pub mod exceptions;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use duroxide::providers::Provider;
use duroxide_sim::Handle;
use duroxide_sim::provider::{Port, Under};

/// Returns a provider as a value of its own type instead of a shared trait object.
pub fn own(provider: Arc<dyn Provider>) -> Port<Under> {
    Port::over(Under::new(provider))
}

/// Stands for a folder that a test puts its database into. Nothing is written.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// Names a folder.
    ///
    /// # Errors
    ///
    /// Never; the folder it stands for could fail to be made.
    pub fn new() -> io::Result<TempDir> {
        Ok(TempDir(PathBuf::from("in-memory")))
    }

    /// Returns the folder's name.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Names a folder.
///
/// # Errors
///
/// Never, as [`TempDir::new`].
pub fn tempdir() -> io::Result<TempDir> {
    TempDir::new()
}

/// Makes the history of `instance` unreadable.
///
/// # Panics
///
/// Outside of a simulation, and if the instance has no history.
pub fn corrupt(instance: &str) {
    let sim = Handle::current().expect("this is called in a simulation");
    assert!(sim.memory().corrupt_history(instance), "{instance} has no history");
}

/// Returns how often a message for `instance` was fetched, for the message fetched most often.
///
/// # Panics
///
/// Outside of a simulation.
pub fn attempts(instance: &str) -> u32 {
    Handle::current().expect("this is called in a simulation").memory().max_attempts(instance)
}
