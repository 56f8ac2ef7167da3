//! [`Pulse`]: how far a check has come, and whether it should end.
//!
//! A thread of its own looks at it on real time: it shows the progress, and
//! ends a check that has no time left. The check itself reads no clock for
//! that, so that what it does depends on its seed alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::detect::thread_name;
use super::progress::Progress;

/// How far a check has come.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    pub calls: AtomicU64,
    pub scripts: AtomicU64,
    pub findings: AtomicU64,
    pub waived: AtomicU64,
    enough: AtomicBool,
}

impl Pulse {
    /// Whether the time is up.
    pub fn is_over(&self) -> bool {
        self.enough.load(Ordering::Relaxed)
    }

    /// Takes note of one script.
    pub fn beat(&self, calls: u64, findings: usize, waived: u64) {
        self.scripts.fetch_add(1, Ordering::Relaxed);
        self.calls.fetch_add(calls, Ordering::Relaxed);
        self.findings.store(findings as u64, Ordering::Relaxed);
        self.waived.fetch_add(waived, Ordering::Relaxed);
    }
}

/// Looks at a pulse until it is dropped.
pub(crate) struct Watch {
    pub pulse: Arc<Pulse>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to look at a new pulse.
    ///
    /// # Errors
    ///
    /// A sentence, where no thread can be had.
    pub fn start(at_most: Duration, mut progress: Progress) -> Result<Watch, String> {
        let pulse = Arc::new(Pulse::default());
        let (stop, stopped) = channel();
        let watched = pulse.clone();
        let look = move || {
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
        let thread = std::thread::Builder::new().name(thread_name()).spawn(look);
        let thread = thread.map_err(|error| format!("No thread could be started: {error}."))?;
        Ok(Watch { pulse, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // It only panics where the terminal does; that is no finding.
            let _ = thread.join();
        }
    }
}
