//! [`Progress`]: the progress display of a check.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::pulse::Pulse;

/// The progress display of a check.
pub(crate) struct Progress {
    label: String,
    calls: u64,
    shown: duroxide_sim::unstable::progress::Progress,
}

impl Progress {
    /// The display for a check of `calls` calls.
    pub fn new(shown: bool, label: &str, calls: u64) -> Progress {
        Progress {
            label: label.to_owned(),
            calls,
            shown: duroxide_sim::unstable::progress::Progress::new(shown, Some(calls)),
        }
    }

    pub fn show(&mut self, pulse: &Pulse, took: Duration) {
        let done = pulse.calls.load(Ordering::Relaxed);
        self.shown.show(done, took, || line(&self.label, self.calls, pulse, took));
    }

    pub fn end(&self) {
        self.shown.end();
    }
}

fn line(label: &str, calls: u64, pulse: &Pulse, took: Duration) -> String {
    let get = |number: &std::sync::atomic::AtomicU64| number.load(Ordering::Relaxed);
    let done = get(&pulse.calls);
    let rate = done as f64 / took.as_secs_f64().max(0.001);
    format!(
        "{label}: {done} of {calls} calls in {} scripts, {rate:.0} calls/s; {} findings, {} waived deviations",
        get(&pulse.scripts),
        get(&pulse.findings),
        get(&pulse.waived)
    )
}
