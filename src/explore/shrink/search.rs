//! [`Search`]: runs candidates, and keeps the first that fails for the same reason.
//!
//! With several workers, the next candidates run ahead of time, as if none before them would be
//! kept. The result does not depend on the number of workers, because the first match in order is
//! always the one that is kept; the results of later candidates are discarded.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::answer::Replay;
use super::super::reason::Reason;
use super::super::shrunk::Stopped;
use crate::clock::Stopwatch;
use crate::sim::{Failure, PlanEntry};
use crate::trace::Trace;

/// The limit on the number of runs.
const MOST_RUNS: u64 = 5_000;

/// Candidates to run in parallel.
pub(in super::super) struct Batch<'a> {
    pub replays: &'a [Replay],
    /// Whether failures are returned without their traces.
    pub brief: bool,
}

/// The state of a search.
pub(super) struct Search<F> {
    run: F,
    width: usize,
    reason: Reason,
    /// The smallest candidate that fails so far.
    pub best: Replay,
    /// The entries of `best` that were not reached.
    pub unreached: Vec<PlanEntry>,
    /// Candidates that did not fail, as JSON; they are not run again.
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

    /// Whether the original plan makes the run fail again.
    ///
    /// # Errors
    ///
    /// A sentence, if the plan could not be run.
    pub fn fails_again(&mut self) -> Result<bool, String> {
        self.runs += 1;
        let best = self.best.clone();
        let failure = self.ask(&[best], true)?.pop().flatten();
        Ok(failure.is_some_and(|failure| self.keeps(self.best.clone(), *failure)))
    }

    /// Keeps the first candidate that fails for the same reason, and returns its index.
    ///
    /// # Errors
    ///
    /// Why no more candidates are run, if the search stops before the last one.
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

    /// The number of these candidates that have not been run.
    pub fn untried(&self, candidates: Vec<Replay>) -> u64 {
        candidates.iter().filter(|candidate| !self.rejected.contains(&key(candidate))).count() as u64
    }

    /// The trace of the smallest candidate so far; `None` if there is none, for example because its
    /// process dies.
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
        // A smaller run asks for fewer inputs. The failure of a process that died lists none.
        if !failure.plan.inputs.is_empty() {
            self.best.plan.inputs = failure.plan.inputs;
        }
        self.unreached = failure.unreached;
        true
    }
}

/// Identifies a candidate.
fn key(replay: &Replay) -> String {
    serde_json::to_string(replay).expect("plain data with text keys has a JSON form")
}
