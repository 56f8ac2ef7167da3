//! [`Finding`]: a rule that a provider breaks, with a shrunk program that shows
//! it.
//!
//! A finding is displayed as the rule's claim, the expected and the actual
//! answer, a table of the calls, and a test in Rust. Which rule is broken is
//! decided elsewhere.

mod asserts;
mod calls;
mod code;
mod differ;
mod layout;
mod program;
mod rule;
mod table;
mod uses;

use std::fmt;
use std::path::PathBuf;

use duroxide_sim::seed::Seed;
use duroxide_sim::unstable::text::Line as OneLine;
use serde::Serialize;

use super::drive::{Deviation, End, Run};
use super::script::{SCRIPT_VARIABLE, Script};
use super::storage::{Storage, TimeSource};

pub use table::Line;
pub(super) use table::line;

/// A rule that a provider breaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The id of the rule in the contract table.
    pub rule: &'static str,
    /// The shrunk script that shows the deviation.
    pub script: Script,
    /// The run of that script.
    pub run: Run,
    /// The seed of the generated script; `None` for a script that was given.
    pub seed: Option<Seed>,
    /// The provider that breaks the rule.
    pub subject: Subject,
    /// The file in which the script is kept, if any.
    pub file: Option<PathBuf>,
}

/// The provider that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The provider's label.
    pub label: String,
    /// How the provider reads time.
    pub time: TimeSource,
    /// Rust code that makes the provider, see [`Storage::code`].
    pub code: Option<String>,
    /// Rust code that opens the provider's storage a second time, see
    /// [`Storage::code_to_open`].
    pub code_to_open: Option<String>,
    /// Rust code that makes a stored history unreadable, see
    /// [`Storage::code_to_corrupt`].
    pub code_to_corrupt: Option<String>,
}

impl Subject {
    /// Collects what a storage states about itself.
    pub fn of(storage: &dyn Storage) -> Subject {
        Subject {
            label: storage.label(),
            time: storage.time(),
            code: storage.code(),
            code_to_open: storage.code_to_open(),
            code_to_corrupt: storage.code_to_corrupt(),
        }
    }
}

/// A finding as text: printed as it is, and written as JSON in reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The rule's id.
    pub rule: String,
    /// How binding the rule is: `must`, `should` or `may`.
    pub strength: String,
    /// The rule's claim.
    pub claim: String,
    /// The document that the rule comes from.
    pub source: String,
    /// The provider's label.
    pub provider: String,
    /// The parts of a correct answer that differ, one difference a line.
    pub expected: Vec<String>,
    /// The same parts of the actual answer, line by line.
    pub got: Vec<String>,
    /// The calls of the run.
    pub steps: Vec<Line>,
    /// The script, one step a line.
    pub script: Vec<String>,
    /// A Rust test that fails on the deviation.
    pub program: String,
    /// The seed of the generated script.
    pub seed: Option<u64>,
    /// The file in which the script is kept.
    pub file: Option<String>,
    /// The command that reruns the script.
    pub replay: String,
}

impl Finding {
    /// The answer that deviates.
    pub fn deviation(&self) -> Option<&Deviation> {
        match &self.run.end {
            End::Deviates(deviation) => Some(deviation),
            End::Agrees | End::Inconclusive(_) => None,
        }
    }

    /// The finding as text.
    pub fn shown(&self) -> Shown {
        let cited = rule::cite(self.rule);
        let (expected, got) = self.deviation().map(|deviation| differ::words(&self.run, deviation)).unwrap_or_default();
        let file = self.file.as_ref().map(|file| file.display().to_string());
        Shown {
            rule: self.rule.to_owned(),
            strength: cited.strength.to_owned(),
            claim: cited.claim.to_owned(),
            source: cited.source.to_owned(),
            provider: self.subject.label.clone(),
            steps: table::lines(&self.script, &self.run),
            script: self.script.to_string().lines().map(str::to_owned).collect(),
            program: program::program(self),
            seed: self.seed.map(|seed| seed.0),
            replay: replay(self.rule, &self.script, file.as_deref()),
            expected,
            got,
            file,
        }
    }

    /// The finding as a Rust test on duroxide's public traits. It compiles and
    /// fails as it is, except that it needs code to make the provider where
    /// [`Storage::code`] returns none.
    pub fn program(&self) -> String {
        program::program(self)
    }
}

/// The command that reruns a script.
fn replay(rule: &str, script: &Script, file: Option<&str>) -> String {
    let file = file.map_or_else(|| script.file_name(rule), str::to_owned);
    let command = duroxide_sim::unstable::command::here();
    format!("{SCRIPT_VARIABLE}={} {command}", duroxide_sim::unstable::command::quoted(&file))
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().fmt(f)
    }
}

/// The number of characters of a step that are printed where a file holds all
/// of it.
const LONGEST_STEP: usize = 1000;

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} breaks {} ({})", OneLine(&self.provider), self.rule, self.strength)?;
        writeln!(f)?;
        for line in [&self.claim, &format!("Source: {}", self.source)] {
            layout::wrapped(line, layout::WIDTH - 2).iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        }
        writeln!(f)?;
        for (title, lines) in [("expected", &self.expected), ("got", &self.got)] {
            for (at, line) in lines.iter().enumerate() {
                writeln!(f, "  {:<10}{}", if at == 0 { title } else { "" }, OneLine(line))?;
            }
        }
        writeln!(f)?;
        table::write(f, &self.steps)?;
        writeln!(f)?;
        writeln!(f, "As a Rust test:")?;
        writeln!(f)?;
        self.program.lines().try_for_each(|line| writeln!(f, "{}", format!("    {}", OneLine(line)).trim_end()))?;
        writeln!(f)?;
        writeln!(f, "The script:")?;
        writeln!(f)?;
        for line in &self.script {
            match line.char_indices().nth(LONGEST_STEP) {
                // The file holds the whole line.
                Some((cut, _)) if self.file.is_some() => {
                    writeln!(f, "    {}… ({} bytes)", &line[..cut], line.len())?;
                }
                _ => writeln!(f, "    {line}")?,
            }
        }
        writeln!(f)?;
        if let Some(seed) = self.seed {
            writeln!(f, "Found with seed {seed}.")?;
        }
        match &self.file {
            Some(file) => writeln!(f, "Kept in {}. Rerun it with:", OneLine(file))?,
            None => writeln!(f, "Save the script to a file, and rerun it with:")?,
        }
        writeln!(f, "  {}", OneLine(&self.replay))
    }
}
