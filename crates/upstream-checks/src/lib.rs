//! duroxide's own integration tests, moved to simulations by a mechanical rewrite: the attribute
//! of each test, and the line that makes its storage. The tests are those in duroxide's package;
//! no copy of them is kept here.

pub mod exceptions;
pub mod package;
pub mod rewrite;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use duroxide::providers::Provider;
use duroxide_sim::faults::{CallContext, FaultAction};
use duroxide_sim::provider::{Port, Under};
use duroxide_sim::{Handle, MemorySettings, Sim};

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

/// Runs a test's body where every provider call takes 10 ms, as on a disk.
///
/// # Panics
///
/// If the body does, or the simulation fails.
pub fn slow_provider<F: Future<Output = ()> + 'static>(body: fn() -> F) {
    const DISK: Duration = Duration::from_millis(10);
    let slow = |_: &CallContext<'_>| FaultAction::Delay { before: DISK, after: Duration::ZERO };
    Sim::new(1).rule(slow).run(move |_| body());
}

/// Runs a test's body on a provider whose fetches return at once.
///
/// # Panics
///
/// If the body does, or the simulation fails.
pub fn short_polls<F: Future<Output = ()> + 'static>(body: fn() -> F) {
    let settings = MemorySettings { long_polling: false, ..MemorySettings::default() };
    Sim::new(1).settings(settings).run(move |_| body());
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
