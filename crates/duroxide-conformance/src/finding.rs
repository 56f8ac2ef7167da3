//! [`Finding`]: a rule that a provider breaks, with the smallest program that
//! shows it.
//!
//! It owns what a person is told about a deviation: what the rule says, what
//! was expected and what came, the calls in a table, and the same as a test in
//! Rust. It judges nothing.

mod asserts;
mod calls;
mod code;
mod differ;
mod layout;
mod program;
mod rule;
mod table;

use std::fmt;
use std::path::PathBuf;

use duroxide_sim::seed::Seed;
use duroxide_sim::unstable::text::Line as OneLine;
use serde::Serialize;

use super::drive::{Deviation, Run};
use super::regress::{self, SCRIPT_VARIABLE};
use super::script::Script;
use super::storage::{Storage, TimeSource};

pub use table::Line;
pub(super) use table::line;

/// A rule that a provider breaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule's id in the contract table.
    pub rule: &'static str,
    /// The smallest script found that shows it.
    pub script: Script,
    /// How that script went.
    pub run: Run,
    /// The seed of the script it was found in; `None` for a script that was
    /// given.
    pub seed: Option<Seed>,
    /// Which provider breaks it.
    pub subject: Subject,
    /// Where the script is kept, if it is.
    pub file: Option<PathBuf>,
}

/// The provider that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// What to call it.
    pub label: String,
    /// How it reads time.
    pub time: TimeSource,
    /// Rust code that makes one, see [`Storage::code`].
    pub code: Option<String>,
    /// Rust code that opens its storage once more, see [`Storage::code_to_open`].
    pub code_to_open: Option<String>,
    /// Rust code that spoils a history, see [`Storage::code_to_corrupt`].
    pub code_to_corrupt: Option<String>,
}

impl Subject {
    /// What a storage says of itself.
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

/// A finding in words: what prints, and what a report holds as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The rule's id.
    pub rule: String,
    /// How binding it is: `must`, `should` or `may`.
    pub strength: String,
    /// What it says.
    pub claim: String,
    /// The document it comes from.
    pub source: String,
    /// The provider's label.
    pub provider: String,
    /// What a correct answer has, where it differs; a line for each difference.
    pub expected: Vec<String>,
    /// What was answered in its place, line by line.
    pub got: Vec<String>,
    /// The calls.
    pub steps: Vec<Line>,
    /// The script, a line for each step.
    pub script: Vec<String>,
    /// A test in Rust that fails.
    pub program: String,
    /// The seed of the script it was found in.
    pub seed: Option<u64>,
    /// Where the script is kept.
    pub file: Option<String>,
    /// The command that runs it again.
    pub replay: String,
}

impl Finding {
    /// The answer that deviates.
    pub fn deviation(&self) -> Option<&Deviation> {
        match &self.run.end {
            super::End::Deviates(deviation) => Some(deviation),
            _ => None,
        }
    }

    /// The finding in words.
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

    /// The finding as a test in Rust on duroxide's public traits. It compiles
    /// and fails as it stands, once it says how to make the provider.
    pub fn program(&self) -> String {
        program::program(self)
    }
}

/// The command that runs a script again.
fn replay(rule: &str, script: &Script, file: Option<&str>) -> String {
    let file = file.map_or_else(|| regress::file_name(rule, script), str::to_owned);
    let command = duroxide_sim::unstable::command::here();
    format!("{SCRIPT_VARIABLE}={} {command}", duroxide_sim::unstable::command::quoted(&file))
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().fmt(f)
    }
}

/// How many letters of a step are printed where a file has it whole.
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
        writeln!(f, "The same as a test:")?;
        writeln!(f)?;
        self.program.lines().try_for_each(|line| writeln!(f, "{}", format!("    {}", OneLine(line)).trim_end()))?;
        writeln!(f)?;
        writeln!(f, "The script:")?;
        writeln!(f)?;
        for line in &self.script {
            match line.char_indices().nth(LONGEST_STEP) {
                // The file has it whole.
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
            Some(file) => writeln!(f, "Kept in {}. Run it again with:", OneLine(file))?,
            None => writeln!(f, "Put the script in a file, and run it again with:")?,
        }
        writeln!(f, "  {}", OneLine(&self.replay))
    }
}
