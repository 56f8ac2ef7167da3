//! A campaign: the seeds are dealt out to workers, and their answers gathered.
//!
//! Seeds are dealt in order, and after a failure those before it are still
//! finished: so the first that fails is found, whatever the number of workers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use parking_lot::Mutex;

use super::answer::{Answer, Order};
use super::place::Place;
use super::pool::{Role, Worker};
use super::shard::{self, Shard};
use super::{Explore, Finding, Problem, Report, SEEDS, server};
use crate::clock::Stopwatch;
use crate::progress::Progress;
use crate::seed::Seed;

/// Explores, or does what a worker has to.
pub(super) fn go(explore: Explore, within: &str, perform: &dyn Fn(&Order) -> Answer) -> Result<Report, Problem> {
    let place = Place::here(explore.name.as_deref(), within);
    let ended = match server::part_of(&place, perform).map_err(Problem::Setup)? {
        Some(ended) => ended,
        None => Campaign::new(explore, &place).map_err(Problem::Setup).and_then(|campaign| campaign.run()),
    };
    place.end(&ended);
    ended
}

/// Seeds to be run.
struct Campaign<'a> {
    explore: Explore,
    place: &'a Place,
    base: Seed,
    shard: Shard,
    /// How many of the shard's seeds there are.
    count: u64,
    watch: Stopwatch,
    /// The next to be dealt.
    next: AtomicU64,
    /// The first known to fail; the largest number while none is.
    fails: AtomicU64,
    /// Why no more can be run.
    broken: Mutex<Option<String>>,
}

/// How it went with the seed of this number.
type Told = (u64, Answer);

impl<'a> Campaign<'a> {
    fn new(explore: Explore, place: &'a Place) -> Result<Campaign<'a>, String> {
        let shard = Shard::from_env()?;
        let unbounded = if explore.at_most.is_some() { u64::MAX } else { SEEDS };
        let count = shard::seeds_from_env()?.or(explore.seeds).unwrap_or(unbounded);
        Ok(Campaign {
            base: shard::base_from_env()?.unwrap_or(explore.base),
            shard,
            count: shard.size(count),
            watch: Stopwatch::start(),
            next: AtomicU64::new(0),
            fails: AtomicU64::new(u64::MAX),
            broken: Mutex::default(),
            explore,
            place,
        })
    }

    fn run(&self) -> Result<Report, Problem> {
        let workers = u64::try_from(self.explore.workers).unwrap_or(1).min(self.count);
        let (send, receive) = channel();
        let mut report = Report { name: self.place.name.clone(), ..Report::default() };
        let mut first: Option<Told> = None;
        let known = (self.count < u64::MAX).then_some(self.count);
        let mut progress = Progress::new(self.explore.progress, known);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                let send = send.clone();
                scope.spawn(move || self.work(&send));
            }
            drop(send);
            loop {
                match receive.recv_timeout(Duration::from_millis(100)) {
                    Ok((number, answer)) => {
                        report.add(&answer);
                        if answer.failure.is_some() && first.as_ref().is_none_or(|(found, _)| number < *found) {
                            first = Some((number, answer));
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                report.took = self.watch.elapsed();
                progress.show(report.seeds, report.took, || report.to_string());
            }
        });
        progress.end();
        report.took = self.watch.elapsed();
        if let Some(why) = self.broken.lock().take() {
            return Err(Problem::Setup(why));
        }
        self.judge(report, first.and_then(|(_, answer)| answer.failure))
    }

    fn judge(&self, report: Report, failure: Option<Box<crate::sim::Failure>>) -> Result<Report, Problem> {
        if let Some(failure) = failure {
            let (seed, command) = (failure.seed, self.place.command.clone());
            return Err(Problem::Failed(Box::new(Finding { seed, failure: *failure, report, command })));
        }
        let names: Vec<String> = report.never().into_iter().map(str::to_owned).collect();
        if names.is_empty() || self.shard.is_partial() {
            Ok(report)
        } else {
            Err(Problem::Never { names, report: Box::new(report) })
        }
    }

    /// What the thread of one worker does.
    fn work(&self, send: &Sender<Told>) {
        if let Err(why) = self.keep_busy(send) {
            self.broken.lock().get_or_insert(why);
            self.next.store(u64::MAX, Ordering::Relaxed);
        }
    }

    fn keep_busy(&self, send: &Sender<Told>) -> Result<(), String> {
        const MARGIN: Duration = Duration::from_secs(5);
        let patience = self.explore.seed_at_most.saturating_add(MARGIN);
        let role = Role { name: self.place.name.clone(), earlier: self.place.earlier(), patience };
        let mut worker = Worker::start(self.place, &role)?;
        let mut size = 1;
        while let Some(numbers) = self.deal(size) {
            let began = self.watch.elapsed();
            let orders: Vec<Order> = numbers.clone().map(|n| Order::of(self.shard.seed(self.base, n))).collect();
            worker.order(&orders)?;
            for number in numbers {
                let answer = worker.answer()?;
                if answer.failure.is_some() {
                    self.fails.fetch_min(number, Ordering::Relaxed);
                }
                // The receiver lives as long as the campaign.
                let _ = send.send((number, answer));
            }
            // A batch is to take some twenty milliseconds.
            let each = (self.watch.elapsed() - began).as_micros() / u128::from(size);
            size = u64::try_from(20_000 / each.max(1)).unwrap_or(1).clamp(1, 64);
        }
        Ok(())
    }

    /// The numbers of the next seeds, `size` of them at most.
    fn deal(&self, size: u64) -> Option<std::ops::Range<u64>> {
        let over = self.explore.at_most.is_some_and(|at_most| self.watch.elapsed() >= at_most);
        if over || self.fails.load(Ordering::Relaxed) < u64::MAX {
            return None;
        }
        let take = |next: u64| (next < self.count).then(|| next.saturating_add(size).min(self.count));
        let from = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        Some(from..from.saturating_add(size).min(self.count))
    }
}
