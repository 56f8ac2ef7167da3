//! [`Pulse`]: the progress of a check, and whether it should stop.
//!
//! A watchdog thread observes the pulse in real time: it shows the progress and
//! stops a check that exceeds its time limit. The check itself reads no clock
//! for that, so its calls depend on its seed alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::detect::thread_name;
use super::progress::Progress;

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

    /// Records one script.
    pub fn beat(&self, calls: u64, findings: usize, waived: u64) {
        self.scripts.fetch_add(1, Ordering::Relaxed);
        self.calls.fetch_add(calls, Ordering::Relaxed);
        self.findings.store(findings as u64, Ordering::Relaxed);
        self.waived.fetch_add(waived, Ordering::Relaxed);
    }
}

/// The watchdog thread of a pulse; it ends when this is dropped.
pub(crate) struct Watch {
    pub pulse: Arc<Pulse>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Starts a watchdog for a new pulse.
    ///
    /// # Errors
    ///
    /// A message, if the thread cannot be started.
    pub fn start(at_most: Duration, mut progress: Progress) -> Result<Watch, String> {
        let pulse = Arc::new(Pulse::default());
        let (stop, stopped) = channel();
        let watched = pulse.clone();
        let observe = move || {
            let began = Instant::now();
            while stopped.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
                let took = began.elapsed();
                if took >= at_most {
                    watched.enough.store(true, Ordering::Relaxed);
                }
                progress.show(&watched, took);
            }
            progress.end();
        };
        let thread = std::thread::Builder::new().name(thread_name()).spawn(observe);
        let thread = thread.map_err(|error| format!("No thread could be started: {error}."))?;
        Ok(Watch { pulse, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // The thread panics only if the terminal fails, which is not a
            // finding.
            let _ = thread.join();
        }
    }
}
