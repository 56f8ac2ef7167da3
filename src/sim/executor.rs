//! [`PlanExecutor`]: decides when each action of a run's plan happens.
//!
//! The judge (`judge.rs`) tells it of every call of nodes and clients, so it learns that a
//! call of the plan is reached; an agenda holds the actions at set virtual times. Whatever
//! a storm draws becomes an entry of the same plan before it happens, so that replaying the
//! plan does the same things in the same places.
//!
//! The cluster (`cluster.rs`) carries the actions out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::client_call::Tie;
use super::jitter::LatencyJitter;
use super::life::Impairment;
use super::plan::{Action, Plan, PlanEntry, Trigger};
use super::record::Record;
use super::storm::StormState;
use super::topology::Topology;
use crate::call::Method;
use crate::clock::{self, Time};
use crate::faults::CallContext;
use crate::seed::Seed;

/// The smallest step of the virtual clock.
const STEP: Duration = Duration::from_millis(1);

/// The side of a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Before,
    After,
}

/// The entries of a plan by method, call number and side, as indices into the plan.
type Points = BTreeMap<Method, BTreeMap<(u64, Side), Vec<usize>>>;

pub(super) struct PlanExecutor {
    record: Arc<Mutex<Record>>,
    /// The entries that wait for a call, by caller.
    points: Mutex<BTreeMap<String, Points>>,
    agenda: Mutex<Agenda>,
    bell: Arc<Notify>,
    storm: Option<Mutex<StormState>>,
    jitter: Option<Mutex<LatencyJitter>>,
}

#[derive(Default)]
struct Agenda {
    due: BTreeMap<(Time, u64), Due>,
    last: u64,
    /// Whether the agenda's task is running.
    kept: bool,
}

/// An item of the agenda.
#[derive(Clone, Debug)]
pub(super) enum Due {
    /// An entry of the plan, by index.
    PlanEntry(usize),
    /// A client call of the plan that is due one [`STEP`] later, at this time.
    Approach(usize, Time),
    /// A client call of the plan, by index, which comes after what else is due.
    Last(usize),
    /// The start of a node.
    Start(String),
    /// The end of an impairment.
    End(String, Impairment),
}

impl PlanExecutor {
    /// Creates an executor for the plan in `record`, of a run that begins at `start`.
    pub fn new(
        record: Arc<Mutex<Record>>,
        storm: Option<StormState>,
        jitter: Option<LatencyJitter>,
        start: Time,
    ) -> PlanExecutor {
        let executor = PlanExecutor {
            record,
            points: Mutex::default(),
            agenda: Mutex::default(),
            bell: Arc::default(),
            storm: storm.map(Mutex::new),
            jitter: jitter.map(Mutex::new),
        };
        let entries = executor.record.lock().plan.entries.clone();
        for (number, entry) in entries.into_iter().enumerate() {
            executor.expect(number, &entry, start);
        }
        executor
    }

    /// Returns the record of what was carried out so far.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock()
    }

    /// Adds entries during the run. Their times count from its start. A plan that is replayed
    /// has them already; its client calls get the times that the body gives them now, which
    /// may depend on inputs.
    pub fn add(&self, plan: Plan, start: Time) {
        if self.record.lock().replays {
            return plan.entries.iter().for_each(|entry| self.claim(entry, start));
        }
        for entry in plan.entries {
            let expected = entry.clone();
            let number = self.write_down(entry, false);
            let mut record = self.record.lock();
            record.demanded[number] = record.demands;
            drop(record);
            self.expect(number, &expected, start);
        }
    }

    /// Puts this client call of the body in the place of the same one in the replayed plan.
    fn claim(&self, entry: &PlanEntry, start: Time) {
        let Action::Client { call, .. } = &entry.what else { return };
        let mut record = self.record.lock();
        let Some(number) = record.claim(call) else {
            drop(record);
            let number = self.write_down(entry.clone(), false);
            return self.expect(number, entry, start);
        };
        if record.reached[number] {
            return;
        }
        record.plan.entries[number] = entry.clone();
        drop(record);
        let ours = |due: &Due| matches!(due, Due::Approach(of, _) | Due::Last(of) if *of == number);
        self.agenda.lock().due.retain(|_, due| !ours(due));
        self.expect(number, entry, start);
    }

    fn write_down(&self, entry: PlanEntry, reached: bool) -> usize {
        let mut record = self.record.lock();
        record.add(entry);
        let number = record.reached.len() - 1;
        record.reached[number] = reached;
        number
    }

    fn expect(&self, number: usize, entry: &PlanEntry, start: Time) {
        let (point, side) = match &entry.when {
            Trigger::At(after_start) => {
                let at = start + *after_start;
                return match &entry.what {
                    Action::Client { .. } => self.schedule(at.before(STEP), Due::Approach(number, at)),
                    _ => self.schedule(at, Due::PlanEntry(number)),
                };
            }
            Trigger::Before(point) => (point, Side::Before),
            Trigger::After(point) => (point, Side::After),
        };
        let mut points = self.points.lock();
        let methods = points.entry(point.node.clone()).or_default();
        let numbers = methods.entry(point.method).or_default();
        numbers.entry((point.nth, side)).or_default().push(number);
    }

    /// Puts an item on the agenda.
    pub fn schedule(&self, at: Time, due: Due) {
        let mut agenda = self.agenda.lock();
        agenda.last += 1;
        let number = agenda.last;
        agenda.due.insert((at, number), due);
        drop(agenda);
        self.bell.notify_waiters();
    }

    /// Whether this client call comes before what is due at the same time. `is_tie` says
    /// whether anything is.
    pub fn comes_first(&self, number: usize, seed: Seed, is_tie: impl FnOnce() -> bool) -> bool {
        let mut record = self.record.lock();
        let Action::Client { call, tie } = &record.plan.entries[number].what else { return false };
        match tie {
            Tie::First => true,
            Tie::Last => false,
            Tie::Drawn if !is_tie() => false,
            Tie::Drawn => {
                let name = format!("{call}, before what is due then");
                record.input(&name, 0..=1, seed) == 1
            }
        }
    }

    /// Marks an entry as happening now, and returns its action.
    pub fn reach(&self, number: usize) -> Action {
        let mut record = self.record.lock();
        record.reached[number] = true;
        record.plan.entries[number].what.clone()
    }

    /// Returns the actions at a call: those of the plan, then those of the storm, then a
    /// latency if there is no other fault.
    pub fn at(&self, side: Side, asked: &CallContext<'_>, topology: &Topology) -> Vec<Action> {
        let mut points = self.points.lock();
        let methods = points.get_mut(asked.by);
        let numbers = methods.and_then(|methods| methods.get_mut(&asked.method())?.remove(&(asked.nth, side)));
        drop(points);
        let mut whats: Vec<Action> = numbers.into_iter().flatten().map(|number| self.reach(number)).collect();
        if let Some(storm) = &self.storm {
            let brought = match side {
                Side::Before => storm.lock().before(asked),
                Side::After => storm.lock().after(asked),
            };
            if let Some(entry) = brought {
                whats.push(entry.what.clone());
                self.write_down(entry, true);
            }
        }
        let spared = side == Side::After || whats.iter().any(|what| matches!(what, Action::Fault(_)));
        if let Some(jitter) = self.jitter.as_ref().filter(|_| !spared)
            && let Some(entry) = jitter.lock().before(asked, topology)
        {
            whats.push(entry.what.clone());
            self.write_down(entry, true);
        }
        whats
    }

    /// Takes the next item that is due off the agenda.
    pub fn due(&self, now: Time) -> Option<Due> {
        let mut agenda = self.agenda.lock();
        let first = agenda.due.first_entry().filter(|entry| entry.key().0 <= now);
        first.map(|entry| entry.remove())
    }

    /// Returns when the next item of the agenda is due.
    pub fn next(&self) -> Option<Time> {
        self.agenda.lock().due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Whether the agenda's task has to start now: there is an item on the agenda, and the
    /// task was not started before.
    pub fn begins_agenda(&self) -> bool {
        let mut agenda = self.agenda.lock();
        !agenda.due.is_empty() && !std::mem::replace(&mut agenda.kept, true)
    }

    /// Returns the bell that rings when an item is put on the agenda.
    pub fn bell(&self) -> Arc<Notify> {
        self.bell.clone()
    }
}

/// Returns the time that is `duration` from now.
pub(super) fn after(duration: Duration) -> Time {
    clock::now() + duration
}
