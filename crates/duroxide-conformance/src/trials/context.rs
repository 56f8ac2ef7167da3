//! [`TrialContext`]: the shared state of a test binary's trials.
//!
//! It decides which trials may run concurrently. A warped clock affects the
//! whole process, and corrupting "the history of that instance" affects the
//! provider created last; trials that use either run alone. It runs no trial
//! itself.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::check::{Work, examine};
use crate::config::Config;
use crate::report::TrialLine;
use crate::storage::{Storage, TimeSource};
use crate::trial_storage::TrialStorage;
use crate::verdict::Verdict;
use crate::waivers::{Waiver, Waivers};

/// The shared state of a test binary's trials.
pub(crate) struct TrialContext {
    pub storage: Arc<dyn Storage>,
    pub config: Config,
    pub waivers: Waivers,
    pub label: String,
    trial_storage: TrialStorage,
    /// One runtime for all trials, so that connections outlive the trial that
    /// opened them.
    runtime: Runtime,
    source: OnceLock<Result<TimeSource, String>>,
    /// Fair, so that no trial waits indefinitely.
    lanes: RwLock<()>,
    results: Mutex<(Verdict, Vec<TrialLine>)>,
}

/// The outcome of a trial.
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    /// The trial did not run, for this reason.
    Ignored(String),
}

/// The permission to run, concurrently with others or alone.
pub(crate) enum Lane<'a> {
    Beside { _guard: RwLockReadGuard<'a, ()> },
    Alone { _guard: RwLockWriteGuard<'a, ()> },
}

impl TrialContext {
    pub fn new(storage: Arc<dyn Storage>, config: Config) -> Result<TrialContext, String> {
        let waivers = config.load_waivers().map_err(|error| error.to_string())?;
        let runtime = Builder::new_multi_thread().enable_all().build();
        let label = storage.label();
        let verdict = Verdict::new(label.clone(), config.seed);
        Ok(TrialContext {
            trial_storage: TrialStorage::new(storage.clone()),
            runtime: runtime.map_err(|error| format!("No tokio runtime could be built: {error}."))?,
            source: OnceLock::new(),
            lanes: RwLock::new(()),
            results: Mutex::new((verdict, Vec::new())),
            storage,
            config,
            waivers,
            label,
        })
    }

    /// The waivers of a rule or a validation.
    pub fn waivers_of(&self, rule: &str) -> impl Iterator<Item = &Waiver> {
        self.waivers.of(&self.label).filter(move |waiver| waiver.rule == rule)
    }

    /// The number of calls of all trials together.
    pub fn calls(&self) -> u64 {
        self.config.calls_at(self.storage.time())
    }

    /// Waits until this trial may run.
    pub fn lane(&self, alone: bool) -> Lane<'_> {
        if alone {
            Lane::Alone { _guard: self.lanes.blocking_write() }
        } else {
            Lane::Beside { _guard: self.lanes.blocking_read() }
        }
    }

    /// The clock that the storage follows.
    pub fn time(&self) -> Result<TimeSource, String> {
        let find_out = || {
            let _lane = self.lane(true);
            let (source, why) = self.runtime.block_on(self.trial_storage.settle())?;
            self.results.lock().0.notes.extend(why);
            Ok(source)
        };
        self.source.get_or_init(find_out).clone()
    }

    /// The storage for everything except validations.
    pub fn trial_storage_of_all(&self) -> &TrialStorage {
        &self.trial_storage
    }

    /// The storage for one validation.
    pub fn trial_storage(&self) -> TrialStorage {
        self.trial_storage.for_one()
    }

    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Performs a part of a check when allowed, and keeps the verdict for the
    /// reports.
    pub fn examine(&self, waivers: &Waivers, work: Work) -> Verdict {
        let verdict = match self.time() {
            Err(why) => Verdict::trouble(self.label.clone(), self.config.seed, why),
            Ok(time) => {
                let alone = time.is_warped() || self.storage.can_corrupt();
                let _lane = self.lane(alone);
                self.block_on(examine(&self.trial_storage, &self.config, waivers, work))
            }
        };
        self.results.lock().0.merge(verdict.clone());
        verdict
    }

    /// Keeps a verdict for the reports.
    pub fn add(&self, verdict: Verdict) {
        self.results.lock().0.merge(verdict);
    }

    pub fn note(&self, line: TrialLine) {
        self.results.lock().1.push(line);
    }

    /// The results of all trials; the trials are ordered by name.
    pub fn results(&self) -> (Verdict, Vec<TrialLine>) {
        let (verdict, mut lines) = self.results.lock().clone();
        lines.sort_by(|a, b| a.name.cmp(&b.name));
        (verdict, lines)
    }
}

impl Outcome {
    /// The outcome of a trial that fails for every deviation that is not
    /// waived.
    pub fn of(verdict: &Verdict) -> Outcome {
        if verdict.is_clean() { Outcome::Passed } else { Outcome::Failed(verdict.to_string()) }
    }
}
