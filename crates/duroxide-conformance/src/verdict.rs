//! [`Verdict`]: what a check has found, as values; and the one assertion.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use duroxide_sim::call::Reply;
use duroxide_sim::seed::Seed;
use duroxide_sim::unstable::text::Line;

use super::concurrent::Race;
use super::drive::Observed;
use super::finding::Finding;
use super::waivers::Waiver;
use crate::report::Report;

/// What a check has found. Prints as a report for a person.
#[derive(Clone, Debug)]
#[must_use = "a verdict that nobody looks at finds nothing"]
pub struct Verdict {
    /// What the storage calls itself.
    pub label: String,
    /// The seed that everything was drawn from.
    pub seed: Seed,
    /// How time passed.
    pub clock: String,
    /// The smallest script for each rule that is broken and must not be.
    pub findings: Vec<Finding>,
    /// The same for rules that a provider may break: they fail nobody.
    pub remarks: Vec<Finding>,
    /// What only several callers show: one for each rule that is broken.
    pub races: Vec<Race>,
    /// Rules that are broken and waived.
    pub waived: Vec<Waived>,
    /// Waivers that are no longer needed.
    pub stale: Vec<Stale>,
    /// Why something could not be checked as it was asked for: a file that
    /// cannot be read, a clock that is not to be had.
    pub troubles: Vec<String>,
    /// What else is worth knowing, and fails nobody.
    pub notes: Vec<String>,
    /// Rules that something else than scripts has looked at.
    pub reached: BTreeSet<&'static str>,
    /// What was done.
    pub counts: Counts,
}

/// A rule that is broken, and waived.
#[derive(Clone, Debug, PartialEq)]
pub struct Waived {
    /// The rule.
    pub rule: &'static str,
    /// Why that is accepted.
    pub reason: String,
    /// Where it is written up.
    pub link: String,
    /// How often it was seen.
    pub times: u64,
}

/// A waiver that is no longer needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Its rule.
    pub rule: &'static str,
    /// Its file and line.
    pub place: String,
    /// What was tried.
    pub why: String,
}

impl Stale {
    pub(crate) fn new(waiver: &Waiver, file: &std::path::Path, why: &str) -> Stale {
        Stale { rule: waiver.rule, place: format!("{}, line {}", file.display(), waiver.line), why: why.to_owned() }
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} now passes: remove the waiver ({}). {}", self.rule, Line(&self.place), Line(&self.why))
    }
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Scripts that were run, those of shrinking not counted.
    pub scripts: u64,
    /// Calls that were made in them.
    pub calls: u64,
    /// Calls that were skipped because they would only have met a waived
    /// deviation again.
    pub avoided: u64,
    /// Calls that did what they were asked, by method.
    pub accepted: BTreeMap<&'static str, u64>,
    /// Calls that were refused, by method.
    pub refused: BTreeMap<&'static str, u64>,
    /// Calls that were dropped before they were done, or never answered.
    pub unanswered: BTreeMap<&'static str, u64>,
    /// Scripts of which nothing can be said, and why.
    pub inconclusive: BTreeMap<String, u64>,
}

impl Counts {
    pub(crate) fn add(&mut self, observed: &[Observed]) {
        for seen in observed {
            let by_method = match &seen.reply {
                Some(Reply::Refused(_)) => &mut self.refused,
                Some(_) => &mut self.accepted,
                None => &mut self.unanswered,
            };
            *by_method.entry(seen.call.method().name()).or_default() += 1;
        }
        self.calls += observed.len() as u64;
    }

    /// Every method that was called.
    pub(crate) fn methods(&self) -> BTreeSet<&'static str> {
        [&self.accepted, &self.refused, &self.unanswered].into_iter().flat_map(|map| map.keys().copied()).collect()
    }

    /// Takes in what another check has done.
    pub(crate) fn merge(&mut self, other: Counts) {
        self.scripts += other.scripts;
        self.calls += other.calls;
        self.avoided += other.avoided;
        for (mine, theirs) in [
            (&mut self.accepted, other.accepted),
            (&mut self.refused, other.refused),
            (&mut self.unanswered, other.unanswered),
        ] {
            theirs.into_iter().for_each(|(method, calls)| *mine.entry(method).or_default() += calls);
        }
        other.inconclusive.into_iter().for_each(|(why, times)| *self.inconclusive.entry(why).or_default() += times);
    }
}

impl Verdict {
    pub(crate) fn new(label: String, seed: Seed) -> Verdict {
        Verdict {
            label,
            seed,
            clock: String::new(),
            findings: Vec::new(),
            remarks: Vec::new(),
            races: Vec::new(),
            waived: Vec::new(),
            stale: Vec::new(),
            troubles: Vec::new(),
            notes: Vec::new(),
            reached: BTreeSet::new(),
            counts: Counts::default(),
        }
    }

    /// One that says only why nothing was checked.
    pub(crate) fn trouble(label: String, seed: Seed, why: impl Into<String>) -> Verdict {
        Verdict { troubles: vec![why.into()], ..Verdict::new(label, seed) }
    }

    /// Whether the provider keeps every rule that it must keep and that is not
    /// waived, every waiver is needed, and everything could be checked.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.races.is_empty() && self.stale.is_empty() && self.troubles.is_empty()
    }

    /// Panics with the whole report, unless the verdict is clean.
    ///
    /// # Panics
    ///
    /// When it is not.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.is_clean(), "{self}");
    }

    pub(crate) fn waive(&mut self, waiver: &Waiver, times: u64) {
        if times == 0 {
            return;
        }
        match self.waived.iter_mut().find(|waived| waived.rule == waiver.rule) {
            Some(waived) => waived.times += times,
            None => {
                let (rule, reason, link) = (waiver.rule, waiver.reason.clone(), waiver.link.clone());
                self.waived.push(Waived { rule, reason, link, times });
            }
        }
    }

    /// Takes in another verdict on the same storage.
    pub(crate) fn merge(&mut self, other: Verdict) {
        let known: BTreeSet<&str> = self.findings.iter().chain(&self.remarks).map(|finding| finding.rule).collect();
        let is_new = |finding: &Finding| !known.contains(finding.rule);
        self.findings.extend(other.findings.into_iter().filter(is_new));
        self.remarks.extend(other.remarks.into_iter().filter(is_new));
        for race in other.races {
            if self.races.iter().all(|known| known.rule != race.rule) {
                self.races.push(race);
            }
        }
        for waived in other.waived {
            match self.waived.iter_mut().find(|mine| mine.rule == waived.rule) {
                Some(mine) => mine.times += waived.times,
                None => self.waived.push(waived),
            }
        }
        if self.clock.is_empty() {
            self.clock = other.clock;
        }
        self.stale.extend(other.stale);
        self.troubles.extend(other.troubles);
        self.notes.extend(other.notes);
        self.reached.extend(other.reached);
        self.counts.merge(other.counts);
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Report::of(self).text())
    }
}
