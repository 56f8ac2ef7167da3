//! [`Problem`]: why an exploration fails, and what it has found.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{CAPSULE_VARIABLE, Difference, ExplorationReport, Shrunk, Stale};
use crate::clock::{Escapes, escapes};
use crate::command::quoted;
use crate::seed::{SEED_VARIABLE, Seed};
use crate::sim::Failure;
use crate::text::{Line, Lines};

/// Why an exploration fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Problem {
    /// It could not be run; the text says why and what to do.
    Setup(String),
    /// A seed fails.
    Failed(Box<Finding>),
    /// Two runs of one seed differ: something reaches the run that no seed
    /// decides.
    Differs(Box<Difference>),
    /// Every seed went well, but something in them reaches past the simulation:
    /// it starts threads, sleeps on real time, or blocks.
    #[allow(missing_docs)]
    Escapes { escapes: Escapes, report: Box<ExplorationReport>, command: String },
    /// Every seed went well, but something that should sometimes hold
    /// ([`crate::Sim::sometimes`]) held in none of them.
    #[allow(missing_docs)]
    Never { names: Vec<String>, report: Box<ExplorationReport> },
    /// A capsule proves nothing here: it is of another test, or its run goes well
    /// without all that is in its plan.
    Stale(Box<Stale>),
}

/// A run that fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// How it fails, shrunk.
    pub failure: Failure,
    /// The seed that was found.
    pub seed: Seed,
    /// How many entries the run's plan had when it was found.
    pub entries: usize,
    /// The nodes that are left out.
    pub without: BTreeSet<String>,
    /// How far it was shrunk; `None` where it was not.
    pub shrunk: Option<Shrunk>,
    /// The capsule that replays it.
    pub capsule: Option<PathBuf>,
    /// The page that shows it in a browser.
    pub page: Option<PathBuf>,
    /// What else there is to know: full sentences.
    pub notes: Vec<String>,
    /// What had been covered by then.
    pub report: ExplorationReport,
    /// Whether the capsule is one that the test keeps.
    pub(super) is_kept: bool,
    /// The command that runs this test.
    pub(super) command: String,
}

impl Finding {
    /// A failure as it was found.
    pub(super) fn new(failure: Box<Failure>, report: ExplorationReport, command: String) -> Finding {
        let (seed, entries) = (failure.seed, failure.plan.entries.len());
        let (capsule, notes) = (None, Vec::new());
        Finding {
            failure: *failure,
            seed,
            entries,
            without: BTreeSet::new(),
            shrunk: None,
            capsule,
            page: None,
            notes,
            report,
            is_kept: false,
            command,
        }
    }

    /// The command that replays it.
    pub fn command(&self) -> String {
        match &self.capsule {
            Some(path) => format!("{CAPSULE_VARIABLE}={} {}", quoted(&path.display().to_string()), self.command),
            None => format!("{SEED_VARIABLE}={} {}", self.seed, self.command),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, seeds) = (&self.report.name, self.report.seeds);
        if !name.is_empty() && !self.is_kept {
            writeln!(f, "Exploring {} found a failure at seed {}, after {seeds} seeds.", Line(name), self.seed)?;
        }
        writeln!(f, "{}", self.failure.story())?;
        self.shrunk.iter().try_for_each(|shrunk| writeln!(f, "{shrunk}"))?;
        if !self.without.is_empty() {
            let names: Vec<&str> = self.without.iter().map(String::as_str).collect();
            writeln!(f, "It fails without these nodes too, which are left out: {}.", Line(names.join(", ")))?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "{}", Lines(note)))?;
        if let Some(page) = &self.page {
            write!(f, "\nLook at it in a browser:\n  {}", Line(page.display()))?;
        }
        write!(f, "\nRepeat it with:\n  {}", Line(self.command()))?;
        let Some(path) = self.capsule.as_ref().filter(|_| !self.is_kept) else { return Ok(()) };
        let file = path.file_name().unwrap_or_default().display();
        let file = Line(file);
        let folder = path.parent().and_then(|folder| folder.file_name()).unwrap_or_default().display();
        let folder = Line(folder);
        write!(
            f,
            "\nKeep it as a regression test: copy that file to tests/capsules/{folder}-{file}, and add to the \
             exploration\n  .capsule(\"tests/capsules/{folder}-{file}\")"
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Setup(why) => write!(f, "The exploration could not be run. {}", Lines(why)),
            Problem::Failed(finding) => finding.fmt(f),
            Problem::Differs(difference) => difference.fmt(f),
            Problem::Stale(stale) => stale.fmt(f),
            Problem::Escapes { escapes, report, command } => {
                writeln!(f, "Every seed went well, but something in them reaches past the simulation:")?;
                escapes::lines(escapes).iter().try_for_each(|line| writeln!(f, "  {}", Line(line)))?;
                writeln!(f, "{report}")?;
                writeln!(f, "No seed decides how that goes, and virtual time knows nothing of it. Use tokio's sleep,")?;
                writeln!(
                    f,
                    "locks and channels, and tasks in place of threads; or allow it, with Explore::allow_escapes."
                )?;
                if escapes.keys().any(|stray| stray.is_io()) {
                    writeln!(f, "{}", escapes::INSTEAD_OF_IO)?;
                }
                write!(f, "\nRun it with:\n  {}", Line(command))
            }
            Problem::Never { names, report } => {
                writeln!(f, "Every seed went well, but this should hold sometimes, and never did:")?;
                names.iter().try_for_each(|name| writeln!(f, "  {}", Line(name)))?;
                writeln!(f, "{report}")?;
                write!(f, "Run more seeds, make what leads there likelier, or mend the test that looks for it.")
            }
        }
    }
}

impl std::error::Error for Problem {}
