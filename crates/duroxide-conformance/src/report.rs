//! [`Report`]: the result of a check, as text, JSON, JUnit XML and Markdown.
//!
//! A report lists every rule with its outcome, the findings and the statistics.
//! It presents a verdict and decides nothing itself.
//!
//! Under `cargo nextest` every trial is a process of its own, which knows only
//! its own result. There nextest writes JUnit XML (`[profile.ci.junit] path =
//! "junit.xml"` in `.config/nextest.toml`); for the other formats, use `cargo
//! test`.

mod format;
mod json;
mod junit;
mod markdown;
mod rules;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::finding::{Finding, Shown};
use super::race::{Race, ShownRace};
use super::verdict::{Counts, Verdict};

pub use format::Format;
pub use rules::{Fate, RuleLine};

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The provider's label.
    pub provider: String,
    /// The versions of the crates involved.
    pub versions: BTreeMap<&'static str, String>,
    /// The seed that everything was generated from.
    pub seed: u64,
    /// A description of the clock that the check ran on.
    pub clock: String,
    /// Whether the check passed.
    pub clean: bool,
    /// Every rule and its outcome.
    pub rules: Vec<RuleLine>,
    /// Broken rules that are binding and not waived.
    pub findings: Vec<Shown>,
    /// Broken `may` rules.
    pub remarks: Vec<Shown>,
    /// Deviations that only concurrent callers show.
    pub races: Vec<ShownRace>,
    /// Broken rules that are waived.
    pub waived: Vec<WaivedItem>,
    /// Waivers that are no longer needed.
    pub stale: Vec<String>,
    /// What could not be checked, and why.
    pub troubles: Vec<String>,
    /// Other remarks.
    pub notes: Vec<String>,
    /// Statistics of the check.
    pub counts: CountLines,
    /// The trials of the test binary; empty outside of one.
    pub trials: Vec<TrialLine>,
}

/// One waived rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // The names say it.
pub struct WaivedItem {
    pub rule: &'static str,
    pub reason: String,
    pub link: String,
    pub times: u64,
}

/// Statistics of a check.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)] // `Counts` documents them.
pub struct CountLines {
    pub scripts: u64,
    pub calls: u64,
    pub avoided: u64,
    pub methods: BTreeMap<&'static str, MethodLine>,
    pub inconclusive: BTreeMap<String, u64>,
}

/// The outcomes of the calls of one method.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)] // The names say it.
pub struct MethodLine {
    pub accepted: u64,
    pub refused: u64,
    pub unanswered: u64,
}

/// The outcome of one trial.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrialLine {
    /// The trial's name.
    pub name: String,
    /// How the trial ended.
    pub outcome: Ending,
    /// The failure message or the reason for ignoring the trial, if any.
    pub message: Option<String>,
}

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // The names say it.
pub enum Ending {
    Passed,
    Failed,
    Ignored,
}

impl Report {
    /// Creates the report of a verdict.
    pub fn of(verdict: &Verdict) -> Report {
        let waived = verdict.waived.iter().map(|waived| WaivedItem {
            rule: waived.rule,
            reason: waived.reason.clone(),
            link: waived.link.clone(),
            times: waived.times,
        });
        Report {
            provider: verdict.label.clone(),
            versions: duroxide_sim::unstable::versions(),
            seed: verdict.seed.0,
            clock: verdict.clock.clone(),
            clean: verdict.is_clean(),
            rules: rules::lines(verdict),
            findings: items(&verdict.findings),
            remarks: items(&verdict.remarks),
            races: verdict.races.iter().map(Race::shown).collect(),
            waived: waived.collect(),
            stale: verdict.stale.iter().map(ToString::to_string).collect(),
            troubles: verdict.troubles.clone(),
            notes: verdict.notes.clone(),
            counts: count_lines(&verdict.counts),
            trials: Vec::new(),
        }
    }

    /// Adds the outcomes of trials.
    #[must_use]
    pub fn with_trials(mut self, trials: Vec<TrialLine>) -> Report {
        self.clean &= trials.iter().all(|trial| trial.outcome != Ending::Failed);
        self.trials = trials;
        self
    }

    /// The report as text for a terminal.
    pub fn text(&self) -> String {
        text::write(self)
    }

    /// The report as JSON.
    pub fn json(&self) -> String {
        json::write(self)
    }

    /// The report as JUnit XML: a case for each trial, or for each rule if
    /// there are no trials.
    pub fn junit(&self) -> String {
        junit::write(self)
    }

    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        markdown::write(self)
    }

    /// Writes the report to a file.
    ///
    /// # Errors
    ///
    /// A message, if the file cannot be written.
    pub fn write(&self, format: Format, file: &Path) -> Result<(), String> {
        let text = match format {
            Format::Text => self.text(),
            Format::Json => self.json(),
            Format::Junit => self.junit(),
            Format::Markdown => self.markdown(),
        };
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let made = folder.map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::write(file, text))
            .map_err(|error| format!("The {} report cannot be written to {}: {error}.", format.name(), file.display()))
    }

    /// Writes the report to each of these files. Returns an error message for
    /// each that could not be written.
    pub(crate) fn write_all(&self, files: &[(Format, PathBuf)]) -> Vec<String> {
        files.iter().filter_map(|(format, file)| self.write(*format, file).err()).collect()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Report::of(self).text())
    }
}

fn items(findings: &[Finding]) -> Vec<Shown> {
    findings.iter().map(Finding::shown).collect()
}

fn count_lines(counts: &Counts) -> CountLines {
    let get = |map: &BTreeMap<&'static str, u64>, method: &str| map.get(method).copied().unwrap_or(0);
    let line = |method: &'static str| {
        let (accepted, refused) = (get(&counts.accepted, method), get(&counts.refused, method));
        (method, MethodLine { accepted, refused, unanswered: get(&counts.unanswered, method) })
    };
    CountLines {
        scripts: counts.scripts,
        calls: counts.calls,
        avoided: counts.avoided,
        methods: counts.methods().into_iter().map(line).collect(),
        inconclusive: counts.inconclusive.clone(),
    }
}
