//! `waivers::<line>::<rule>`: whether each waiver is still needed.

use super::context::{Outcome, TrialContext};
use super::{Trial, concurrent, generated};
use crate::check::Work;
use crate::concurrent::replay_race;
use crate::contract;
use crate::explore::Plan;
use crate::generate::Profile;
use crate::race::Program;
use crate::verdict::{Stale, Verdict};
use crate::waivers::{Waiver, Waivers};

/// A waiver without a script gets this many times the calls of a rule.
const MORE: u64 = 20;

/// The maximum number of runs of a concurrent program that should show its
/// deviation, which depends on the threads.
const MOST_REPEATS: u64 = 200;

/// For a concurrent deviation without a program, the factor on the number of
/// all calls; what it shows depends on the threads.
const MORE_OF_SEVERAL: u64 = 4;

pub(super) fn trials(context: &TrialContext) -> Vec<Trial> {
    // The waivers of validations are checked where the validation runs.
    let waivers = context.waivers.of(&context.label).filter(|waiver| !waiver.rule.starts_with("official::"));
    let trial = |waiver: &Waiver| {
        let waiver = waiver.clone();
        Trial::new(format!("waivers::{}::{}", waiver.line, waiver.rule), move |context: &TrialContext| {
            look_at(context, &waiver)
        })
    };
    waivers.map(trial).collect()
}

fn look_at(context: &TrialContext, waiver: &Waiver) -> Outcome {
    let verdict = match (&waiver.script, &waiver.program) {
        (Some(_), _) => context.examine(&context.waivers.only(waiver), Work::Waivers),
        (None, Some(program)) => return repeat(context, waiver, program),
        (None, None) => explore(context, waiver),
    };
    Outcome::of(&verdict)
}

/// Runs a concurrent program until it shows the deviation. If it does not, that
/// proves nothing, because it depends on the threads.
fn repeat(context: &TrialContext, waiver: &Waiver, program: &Program) -> Outcome {
    let _lane = context.lane(true);
    for number in 0..MOST_REPEATS {
        let schedule = context.config.seed.child(waiver.rule).child(&number.to_string());
        let race = context.block_on(replay_race(context.trial_storage_of_all(), program, schedule));
        if race.is_some_and(|race| race.rule == waiver.rule) {
            let mut verdict = Verdict::new(context.label.clone(), context.config.seed);
            verdict.waive(waiver, number + 1);
            let outcome = Outcome::of(&verdict);
            context.add(verdict);
            return outcome;
        }
    }
    Outcome::Ignored(format!(
        "its program was run {MOST_REPEATS} times without showing the deviation, which depends on the threads"
    ))
}

/// Looks for the deviation, ignoring the waivers.
fn explore(context: &TrialContext, waiver: &Waiver) -> Verdict {
    let plan = Plan {
        seed: context.config.seed.child(waiver.rule),
        calls: generated::calls_of_rule(context) * MORE,
        profiles: Profile::for_rule(waiver.rule),
        focus: Some(waiver.rule),
    };
    let only_several =
        |rule: &contract::Rule| rule.checks.contains(&contract::Check::Concurrent) && !rule.is_for_scripts();
    let several = contract::find(waiver.rule).is_some_and(only_several);
    let mut verdict = match several {
        true => concurrent::look_for(context, waiver.rule, context.calls() * MORE_OF_SEVERAL),
        false => context.examine(&Waivers::default(), Work::Plan(plan)),
    };
    let met = verdict.findings.iter().chain(&verdict.remarks).map(|finding| finding.rule);
    let met = met.chain(verdict.races.iter().map(|race| race.rule)).any(|rule| rule == waiver.rule);
    verdict.findings.clear();
    verdict.races.clear();
    if !met && verdict.troubles.is_empty() {
        let why = "It has no script, and no script generated for its rule broke it.";
        verdict.stale.push(Stale::new(waiver, context.waivers.file(), why));
    }
    verdict
}
