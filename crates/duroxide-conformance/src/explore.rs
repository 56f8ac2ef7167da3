//! [`Explorer`]: runs scripts and decides what each deviation means.
//!
//! A rule is *settled* when it is waived, already found, or outside the check's focus. A settled rule
//! must not hide other deviations. If a read breaks a settled rule, the script continues. If a call that
//! changes state does, the script ends, because the model no longer knows the provider's state; so most
//! calls that are expected to break a settled rule by being accepted are skipped.
//!
//! Attributing a long script's deviation to a rule is a heuristic (see `blame`). A deviation that seems
//! new is therefore reported only if it still seems new after shrinking; and from time to time one that
//! seems settled is shrunk to verify that it is.

pub(super) mod signature;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use duroxide_sim::seed::Seed;

use super::blame::blame;
use super::config::Config;
use super::contract::{self, Check, Rule, Strength};
use super::drive::{Deviation, End, Observed, OnDeviation, Run, SkipPolicy, ends_with_read, past_reads};
use super::finding::{Finding, Subject};
use super::generate::{self, Profile};
use super::minimise::{Depth, minimise_to};
use super::mismatch::{Aspect, Mismatch};
use super::pulse::Pulse;
use super::regress::Kept;
use super::script::Script;
use super::script_runner::ScriptRunner;
use super::storage::Storage;
use super::verdict::{Stale, Verdict};
use super::waivers::Waiver;
use signature::{DeviationSignature, deviations, rule_of};

/// One in this many calls that would repeat a settled deviation is made nevertheless.
const MADE_OF: u64 = 16;

/// The budget for verifying settled deviations: one shrinking call for this many calls of scripts.
const CALLS_FOR_DOUBT: u64 = 2;

/// What to generate and signature for.
pub(crate) struct Plan {
    pub seed: Seed,
    pub calls: u64,
    pub profiles: Vec<Profile>,
    /// The only rule to signature for; `None` stands for every rule.
    pub focus: Option<&'static str>,
}

/// The origin of a script.
#[derive(Clone, Copy)]
enum Origin<'a> {
    Seed(Seed),
    /// Reported as it is, without shrinking.
    Kept(&'a Kept),
}

/// Which deviations a shrunk script may show.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Any,
    /// Only those of rules that are not settled.
    New,
    /// Like `New`, but shrinking stops as soon as a simpler candidate breaks a settled rule: the
    /// original deviation is then attributed to that rule.
    Surely,
}

use Which::{Any, New, Surely};

/// The outcome of shrinking.
enum Shrunk {
    Small(Script, Box<Run>),
    /// The deviation belongs to a settled rule.
    Settled,
    /// The deviation did not occur again.
    Gone,
}

/// A check in progress.
pub(crate) struct Explorer<'a> {
    storage: &'a dyn Storage,
    runner: ScriptRunner<'a>,
    config: &'a Config,
    waivers: Vec<&'a Waiver>,
    pulse: &'a Pulse,
    known: Known,
    pub verdict: Verdict,
}

/// What is known about the provider's deviations.
#[derive(Default)]
struct Known {
    focus: Option<&'static str>,
    /// Waived and found rules, and how many times each was broken.
    settled: BTreeMap<&'static str, u64>,
    /// Settled rules that the provider breaks by accepting calls it must refuse.
    accepted: BTreeSet<&'static str>,
    /// Rules that deviations were wrongly attributed to, and how many times.
    mistaken: BTreeMap<&'static str, u64>,
    /// Signatures of the deviations that break settled rules.
    signatures: Vec<DeviationSignature>,
    /// Whether `signatures` includes those of waived rules.
    waived_signatures: bool,
    /// The number of calls considered for skipping.
    foreseen: AtomicU64,
    /// The number of calls spent on verifying settled deviations.
    doubted: u64,
}

impl Known {
    fn is_settled(&self, rule: &str) -> bool {
        self.settled.contains_key(rule) || self.focus.is_some_and(|focus| focus != rule)
    }

    /// Whether a deviation breaks a waived or found rule, or has the signature of a known one.
    fn has(&self, run: &Run, deviation: &Deviation) -> bool {
        let signature = DeviationSignature::of(run, deviation);
        self.settled.contains_key(rule_of(run, deviation))
            || self.signatures.iter().any(|known| known.resembles(&signature))
    }

    /// The first call whose answer the oracle used to decide whether a dropped call took effect,
    /// although a known deviation would explain the answer too. Nothing can be concluded from the calls
    /// after it.
    fn misled_at(&self, run: &Run) -> Option<usize> {
        run.ruled_out.iter().find(|deviation| self.has(run, deviation)).map(|deviation| deviation.observed)
    }

    fn policy(&self, observed: &[Observed], mismatch: &Mismatch) -> OnDeviation {
        let is_answered = || observed.last().is_some_and(|last| last.reply.is_some());
        if ends_with_read(observed) && is_answered() && self.is_settled(blame(observed, mismatch).id) {
            OnDeviation::GoOn
        } else {
            OnDeviation::Stop
        }
    }

    /// Whether to skip a call that the provider should refuse but is known to accept.
    fn skips(&self, observed: &[Observed], mismatch: &Mismatch) -> bool {
        self.accepted.contains(blame(observed, mismatch).id)
            && !self.foreseen.fetch_add(1, Ordering::Relaxed).is_multiple_of(MADE_OF)
    }
}

impl<'a> Explorer<'a> {
    pub fn new(
        storage: &'a dyn Storage,
        runner: ScriptRunner<'a>,
        config: &'a Config,
        waivers: Vec<&'a Waiver>,
        pulse: &'a Pulse,
        verdict: Verdict,
    ) -> Explorer<'a> {
        let settled = waivers.iter().map(|waiver| (waiver.rule, 0)).collect();
        let known = Known { settled, ..Known::default() };
        Explorer { storage, runner, config, waivers, pulse, known, verdict }
    }

    /// Runs scripts until the plan's calls are made, the time limit is reached or the focus rule is
    /// broken.
    pub async fn explore(&mut self, plan: &Plan) {
        self.known.focus = plan.focus;
        let before = self.verdict.counts.calls;
        let mut number = 0_u64;
        while self.verdict.counts.calls - before < plan.calls {
            if self.pulse.is_over() {
                self.verdict.notes.push(format!(
                    "The time limit was reached after {} of {} calls. Raise it with Config::at_most, or make fewer \
                     calls.",
                    self.verdict.counts.calls - before,
                    plan.calls
                ));
                return;
            }
            let profile = plan.profiles[(number % plan.profiles.len() as u64) as usize];
            let profile = profile.in_ticks(self.runner.tick());
            let seed = plan.seed.child(profile.name()).child(&number.to_string());
            number += 1;
            self.run(&generate::script(seed, profile), Origin::Seed(seed)).await;
            if plan.focus.is_some_and(|focus| self.has(focus)) {
                return;
            }
        }
    }

    /// Runs the waivers' scripts and records which waivers are no longer needed.
    pub async fn try_waivers(&mut self, file: &Path) {
        for waiver in self.waivers.clone() {
            let Some(script) = &waiver.script else { continue };
            let times = self.times(script, waiver.rule).await;
            self.verdict.waive(waiver, times);
            if times == 0 {
                self.verdict.stale.push(Stale::new(waiver, file, "Its script was run and did not break the rule."));
            }
        }
    }

    /// Returns how many times a script breaks a rule.
    pub async fn times(&mut self, script: &Script, rule: &'static str) -> u64 {
        // Deviating reads do not end the run, so the last call is reached.
        let run = self.runner.run(script, &past_reads, None).await;
        self.verdict.counts.add(&run.observed);
        deviations(&run).filter(|deviation| rule_of(&run, deviation) == rule).count() as u64
    }

    /// Runs a kept script.
    pub async fn rerun(&mut self, kept: &Kept) {
        self.run(&kept.script, Origin::Kept(kept)).await;
    }

    /// Runs one script and records its deviations.
    async fn run(&mut self, script: &Script, origin: Origin<'_>) {
        let known = &self.known;
        let policy = |observed: &[Observed], mismatch: &Mismatch| known.policy(observed, mismatch);
        let skip = |observed: &[Observed], mismatch: &Mismatch| known.skips(observed, mismatch);
        let skip: Option<SkipPolicy<'_>> = if known.accepted.is_empty() { None } else { Some(&skip) };
        let run = self.runner.run(script, &policy, skip).await;
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
            self.learn_waived_signatures().await;
        }
        let misled_at = self.known.misled_at(&run).unwrap_or(usize::MAX);
        let mut doubtful = None;
        for deviation in deviations(&run) {
            if deviation.observed > misled_at {
                let why = "A known deviation hides whether a dropped call took effect.";
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
            let signature = DeviationSignature::of(&run, deviation);
            if !self.known.signatures.contains(&signature) {
                self.known.signatures.push(signature);
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

    /// Shrinks a deviation and records a finding if its rule is not settled.
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
            End::Agrees | End::Inconclusive(_) => guess,
        };
        if self.known.is_settled(rule) {
            return;
        }
        self.known.settled.insert(rule, 1);
        self.add(Finding { rule, script, run, seed, subject: Subject::of(self.storage), file });
    }

    /// Returns the smallest script that shows a deviation, and its run; `None` if the deviation turns
    /// out to be settled.
    async fn small(&mut self, script: Script, run: &Run, deviation: &Deviation) -> Option<(Script, Run)> {
        let (signature, guess) = (DeviationSignature::of(run, deviation), rule_of(run, deviation));
        if self.known.is_settled(guess) {
            return self.small_if_new(script, &signature).await;
        }
        // Rules that were wrongly blamed before are investigated with decreasing frequency.
        if let Some(times) = self.known.mistaken.get_mut(guess) {
            *times += 1;
            if !times.is_power_of_two() {
                return None;
            }
        }
        // Removes steps first: some steps may remain only because the deviation seems settled without
        // them.
        let fewer = match self.shrink_new(&script, &signature, New, Depth::Steps).await {
            Shrunk::Small(fewer, _) => self.shrink(&fewer, &signature, Any, Depth::Steps).await.0,
            other => other,
        };
        let small = match fewer {
            Shrunk::Small(_, run) if self.is_of_settled(&run) => Shrunk::Settled,
            Shrunk::Small(fewer, _) => self.shrink_new(&fewer, &signature, Surely, Depth::Everything).await,
            other => other,
        };
        match small {
            Shrunk::Small(script, run) => Some((script, *run)),
            Shrunk::Settled => {
                self.known.mistaken.entry(guess).or_insert(1);
                None
            }
            Shrunk::Gone => {
                self.verdict.notes.push(format!("A deviation from {guess} was observed once and did not occur again."));
                self.is_to_be_shown(&script, deviation, &signature).await.then(|| (script, run.clone()))
            }
        }
    }

    /// Like `small`, for a deviation that seems settled. Most are, which shows after removing steps.
    async fn small_if_new(&mut self, script: Script, signature: &DeviationSignature) -> Option<(Script, Run)> {
        let mut small = None;
        for (which, depth) in [(Any, Depth::Steps), (Surely, Depth::Everything)] {
            let from = small.as_ref().map_or(&script, |(script, _)| script);
            let (shrunk, calls) = self.shrink(from, signature, which, depth).await;
            self.known.doubted += calls;
            match shrunk {
                Shrunk::Small(script, run) if !self.is_of_settled(&run) => small = Some((script, *run)),
                _ => return None,
            }
        }
        small
    }

    /// Whether a run ends with a deviation of a settled rule.
    fn is_of_settled(&self, run: &Run) -> bool {
        matches!(&run.end, End::Deviates(last) if self.known.is_settled(rule_of(run, last)))
    }

    /// Whether to report a deviation that did not occur again: only if it is deterministic and does not
    /// have the signature of a known one.
    async fn is_to_be_shown(&mut self, script: &Script, deviation: &Deviation, signature: &DeviationSignature) -> bool {
        if *script != script.without_dropped() || deviation.mismatch.aspect == Aspect::Hung {
            // Whether a dropped call took effect is partly chance, so the attribution may be wrong; and
            // a hung call may be due to a busy machine. The note in the verdict is enough.
            return false;
        }
        self.learn_waived_signatures().await;
        !self.known.signatures.iter().any(|known| known.resembles(signature))
    }

    /// Collects the signatures of waived deviations, once.
    async fn learn_waived_signatures(&mut self) {
        if std::mem::replace(&mut self.known.waived_signatures, true) {
            return;
        }
        for waiver in self.waivers.clone() {
            let Some(script) = &waiver.script else { continue };
            let run = self.runner.run(script, &past_reads, None).await;
            let signatures = deviations(&run).map(|deviation| DeviationSignature::of(&run, deviation));
            self.known.signatures.extend(signatures);
        }
    }

    /// Returns the smallest script with the same signature whose deviation is not settled. Whether a
    /// dropped call took effect may be chance, so this also tries the script with its dropped calls
    /// completed or removed.
    async fn shrink_new(
        &mut self,
        script: &Script,
        signature: &DeviationSignature,
        which: Which,
        depth: Depth,
    ) -> Shrunk {
        let others = [script.clone(), script.clone(), script.with_dropped_made(), script.without_dropped()];
        let others = others.into_iter().filter(|_| *script != script.without_dropped());
        for script in std::iter::once(script.clone()).chain(others) {
            match self.shrink(&script, signature, which, depth).await.0 {
                Shrunk::Gone => {}
                shrunk => return shrunk,
            }
        }
        Shrunk::Gone
    }

    /// Records a finding and keeps its script.
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

    /// Returns the smallest script with the same signature and its run, and the number of calls made.
    async fn shrink(
        &mut self,
        script: &Script,
        signature: &DeviationSignature,
        which: Which,
        depth: Depth,
    ) -> (Shrunk, u64) {
        let known = &self.known;
        let is_like =
            |observed: &[Observed], mismatch: &Mismatch| DeviationSignature::seen(observed, mismatch) == *signature;
        let is_new = |observed: &[Observed], mismatch: &Mismatch| !known.is_settled(blame(observed, mismatch).id);
        let policy = |observed: &[Observed], mismatch: &Mismatch| {
            let counts = is_like(observed, mismatch) && (which != New || is_new(observed, mismatch));
            if counts { OnDeviation::Stop } else { known.policy(observed, mismatch) }
        };
        let (runner, mut calls, mut is_settled, mut is_first) = (&mut self.runner, 0, false, true);
        let shown = async |script: &Script| {
            if is_settled {
                return None;
            }
            let run = runner.run(script, &policy, None).await;
            calls += run.observed.len() as u64;
            let End::Deviates(deviation) = &run.end else { return None };
            let (mismatch, is_first) = (&deviation.mismatch, std::mem::take(&mut is_first));
            if !is_like(&run.observed, mismatch) || known.misled_at(&run).is_some() {
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
        self.runner.close().await;
        self.verdict
    }

    /// Ends a whole check and records which waivers were never needed.
    pub async fn finish(self, file: &Path) -> Verdict {
        let (whole, waivers) = (!self.pulse.is_over(), self.waivers.clone());
        let mut verdict = self.end().await;
        for waiver in waivers {
            let met = verdict.waived.iter().any(|waived| waived.rule == waiver.rule);
            if whole && waiver.script.is_none() && !met && is_met_by_scripts(waiver) {
                let why = "It has no script, and no call of the whole check broke the rule.";
                verdict.stale.push(Stale::new(waiver, file, why));
            }
        }
        verdict
    }
}

/// Whether generated scripts can show a waiver's deviation. Deviations that show only with concurrent
/// callers, in a killed process or in one of duroxide's validations have trials of their own.
fn is_met_by_scripts(waiver: &Waiver) -> bool {
    waiver.program.is_none() && contract::find(waiver.rule).is_some_and(Rule::is_for_scripts)
}

/// The script without the skipped steps.
fn without(script: &Script, avoided: &BTreeSet<usize>) -> Script {
    let kept = script.steps.iter().enumerate().filter(|(number, _)| !avoided.contains(number));
    Script { steps: kept.map(|(_, step)| step.clone()).collect() }
}
