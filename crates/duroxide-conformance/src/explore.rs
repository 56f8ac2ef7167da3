//! [`Explorer`]: scripts from seeds, one after the other, and what to make of
//! each.
//!
//! A rule that is *settled* (waived, or found already, or not what is looked
//! for) must not blind a check to the others. After a read that deviates for
//! such a rule a script goes on. A call that changes state ends it; but where
//! it can be foreseen that the call would be accepted and must not be, for a
//! rule that is settled, most such calls are left out.
//!
//! Which rule a long script breaks is a guess (see `blame`). So a deviation that
//! seems new is one only if it still is when every step that it does without is
//! gone; and now and then one that seems settled is made small to see whether
//! it is.

pub(super) mod look;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use duroxide_sim::seed::Seed;

use super::blame::blame;
use super::config::Config;
use super::contract::{self, Check, Rule, Strength};
use super::drive::{Avoid, Deviation, End, Next, Observed, Run, ends_with_read, past_reads};
use super::finding::{Finding, Subject};
use super::generate::{self, Profile};
use super::lab::Lab;
use super::minimise::{Depth, minimise_to};
use super::oracle::{Aspect, Mismatch};
use super::pulse::Pulse;
use super::regress::Kept;
use super::script::Script;
use super::storage::Storage;
use super::verdict::{Stale, Verdict};
use super::waivers::Waiver;
use look::{Look, deviations, rule_of};

/// Of so many calls that would only meet a settled deviation again, one is made.
const MADE_OF: u64 = 16;

/// For so many calls of scripts, one may be made to find out whether a deviation
/// that seems settled is.
const CALLS_FOR_DOUBT: u64 = 2;

/// What to look for.
pub(crate) struct Plan {
    pub seed: Seed,
    pub calls: u64,
    pub profiles: Vec<Profile>,
    /// The one rule that counts; every one, if there is none.
    pub focus: Option<&'static str>,
}

/// Where a script comes from.
#[derive(Clone, Copy)]
enum Origin<'a> {
    Seed(Seed),
    /// It is shown as it is.
    Kept(&'a Kept),
}

/// Which deviations count while a script is made small.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Any,
    /// Those of rules that are not settled.
    New,
    /// The same; and what turns out to be of a settled rule when something plainer is
    /// put in ends it, because then that is what it was all along.
    Surely,
}

use Which::{Any, New, Surely};

/// What shrinking has come to.
enum Shrunk {
    Small(Script, Box<Run>),
    /// It is of a settled rule.
    Settled,
    /// It did not happen again.
    Gone,
}

/// A check under way.
pub(crate) struct Explorer<'a> {
    storage: &'a dyn Storage,
    lab: Lab<'a>,
    config: &'a Config,
    waivers: Vec<&'a Waiver>,
    pulse: &'a Pulse,
    known: Known,
    pub verdict: Verdict,
}

/// What is known of the provider's deviations.
#[derive(Default)]
struct Known {
    focus: Option<&'static str>,
    /// Rules that are waived or were found, and how often they were seen.
    settled: BTreeMap<&'static str, u64>,
    /// Settled rules for which calls that had to be refused were not.
    accepted: BTreeSet<&'static str>,
    /// Rules that were guessed, and turned out to be settled ones: how often.
    mistaken: BTreeMap<&'static str, u64>,
    /// How the deviations looked that break settled rules.
    looks: Vec<Look>,
    /// Whether those of waived rules are among them.
    waived_looks: bool,
    /// How many calls have been thought about leaving out.
    foreseen: AtomicU64,
    /// How many calls were made for deviations that seemed settled.
    doubted: u64,
}

impl Known {
    fn is_settled(&self, rule: &str) -> bool {
        self.settled.contains_key(rule) || self.focus.is_some_and(|focus| focus != rule)
    }

    /// Whether a deviation is one of those that are waived or were found, or looks
    /// like one.
    fn has(&self, run: &Run, deviation: &Deviation) -> bool {
        let look = Look::of(run, deviation);
        self.settled.contains_key(rule_of(run, deviation)) || self.looks.iter().any(|known| known.resembles(&look))
    }

    /// The first call at which an answer decides what has become of a dropped one,
    /// and would be wrong in a known way had that gone otherwise. It may well have:
    /// what follows shows nothing.
    fn misled_at(&self, run: &Run) -> Option<usize> {
        run.ruled_out.iter().find(|deviation| self.has(run, deviation)).map(|deviation| deviation.observed)
    }

    fn policy(&self, observed: &[Observed], mismatch: &Mismatch) -> Next {
        let is_answered = || observed.last().is_some_and(|last| last.reply.is_some());
        if ends_with_read(observed) && is_answered() && self.is_settled(blame(observed, mismatch)) {
            Next::GoOn
        } else {
            Next::Stop
        }
    }

    /// Whether to leave out a call that ought to be refused.
    fn avoids(&self, observed: &[Observed], mismatch: &Mismatch) -> bool {
        self.accepted.contains(blame(observed, mismatch))
            && !self.foreseen.fetch_add(1, Ordering::Relaxed).is_multiple_of(MADE_OF)
    }
}

impl<'a> Explorer<'a> {
    pub fn new(
        storage: &'a dyn Storage,
        lab: Lab<'a>,
        config: &'a Config,
        waivers: Vec<&'a Waiver>,
        pulse: &'a Pulse,
        verdict: Verdict,
    ) -> Explorer<'a> {
        let settled = waivers.iter().map(|waiver| (waiver.rule, 0)).collect();
        let known = Known { settled, ..Known::default() };
        Explorer { storage, lab, config, waivers, pulse, known, verdict }
    }

    /// Runs scripts until the plan's calls are made, the time is up or, with a
    /// focus, that rule is broken.
    pub async fn explore(&mut self, plan: &Plan) {
        self.known.focus = plan.focus;
        let before = self.verdict.counts.calls;
        let mut number = 0_u64;
        while self.verdict.counts.calls - before < plan.calls {
            if self.pulse.is_over() {
                self.verdict.notes.push(format!(
                    "The time was up after {} of {} calls: allow more with Config::at_most, or make fewer.",
                    self.verdict.counts.calls - before,
                    plan.calls
                ));
                return;
            }
            let profile = plan.profiles[(number % plan.profiles.len() as u64) as usize];
            let profile = profile.in_ticks(self.lab.tick());
            let seed = plan.seed.child(profile.name()).child(&number.to_string());
            number += 1;
            self.run(&generate::script(seed, profile), Origin::Seed(seed)).await;
            if plan.focus.is_some_and(|focus| self.has(focus)) {
                return;
            }
        }
    }

    /// Runs the scripts of waivers, and says which waivers they no longer need.
    pub async fn try_waivers(&mut self, file: &Path) {
        for waiver in self.waivers.clone() {
            let Some(script) = &waiver.script else { continue };
            let times = self.times(script, waiver.rule).await;
            self.verdict.waive(waiver, times);
            if times == 0 {
                self.verdict.stale.push(Stale::new(
                    waiver,
                    file,
                    "Its own script was run, and did not break the rule.",
                ));
            }
        }
    }

    /// How often a script breaks a rule.
    pub async fn times(&mut self, script: &Script, rule: &'static str) -> u64 {
        // Every read is passed over, so that the last call is reached.
        let run = self.lab.run(script, &past_reads, None).await;
        self.verdict.counts.add(&run.observed);
        deviations(&run).filter(|deviation| rule_of(&run, deviation) == rule).count() as u64
    }

    /// Runs a script that was kept.
    pub async fn rerun(&mut self, kept: &Kept) {
        self.run(&kept.script, Origin::Kept(kept)).await;
    }

    /// Runs one script, and takes note of what it shows.
    async fn run(&mut self, script: &Script, origin: Origin<'_>) {
        let known = &self.known;
        let policy = |observed: &[Observed], mismatch: &Mismatch| known.policy(observed, mismatch);
        let avoid = |observed: &[Observed], mismatch: &Mismatch| known.avoids(observed, mismatch);
        let avoid: Option<Avoid<'_>> = if known.accepted.is_empty() { None } else { Some(&avoid) };
        let run = self.lab.run(script, &policy, avoid).await;
        self.verdict.counts.scripts += 1;
        self.verdict.counts.add(&run.observed);
        self.verdict.counts.avoided += run.avoided.len() as u64;
        if run.observed.iter().any(|seen| seen.reopened) {
            let shown = contract::rules().filter(|rule| rule.checks.contains(&Check::Reopen));
            self.verdict.reached.extend(shown.map(|rule| rule.id));
        }
        self.pulse.beat(run.observed.len() as u64, self.verdict.findings.len(), run.waived.len() as u64);
        if let End::Inconclusive(why) = &run.end {
            *self.verdict.counts.inconclusive.entry(why.clone()).or_default() += 1;
        }
        if !run.ruled_out.is_empty() {
            self.learn_waived_looks().await;
        }
        let misled_at = self.known.misled_at(&run).unwrap_or(usize::MAX);
        let mut doubtful = None;
        for deviation in deviations(&run) {
            if deviation.observed > misled_at {
                let why = "What a dropped call has done is told by an answer that may be wrong in a known way.";
                *self.verdict.counts.inconclusive.entry(why.to_owned()).or_default() += 1;
                break;
            }
            let rule = rule_of(&run, deviation);
            if !self.known.is_settled(rule) {
                self.found(script, &run, deviation, origin).await;
                continue;
            }
            if deviation.mismatch.aspect == Aspect::Accepted {
                self.known.accepted.insert(rule);
            }
            let look = Look::of(&run, deviation);
            if !self.known.looks.contains(&look) {
                self.known.looks.push(look);
            }
            let times = self.known.settled.entry(rule).or_default();
            *times += 1;
            let may_doubt = self.known.doubted <= self.verdict.counts.calls / CALLS_FOR_DOUBT;
            if times.is_power_of_two() && self.known.focus.is_none() && may_doubt {
                doubtful.get_or_insert(deviation);
            }
        }
        if let Some(deviation) = doubtful {
            self.found(script, &run, deviation, origin).await;
        }
    }

    /// Makes a deviation small, and takes note of the rule if it is a new one.
    async fn found(&mut self, script: &Script, run: &Run, deviation: &Deviation, origin: Origin<'_>) {
        let guess = rule_of(run, deviation);
        let (script, run, seed, file) = match origin {
            Origin::Kept(kept) => (script.clone(), run.clone(), None, Some(kept.file.clone())),
            Origin::Seed(seed) => {
                let script = without(script, &run.avoided);
                let Some((script, run)) = self.small(script, run, deviation).await else { return };
                (script, run, Some(seed), None)
            }
        };
        let rule = match &run.end {
            End::Deviates(last) => rule_of(&run, last),
            _ => guess,
        };
        if self.known.is_settled(rule) {
            return;
        }
        self.known.settled.insert(rule, 1);
        self.add(Finding { rule, script, run, seed, subject: Subject::of(self.storage), file });
    }

    /// The smallest script that shows a deviation, and its run; `None` if that
    /// turns out to be settled.
    async fn small(&mut self, script: Script, run: &Run, deviation: &Deviation) -> Option<(Script, Run)> {
        let (look, guess) = (Look::of(run, deviation), rule_of(run, deviation));
        if self.known.is_settled(guess) {
            return self.small_if_new(script, &look).await;
        }
        // A guess that was wrong before is looked into more and more rarely.
        if let Some(times) = self.known.mistaken.get_mut(guess) {
            *times += 1;
            if !times.is_power_of_two() {
                return None;
            }
        }
        // Fewer steps first: some may be left only because without them it looks settled.
        let fewer = match self.shrink_new(&script, &look, New, Depth::Steps).await {
            Shrunk::Small(fewer, _) => self.shrink(&fewer, &look, Any, Depth::Steps).await.0,
            other => other,
        };
        let small = match fewer {
            Shrunk::Small(_, run) if self.is_of_settled(&run) => Shrunk::Settled,
            Shrunk::Small(fewer, _) => self.shrink_new(&fewer, &look, Surely, Depth::Everything).await,
            other => other,
        };
        match small {
            Shrunk::Small(script, run) => Some((script, *run)),
            Shrunk::Settled => {
                self.known.mistaken.entry(guess).or_insert(1);
                None
            }
            Shrunk::Gone => {
                self.verdict.notes.push(format!("A breach of {guess} was seen once and did not happen again."));
                self.is_to_be_shown(&script, deviation, &look).await.then(|| (script, run.clone()))
            }
        }
    }

    /// The same of a deviation that seems settled. Most are, and with fewer
    /// steps that shows.
    async fn small_if_new(&mut self, script: Script, look: &Look) -> Option<(Script, Run)> {
        let mut small = None;
        for (which, depth) in [(Any, Depth::Steps), (Surely, Depth::Everything)] {
            let from = small.as_ref().map_or(&script, |(script, _)| script);
            let (shrunk, calls) = self.shrink(from, look, which, depth).await;
            self.known.doubted += calls;
            match shrunk {
                Shrunk::Small(script, run) if !self.is_of_settled(&run) => small = Some((script, *run)),
                _ => return None,
            }
        }
        small
    }

    /// Whether a run ends with what is settled.
    fn is_of_settled(&self, run: &Run) -> bool {
        matches!(&run.end, End::Deviates(last) if self.known.is_settled(rule_of(run, last)))
    }

    /// Whether to show what was seen once. Without a second look the guess
    /// stands, unless what is known looks the same.
    async fn is_to_be_shown(&mut self, script: &Script, deviation: &Deviation, look: &Look) -> bool {
        if *script != script.without_dropped() || deviation.mismatch.aspect == Aspect::Hung {
            // Where futures are dropped chance has its part, and the guess may
            // well be wrong; and what was slow once may have been a machine
            // that stood still. The note has to do.
            return false;
        }
        self.learn_waived_looks().await;
        !self.known.looks.iter().any(|known| known.resembles(look))
    }

    /// How the deviations look that are waived, unless that is known.
    async fn learn_waived_looks(&mut self) {
        if std::mem::replace(&mut self.known.waived_looks, true) {
            return;
        }
        for waiver in self.waivers.clone() {
            let Some(script) = &waiver.script else { continue };
            let run = self.lab.run(script, &past_reads, None).await;
            let looks = deviations(&run).map(|deviation| Look::of(&run, deviation));
            self.known.looks.extend(looks);
        }
    }

    /// The smallest script whose deviation looks the same and is not settled.
    /// Whether a call took effect whose future was dropped may be chance: then
    /// it may have to be made whole, or left out.
    async fn shrink_new(&mut self, script: &Script, look: &Look, which: Which, depth: Depth) -> Shrunk {
        let others = [script.clone(), script.clone(), script.with_dropped_made(), script.without_dropped()];
        let others = others.into_iter().filter(|_| *script != script.without_dropped());
        for script in std::iter::once(script.clone()).chain(others) {
            match self.shrink(&script, look, which, depth).await.0 {
                Shrunk::Gone => {}
                shrunk => return shrunk,
            }
        }
        Shrunk::Gone
    }

    /// Takes note of a finding, and keeps its script.
    fn add(&mut self, mut finding: Finding) {
        if contract::find(finding.rule).is_some_and(|rule| rule.strength == Strength::May) {
            self.verdict.remarks.push(finding);
            return;
        }
        if let (Some(regressions), None) = (&self.config.regressions, &finding.file) {
            match regressions.keep(&finding) {
                Ok(file) => finding.file = Some(file),
                Err(error) => self.verdict.notes.push(error.to_string()),
            }
        }
        self.verdict.findings.push(finding);
    }

    /// The smallest script whose deviation looks the same, and its run; and how
    /// many calls it took.
    async fn shrink(&mut self, script: &Script, look: &Look, which: Which, depth: Depth) -> (Shrunk, u64) {
        let known = &self.known;
        let looks = |observed: &[Observed], mismatch: &Mismatch| Look::seen(observed, mismatch) == *look;
        let is_new = |observed: &[Observed], mismatch: &Mismatch| !known.is_settled(blame(observed, mismatch));
        let policy = |observed: &[Observed], mismatch: &Mismatch| {
            let counts = looks(observed, mismatch) && (which != New || is_new(observed, mismatch));
            if counts { Next::Stop } else { known.policy(observed, mismatch) }
        };
        let (lab, mut calls, mut is_settled, mut is_first) = (&mut self.lab, 0, false, true);
        let shown = async |script: &Script| {
            if is_settled {
                return None;
            }
            let run = lab.run(script, &policy, None).await;
            calls += run.observed.len() as u64;
            let End::Deviates(deviation) = &run.end else { return None };
            let (mismatch, is_first) = (&deviation.mismatch, std::mem::take(&mut is_first));
            if !looks(&run.observed, mismatch) || known.misled_at(&run).is_some() {
                return None;
            }
            if which == Any || is_new(&run.observed, mismatch) {
                return Some(run);
            }
            is_settled = which == Surely && !is_first;
            None
        };
        let minimal = minimise_to(depth, script.clone(), self.config.shrinking, shown).await;
        let shrunk = match minimal.run {
            _ if is_settled => Shrunk::Settled,
            Some(run) => Shrunk::Small(minimal.script, Box::new(run)),
            None => Shrunk::Gone,
        };
        (shrunk, calls)
    }

    fn has(&self, rule: &str) -> bool {
        self.verdict.findings.iter().chain(&self.verdict.remarks).any(|finding| finding.rule == rule)
    }

    /// Ends a part of a check.
    pub async fn end(mut self) -> Verdict {
        for waiver in &self.waivers {
            let times = self.known.settled.remove(waiver.rule).unwrap_or(0);
            self.verdict.waive(waiver, times);
        }
        self.lab.close().await;
        self.verdict
    }

    /// Ends a whole check: says which waivers were met, and which were never needed.
    pub async fn finish(self, file: &Path) -> Verdict {
        let (whole, waivers) = (!self.pulse.is_over(), self.waivers.clone());
        let mut verdict = self.end().await;
        for waiver in waivers {
            let met = verdict.waived.iter().any(|waived| waived.rule == waiver.rule);
            if whole && waiver.script.is_none() && !met && is_met_by_scripts(waiver) {
                let why = "It has no script of its own, and nothing in the whole run broke the rule.";
                verdict.stale.push(Stale::new(waiver, file, why));
            }
        }
        verdict
    }
}

/// Whether generated scripts are what shows a waiver's deviation. What several
/// callers, a killed process or a validation of duroxide's show has trials of its own.
fn is_met_by_scripts(waiver: &Waiver) -> bool {
    waiver.program.is_none() && contract::find(waiver.rule).is_some_and(Rule::is_for_scripts)
}

/// The script without the steps that were left out.
fn without(script: &Script, avoided: &BTreeSet<usize>) -> Script {
    let kept = script.steps.iter().enumerate().filter(|(number, _)| !avoided.contains(number));
    Script { steps: kept.map(|(_, step)| step.clone()).collect() }
}
