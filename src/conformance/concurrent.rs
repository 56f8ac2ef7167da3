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
//! Any provider can be run with its callers as tasks of the caller's runtime.
//!
//! It does not read a clock, and it says nothing of single callers: `check` does.

mod acts;
mod blame;
mod dawdle;
mod jumble;
mod play;
mod program;
mod race;
mod record;
mod rounds;

use std::collections::BTreeMap;
use std::time::Duration;

pub use program::{Program, ProgramError, Round};
pub use race::Race;

use self::blame::blame;
use self::play::{Lapse, Place, play};
use self::rounds::{Waits, program};
use super::lab::Lab;
use super::linearize::{Broken, Linearity, Made, linearize, smallest};
use super::oracle::Reading;
use super::pace::Pace;
use super::storage::{Storage, TimeSource};
use crate::clock::{self, Time};
use crate::seed::Seed;

/// How much is run, and from which seed.
#[derive(Clone, Debug)]
pub struct ConcurrentConfig {
    /// Everything but the threads is drawn from it.
    pub seed: Seed,
    /// How many programs are run.
    pub programs: u64,
    /// How much real time one call may take.
    pub patience: Duration,
    /// Where the callers run.
    pub callers: Callers,
}

/// Where callers run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// On a thread of their own on virtual time, in an order that the seed
    /// decides. For providers with [`TimeSource::Virtual`].
    Simulated,
    /// As tasks of the runtime that the check is awaited in.
    Tasks,
}

impl Default for ConcurrentConfig {
    fn default() -> ConcurrentConfig {
        ConcurrentConfig {
            seed: Seed(1),
            programs: 300,
            patience: Duration::from_secs(10),
            callers: Callers::Simulated,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct ConcurrentVerdict {
    /// One for each rule that is broken.
    pub races: Vec<Race>,
    /// How many programs were run.
    pub programs: u64,
    /// How many rounds of several callers.
    pub rounds: u64,
    /// How many calls were made.
    pub calls: u64,
    /// Programs of which nothing can be said, and why.
    pub inconclusive: BTreeMap<String, u64>,
}

/// Checks a provider with several callers at once.
pub async fn check_concurrent(storage: &dyn Storage, config: &ConcurrentConfig) -> ConcurrentVerdict {
    match config.callers {
        // Blocks the thread: a check is all that its caller does.
        Callers::Simulated => {
            let start = Time(1_735_689_600_000);
            let run = || clock::run_alone(start, config.seed, concurrent(storage, config));
            let done = std::thread::scope(|scope| scope.spawn(run).join()).expect("a check does not panic");
            done.unwrap_or_else(|why| ConcurrentVerdict {
                inconclusive: BTreeMap::from([(why, config.programs)]),
                ..ConcurrentVerdict::default()
            })
        }
        Callers::Tasks => concurrent(storage, config).await,
    }
}

/// The same, on the thread and in the time it is called.
pub(crate) async fn concurrent(storage: &dyn Storage, config: &ConcurrentConfig) -> ConcurrentVerdict {
    let mut arena = Arena::new(storage, config);
    let mut verdict = ConcurrentVerdict::default();
    for number in 0..config.programs {
        let seed = config.seed.child(&number.to_string());
        let program = program(seed, arena.waits);
        let history = arena.play(&program, seed).await;
        verdict.programs += 1;
        verdict.rounds += program.rounds.len() as u64;
        verdict.calls += history.len() as u64;
        match arena.judge(&history) {
            Linearity::Explained => {}
            Linearity::Unknown => {
                let why = "Too many orders are possible to look at all of them.".to_owned();
                *verdict.inconclusive.entry(why).or_default() += 1;
            }
            Linearity::Broken(broken) => {
                let rule = blame(&history, &broken.calls, &broken);
                if verdict.races.iter().any(|race| race.rule == rule) {
                    continue;
                }
                let race = arena.race(program, seed, history, broken).await;
                if verdict.races.iter().all(|known| known.rule != race.rule) {
                    verdict.races.push(race);
                }
            }
        }
    }
    arena.lab.close().await;
    verdict
}

/// Runs one program, as a race gives it, and says whether it is broken again.
pub async fn replay(storage: &dyn Storage, program: &Program, schedule: Seed) -> Option<Race> {
    let config = ConcurrentConfig::default();
    let run = || {
        clock::run_alone(Time(1_735_689_600_000), config.seed, async {
            let mut arena = Arena::new(storage, &config);
            let history = arena.play(program, schedule).await;
            match arena.judge(&history) {
                Linearity::Broken(broken) => Some(arena.describe(program.clone(), schedule, schedule, history, broken)),
                _ => None,
            }
        })
    };
    std::thread::scope(|scope| scope.spawn(run).join()).expect("a replay does not panic").unwrap_or_default()
}

/// How many runs making a program small may take.
const MOST_RUNS: u64 = 1_500;

/// In how many orders a smaller program is tried.
const SCHEDULES: u64 = 10;

/// A program, and a run of it that no order explains.
struct Found {
    program: Program,
    schedule: Seed,
    history: Vec<Made>,
    broken: Broken,
}

/// A storage on which programs are run one after the other.
struct Arena<'a> {
    lab: Lab<'a>,
    config: &'a ConcurrentConfig,
    waits: Waits,
    lapse: Lapse,
    reading: Reading,
}

impl<'a> Arena<'a> {
    fn new(storage: &'a dyn Storage, config: &'a ConcurrentConfig) -> Arena<'a> {
        // Where the clock cannot be held still, nothing may hang on the time.
        let held = clock::is_virtual() && storage.time() == TimeSource::Virtual;
        let (waits, lapse) = if held { (Waits::Some, Lapse::Locks) } else { (Waits::None, Lapse::Nothing) };
        let reading = Reading { timestamps: held && storage.reading().timestamps, ..storage.reading() };
        let lab = Lab::new(storage, Pace::Virtual, config.patience);
        Arena { lab, config, waits, lapse, reading }
    }

    fn is_repeatable(&self) -> bool {
        self.config.callers == Callers::Simulated
    }

    async fn play(&mut self, program: &Program, schedule: Seed) -> Vec<Made> {
        let place = if self.is_repeatable() { Place::Jumbled(schedule) } else { Place::Tasks(schedule) };
        play(program, &mut self.lab, place, self.config.patience, self.lapse).await
    }

    fn judge(&self, history: &[Made]) -> Linearity {
        linearize(history, self.reading)
    }

    /// What is found, as small as it gets.
    async fn race(&mut self, program: Program, seed: Seed, history: Vec<Made>, broken: Broken) -> Race {
        let mut best = Found { program, schedule: seed, history, broken };
        let mut runs = if self.is_repeatable() { MOST_RUNS } else { 0 };
        let mut chunk = best.program.len().div_ceil(2).max(1);
        while runs > 0 {
            let mut at = 0;
            let mut shrunk = false;
            loop {
                let places = best.program.places();
                let Some(cut) = places.get(at..(at + chunk).min(places.len())).filter(|cut| !cut.is_empty()) else {
                    break;
                };
                match self.again(best.program.without(cut), seed, &best, &mut runs).await {
                    Some(smaller) => {
                        best = smaller;
                        shrunk = true;
                    }
                    None => at += chunk,
                }
            }
            if chunk == 1 && !shrunk {
                break;
            }
            chunk = chunk.div_ceil(2);
        }
        self.describe(best.program, best.schedule, seed, best.history, best.broken)
    }

    /// Looks for an order of the callers in which `program` breaks the same rule.
    async fn again(&mut self, program: Program, seed: Seed, best: &Found, runs: &mut u64) -> Option<Found> {
        let rule = blame(&best.history, &best.broken.calls, &best.broken);
        for number in 0..SCHEDULES {
            *runs = runs.checked_sub(1)?;
            let schedule = if number == 0 { best.schedule } else { seed.child(&number.to_string()) };
            let history = self.play(&program, schedule).await;
            if let Linearity::Broken(broken) = self.judge(&history)
                && blame(&history, &broken.calls, &broken) == rule
            {
                return Some(Found { program, schedule, history, broken });
            }
        }
        None
    }

    fn describe(&self, program: Program, schedule: Seed, seed: Seed, history: Vec<Made>, broken: Broken) -> Race {
        let (calls, broken) = smallest(&history, broken, self.reading);
        let rule = blame(&history, &calls, &broken);
        let place = |call: usize| calls.iter().position(|kept| *kept == call);
        let stuck = broken.stuck.iter().filter_map(|(call, mismatch)| Some((place(*call)?, mismatch.clone())));
        Race {
            rule,
            stuck: stuck.collect(),
            history: calls.iter().map(|call| history[*call].clone()).collect(),
            program,
            schedule: self.is_repeatable().then_some(schedule),
            seed,
        }
    }
}
