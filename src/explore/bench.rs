//! [`Bench`]: workers that run plans of one seed, several at once.

use super::answer::{Order, Replay};
use super::place::Place;
use super::pool::{Role, Worker};
use crate::seed::Seed;
use crate::sim::{Failure, Plan};

/// Workers that run plans of one seed.
pub(super) struct Bench {
    workers: Vec<Worker>,
    seed: Seed,
}

impl Bench {
    /// Starts so many workers, one at least.
    ///
    /// # Errors
    ///
    /// A sentence.
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

    /// How the runs of these plans fail, if they do, in their order. With `brief`
    /// without their traces.
    ///
    /// # Errors
    ///
    /// Where a worker is gone: a sentence.
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

    /// The plan of the seed's own run as it tells it while it goes: of a run whose
    /// process dies nothing else is known.
    ///
    /// # Errors
    ///
    /// Where the worker is gone: a sentence.
    pub fn told_plan(&mut self) -> Result<Option<Plan>, String> {
        let worker = &mut self.workers[0];
        worker.order(&[Order { journal: true, ..Order::of(self.seed) }])?;
        Ok(worker.answer()?.failure.map(|failure| failure.plan))
    }
}
