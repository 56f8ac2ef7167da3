//! [`Verdict`]: the result of a check, and the assertion on it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use duroxide_sim::call::Reply;
use duroxide_sim::seed::Seed;
use duroxide_sim::unstable::text::Line;

use super::drive::Observed;
use super::finding::Finding;
use super::race::Race;
use super::waivers::Waiver;

/// The result of a check. Displays as a report for people.
#[derive(Clone, Debug)]
#[must_use = "a verdict fails no test unless it is inspected, as by assert_clean"]
pub struct Verdict {
    /// The label of the storage.
    pub label: String,
    /// The seed that everything was generated from.
    pub seed: Seed,
    /// A description of the clock that the check ran on.
    pub clock: String,
    /// One finding, with a shrunk script, for each broken rule that is binding
    /// and not waived.
    pub findings: Vec<Finding>,
    /// One finding for each broken `may` rule; these do not fail the check.
    pub remarks: Vec<Finding>,
    /// Deviations that only concurrent callers show: one for each broken rule.
    pub races: Vec<Race>,
    /// Broken rules that are waived.
    pub waived: Vec<Waived>,
    /// Waivers that are no longer needed.
    pub stale: Vec<Stale>,
    /// Reasons why something could not be checked as configured: an unreadable
    /// file, a clock that is not available.
    pub troubles: Vec<String>,
    /// Other remarks; these do not fail the check.
    pub notes: Vec<String>,
    /// Rules that were checked by something other than scripts.
    pub reached: BTreeSet<&'static str>,
    /// Statistics of the check.
    pub counts: Counts,
}

/// A broken rule that is waived.
#[derive(Clone, Debug, PartialEq)]
pub struct Waived {
    /// The rule's id.
    pub rule: &'static str,
    /// The waiver's reason.
    pub reason: String,
    /// The waiver's link to a description of the deviation.
    pub link: String,
    /// How many times the deviation was observed.
    pub times: u64,
}

/// A waiver that is no longer needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The id of the waived rule.
    pub rule: &'static str,
    /// The file and line of the waiver.
    pub place: String,
    /// How the check established that it is not needed.
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

/// Statistics of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Scripts that were run, not counting those of shrinking.
    pub scripts: u64,
    /// Calls that were made by these scripts.
    pub calls: u64,
    /// Calls that were skipped because they would have repeated a known
    /// deviation.
    pub avoided: u64,
    /// Calls that succeeded, by method.
    pub accepted: BTreeMap<&'static str, u64>,
    /// Calls that were refused, by method.
    pub refused: BTreeMap<&'static str, u64>,
    /// Calls whose future was dropped before it was done, or that were never
    /// answered, by method.
    pub unanswered: BTreeMap<&'static str, u64>,
    /// Reasons why a script gave no result, with the number of scripts.
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

    /// The names of all methods that were called.
    pub(crate) fn methods(&self) -> BTreeSet<&'static str> {
        [&self.accepted, &self.refused, &self.unanswered].into_iter().flat_map(|map| map.keys().copied()).collect()
    }

    /// Adds the counts of another check.
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

    /// A verdict that states only why nothing was checked.
    pub(crate) fn trouble(label: String, seed: Seed, why: impl Into<String>) -> Verdict {
        Verdict { troubles: vec![why.into()], ..Verdict::new(label, seed) }
    }

    /// Whether no binding rule is broken unless waived, every waiver is needed,
    /// and everything could be checked.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.races.is_empty() && self.stale.is_empty() && self.troubles.is_empty()
    }

    /// Asserts that the verdict is clean.
    ///
    /// # Panics
    ///
    /// If it is not; the message is the whole report.
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

    /// Adds another verdict on the same storage.
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
