//! `concurrent::<theme>`: several concurrent callers that compete for one
//! thing.

use super::Trial;
use super::context::{Outcome, TrialContext};
use crate::concurrent::{Callers, Plan, Theme, concurrent};
use crate::verdict::Verdict;
use crate::waivers::Waivers;

/// One call of concurrent callers is made for this many calls of the budget.
const CALLS_FOR_EACH: u64 = 5;

pub(super) fn trials(_: &TrialContext) -> Vec<Trial> {
    let trial = |theme: &Theme| {
        let theme = *theme;
        Trial::new(format!("concurrent::{}", theme.name()), move |context: &TrialContext| {
            let calls = context.calls() / CALLS_FOR_EACH / Theme::ALL.len() as u64;
            Outcome::of(&look_at(context, &context.waivers, theme, calls.max(1)))
        })
    };
    Theme::ALL.iter().map(trial).collect()
}

fn look_at(context: &TrialContext, waivers: &Waivers, theme: Theme, calls: u64) -> Verdict {
    let seed = context.config.seed.child(theme.name());
    let plan = Plan { seed, calls, theme: Some(theme), callers: Callers::AsTheClockSays };
    let verdict = match context.time() {
        Err(why) => Verdict::trouble(context.label.clone(), seed, why),
        Ok(_) => {
            // Calls of other trials would interleave.
            let _lane = context.lane(true);
            context.block_on(concurrent(context.trial_storage_of_all(), &context.config, waivers, plan))
        }
    };
    context.add(verdict.clone());
    verdict
}

/// Looks for a deviation that only concurrent callers show, ignoring the
/// waivers.
pub(super) fn look_for(context: &TrialContext, rule: &str, calls: u64) -> Verdict {
    let mut verdict = Verdict::new(context.label.clone(), context.config.seed);
    for theme in Theme::ALL.iter().copied() {
        verdict.merge(look_at(context, &Waivers::default(), theme, calls / Theme::ALL.len() as u64));
        if verdict.races.iter().any(|race| race.rule == rule) {
            break;
        }
    }
    verdict
}
