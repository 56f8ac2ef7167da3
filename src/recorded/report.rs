//! [`Report`]: the verdicts on a folder of histories.

use std::fmt;
use std::path::PathBuf;

use super::verdict::Verdict;
use crate::text::{Line, Quoted, counted};

/// The verdicts on one history.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Checked {
    /// The file, if it was read from one.
    pub file: Option<PathBuf>,
    /// The instance.
    pub instance: String,
    /// Its executions, in ascending order.
    pub executions: Vec<CheckedExecution>,
}

/// The verdict on one execution.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CheckedExecution {
    /// The id of the execution.
    pub execution: u64,
    /// The name of the orchestration.
    pub orchestration: String,
    /// The recorded version of the orchestration.
    pub version: String,
    /// The verdict.
    pub verdict: Verdict,
}

/// The verdicts on a folder of histories.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The histories, in the order of their files' names.
    pub histories: Vec<Checked>,
}

impl Checked {
    /// Whether a node with today's code can take over the instance, and replays what it did before.
    /// A history without executions proves nothing and is not compatible.
    pub fn is_compatible(&self) -> bool {
        !self.executions.is_empty() && self.executions.iter().all(|execution| execution.verdict.is_compatible())
    }
}

impl Report {
    /// Whether all histories are compatible ([`Checked::is_compatible`]).
    pub fn is_compatible(&self) -> bool {
        !self.histories.is_empty() && self.histories.iter().all(Checked::is_compatible)
    }

    /// # Panics
    ///
    /// If a history is not compatible; the message is the report.
    #[track_caller]
    pub fn assert_compatible(&self) {
        assert!(self.is_compatible(), "{self}");
    }
}

impl fmt::Display for CheckedExecution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CheckedExecution { execution, orchestration, version, verdict } = self;
        write!(f, "execution {execution}, {} {}, {verdict}.", Line(orchestration), Line(version))
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Quoted(&self.instance))?;
        if let Some(file) = &self.file {
            write!(f, " ({})", Line(file.display()))?;
        }
        match self.executions.as_slice() {
            [] => f.write_str(": nothing is recorded."),
            [one] => write!(f, ": {one}"),
            several => several.iter().try_for_each(|execution| write!(f, "\n  {execution}")),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let broken = self.histories.iter().filter(|checked| !checked.is_compatible()).count();
        let all = counted(self.histories.len(), "recorded history", "recorded histories");
        match broken {
            0 => write!(f, "Today's orchestrations replay {all}.")?,
            broken => write!(f, "Today's orchestrations do not replay {broken} of {all}.")?,
        }
        let has_more = |checked: &&Checked| {
            let adds = |verdict: &Verdict| matches!(verdict, Verdict::GoesOn(how) if !how.next.is_empty() || how.ends.is_some());
            !checked.is_compatible() || checked.executions.iter().any(|execution| adds(&execution.verdict))
        };
        self.histories.iter().filter(has_more).try_for_each(|checked| write!(f, "\n{checked}"))
    }
}
