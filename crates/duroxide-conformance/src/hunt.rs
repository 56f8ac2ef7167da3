//! [`hunt`]: runs generated scripts on a provider until one breaks a given
//! rule.
//!
//! A variant of `check` for a known rule: it continues after other deviations
//! where possible, and stops at the first deviation of that rule.

use std::collections::BTreeSet;

use duroxide_sim::call::Method;
use duroxide_sim::store::Ineligible;

use super::blame::blame;
use super::config::Config;
use super::detect::on_its_clock;
use super::drive::{Deviation, End, Observed, OnDeviation, Run, ends_with_read};
use super::explore::signature::{deviations, rule_of};
use super::finding::{Finding, Subject};
use super::generate::{self, Profile};
use super::minimise::{Budget, minimise};
use super::mismatch::{Aspect, Mismatch};
use super::pace::Pace;
use super::script::Script;
use super::script_runner::ScriptRunner;
use super::storage::Storage;

/// The result of a hunt.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// The finding, if the rule was broken.
    pub finding: Option<Finding>,
    /// The number of calls made, not counting those of shrinking.
    pub calls: u64,
    /// Other rules that shrunk scripts broke.
    pub others: BTreeSet<&'static str>,
    /// Whether the script was shrunk only among those that break this rule:
    /// smaller scripts with a similar last answer break other rules.
    pub is_one_of_several: bool,
}

/// Searches for a script that breaks `rule`, among those most likely to do so.
pub async fn hunt(storage: &dyn Storage, rule: &str, config: &Config) -> Hunt {
    let search = async |pace: Pace| {
        let runner = ScriptRunner::new(storage, pace, config.patience);
        let hunt = Hunt { finding: None, calls: 0, others: BTreeSet::new(), is_one_of_several: false };
        let shrinking = config.shrinking;
        let mut hunter = Hunter { storage, runner, rule, shrinking, hunt, tries: Vec::new() };
        hunter.search(config).await;
        hunter.runner.close().await;
        hunter.hunt
    };
    on_its_clock(storage, config.seed, search).await.unwrap_or_else(|why| panic!("{why}"))
}

/// The signature of a deviation, and the rule that it seems to break.
type Signature = (Method, Aspect, &'static str);

struct Hunter<'a> {
    storage: &'a dyn Storage,
    runner: ScriptRunner<'a>,
    rule: &'a str,
    shrinking: Budget,
    hunt: Hunt,
    /// How many times deviations with a signature were shrunk.
    tries: Vec<(Signature, u32)>,
}

/// The maximum of `tries`, for signatures of other rules.
const MOST_TRIES: u32 = 3;

impl Hunter<'_> {
    async fn search(&mut self, config: &Config) {
        let profiles = Profile::for_rule(self.rule);
        let calls = config.calls_at(self.storage.time());
        let mut number = 0;
        while self.hunt.calls < calls {
            let seed = config.seed.child(&number.to_string());
            let profile = profiles[number % profiles.len()];
            let profile = profile.in_ticks(self.runner.tick());
            let script = generate::script(seed, profile);
            number += 1;
            let rule = self.rule;
            let policy = |observed: &[Observed], mismatch: &Mismatch| {
                let other = ends_with_read(observed) && blame(observed, mismatch).id != rule;
                if other { OnDeviation::GoOn } else { OnDeviation::Stop }
            };
            let run = self.runner.run(&script, &policy, None).await;
            self.hunt.calls += run.observed.len() as u64;
            for deviation in deviations(&run) {
                let (method, aspect) = signature(&run, deviation);
                let signature = (method, aspect, rule_of(&run, deviation));
                let tries = self.count(&signature);
                if tries > MOST_TRIES && signature.2 != self.rule || tries > 10 * MOST_TRIES {
                    continue;
                }
                let is_one_of_several = signature.2 == self.rule && tries > 1;
                let (script, run, rule) = self.shrink(&script, &signature, is_one_of_several).await;
                let Some((run, rule)) = run.zip(rule) else { continue };
                if rule == self.rule {
                    self.hunt.is_one_of_several = is_one_of_several;
                    let subject = Subject::of(self.storage);
                    self.hunt.finding = Some(Finding { rule, script, run, seed: Some(seed), subject, file: None });
                    return;
                }
                self.hunt.others.insert(rule);
            }
        }
    }

    /// How many deviations with this signature there are with this one.
    fn count(&mut self, signature: &Signature) -> u32 {
        match self.tries.iter_mut().find(|(known, _)| known == signature) {
            Some((_, tries)) => {
                *tries += 1;
                *tries
            }
            None => {
                self.tries.push((signature.clone(), 1));
                1
            }
        }
    }

    /// Returns the smallest script with this signature and the rule it breaks.
    /// If `kept`, the rule must stay the same.
    async fn shrink(
        &mut self,
        script: &Script,
        wanted: &Signature,
        kept: bool,
    ) -> (Script, Option<Run>, Option<&'static str>) {
        let like = |observed: &[Observed], mismatch: &Mismatch| {
            observed.last().is_some_and(|last| last.call.method() == wanted.0)
                && aspect(mismatch) == wanted.1
                && (!kept || blame(observed, mismatch).id == wanted.2)
        };
        let policy = |observed: &[Observed], mismatch: &Mismatch| {
            if ends_with_read(observed) && !like(observed, mismatch) { OnDeviation::GoOn } else { OnDeviation::Stop }
        };
        let (runner, shrinking) = (&mut self.runner, self.shrinking);
        let shows = async |script: &Script| {
            let run = runner.run(script, &policy, None).await;
            let like = matches!(&run.end, End::Deviates(last) if like(&run.observed, &last.mismatch));
            like.then_some(run)
        };
        let minimal = minimise(script.clone(), shrinking, shows).await;
        let rule = match minimal.run.as_ref().map(|run| (run, &run.end)) {
            Some((run, End::Deviates(last))) => Some(rule_of(run, last)),
            Some((_, End::Agrees | End::Inconclusive(_))) | None => None,
        };
        (minimal.script, minimal.run, rule)
    }
}

fn signature(run: &Run, deviation: &Deviation) -> (Method, Aspect) {
    (run.observed[deviation.observed].call.method(), aspect(&deviation.mismatch))
}

/// The aspect, whatever made the item ineligible.
fn aspect(mismatch: &Mismatch) -> Aspect {
    match &mismatch.aspect {
        Aspect::Barred(_) => Aspect::Barred(Ineligible::Absent),
        aspect => aspect.clone(),
    }
}
