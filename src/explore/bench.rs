//! [`Bench`]: a group of workers that run plans of one seed in parallel.

use super::answer::{Order, Replay};
use super::place::Place;
use super::pool::{Role, Worker};
use crate::seed::Seed;
use crate::sim::{Failure, Plan};

/// A group of workers that run plans of one seed.
pub(super) struct Bench {
    workers: Vec<Worker>,
    seed: Seed,
}

impl Bench {
    /// Starts `count` workers, at least one.
    ///
    /// # Errors
    ///
    /// A sentence, if a worker cannot be started.
    pub fn start(place: &Place, role: &Role, count: usize, seed: Seed) -> Result<Bench, String> {
        let workers = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..count.max(1)).map(|_| scope.spawn(|| Worker::start(place, role))).collect();
            let started = |start: std::thread::ScopedJoinHandle<'_, _>| {
                start
                    .join()
                    .unwrap_or_else(|_| Err("A thread that started a process to run seeds panicked.".to_owned()))
            };
            starts.into_iter().map(started).collect::<Result<Vec<Worker>, String>>()
        })?;
        Ok(Bench { workers, seed })
    }

    /// Runs these plans and returns their failures, in order. With `brief`, failures have no
    /// traces.
    ///
    /// # Errors
    ///
    /// A sentence, if a worker ended.
    pub fn run(&mut self, replays: &[Replay], brief: bool) -> Result<Vec<Option<Box<Failure>>>, String> {
        let mut failures = Vec::new();
        for replays in replays.chunks(self.workers.len()) {
            for (worker, replay) in self.workers.iter_mut().zip(replays) {
                worker.order(&[Order { replay: Some(replay.clone()), brief, ..Order::of(self.seed) }])?;
            }
            for (worker, _) in self.workers.iter_mut().zip(replays) {
                failures.push(worker.answer()?.failure);
            }
        }
        Ok(failures)
    }

    /// Runs the seed with a journal and returns the plan it reported, which is all that is known of
    /// a run whose process dies.
    ///
    /// # Errors
    ///
    /// A sentence, if the worker ended.
    pub fn told_plan(&mut self) -> Result<Option<Plan>, String> {
        let worker = &mut self.workers[0];
        worker.order(&[Order { journal: true, ..Order::of(self.seed) }])?;
        Ok(worker.answer()?.failure.map(|failure| failure.plan))
    }
}
