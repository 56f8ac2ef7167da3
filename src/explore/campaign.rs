//! A campaign: deals seeds to workers and collects their answers.
//!
//! Seeds are dealt in order, and after a failure the seeds before it still run to the end. So the
//! first failing seed is found regardless of the number of workers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use parking_lot::Mutex;

use super::answer::{Answer, Compare, Order};
use super::bench::Bench;
use super::capsule::{self, Capsule};
use super::determinism::DeterminismCheck;
use super::place::Place;
use super::pool::{Role, Worker};
use super::shard::Shard;
use super::shrink::Batch;
use super::{
    Difference, ExplorationReport, Explore, Finding, Problem, SEEDS, Stopped, environment, interrupt, replayed, shrink,
};
use crate::clock::{Escapes, Stopwatch};
use crate::errors::whole;
use crate::progress::Progress;
use crate::seed::{SEED_VARIABLE, Seed};
use crate::sim::{Cause, Failure};

/// Runs an exploration.
pub(super) fn go(explore: Explore, place: &Place) -> Result<ExplorationReport, Problem> {
    Campaign::new(explore, place).map_err(Problem::Setup)?.run()
}

/// The state of an exploration while its seeds run.
struct Campaign<'a> {
    explore: Explore,
    place: &'a Place,
    base: Seed,
    shard: Shard,
    /// The number of seeds in the shard.
    count: u64,
    watch: Stopwatch,
    /// The index of the next seed to deal.
    next: AtomicU64,
    /// The lowest index known to fail; `u64::MAX` while there is none.
    fails: AtomicU64,
    again: DeterminismCheck,
    /// A seed in which an escape occurred.
    escapes: Mutex<Option<Seed>>,
    /// Why no more seeds can be run.
    broken: Mutex<Option<String>>,
}

/// The index of a seed and its answer; `None` for the second run of a seed.
type Told = (u64, Option<Answer>);

impl<'a> Campaign<'a> {
    fn new(explore: Explore, place: &'a Place) -> Result<Campaign<'a>, String> {
        let reads = explore.reads_environment;
        let shard = if reads { environment::shard()? } else { Shard::default() };
        let unbounded = if explore.at_most.is_some() { u64::MAX } else { SEEDS };
        let count = if reads { environment::seeds()? } else { None };
        let count = count.or(explore.seeds).unwrap_or(unbounded);
        let base = if reads { environment::base()? } else { None };
        Ok(Campaign {
            base: base.unwrap_or(explore.base),
            shard,
            count: shard.size(count),
            watch: Stopwatch::start(),
            next: AtomicU64::new(0),
            fails: AtomicU64::new(u64::MAX),
            again: DeterminismCheck::new(explore.twice_in),
            escapes: Mutex::default(),
            broken: Mutex::default(),
            explore,
            place,
        })
    }

    fn run(&self) -> Result<ExplorationReport, Problem> {
        let mut report = ExplorationReport {
            name: self.place.name.clone(),
            shard: self.shard.named(),
            ..ExplorationReport::default()
        };
        report.capsules = self.keep_capsules()?;
        if self.explore.only_capsules {
            report.took = self.watch.elapsed();
            return Ok(report);
        }
        let workers = u64::try_from(self.explore.workers).unwrap_or(1).min(self.count);
        let (send, receive) = channel();
        let mut first: Option<(u64, Answer)> = None;
        let known = (self.count < u64::MAX).then_some(self.count);
        let mut progress = Progress::new(self.explore.progress, known);
        let shown = interrupt::Shown::begin(self.place);
        std::thread::scope(|scope| {
            for id in 0..usize::try_from(workers).unwrap_or(usize::MAX) {
                let send = send.clone();
                let worker = std::thread::Builder::new().spawn_scoped(scope, move || self.work(id, &send));
                if let Err(error) = worker {
                    let why = format!("No thread could be started for a worker process: {error}.");
                    self.broken.lock().get_or_insert(why);
                    break;
                }
            }
            drop(send);
            loop {
                match receive.recv_timeout(Duration::from_millis(100)) {
                    Ok((_, None)) => report.twice += 1,
                    Ok((number, Some(answer))) => {
                        report.add(&answer);
                        if answer.failure.is_some() {
                            shown.fails(answer.failure.as_ref().map(|failure| failure.seed));
                        }
                        if answer.failure.is_some() && first.as_ref().is_none_or(|(found, _)| number < *found) {
                            first = Some((number, answer));
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                report.took = self.watch.elapsed();
                progress.show(report.seeds, report.took, || report.to_string());
                shown.reaches(&report);
            }
        });
        progress.end();
        report.took = self.watch.elapsed();
        if let Some(why) = self.broken.lock().take() {
            return Err(Problem::Setup(why));
        }
        if report.seeds == 0 && self.count > 0 {
            let why = "The time limit (Explore::time_limit) expired before any seed was run. Set a longer one.";
            return Err(Problem::Setup(why.to_owned()));
        }
        let failure = first.and_then(|(_, answer)| answer.failure);
        if failure.is_none() {
            self.run_the_rest_again(&mut report).map_err(Problem::Setup)?;
        }
        self.judge(report, failure)
    }

    fn judge(&self, report: ExplorationReport, failure: Option<Box<Failure>>) -> Result<ExplorationReport, Problem> {
        if let Some(failure) = failure {
            if let Cause::Setup(why) = failure.cause {
                return Err(Problem::Setup(why));
            }
            return Err(Problem::Failed(Box::new(self.find(failure, report))));
        }
        if let Some(number) = self.again.differs() {
            let difference = self.difference(number).map_err(Problem::Setup)?;
            return Err(Problem::Differs(Box::new(difference)));
        }
        if let Some(seed) = self.escapes.lock().filter(|_| !self.explore.allows_escapes) {
            let escapes = self.locate(seed).map_err(Problem::Setup)?;
            let command = format!("{SEED_VARIABLE}={seed} {}", self.place.command);
            return Err(Problem::Escapes { escapes, report: Box::new(report), command });
        }
        let names: Vec<String> = report.never().into_iter().map(str::to_owned).collect();
        if names.is_empty() || self.shard.is_partial() {
            return Ok(report);
        }
        Err(Problem::Never { names, report: Box::new(report) })
    }

    /// Shrinks a failure and writes its capsule.
    fn find(&self, failure: Box<Failure>, report: ExplorationReport) -> Finding {
        let mut finding = Finding::new(failure, report, self.place.command.clone());
        if matches!(finding.failure.cause, Cause::Unreached(_)) {
            // A replay tolerates unreached entries, so only the seed repeats this failure.
            return finding;
        }
        if let Err(note) = self.shrink(&mut finding) {
            finding.notes.push(note);
        }
        let path = capsule::place(&self.place.name, finding.seed);
        let capsule = Capsule::of(self.place, &finding);
        let page = path.with_extension("html");
        // The capsule comes first: it replays the failure, and the page only shows it.
        match capsule.write(&path) {
            Ok(()) => finding.capsule = Some(path),
            Err(error) => finding.notes.push(whole(&error)),
        }
        match self.explore.page.map(|write| write(&capsule, &page)) {
            None => {}
            Some(Ok(())) => finding.page = Some(page.clone()),
            Some(Err(why)) => finding.notes.push(why),
        }
        let log = page.with_extension("log");
        match capsule.observed.log.leave(&log) {
            Ok(any) => finding.log = any.then_some(log),
            Err(why) => finding.notes.push(why),
        }
        finding.notes.extend(capsule.left_out());
        finding
    }

    /// Shrinks a failure.
    ///
    /// # Errors
    ///
    /// A sentence that says why the failure was not shrunk.
    fn shrink(&self, finding: &mut Finding) -> Result<(), String> {
        if self.explore.shrink_at_most.is_zero() {
            return Ok(());
        }
        let mut bench = Bench::start(self.place, &self.role(), self.explore.workers, finding.seed)?;
        if finding.failure.trace.entries.is_empty() {
            // The run's process died or hung, so its plan is not known yet.
            if let Some(plan) = bench.told_plan()? {
                finding.entries = plan.entries.len();
                finding.failure.plan = plan;
            }
        }
        let run = |batch: Batch<'_>| bench.run(batch.replays, batch.brief);
        let minimal = shrink::shrink(&finding.failure, self.explore.shrink_at_most, self.explore.workers, run);
        let again = "The plan was not shrunk: replayed from its plan alone, the run does not fail again.";
        let minimal = minimal?.ok_or(again)?;
        if matches!(minimal.shrunk.stopped, Some(Stopped::Broken(_))) {
            bench = Bench::start(self.place, &self.role(), 1, finding.seed)?;
        }
        let whole = bench.run(std::slice::from_ref(&minimal.replay), false)?.pop().flatten().ok_or(again)?;
        let mut plan = minimal.replay.plan;
        // The test's body makes them again, at times that may depend on smaller inputs.
        plan.entries.retain(|entry| !entry.is_client_call());
        plan.entries.extend(whole.plan.entries.iter().filter(|entry| entry.is_client_call()).cloned());
        finding.failure = Failure { plan, ..*whole };
        finding.without = minimal.replay.without;
        finding.shrunk = Some(minimal.shrunk);
        Ok(())
    }

    /// The loop of the thread that serves one worker.
    fn work(&self, id: usize, send: &Sender<Told>) {
        if let Err(why) = self.keep_busy(id, send) {
            self.broken.lock().get_or_insert(why);
            self.next.store(u64::MAX, Ordering::Relaxed);
        }
    }

    fn keep_busy(&self, id: usize, send: &Sender<Told>) -> Result<(), String> {
        let mut worker = self.worker()?;
        let mut size = 1;
        loop {
            let again = self.again.take(Some(id), size);
            let numbers = self.deal(size).unwrap_or_default();
            if again.is_empty() && numbers.is_empty() {
                return Ok(());
            }
            let began = self.watch.elapsed();
            let firsts = numbers.clone().map(|number| self.order(number));
            let orders: Vec<Order> = again.iter().map(|once| self.order(once.number)).chain(firsts).collect();
            worker.order(&orders)?;
            // The receiver lives as long as the campaign.
            for once in again {
                self.again.compare(once, worker.answer()?.fingerprint);
                let _ = send.send((once.number, None));
            }
            for number in numbers {
                let answer = worker.answer()?;
                if answer.failure.is_some() {
                    self.fails.fetch_min(number, Ordering::Relaxed);
                }
                if let Some(fingerprint) = answer.fingerprint {
                    self.again.ran(id, number, fingerprint);
                }
                if !answer.escapes.is_empty() {
                    self.escapes.lock().get_or_insert(self.seed(number));
                }
                let _ = send.send((number, Some(answer)));
            }
            // A batch should take about twenty milliseconds.
            let each = (self.watch.elapsed() - began).as_micros() / orders.len().max(1) as u128;
            size = u64::try_from(20_000 / each.max(1)).unwrap_or(1).clamp(1, 64);
        }
    }

    fn seed(&self, number: u64) -> Seed {
        self.shard.seed(self.base, number)
    }

    fn order(&self, number: u64) -> Order {
        let compare = if self.again.concerns(number) { Compare::Fingerprint } else { Compare::Nothing };
        Order { compare, ..Order::of(self.seed(number)) }
    }

    /// Runs the second runs that no other worker was left for.
    fn run_the_rest_again(&self, report: &mut ExplorationReport) -> Result<(), String> {
        let rest = self.again.take(None, u64::MAX);
        if rest.is_empty() {
            return Ok(());
        }
        let mut worker = self.worker()?;
        for once in rest {
            worker.order(&[self.order(once.number)])?;
            self.again.compare(once, worker.answer()?.fingerprint);
            report.twice += 1;
        }
        Ok(())
    }

    /// Finds the escapes in the run of a seed, with their locations.
    fn locate(&self, seed: Seed) -> Result<Escapes, String> {
        let mut worker = self.worker()?;
        worker.order(&[Order { locate: true, ..Order::of(seed) }])?;
        Ok(worker.answer()?.escapes)
    }

    /// Finds the first difference between two runs of a seed.
    fn difference(&self, number: u64) -> Result<Difference, String> {
        const TRIES: u32 = 10;
        let seed = self.seed(number);
        let command = format!("{SEED_VARIABLE}={seed} {}", self.place.command);
        let (mut one, mut other) = (self.worker()?, self.worker()?);
        let whole = |worker: &mut Worker| {
            worker.order(&[Order { compare: Compare::Whole, ..Order::of(seed) }])?;
            worker.answer().map(|answer| answer.trace.unwrap_or_default())
        };
        for _ in 0..TRIES {
            let (one, other) = (whole(&mut one)?, whole(&mut other)?);
            if let Some(mut difference) = Difference::between(seed, &one, &other, command.clone()) {
                let escapes = self.escapes.lock().map(|seed| self.locate(seed)).transpose()?;
                difference.blame(&escapes.unwrap_or_default());
                return Ok(difference);
            }
        }
        Ok(Difference::once(seed, TRIES, command))
    }

    fn worker(&self) -> Result<Worker, String> {
        Worker::start(self.place, &self.role())
    }

    fn role(&self) -> Role {
        const MARGIN: Duration = Duration::from_secs(5);
        let patience = self.explore.seed_at_most.saturating_add(MARGIN);
        let (name, earlier) = (self.place.name.clone(), self.place.earlier());
        Role { name, earlier, patience, parent: std::process::id() }
    }

    /// Replays the kept capsules and returns their number.
    fn keep_capsules(&self) -> Result<u64, Problem> {
        if self.explore.capsules.is_empty() {
            return Ok(0);
        }
        let mut worker = self.worker().map_err(Problem::Setup)?;
        for path in &self.explore.capsules {
            let capsule = super::capsule_at(path)?;
            let answer = worker.order(&[capsule.order()]).and_then(|()| worker.answer()).map_err(Problem::Setup)?;
            if capsule.test != self.place.name && !self.explore.allows_stale {
                return Err(replayed::of_another_test(path, &capsule, self.place));
            }
            if let Some(failure) = &answer.failure {
                if let Cause::Setup(why) = &failure.cause {
                    let path = path.display();
                    return Err(Problem::Setup(format!("The run of the capsule {path} cannot be replayed. {why}")));
                }
                let report = ExplorationReport { name: self.place.name.clone(), ..ExplorationReport::default() };
                let mut finding = Finding::new(failure.clone(), report, self.place.command.clone());
                finding.notes.push(format!("This is the run of the capsule {}.", path.display()));
                finding.notes.extend(capsule.warning());
                finding.notes.extend(replayed::note(&capsule, &answer));
                finding.capsule = Some(capsule::from_package(path));
                finding.is_kept = true;
                return Err(Problem::Failed(Box::new(finding)));
            }
            if !self.explore.allows_stale {
                replayed::check(path, &capsule, &answer, self.place)?;
            }
        }
        Ok(self.explore.capsules.len() as u64)
    }

    /// The indices of the next seeds, at most `size` of them.
    fn deal(&self, size: u64) -> Option<std::ops::Range<u64>> {
        let over = self.explore.at_most.is_some_and(|at_most| self.watch.elapsed() >= at_most);
        if over || self.fails.load(Ordering::Relaxed) < u64::MAX || self.again.differs().is_some() {
            return None;
        }
        let take = |next: u64| (next < self.count).then(|| next.saturating_add(size).min(self.count));
        let from = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        Some(from..from.saturating_add(size).min(self.count))
    }
}
