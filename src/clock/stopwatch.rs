//! [`Stopwatch`]: real time that has passed, on whatever thread.
//!
//! It is for bounding work. What a run does must not depend on it.

use std::time::Duration;

use super::libc;

/// Measures real time, also on a thread whose time is virtual.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(u64);

impl Stopwatch {
    /// One that runs from now on.
    pub fn start() -> Stopwatch {
        Stopwatch(libc::steady_ns())
    }

    /// How long it has run.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(libc::steady_ns().saturating_sub(self.0))
    }
}
