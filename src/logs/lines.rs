//! [`Lines`]: the log of a run while it grows.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use super::line::{LogLine, RunLog};
use crate::clock::Time;
use crate::trace::Log;

/// The log of a run while it grows. Clones share one log.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Inside>);

struct Inside {
    /// The start of the run.
    start: Time,
    /// The provider calls of the run, for the place of a line among them.
    calls: Log,
    kept: Mutex<(VecDeque<LogLine>, u64)>,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

impl Lines {
    /// Creates the log of a run that begins at `start` and records its calls in `calls`.
    pub fn new(start: Time, calls: Log) -> Lines {
        Lines(Arc::new(Inside { start, calls, kept: Mutex::default() }))
    }

    /// The number of calls so far.
    pub(super) fn calls(&self) -> usize {
        self.0.calls.len()
    }

    pub(super) fn start(&self) -> Time {
        self.0.start
    }

    /// Adds a line. Drops the first one if there are too many.
    pub(super) fn add(&self, line: LogLine) {
        let mut kept = self.0.kept.lock();
        if kept.0.len() == RunLog::MOST {
            kept.0.pop_front();
            kept.1 += 1;
        }
        kept.0.push_back(line);
    }

    /// Returns the lines so far.
    pub fn so_far(&self) -> RunLog {
        let kept = self.0.kept.lock();
        RunLog { lines: kept.0.iter().cloned().collect(), dropped: kept.1 }
    }

    /// Returns the lines, and keeps none.
    pub fn take(&self) -> RunLog {
        let (lines, dropped) = std::mem::take(&mut *self.0.kept.lock());
        RunLog { lines: lines.into(), dropped }
    }
}
