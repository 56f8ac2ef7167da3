//! Concurrent mode: several callers at once on one provider, and whether one
//! after another could have seen what they saw.
//!
//! Programs come from seeds: rounds in which callers meet over a turn, a job, a
//! session, an instance that is deleted. While they call, time stands still;
//! between the rounds it may move, and everything is read. What they asked and
//! were answered is recorded with one counter for the order, and `linearize`
//! looks for an order in which the store gives the same answers.
//!
//! A provider on virtual time is run on one thread, its callers interleaved at
//! its awaits as a seed decides: a run repeats, and the program is made small.
//! Others are run with the callers as tasks of the runtime that the check is
//! awaited in.
//!
//! It does not read a clock, and it says nothing of single callers, `check`
//! does: what a provider gets wrong with one caller at a time too is no race.

mod acts;
mod arena;
mod blame;
mod dawdle;
mod jumble;
mod play;
mod program;
mod race;
mod record;
mod rounds;

pub use program::{Program, ProgramError, Round};
pub use race::{Race, ShownRace};
pub(crate) use rounds::Theme;

use duroxide_sim::seed::Seed;

use self::arena::{Arena, Judged};
use super::check::{settle, watch};
use super::config::Config;
use super::detect::{on_clock, on_its_clock, settled};
use super::pace::Pace;
use super::pulse::Pulse;
use super::storage::{Storage, TimeSource};
use super::verdict::Verdict;
use super::waivers::Waivers;

/// The rules that only several callers show, each looked at by every program.
const RULES: [&str; 7] = [
    "concurrent.linearizable",
    "concurrent.one-lock-winner",
    "concurrent.one-ack-winner",
    "concurrent.nothing-lost",
    "concurrent.no-false-refusals",
    "concurrent.deletions",
    "error.contention-is-retryable",
];

/// Checks a provider with several callers at once, for as many calls as the
/// configuration says. What it finds are the verdict's races.
///
/// It blocks the thread where the provider follows virtual time. Elsewhere the
/// callers are tasks of the runtime it is awaited in; give it several threads.
pub async fn check_concurrent(storage: &dyn Storage, config: &Config) -> Verdict {
    check_with(storage, config, Callers::AsTheClockSays).await
}

/// The same, with the callers as tasks in any case: a provider that could be
/// interleaved on one thread then runs on as many as the runtime has, on a clock
/// that stands still for the whole process.
pub async fn check_concurrent_tasks(storage: &dyn Storage, config: &Config) -> Verdict {
    check_with(storage, config, Callers::Tasks).await
}

/// Runs a program as a race gives it, and says what is found in it.
pub async fn replay_race(storage: &dyn Storage, program: &Program, schedule: Seed) -> Option<Race> {
    let config = Config::default();
    let run = async |pace: Pace| {
        let mut arena = Arena::new(storage, pace, &config, Callers::AsTheClockSays);
        let found = arena.find(program.clone(), schedule).await;
        let race = found.map(|found| arena.describe(found, schedule));
        arena.close().await;
        race
    };
    on_its_clock(storage, Seed(1), run).await.unwrap_or_else(|why| panic!("{why}"))
}

async fn check_with(storage: &dyn Storage, config: &Config, callers: Callers) -> Verdict {
    match settle(config) {
        Ok((config, waivers)) => {
            let plan = Plan { seed: config.seed, calls: config.calls_at(storage.time()), theme: None, callers };
            concurrent(storage, &config, &waivers, plan).await
        }
        Err(why) => Verdict::trouble(storage.label(), config.seed, why),
    }
}

/// Where callers run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callers {
    /// Interleaved on one thread where time is virtual, as tasks elsewhere.
    AsTheClockSays,
    Tasks,
}

/// What to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub seed: Seed,
    pub calls: u64,
    /// What callers meet over; anything, if it is not said.
    pub theme: Option<Theme>,
    pub callers: Callers,
}

/// Does it, and says what came of it.
pub(crate) async fn concurrent(storage: &dyn Storage, config: &Config, waivers: &Waivers, plan: Plan) -> Verdict {
    let trouble = |why: String| Verdict::trouble(storage.label(), plan.seed, why);
    let watch = match watch(storage, config, plan.calls) {
        Ok(watch) => watch,
        Err(why) => return trouble(why),
    };
    let pulse: &Pulse = &watch.pulse;
    let run = async |pace: Pace| run(storage, config, waivers, plan, pulse, pace).await;
    let (source, why) = match settled(storage).await {
        Ok(settled) => settled,
        Err(why) => return trouble(why),
    };
    let verdict = match (plan.callers, source) {
        (Callers::Tasks, TimeSource::Virtual) => match Pace::new(TimeSource::Warp).await {
            Ok(pace) => Ok(run(pace).await),
            Err(why) => Err(why),
        },
        _ => on_clock(source, plan.seed, run).await,
    };
    let mut verdict = verdict.unwrap_or_else(trouble);
    verdict.notes.extend(why);
    verdict
}

async fn run(
    storage: &dyn Storage,
    config: &Config,
    waivers: &Waivers,
    plan: Plan,
    pulse: &Pulse,
    pace: Pace,
) -> Verdict {
    let label = storage.label();
    let mut verdict = Verdict::new(label.clone(), plan.seed);
    verdict.clock = pace.describe();
    let mut arena = Arena::new(storage, pace, config, plan.callers);
    // What one caller is told wrongly is no race. The programs' own lessons show
    // most of it; what shows only in some orders of calls is among the waived.
    for script in waivers.of(&label).filter_map(|waiver| waiver.script.as_ref()) {
        arena.learn_from(script).await;
    }
    let mut number = 0_u64;
    while verdict.counts.calls < plan.calls {
        if pulse.is_over() {
            let made = verdict.counts.calls;
            verdict.notes.push(format!("The time was up after {made} of {} calls of several callers.", plan.calls));
            break;
        }
        let seed = plan.seed.child("concurrent").child(&number.to_string());
        number += 1;
        let waived = verdict.waived.iter().map(|waived| waived.rule);
        let known: Vec<&str> = verdict.races.iter().map(|race| race.rule).chain(waived).collect();
        let judged = arena.look_at(seed, plan.theme, &known, pulse).await;
        verdict.counts.scripts += 1;
        verdict.counts.add(&arena.observed);
        pulse.beat(arena.observed.len() as u64, verdict.races.len(), 0);
        match judged {
            Judged::Explained => {}
            Judged::Unknown(why) => *verdict.counts.inconclusive.entry(why.to_owned()).or_default() += 1,
            Judged::Race(race) => match waivers.of(&label).find(|waiver| waiver.rule == race.rule) {
                Some(waiver) => verdict.waive(waiver, 1),
                None if verdict.races.iter().all(|known| known.rule != race.rule) => verdict.races.push(*race),
                None => {}
            },
        }
    }
    verdict.reached.extend(RULES);
    arena.close().await;
    verdict
}
