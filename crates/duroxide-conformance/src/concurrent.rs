//! Concurrent mode: checks whether the answers to several concurrent callers
//! are linearizable.
//!
//! Programs are generated from seeds. In their rounds, callers compete for an
//! orchestration item, a work item, a session or an instance that is deleted.
//! Time stands still during a round; between rounds it may advance, and
//! everything is read. Calls and answers are recorded in one global order, and
//! `linearize` searches for a sequential order in which the store gives the
//! same answers.
//!
//! A provider on virtual time runs on one thread, with the callers interleaved
//! at its awaits by a seed; runs are repeatable, so programs can be shrunk. For
//! other providers the callers are tasks of the runtime that awaits the check.
//!
//! Deviations that also occur with sequential calls are not races; `check`
//! finds those. This module reads no clock.

mod acts;
mod arena;
mod blame;
mod interleave;
mod play;
mod record;
mod rounds;
mod yield_injector;

pub(crate) use rounds::Theme;

use duroxide_sim::seed::Seed;

use self::arena::{Arena, Judged};
use super::config::Config;
use super::contract::{Rule, rule};
use super::detect::{on_clock, on_its_clock, settled};
use super::pace::Pace;
use super::pulse::Pulse;
use super::race::{Program, Race};
use super::storage::{Storage, TimeSource};
use super::verdict::Verdict;
use super::waivers::Waivers;
use super::watch::Watch;

/// The rules that only concurrent callers can break; every program checks each
/// of them.
const RULES: &[&Rule] = &[
    rule!("concurrent.linearizable"),
    rule!("concurrent.one-lock-winner"),
    rule!("concurrent.one-ack-winner"),
    rule!("concurrent.nothing-lost"),
    rule!("concurrent.no-false-refusals"),
    rule!("concurrent.deletions"),
    rule!("error.contention-is-retryable"),
];

/// Checks a provider with several concurrent callers, for the configured number
/// of calls. Deviations are reported as the verdict's races.
///
/// Blocks the thread where the provider follows virtual time. Otherwise the
/// callers are tasks of the runtime that awaits this function; use one with
/// several threads.
pub async fn check_concurrent(storage: &dyn Storage, config: &Config) -> Verdict {
    check_with(storage, config, Callers::AsTheClockSays).await
}

/// Like [`check_concurrent`], but always with tasks: a provider that could be
/// interleaved on one thread runs on as many threads as the runtime has, with
/// the process's clock stopped.
pub async fn check_concurrent_tasks(storage: &dyn Storage, config: &Config) -> Verdict {
    check_with(storage, config, Callers::Tasks).await
}

/// Runs the program of a race and returns the race that the run shows, if any.
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
    match config.settle() {
        Ok((config, waivers)) => {
            let plan = Plan { seed: config.seed, calls: config.calls_at(storage.time()), theme: None, callers };
            concurrent(storage, &config, &waivers, plan).await
        }
        Err(why) => Verdict::trouble(storage.label(), config.seed, why),
    }
}

/// How callers are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callers {
    /// Interleaved on one thread with virtual time, as tasks otherwise.
    AsTheClockSays,
    Tasks,
}

/// What to check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub seed: Seed,
    pub calls: u64,
    /// The theme of the rounds; `None` stands for all themes.
    pub theme: Option<Theme>,
    pub callers: Callers,
}

/// Performs the check and returns its verdict.
pub(crate) async fn concurrent(storage: &dyn Storage, config: &Config, waivers: &Waivers, plan: Plan) -> Verdict {
    let trouble = |why: String| Verdict::trouble(storage.label(), plan.seed, why);
    let watch = match Watch::of(storage, config, plan.calls) {
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
    // Sequential deviations are not races. The programs reveal most of them;
    // those that depend on the order of calls are learned from the waivers'
    // scripts.
    for script in waivers.of(&label).filter_map(|waiver| waiver.script.as_ref()) {
        arena.learn_from(script).await;
    }
    let mut number = 0_u64;
    while verdict.counts.calls < plan.calls {
        if pulse.is_over() {
            let made = verdict.counts.calls;
            verdict.notes.push(format!("The time limit was reached after {made} of {} concurrent calls.", plan.calls));
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
    verdict.reached.extend(RULES.iter().map(|rule| rule.id));
    arena.close().await;
    verdict
}
