//! Pages that failing tests leave behind.

use std::path::{Path, PathBuf};

use super::{Timeline, TimelineError};
use crate::command::{left_by, test_name};
use crate::explore::Capsule;
use crate::sim::{Cause, Failure, Sim};

impl Failure {
    /// Writes the page of the run to `target/duroxide-sim/<test>/<seed>.html`,
    /// with the names of the test that runs and of the run's seed, and returns its
    /// path.
    ///
    /// # Errors
    ///
    /// A sentence, when it cannot be written.
    pub fn leave_timeline(&self) -> Result<PathBuf, TimelineError> {
        let test = test_name().unwrap_or_else(|| "run".to_owned());
        let title = format!("{test}, seed {}", self.seed);
        self.timeline().title(title).write(left_by(&test, self.seed, "html"))
    }
}

impl Capsule {
    /// The run as a page, with the moment of the failure marked.
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
        let failure = self.failure();
        let mut timeline = timeline.fails(&failure, &self.breaches, &self.waits);
        if let Some(fails) = &mut timeline.first.failure {
            // Its seed alone does not repeat a plan that was shrunk.
            fails.text = failure.story().to_string();
        }
        timeline
    }
}

/// Writes the page of an explored failure.
pub(crate) fn write_page(capsule: &Capsule, path: &Path) -> Result<(), String> {
    capsule.timeline().write(path).map(|_| ()).map_err(|error| error.to_string())
}

impl Sim {
    /// Lets [`Sim::run`] leave the page of a run that fails
    /// ([`Failure::leave_timeline`]) and name it in its panic.
    ///
    /// ```no_run
    /// # use duroxide_sim::Sim;
    /// Sim::new(42).timeline_on_failure().run(|_| async { Err::<(), _>("to be looked at") });
    /// ```
    pub fn timeline_on_failure(self) -> Sim {
        self.on_failure(|failure| {
            // What was never run has no picture.
            let ran = !matches!(failure.cause, Cause::Setup(_));
            ran.then(|| match failure.leave_timeline() {
                Ok(page) => {
                    let left_out = failure.timeline().left_out().map(|left_out| format!("\n{left_out}"));
                    format!("Look at it in a browser:\n  {}{}", page.display(), left_out.unwrap_or_default())
                }
                Err(error) => error.to_string(),
            })
        })
    }
}
