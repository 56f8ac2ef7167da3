//! [`LogLine`]: one line that was logged, and [`RunLog`]: those of a run.

use std::path::Path;
use std::time::Duration;
use std::{fmt, io};

use serde::{Deserialize, Serialize};

use super::level::{LogLevel, is_of_a_context};
use crate::command::write_or_remove;
use crate::text::{Line, counted};
use crate::trace::Span;

/// A line that the code of a simulation logged through `tracing`. `Display` prints it on one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogLine {
    /// The virtual time since the start of the run.
    pub at: Duration,
    /// The node whose code logged it; `None` for the test's body, and where it is not known: in
    /// tasks that the code under test has spawned.
    pub node: Option<String>,
    /// The instance whose orchestration or activity logged it, or that duroxide was working on.
    pub instance: Option<String>,
    /// The activity that logged it, or that duroxide was working on.
    pub activity: Option<String>,
    /// The attempt at the activity ([`crate::sim::ActivityCall::attempt`]), if its code logged it.
    pub attempt: Option<u64>,
    /// The level.
    pub level: LogLevel,
    /// The target: the module that logged it, unless it names another one. What an orchestration
    /// logs through its context has the target `duroxide::orchestration`, an activity
    /// `duroxide::activity`.
    pub target: String,
    /// The message.
    pub message: String,
    /// The other fields, in their order, without those that became `instance` and `activity`.
    pub fields: Vec<(String, String)>,
    /// The number of provider calls in the trace before the line.
    pub calls: usize,
}

/// The lines that the code of a run logged, in order: those of level `INFO` and above, of duroxide
/// itself `WARN` and above, unless [`crate::Sim::log_level`] and [`crate::Sim::duroxide_log_level`]
/// say otherwise. Fields of spans are not recorded. `Display` prints a line for each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLog {
    /// The last [`RunLog::MOST`] lines.
    pub lines: Vec<LogLine>,
    /// The number of lines before these, which were dropped.
    #[serde(default)]
    pub dropped: u64,
}

impl RunLog {
    /// The number of lines that are kept of a run. A longer run keeps its last ones.
    pub const MOST: usize = 1_000;

    /// Whether nothing was logged.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns the lines about one instance for a snapshot that changes only with what the instance
    /// does: times count from its first line, and neither nodes nor duroxide's numbers of their
    /// workers appear.
    pub fn relative(&self, instance: &str) -> impl fmt::Display {
        let lines = self.of(instance);
        let begins = lines.first().map(|line| line.at).unwrap_or_default();
        let one = |line: &LogLine| LogLine {
            at: line.at.saturating_sub(begins),
            node: None,
            fields: line.fields.iter().filter(|(name, _)| name != "worker_id").cloned().collect(),
            ..line.clone()
        };
        RunLog { lines: lines.into_iter().map(one).collect(), dropped: 0 }
    }

    /// Writes the lines to a text file. Returns whether there are any: without lines, a file that
    /// an earlier run has left there is removed.
    ///
    /// # Errors
    ///
    /// A full sentence, if the file cannot be written or removed.
    pub(crate) fn leave(&self, path: &Path) -> Result<bool, String> {
        let text = (!self.is_empty()).then(|| self.to_string());
        let why = |error: io::Error| {
            let (path, error) = (Line(path.display()), error.to_string());
            format!("The log could not be written to {path}. The reason: {}.", error.trim_end_matches('.'))
        };
        write_or_remove(path, text.as_deref()).map_err(why)?;
        Ok(text.is_some())
    }

    /// Returns the lines about one instance.
    pub fn of(&self, instance: &str) -> Vec<&LogLine> {
        self.lines.iter().filter(|line| line.instance.as_deref() == Some(instance)).collect()
    }
}

/// What duroxide adds to the lines of contexts. It is the same in all lines of an instance.
const OF_A_CONTEXT: [&str; 5] =
    ["execution_id", "orchestration_name", "orchestration_version", "activity_id", "worker_id"];

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{} {:<5}", Span(self.at), self.level)?;
        if let Some(node) = &self.node {
            write!(f, " on {}", Line(node))?;
        }
        if let Some(instance) = &self.instance {
            write!(f, " {}", Line(instance))?;
        }
        if let Some(activity) = &self.activity {
            write!(f, " {}", Line(activity))?;
        }
        if let Some(attempt) = self.attempt.filter(|attempt| *attempt > 1) {
            write!(f, " attempt {attempt}")?;
        }
        let ordinary = is_of_a_context(&self.target);
        if !ordinary {
            write!(f, " [{}]", Line(&self.target))?;
        }
        write!(f, ": {}", Line(&self.message))?;
        let shown = |(name, _): &&(String, String)| !(ordinary && OF_A_CONTEXT.contains(&name.as_str()));
        self.fields.iter().filter(shown).try_for_each(|(name, value)| write!(f, " {}={}", Line(name), Line(value)))
    }
}

impl fmt::Display for RunLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dropped > 0 {
            let dropped = counted(self.dropped, "line", "lines");
            writeln!(f, "{dropped} before these were dropped; the last {} of a run are kept.", RunLog::MOST)?;
        }
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
