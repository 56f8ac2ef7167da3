//! [`Arena`]: runs, judges and shrinks programs.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use duroxide_sim::clock;
use duroxide_sim::seed::Seed;

use super::Callers;
use super::blame::blame;
use super::play::{Lapse, Place, play};
use super::rounds::{Theme, Waits, program};
use crate::config::Config;
use crate::drive::{Observed, past_reads};
use crate::explore::signature::deviations;
use crate::finding::Subject;
use crate::linearize::{Broken, Budget, Linearity, Made, SequentialAnomalies, linearize_within, smallest};
use crate::pace::Pace;
use crate::pulse::Pulse;
use crate::race::{Program, Race};
use crate::reading::Reading;
use crate::script::Script;
use crate::script_runner::ScriptRunner;
use crate::storage::Storage;

/// The maximum number of runs for shrinking a program.
const MOST_RUNS: u64 = 1_500;

/// The maximum with tasks, where a run takes real time.
const MOST_RUNS_ON_THREADS: u64 = 300;

/// The number of interleavings in which a smaller program is tried.
const SCHEDULES: u64 = 10;

/// The number of orders in which a program is run sequentially, to see whether
/// its deviation requires concurrency.
const ORDERS: u64 = 8;

/// The number of programs that are run sequentially at first.
const LESSONS: u64 = 12;

/// The outcome of one run.
pub(super) enum Judged {
    Explained,
    Unknown(&'static str),
    Race(Box<Race>),
}

/// A program with a run that is not linearizable.
pub(super) struct Found {
    program: Program,
    schedule: Seed,
    history: Vec<Made>,
    broken: Broken,
}

/// A storage on which programs are run one after the other.
pub(super) struct Arena<'a> {
    runner: ScriptRunner<'a>,
    subject: Subject,
    patience: Duration,
    place: fn(Seed) -> Place,
    waits: Waits,
    lapse: Lapse,
    reading: Reading,
    /// The deviations that also occur with sequential calls.
    anomalies: SequentialAnomalies,
    lessons_left: u64,
    /// The calls and answers of the last run.
    pub observed: Vec<Observed>,
}

impl<'a> Arena<'a> {
    pub fn new(storage: &'a dyn Storage, pace: Pace, config: &Config, callers: Callers) -> Arena<'a> {
        // Where a slow call may outlast a lock, nothing may depend on time.
        let held = pace.tick().is_none();
        let (waits, lapse) = if held { (Waits::Some, Lapse::Locks) } else { (Waits::None, Lapse::Nothing) };
        let interleaved = clock::is_virtual() && callers == Callers::AsTheClockSays;
        let reading = storage.reading();
        Arena {
            subject: Subject::of(storage),
            patience: config.patience,
            place: if interleaved { Place::Interleaved } else { Place::Tasks },
            waits,
            lapse,
            reading: Reading { timestamps: !matches!(pace, Pace::Real(_)) && reading.timestamps, ..reading },
            anomalies: SequentialAnomalies::default(),
            lessons_left: LESSONS,
            observed: Vec::new(),
            runner: ScriptRunner::new(storage, pace, config.patience),
        }
    }

    /// Runs a script with one caller and records its deviations as sequential
    /// ones.
    pub async fn learn_from(&mut self, script: &Script) {
        let run = self.runner.run(script, &past_reads, None).await;
        for deviation in deviations(&run) {
            let method = run.observed[deviation.observed].call.method();
            self.anomalies.learn(method, &deviation.mismatch.aspect);
        }
    }

    pub async fn close(self) {
        self.runner.close().await;
    }

    fn is_repeatable(&self) -> bool {
        matches!((self.place)(Seed(0)), Place::Interleaved(_))
    }

    /// Runs the program of a seed. Races are shrunk unless their rule is
    /// `known`.
    pub async fn look_at(&mut self, seed: Seed, theme: Option<Theme>, known: &[&str], pulse: &Pulse) -> Judged {
        let program = program(seed, theme, self.waits);
        if self.lessons_left > 0 {
            self.lessons_left -= 1;
            self.learn(&program, Place::OneByOne(VecDeque::new(), seed)).await;
        }
        let history = self.play(&program, (self.place)(seed)).await;
        self.observed = history.iter().map(Made::observed).collect();
        let broken = match self.judge(&history) {
            Linearity::Explained => return Judged::Explained,
            Linearity::Unknown => return Judged::Unknown("There are too many possible orders to search them all."),
            Linearity::Broken(broken) => broken,
        };
        if known.contains(&blame(&history, &broken.calls, &broken).id) {
            return Judged::Explained;
        }
        let found = Found { program, schedule: seed, history, broken };
        let found = match self.only_when_several_call(found, seed).await {
            Ok(found) => self.shrink(found, seed, pulse).await,
            Err(judged) => return judged,
        };
        match self.only_when_several_call(found, seed).await {
            Ok(found) => Judged::Race(Box::new(self.describe(found, seed))),
            Err(judged) => judged,
        }
    }

    /// Returns `found` if its program shows no such deviation when run
    /// sequentially, in several orders.
    async fn only_when_several_call(&mut self, found: Found, seed: Seed) -> Result<Found, Judged> {
        // In the order of the answers, in that of the calls, and in random
        // orders.
        let mut answered: Vec<&Made> = found.history.iter().filter(|made| made.caller > 0).collect();
        let made: VecDeque<usize> = answered.iter().map(|made| made.caller).collect();
        answered.sort_by_key(|made| made.replied);
        let answered = answered.into_iter().map(|made| made.caller).collect();
        let orders = [answered, made].into_iter().chain((0..ORDERS).map(|_| VecDeque::new()));
        for (number, turns) in orders.enumerate() {
            let place = Place::OneByOne(turns, seed.child(&format!("order {number}")));
            if !self.learn(&found.program, place).await {
                return Err(Judged::Unknown("Sequential calls of the same program deviate, too."));
            }
        }
        // What the sequential runs revealed may explain this run.
        match self.judge(&found.history) {
            Linearity::Broken(broken) => Ok(Found { broken, ..found }),
            Linearity::Explained | Linearity::Unknown => Err(Judged::Explained),
        }
    }

    /// Runs a program sequentially and records its deviations. Returns whether
    /// those explain the run.
    async fn learn(&mut self, program: &Program, place: Place) -> bool {
        let history = self.play(program, place).await;
        loop {
            let Linearity::Broken(broken) = self.judge(&history) else { return true };
            let learned = broken
                .stuck
                .iter()
                .filter(|(call, mismatch)| self.anomalies.learn(history[*call].call.method(), &mismatch.aspect));
            if learned.count() == 0 {
                return false;
            }
        }
    }

    /// Runs a program and returns the run if it is not linearizable.
    pub async fn find(&mut self, program: Program, schedule: Seed) -> Option<Found> {
        let history = self.play(&program, (self.place)(schedule)).await;
        match self.judge(&history) {
            Linearity::Broken(broken) => Some(Found { program, schedule, history, broken }),
            Linearity::Explained | Linearity::Unknown => None,
        }
    }

    async fn play(&mut self, program: &Program, place: Place) -> Vec<Made> {
        play(program, &mut self.runner, place, self.patience, self.lapse).await
    }

    fn judge(&self, history: &[Made]) -> Linearity {
        linearize_within(history, &BTreeSet::new(), &self.anomalies, self.reading, Budget::default())
    }

    /// Shrinks a program.
    async fn shrink(&mut self, found: Found, seed: Seed, pulse: &Pulse) -> Found {
        let mut best = found;
        let mut runs = if self.is_repeatable() { MOST_RUNS } else { MOST_RUNS_ON_THREADS };
        let mut chunk = best.program.len().div_ceil(2).max(1);
        while runs > 0 && !pulse.is_over() {
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
        best
    }

    /// Looks for an interleaving in which `program` breaks the same rule.
    async fn again(&mut self, program: Program, seed: Seed, best: &Found, runs: &mut u64) -> Option<Found> {
        let rule = blame(&best.history, &best.broken.calls, &best.broken);
        for number in 0..SCHEDULES {
            *runs = runs.checked_sub(1)?;
            let schedule = if number == 0 { best.schedule } else { seed.child(&number.to_string()) };
            if let Some(found) = self.find(program.clone(), schedule).await
                && blame(&found.history, &found.broken.calls, &found.broken) == rule
            {
                return Some(found);
            }
        }
        None
    }

    /// Reduces a run to the calls that matter and describes it.
    pub fn describe(&self, found: Found, seed: Seed) -> Race {
        let (calls, broken) = smallest(&found.history, found.broken, &self.anomalies, self.reading);
        let rule = blame(&found.history, &calls, &broken).id;
        let place = |call: usize| calls.iter().position(|kept| *kept == call);
        let stuck = broken.stuck.iter().filter_map(|(call, mismatch)| Some((place(*call)?, mismatch.clone())));
        Race {
            rule,
            stuck: stuck.collect(),
            history: calls.iter().map(|call| found.history[*call].clone()).collect(),
            base: found.history.first().map_or(clock::Time(0), |made| made.at),
            program: found.program,
            schedule: self.is_repeatable().then_some(found.schedule),
            seed,
            subject: self.subject.clone(),
        }
    }
}
