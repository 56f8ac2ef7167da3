//! [`Pulse`]: the progress of a check, and whether it should stop.
//!
//! The check itself reads no clock for that, so its calls depend on its seed
//! alone.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The progress of a check.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    pub calls: AtomicU64,
    pub scripts: AtomicU64,
    pub findings: AtomicU64,
    pub waived: AtomicU64,
    enough: AtomicBool,
}

impl Pulse {
    /// Whether the time limit is reached.
    pub fn is_over(&self) -> bool {
        self.enough.load(Ordering::Relaxed)
    }

    /// Records that the time limit is reached.
    pub fn end(&self) {
        self.enough.store(true, Ordering::Relaxed);
    }

    /// Records one script.
    pub fn beat(&self, calls: u64, findings: usize, waived: u64) {
        self.scripts.fetch_add(1, Ordering::Relaxed);
        self.calls.fetch_add(calls, Ordering::Relaxed);
        self.findings.store(findings as u64, Ordering::Relaxed);
        self.waived.fetch_add(waived, Ordering::Relaxed);
    }
}
