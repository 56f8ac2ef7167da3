//! Pages that failing tests write.

use std::path::{Path, PathBuf};

use super::{Timeline, TimelineError};
use crate::command::{left_by, test_name};
use crate::errors::whole;
use crate::explore::Capsule;
use crate::sim::Failure;

impl Failure {
    /// Writes the page of the run to `target/duroxide-sim/<test>/<seed>.html`, named after the
    /// current test and the run's seed, and returns its path.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn leave_timeline(&self) -> Result<PathBuf, TimelineError> {
        let test = test_name().unwrap_or_else(|| "run".to_owned());
        let title = format!("{test}, seed {}", self.seed);
        self.timeline().title(title).write(left_by(&test, self.seed, "html"))
    }
}

impl Capsule {
    /// Returns a timeline of the run, with the moment of the failure marked.
    ///
    /// ```no_run
    /// use duroxide_sim::explore::Capsule;
    ///
    /// let capsule = Capsule::read("target/duroxide-sim/orders_are_settled/12.json").unwrap();
    /// capsule.timeline().write("target/orders.html").unwrap();
    /// ```
    pub fn timeline(&self) -> Timeline<'_> {
        let mut timeline = self.trace.timeline().title(format!("{}, seed {}", self.test, self.seed));
        (timeline.first.numbers, timeline.first.calls) = (&self.numbers, self.calls.max(self.trace.entries.len()));
        (timeline.first.observed, timeline.first.plan) = (Some(&self.observed), Some(&self.plan));
        let failure = self.failure();
        let mut timeline = timeline.fails(&failure, &self.breaches, &self.waits);
        if let Some(fails) = &mut timeline.first.failure {
            // Without the command that repeats the seed, which does not repeat a shrunk plan.
            fails.text = failure.story().to_string();
        }
        timeline
    }
}

/// Writes the page of a failure that an exploration found.
pub(crate) fn write_page(capsule: &Capsule, path: &Path) -> Result<(), String> {
    capsule.timeline().write(path).map(|_| ()).map_err(|error| whole(&error))
}
