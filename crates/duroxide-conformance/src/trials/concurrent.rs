//! `concurrent::<theme>`: several concurrent callers that compete for one
//! thing.

use super::Trial;
use super::stand::{Outcome, Stand};
use crate::concurrent::{Callers, Plan, Theme, concurrent};
use crate::verdict::Verdict;
use crate::waivers::Waivers;

/// One call of concurrent callers is made for this many calls of the budget.
const CALLS_FOR_EACH: u64 = 5;

pub(super) fn trials(_: &Stand) -> Vec<Trial> {
    let trial = |theme: &Theme| {
        let theme = *theme;
        Trial::new(format!("concurrent::{}", theme.name()), move |stand: &Stand| {
            let calls = stand.calls() / CALLS_FOR_EACH / Theme::ALL.len() as u64;
            Outcome::of(&look_at(stand, &stand.waivers, theme, calls.max(1)))
        })
    };
    Theme::ALL.iter().map(trial).collect()
}

fn look_at(stand: &Stand, waivers: &Waivers, theme: Theme, calls: u64) -> Verdict {
    let seed = stand.config.seed.child(theme.name());
    let plan = Plan { seed, calls, theme: Some(theme), callers: Callers::AsTheClockSays };
    let verdict = match stand.time() {
        Err(why) => Verdict::trouble(stand.label.clone(), seed, why),
        Ok(_) => {
            // Calls of other trials would interleave.
            let _lane = stand.lane(true);
            stand.block_on(concurrent(stand.depot_of_all(), &stand.config, waivers, plan))
        }
    };
    stand.add(verdict.clone());
    verdict
}

/// Looks for a deviation that only concurrent callers show, ignoring the
/// waivers.
pub(super) fn look_for(stand: &Stand, rule: &str, calls: u64) -> Verdict {
    let mut verdict = Verdict::new(stand.label.clone(), stand.config.seed);
    for theme in Theme::ALL {
        verdict.merge(look_at(stand, &Waivers::default(), theme, calls / Theme::ALL.len() as u64));
        if verdict.races.iter().any(|race| race.rule == rule) {
            break;
        }
    }
    verdict
}
