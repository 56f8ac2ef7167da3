//! [`Watch`]: the watchdog thread of a check. It observes the pulse in real
//! time, shows the progress and stops a check that exceeds its time limit.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::config::Config;
use super::detect::thread_name;
use super::progress::Progress;
use super::pulse::Pulse;
use super::storage::Storage;

/// The watchdog thread of a pulse; it ends when this is dropped.
pub(crate) struct Watch {
    pub pulse: Arc<Pulse>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Watches a check of `calls` calls.
    ///
    /// # Errors
    ///
    /// A message, if the storage is unavailable here or the watchdog thread
    /// cannot be started.
    pub fn of(storage: &dyn Storage, config: &Config, calls: u64) -> Result<Watch, String> {
        let label = storage.label();
        if let Some(why) = storage.unavailable() {
            return Err(format!("{label} cannot be checked here: {why}"));
        }
        Watch::start(config.at_most, Progress::new(config.progress, &label, calls))
    }

    /// Starts a watchdog for a new pulse.
    ///
    /// # Errors
    ///
    /// A message, if the thread cannot be started.
    fn start(at_most: Duration, mut progress: Progress) -> Result<Watch, String> {
        let pulse = Arc::new(Pulse::default());
        let (stop, stopped) = channel();
        let watched = pulse.clone();
        let observe = move || {
            let began = Instant::now();
            while stopped.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
                let took = began.elapsed();
                if took >= at_most {
                    watched.end();
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
