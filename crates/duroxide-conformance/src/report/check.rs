//! [`Report`]: what a check has come to, as a person or a machine reads it.
//!
//! It arranges what is known: every rule with its outcome, the findings, what
//! was done. It holds no logic of the check's; `conformance` decides what is
//! broken.
//!
//! Where every trial is a process of its own, as under `cargo nextest`, no
//! process knows more than its own trial. There nextest itself writes JUnit
//! (`[profile.ci.junit] path = "junit.xml"` in `.config/nextest.toml`), and the
//! other reports come from `cargo test`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::{Counts, Finding, Race, Shown, ShownRace, Verdict};

use super::{RuleLine, json, junit, markdown, rules, text};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
    /// For what shows the results of tests.
    Junit,
    /// For a page.
    Markdown,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 4] = [Format::Text, Format::Json, Format::Junit, Format::Markdown];

    /// What it is called in `--report json=report.json`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
            Format::Junit => "junit",
            Format::Markdown => "markdown",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// What a check has come to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The provider's label.
    pub provider: String,
    /// What took part, and its version.
    pub versions: BTreeMap<&'static str, String>,
    /// The seed that everything was drawn from.
    pub seed: u64,
    /// How time passed.
    pub clock: String,
    /// Whether nothing fails the provider.
    pub clean: bool,
    /// Every rule, and how it fared.
    pub rules: Vec<RuleLine>,
    /// Rules that are broken and must not be.
    pub findings: Vec<Shown>,
    /// Rules that are broken and may be.
    pub remarks: Vec<Shown>,
    /// What only several callers show.
    pub races: Vec<ShownRace>,
    /// Rules that are broken and waived.
    pub waived: Vec<WaivedItem>,
    /// Waivers that are no longer needed.
    pub stale: Vec<String>,
    /// What could not be checked, and why.
    pub troubles: Vec<String>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// What was done.
    pub counts: CountLines,
    /// The trials of the binary; none outside of one.
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

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)] // `Counts` documents them.
pub struct CountLines {
    pub scripts: u64,
    pub calls: u64,
    pub avoided: u64,
    pub methods: BTreeMap<&'static str, MethodLine>,
    pub inconclusive: BTreeMap<String, u64>,
}

/// What became of the calls of one method.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)] // The names say it.
pub struct MethodLine {
    pub accepted: u64,
    pub refused: u64,
    pub unanswered: u64,
}

/// How one trial ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrialLine {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: Ending,
    /// Why, where there is something to say.
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
    /// The report of a verdict.
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

    /// The same, with how each trial ended.
    #[must_use]
    pub fn with_trials(mut self, trials: Vec<TrialLine>) -> Report {
        self.clean &= trials.iter().all(|trial| trial.outcome != Ending::Failed);
        self.trials = trials;
        self
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        text::write(self)
    }

    /// For programs.
    pub fn json(&self) -> String {
        json::write(self)
    }

    /// For what shows the results of tests: a case for each trial, or for each
    /// rule where there are no trials.
    pub fn junit(&self) -> String {
        junit::write(self)
    }

    /// For a page.
    pub fn markdown(&self) -> String {
        markdown::write(self)
    }

    /// Writes it to a file.
    ///
    /// # Errors
    ///
    /// A sentence, when it cannot be written.
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
