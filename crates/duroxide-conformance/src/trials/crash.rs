//! `crash::killed`: a process that works on the storage is killed repeatedly,
//! and every change it was told about must survive.

use duroxide_sim::seed::Seed;

use super::Trial;
use super::context::{Outcome, TrialContext};
use crate::contract::{Rule, rule};
use crate::crash::{Crash, crash};
use crate::finding::{Finding, Subject};
use crate::generate::{self, Area, Profile};
use crate::script::Script;
use crate::verdict::Verdict;

/// The rules that a crash may show to be broken.
const RULES: &[&Rule] = &[
    rule!("durable.acknowledged-survives"),
    rule!("durable.nothing-half-done"),
    rule!("durable.locks-end"),
    rule!("durable.attempts-survive"),
];

/// One process is killed for this many calls of the budget.
const CALLS_FOR_EACH: u64 = 5_000;

pub(super) fn trials(_: &TrialContext) -> Vec<Trial> {
    vec![Trial::new("crash::killed", killed)]
}

fn killed(context: &TrialContext) -> Outcome {
    let _lane = context.lane(true);
    let seed = context.config.seed.child("crash::killed");
    let mut verdict = Verdict::new(context.label.clone(), seed);
    for number in 0..context.calls().div_ceil(CALLS_FOR_EACH) {
        let seed = seed.child(&number.to_string());
        let profile = Profile::of(Area::ALL[number as usize % Area::ALL.len()]);
        let profile = profile.in_ticks(context.storage.time().tick());
        let script = generate::script(seed, profile);
        let once = crash(&*context.storage, &script, seed, context.config.patience);
        match context.block_on(once) {
            Ok(Some(crash)) => look_at(context, &mut verdict, crash, script, seed),
            Ok(None) => return Outcome::Ignored("the storage does not outlive its provider".to_owned()),
            Err(why) => verdict.troubles.push(why),
        }
        if !verdict.is_clean() {
            break;
        }
    }
    let outcome = Outcome::of(&verdict);
    context.add(verdict);
    outcome
}

fn look_at(context: &TrialContext, verdict: &mut Verdict, crash: Crash, script: Script, seed: Seed) {
    verdict.counts.scripts += 1;
    verdict.counts.add(&crash.run.observed);
    verdict.reached.extend(RULES.iter().map(|rule| rule.id));
    if crash.answered == 0 {
        let why = "The process was killed before any call was answered.";
        *verdict.counts.inconclusive.entry(why.to_owned()).or_default() += 1;
    }
    let Some(rule) = crash.rule else { return };
    match context.waivers_of(rule).next() {
        Some(waiver) => verdict.waive(waiver, 1),
        None => {
            let subject = Subject::of(&*context.storage);
            verdict.findings.push(Finding { rule, script, run: crash.run, seed: Some(seed), subject, file: None });
        }
    }
}
