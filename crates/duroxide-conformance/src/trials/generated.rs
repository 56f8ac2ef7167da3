//! `generated::<profile>`: generated scripts of a profile, which fail for any
//! rule that is not waived. Also divides the budget of calls among the trials.

use super::Trial;
use super::context::{Outcome, TrialContext};
use crate::check::Work;
use crate::contract;
use crate::explore::Plan;

pub(super) fn trials(context: &TrialContext) -> Vec<Trial> {
    let trial = |profile: &crate::generate::Profile| {
        let profile = *profile;
        Trial::new(format!("generated::{}", profile.name()), move |context: &TrialContext| {
            let calls = context.calls() / 2 / context.config.profiles.len().max(1) as u64;
            let plan = Plan { seed: context.config.seed, calls: calls.max(1), profiles: vec![profile], focus: None };
            Outcome::of(&context.examine(&context.waivers, Work::Plan(plan)))
        })
    };
    context.config.profiles.iter().map(trial).collect()
}

/// Half of all calls are for the rules, in equal parts.
pub(super) fn calls_of_rule(context: &TrialContext) -> u64 {
    let rules = contract::rules().filter(|rule| rule.is_for_scripts()).count() as u64;
    (context.calls() / 2 / rules.max(1)).max(1)
}
