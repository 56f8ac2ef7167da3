//! [`Problem`]: why an exploration fails, and what it has found.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Report;
use crate::seed::{SEED_VARIABLE, Seed};
use crate::sim::Failure;

/// Why an exploration fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Problem {
    /// It could not be run; the text says why and what to do.
    Setup(String),
    /// A seed fails.
    Failed(Box<Finding>),
    /// Every seed went well, but something that should sometimes hold
    /// ([`crate::Sim::sometimes`]) held in none of them.
    #[allow(missing_docs)]
    Never { names: Vec<String>, report: Box<Report> },
}

/// A seed that fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// How.
    pub failure: Failure,
    /// The seed, as it was found.
    pub seed: Seed,
    /// What had been covered by then.
    pub report: Report,
    /// The command that runs this test.
    pub(super) command: String,
}

impl Finding {
    /// One that was found by running one seed alone.
    pub(super) fn alone(failure: Box<Failure>, command: String) -> Finding {
        Finding { seed: failure.seed, failure: *failure, report: Report::default(), command }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.report.name.is_empty() {
            writeln!(f, "Exploring {} found a failure among {} seeds.", self.report.name, self.report.seeds)?;
        }
        write!(f, "{}\nRepeat it with:\n  {SEED_VARIABLE}={} {}", self.failure.story(), self.seed, self.command)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Setup(why) => write!(f, "The exploration could not be run. {why}"),
            Problem::Failed(finding) => finding.fmt(f),
            Problem::Never { names, report } => {
                writeln!(f, "Every seed went well, but this should hold sometimes, and never did:")?;
                names.iter().try_for_each(|name| writeln!(f, "  {name}"))?;
                writeln!(f, "{report}")?;
                write!(f, "Run more seeds, make what leads there likelier, or mend the test that looks for it.")
            }
        }
    }
}

impl std::error::Error for Problem {}
