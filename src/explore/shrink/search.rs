//! [`Search`]: candidates are run, and the first of them that fails for the same
//! reason is kept.
//!
//! With several workers the next candidates are run ahead, as if none before them
//! was kept. Which is kept does not depend on how many are run at once, because it
//! is always the first in order; what was run ahead of it is forgotten.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::answer::Replay;
use super::super::reason::Reason;
use super::super::shrunk::Stopped;
use crate::clock::Stopwatch;
use crate::sim::{Failure, PlanEntry};
use crate::trace::Trace;

/// How many runs there are at the most.
const MOST_RUNS: u64 = 5_000;

/// Candidates that are to be run at once.
pub(in super::super) struct Batch<'a> {
    pub replays: &'a [Replay],
    /// Whether failures come without their traces.
    pub brief: bool,
}

/// A search under way.
pub(super) struct Search<F> {
    run: F,
    width: usize,
    reason: Reason,
    /// The smallest that fails so far.
    pub best: Replay,
    /// Which of its entries were not reached.
    pub unreached: Vec<PlanEntry>,
    /// Those that did not fail, as JSON: they are not run again.
    rejected: BTreeSet<String>,
    watch: Stopwatch,
    at_most: Duration,
    pub runs: u64,
}

impl<F: FnMut(Batch<'_>) -> Result<Vec<Option<Box<Failure>>>, String>> Search<F> {
    pub fn of(failure: &Failure, at_most: Duration, width: usize, run: F) -> Search<F> {
        Search {
            run,
            width: width.max(1),
            reason: Reason::of(failure),
            best: Replay { plan: failure.plan.clone(), without: BTreeSet::new() },
            unreached: Vec::new(),
            rejected: BTreeSet::new(),
            watch: Stopwatch::start(),
            at_most,
            runs: 0,
        }
    }

    /// Whether the plan as it was found makes the run fail again.
    ///
    /// # Errors
    ///
    /// Where it could not be run: a sentence.
    pub fn fails_again(&mut self) -> Result<bool, String> {
        self.runs += 1;
        let best = self.best.clone();
        let failure = self.ask(&[best], true)?.pop().flatten();
        Ok(failure.is_some_and(|failure| self.keeps(self.best.clone(), *failure)))
    }

    /// Keeps the first candidate that fails for the same reason, and returns its
    /// number.
    ///
    /// # Errors
    ///
    /// Why nothing more is run, where that is so before the last was.
    pub fn first(&mut self, candidates: impl IntoIterator<Item = Replay>) -> Result<Option<usize>, Stopped> {
        let mut candidates = candidates.into_iter().enumerate().fuse();
        loop {
            let mut batch = Vec::new();
            while batch.len() < self.width
                && let Some((number, candidate)) = candidates.next()
            {
                if candidate != self.best && !self.rejected.contains(&key(&candidate)) {
                    batch.push((number, candidate));
                }
            }
            if batch.is_empty() {
                return Ok(None);
            }
            if self.watch.elapsed() >= self.at_most {
                return Err(Stopped::Time(self.at_most));
            }
            let (numbers, replays): (Vec<usize>, Vec<Replay>) = batch.into_iter().unzip();
            let failures = self.ask(&replays, true).map_err(Stopped::Broken)?;
            for ((number, candidate), failure) in numbers.into_iter().zip(replays).zip(failures) {
                if self.runs >= MOST_RUNS {
                    return Err(Stopped::Runs(MOST_RUNS));
                }
                self.runs += 1;
                let key = key(&candidate);
                if failure.is_some_and(|failure| self.keeps(candidate, *failure)) {
                    return Ok(Some(number));
                }
                self.rejected.insert(key);
            }
        }
    }

    /// How many of these have not been run.
    pub fn untried(&self, candidates: Vec<Replay>) -> u64 {
        candidates.iter().filter(|candidate| !self.rejected.contains(&key(candidate))).count() as u64
    }

    /// The trace of the smallest so far; `None` where there is none to be had, such
    /// as of a process that dies.
    pub fn trace(&mut self) -> Result<Option<Trace>, Stopped> {
        self.runs += 1;
        let best = self.best.clone();
        let failure = self.ask(&[best], false).map_err(Stopped::Broken)?.pop().flatten();
        Ok(failure.map(|failure| failure.trace).filter(|trace| !trace.entries.is_empty()))
    }

    fn ask(&mut self, replays: &[Replay], brief: bool) -> Result<Vec<Option<Box<Failure>>>, String> {
        (self.run)(Batch { replays, brief })
    }

    /// Keeps a candidate if it fails for the same reason.
    fn keeps(&mut self, candidate: Replay, failure: Failure) -> bool {
        if !self.reason.is_shown_by(&Reason::of(&failure)) {
            return false;
        }
        self.best = candidate;
        // Where there are fewer orders, what there was for the others is not asked.
        // A run that dies tells of none.
        if !failure.plan.inputs.is_empty() {
            self.best.plan.inputs = failure.plan.inputs;
        }
        self.unreached = failure.unreached;
        true
    }
}

/// What tells a candidate from others.
fn key(replay: &Replay) -> String {
    serde_json::to_string(replay).expect("plain data with text keys has a JSON form")
}
