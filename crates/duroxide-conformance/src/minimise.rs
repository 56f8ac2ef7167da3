//! [`minimise`]: shrinks a failing script.
//!
//! It tries smaller scripts, the largest cuts first, and keeps each that still
//! fails: fewer steps, then simpler steps, then simpler names. This module owns
//! the order of the attempts and the budget; the caller defines what counts as
//! the same failure.

mod aim;
mod inside;
mod names;
mod path;
mod plainer;
mod steps;

pub(super) use aim::spelled_out;

use std::collections::BTreeSet;
use std::time::Duration;

use duroxide_sim::unstable::clock::Stopwatch;

use super::drive::Run;
use super::script::{Script, Step};

/// The budget for shrinking one script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The maximum number of scripts to run.
    pub runs: u64,
    /// The maximum real time; a run in progress is completed.
    pub time: Duration,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { runs: 5_000, time: Duration::from_secs(10) }
    }
}

/// The result of shrinking.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimal {
    /// The smallest failing script that was found.
    pub script: Script,
    /// The run of that script; `None` if the original script did not fail
    /// again.
    pub run: Option<Run>,
    /// The number of scripts that were run.
    pub runs: u64,
    /// Whether the budget was exhausted before every smaller script was tried.
    pub is_cut_short: bool,
}

/// Shrinks a script as long as `fails` returns its run. The result always still
/// fails, whatever the budget.
pub async fn minimise(script: Script, budget: Budget, fails: impl AsyncFnMut(&Script) -> Option<Run>) -> Minimal {
    minimise_to(Depth::Everything, script, budget, fails).await
}

/// How far to shrink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Only remove steps. This takes a fraction of the runs, and usually
    /// reveals what a script is about.
    Steps,
    Everything,
}

/// Shrinks a script to this depth.
pub(super) async fn minimise_to(
    depth: Depth,
    script: Script,
    budget: Budget,
    mut fails: impl AsyncFnMut(&Script) -> Option<Run>,
) -> Minimal {
    let watch = Stopwatch::start();
    let Some(run) = fails(&script).await else {
        return Minimal { script, run: None, runs: 1, is_cut_short: false };
    };
    let mut search = Search { fails, best: Script::default(), run, tried: BTreeSet::new(), watch, budget, runs: 1 };
    search.keep(script);
    match depth {
        Depth::Steps => search.shrink_steps().await,
        Depth::Everything => search.shrink().await,
    }
    Minimal { is_cut_short: search.is_spent(), script: search.best, run: Some(search.run), runs: search.runs }
}

/// The maximum number of passes; a pass that shrinks the script is followed by
/// another.
const MOST_ROUNDS: usize = 8;

/// A search in progress.
struct Search<F> {
    fails: F,
    best: Script,
    /// The run of `best`.
    run: Run,
    /// Scripts that were run, as text.
    tried: BTreeSet<String>,
    watch: Stopwatch,
    budget: Budget,
    runs: u64,
}

impl<F: AsyncFnMut(&Script) -> Option<Run>> Search<F> {
    async fn shrink(&mut self) {
        for _ in 0..MOST_ROUNDS {
            let before = self.best.clone();
            self.shrink_steps().await;
            self.join_waits().await;
            self.simplify().await;
            self.cut_pairs().await;
            self.rename().await;
            if self.best == before || self.is_spent() {
                break;
            }
        }
        self.make_absolute().await;
    }

    async fn shrink_steps(&mut self) {
        self.cut_bystanders().await;
        self.cut().await;
        if self.spell_out().await {
            self.cut().await;
        }
    }

    fn is_spent(&self) -> bool {
        self.runs >= self.budget.runs || self.watch.elapsed() >= self.budget.time
    }

    /// Runs a script and keeps it if it fails.
    async fn attempt(&mut self, candidate: Script) -> bool {
        if self.is_spent() || !self.tried.insert(candidate.to_string()) {
            return false;
        }
        self.runs += 1;
        let Some(run) = (self.fails)(&candidate).await else { return false };
        self.run = run;
        self.keep(candidate);
        true
    }

    /// Keeps a script, without the steps after the deviation, which were never
    /// run.
    fn keep(&mut self, mut script: Script) {
        if let Some(last) = self.run.observed.last() {
            script.steps.truncate(last.step + 1);
        }
        self.tried.insert(script.to_string());
        self.best = script;
    }

    async fn attempt_step(&mut self, at: usize, step: Step) -> bool {
        let mut candidate = self.best.clone();
        candidate.steps[at] = step;
        self.attempt(candidate).await
    }
}
