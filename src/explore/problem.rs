//! [`Problem`]: why an exploration failed. [`Finding`]: the failing run.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{CAPSULE_VARIABLE, Difference, ExplorationReport, Shrunk, Stale};
use crate::clock::{Escapes, escapes};
use crate::command::quoted;
use crate::seed::{SEED_VARIABLE, Seed};
use crate::sim::Failure;
use crate::text::{Line, Lines, counted};

/// Why an exploration failed. `Debug` prints the same text as `Display`, so that `unwrap` and
/// `expect` show it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Problem {
    /// The exploration could not be run; the text says why and what to do.
    Setup(String),
    /// The run of a seed failed.
    Failed(Box<Finding>),
    /// Two runs of one seed differed: something other than the seed influences the run.
    Differs(Box<Difference>),
    /// Every seed succeeded, but there were escapes ([`crate::clock::Escape`]), such as threads,
    /// real sleeps or blocking waits.
    #[allow(missing_docs)]
    Escapes { escapes: Escapes, report: Box<ExplorationReport>, command: String },
    /// Every seed succeeded, but a `sometimes` property ([`crate::Sim::sometimes`]) held in none of
    /// them.
    #[allow(missing_docs)]
    Never { names: Vec<String>, report: Box<ExplorationReport> },
    /// A capsule proves nothing: it belongs to another test, or its run succeeds without carrying
    /// out its whole plan.
    Stale(Box<Stale>),
}

/// A failing run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// The failure, after shrinking.
    pub failure: Failure,
    /// The seed whose run failed.
    pub seed: Seed,
    /// The number of plan entries before shrinking.
    pub entries: usize,
    /// The nodes that shrinking left out.
    pub without: BTreeSet<String>,
    /// How far the plan was shrunk; `None` if it was not.
    pub shrunk: Option<Shrunk>,
    /// The path of the capsule that replays the failure.
    pub capsule: Option<PathBuf>,
    /// The path of the HTML page that shows the run.
    pub page: Option<PathBuf>,
    /// The path of the text file with what the code of the run logged, if it logged anything.
    pub log: Option<PathBuf>,
    /// Further remarks: full sentences.
    pub notes: Vec<String>,
    /// The statistics of the exploration up to the failure.
    pub report: ExplorationReport,
    /// Whether the capsule is one that the test keeps.
    pub(super) is_kept: bool,
    /// The command that runs this test.
    pub(super) command: String,
}

impl Finding {
    /// Creates a finding from a failure that was not shrunk.
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
            log: None,
            notes,
            report,
            is_kept: false,
            command,
        }
    }

    /// The shell command that replays the failure.
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
            writeln!(
                f,
                "The exploration of {} found a failure with seed {}, after {}.",
                Line(name),
                self.seed,
                counted(seeds, "seed", "seeds")
            )?;
        }
        writeln!(f, "{}", self.failure.story())?;
        self.shrunk.iter().try_for_each(|shrunk| writeln!(f, "{shrunk}"))?;
        if !self.without.is_empty() {
            let names: Vec<&str> = self.without.iter().map(String::as_str).collect();
            writeln!(f, "These nodes are not needed for the failure and were left out: {}.", Line(names.join(", ")))?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "{}", Lines(note)))?;
        if let Some(page) = &self.page {
            write!(f, "\nSee the run in a browser:\n  {}", Line(page.display()))?;
        }
        if let Some(log) = &self.log {
            write!(f, "\nRead what it logged:\n  {}", Line(log.display()))?;
        }
        write!(f, "\nRepeat it with:\n  {}", Line(self.command()))?;
        let Some(path) = self.capsule.as_ref().filter(|_| !self.is_kept) else { return Ok(()) };
        let file = path.file_name().unwrap_or_default().display();
        let file = Line(file);
        let folder = path.parent().and_then(|folder| folder.file_name()).unwrap_or_default().display();
        let folder = Line(folder);
        write!(
            f,
            "\nTo keep it as a regression test, copy that file to tests/capsules/{folder}-{file} and add this to the \
             exploration:\n  .capsule(\"tests/capsules/{folder}-{file}\")"
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
                writeln!(f, "Every seed succeeded, but the runs did things outside of the simulation (escapes):")?;
                escapes::lines(escapes).iter().try_for_each(|line| writeln!(f, "  {}", Line(line)))?;
                writeln!(f, "{report}")?;
                writeln!(
                    f,
                    "The seed and virtual time do not control these. Use tokio's sleep, locks and channels, and tasks"
                )?;
                writeln!(f, "instead of threads; or allow escapes with Explore::allow_escapes.")?;
                if escapes.keys().any(|escape| escape.is_io()) {
                    writeln!(f, "{}", escapes::INSTEAD_OF_IO)?;
                }
                write!(f, "\nRun it with:\n  {}", Line(command))
            }
            Problem::Never { names, report } => {
                writeln!(f, "Every seed succeeded, but these `sometimes` properties never held:")?;
                names.iter().try_for_each(|name| writeln!(f, "  {}", Line(name)))?;
                writeln!(f, "{report}")?;
                write!(f, "Run more seeds, make the situation more likely, or correct the property.")
            }
        }
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Problem {}
