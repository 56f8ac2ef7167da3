//! [`Stopwatch`]: measures real time on any thread.
//!
//! It serves to limit work. The outcome of a run must not depend on it.

use std::time::Duration;

use super::libc;

/// Measures real time, even on a thread whose time is virtual.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(u64);

impl Stopwatch {
    /// Starts a stopwatch.
    pub fn start() -> Stopwatch {
        Stopwatch(libc::steady_ns())
    }

    /// The real time since the start.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(libc::steady_ns().saturating_sub(self.0))
    }
}
