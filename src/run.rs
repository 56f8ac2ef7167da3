//! [`Sim::run`]: a simulation as a test, which panics if it fails and leaves the failing run as
//! files.

use std::path::Path;

use crate::command;
use crate::sim::{Cause, FailedTest, Failure, Handle, Leaves, Outcome, Sim};
use crate::text::Line;

impl Sim {
    /// Runs the simulation and returns what the body returned.
    ///
    /// A failing run leaves its page ([`crate::timeline`]) and what its code logged
    /// ([`crate::logs`]) as `<target>/duroxide-sim/<test>/<seed>.html` and `.log`, if the program
    /// lies in a folder that cargo made, and the panic's message names them.
    ///
    /// # Panics
    ///
    /// If the simulation fails in any way, with the text of the [`Failure`].
    #[track_caller]
    pub fn run<B, F, R>(self, body: B) -> R::Value
    where
        B: FnOnce(Handle) -> F + Send + 'static,
        F: Future<Output = R> + 'static,
        R: Outcome,
    {
        self.run_for_test(body).unwrap_or_else(|failed| panic!("{}", told(failed)))
    }

    /// Makes a failing [`Sim::run`] leave its page and its log wherever the program lies: in
    /// cargo's folder if it is known by the environment, or in the folder for temporary files.
    ///
    /// ```no_run
    /// # use duroxide_sim::Sim;
    /// Sim::new(42).timeline_on_failure().run(|_| async { Err::<(), _>("to be looked at") });
    /// ```
    pub fn timeline_on_failure(self) -> Sim {
        self.leaving(Leaves::Always)
    }

    /// Makes a failing [`Sim::run`] leave no files, for simulations that are meant to fail.
    ///
    /// ```should_panic
    /// # use duroxide_sim::Sim;
    /// Sim::new(42).without_files().run(|_| async { Err::<(), _>("as planned") });
    /// ```
    pub fn without_files(self) -> Sim {
        self.leaving(Leaves::Nothing)
    }
}

/// Returns the text of the failure with the files that it leaves and the test's remark.
fn told(failed: FailedTest) -> String {
    let FailedTest { failure, leaves, remark } = failed;
    let mut text = failure.story().to_string();
    // A simulation that never ran has nothing to show, and nothing to repeat.
    if !matches!(failure.cause, Cause::Setup(_)) {
        let leaves = match leaves {
            Leaves::Nothing => false,
            Leaves::InTarget => command::may_leave(),
            Leaves::Always => true,
        };
        if leaves {
            leave(&failure, &mut text);
        }
        text += &format!("\nRepeat it with:\n  {}", failure.command());
    }
    if let Some(remark) = remark.and_then(|remark| remark(&failure)) {
        text += &format!("\n\n{remark}");
    }
    text
}

/// Leaves the files, and adds their paths to the text.
fn leave(failure: &Failure, text: &mut String) {
    let test = command::test_name().or_else(command::program).unwrap_or_else(|| "run".to_owned());
    let place = |extension| command::left_by(&test, failure.seed, extension);
    page(failure, &test, &place("html"), text);
    let log = place("log");
    let written = match failure.log().leave(&log) {
        Ok(true) => format!("\nRead what it logged:\n  {}\n", Line(log.display())),
        Ok(false) => String::new(),
        Err(why) => format!("\n{why}\n"),
    };
    text.push_str(&written);
}

#[cfg(feature = "timeline")]
fn page(failure: &Failure, test: &str, path: &Path, text: &mut String) {
    let timeline = failure.timeline().title(format!("{test}, seed {}", failure.seed));
    let written = match timeline.write(path) {
        Ok(page) => {
            let left_out = timeline.left_out().map(|left_out| format!("{left_out}\n")).unwrap_or_default();
            format!("\nSee the run in a browser:\n  {}\n{left_out}", Line(page.display()))
        }
        Err(error) => format!("\n{}\n", crate::errors::whole(&error)),
    };
    text.push_str(&written);
}

#[cfg(not(feature = "timeline"))]
fn page(_: &Failure, _: &str, _: &Path, _: &mut String) {}
