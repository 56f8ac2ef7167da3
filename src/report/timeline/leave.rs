//! Pages that failing tests leave behind.

use std::path::{Path, PathBuf};

use super::TimelineError;
use crate::command::test_name;
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
        let folder = target().join("duroxide-sim").join(plain(&test));
        let title = format!("{test}, seed {}", self.seed);
        self.timeline().title(title).write(folder.join(format!("{}.html", plain(&self.seed.to_string()))))
    }
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
                Ok(page) => format!("Look at it in a browser:\n  {}", page.display()),
                Err(error) => error.to_string(),
            })
        })
    }
}

/// Cargo's target folder, from where the program lies; the temporary folder for
/// programs that lie elsewhere.
fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    // Cargo tags the folders that it makes, and no others.
    let tagged = |folder: &&Path| folder.join("CACHEDIR.TAG").is_file();
    let tagged = program.ancestors().skip(1).find(tagged);
    // Tests lie in target/debug/deps, examples in target/debug/examples.
    let beside = |folder: &&Path| folder.ends_with("deps") || folder.ends_with("examples");
    let above = || program.ancestors().find(beside)?.parent()?.parent();
    tagged.or_else(above).map_or_else(std::env::temp_dir, Path::to_owned)
}

/// A name that every file system takes.
fn plain(name: &str) -> String {
    let name = name.replace("::", ".");
    name.chars().map(|c| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' }).collect()
}
