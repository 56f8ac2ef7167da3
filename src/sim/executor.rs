//! [`PlanExecutor`]: carries out the plan of a run.
//!
//! Through [`Judge`], a fault rule over every call of nodes and clients, it learns that a
//! call of the plan is reached; an agenda holds the actions at set virtual times. Whatever
//! a storm draws becomes an entry of the same plan before it happens, so that replaying the
//! plan does the same things in the same places.
//!
//! The executor decides when an action happens; [`Cluster`] carries it out.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::cause::Cause;
use super::cluster::Cluster;
use super::input::Input;
use super::jitter::LatencyJitter;
use super::life::Impairment;
use super::no_progress::NoProgress;
use super::panics;
use super::plan::{Action, Plan, PlanEntry, Trigger};
use super::storm::{StormState, Topology};
use super::tasks::ours;
use crate::call::{Method, Reply};
use crate::clock::{self, Time};
use crate::faults::{CallContext, FaultAction, FaultRule};
use crate::trace::NodeEvent;

/// Receives each addition to a plan as soon as it is made, as a plan of its own.
pub(crate) type Journal = Box<dyn Fn(&Plan) + Send>;

/// The plan as carried out so far. Shared with other threads.
#[derive(Default)]
pub(super) struct Record {
    /// The given plan, followed by the entries that a storm drew.
    pub plan: Plan,
    /// Whether each entry has happened.
    pub reached: Vec<bool>,
    /// Whether each entry must happen.
    pub demanded: Vec<bool>,
    /// Whether scripted entries must happen.
    pub demands: bool,
    /// The actions that could not be carried out, with the reasons as full sentences.
    pub not_done: Vec<(Action, String)>,
    /// The inputs of the given plan. Inputs that are drawn go into `plan`.
    pub given: BTreeMap<String, Input>,
    /// The ranges with which inputs were requested.
    pub ranges: BTreeMap<String, RangeInclusive<u64>>,
    /// The first mistake in the use of the plan or its inputs.
    pub misused: Option<String>,
    journal: Option<Journal>,
}

impl Record {
    /// Creates a record of this plan. `demands` says whether its entries must happen.
    pub fn of(mut plan: Plan, demands: bool, journal: Option<Journal>) -> Record {
        let (reached, demanded) = (vec![false; plan.entries.len()], vec![demands; plan.entries.len()]);
        let given = std::mem::take(&mut plan.inputs);
        journal.iter().for_each(|journal| journal(&plan));
        Record {
            plan,
            reached,
            demanded,
            demands,
            not_done: Vec::new(),
            given,
            ranges: BTreeMap::new(),
            misused: None,
            journal,
        }
    }

    /// Records an input.
    pub fn note_input(&mut self, name: &str, input: Input) {
        let inputs = BTreeMap::from([(name.to_owned(), input)]);
        self.journal.iter().for_each(|journal| journal(&Plan { inputs: inputs.clone(), ..Plan::new() }));
        self.plan.inputs.extend(inputs);
    }

    /// Records when the calm begins.
    pub fn calm(&mut self, after_start: Duration) {
        self.plan.calm = Some(after_start);
        self.journal.iter().for_each(|journal| journal(&Plan { calm: self.plan.calm, ..Plan::new() }));
    }

    /// Adds an entry that was drawn, and need not happen.
    pub fn add(&mut self, entry: PlanEntry) {
        self.journal.iter().for_each(|journal| journal(&Plan { entries: vec![entry.clone()], ..Plan::new() }));
        self.plan.entries.push(entry);
        self.reached.push(false);
        self.demanded.push(false);
    }

    /// Returns the plan, and its entries that did not happen.
    pub fn result(&self) -> (Plan, Vec<PlanEntry>) {
        let unreached = self.plan.entries.iter().zip(&self.reached).filter(|(_, reached)| !**reached);
        (self.plan.clone(), unreached.map(|(entry, _)| entry.clone()).collect())
    }
}

/// The side of a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
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
            executor.expect(number, &entry.when, start);
        }
        executor
    }

    /// Returns the record of what was carried out so far.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock()
    }

    /// Adds entries during the run. Their times count from its start.
    pub fn add(&self, plan: Plan, start: Time) {
        for entry in plan.entries {
            let when = entry.when.clone();
            let number = self.write_down(entry, false);
            let mut record = self.record.lock();
            record.demanded[number] = record.demands;
            drop(record);
            self.expect(number, &when, start);
        }
    }

    fn write_down(&self, entry: PlanEntry, reached: bool) -> usize {
        let mut record = self.record.lock();
        record.add(entry);
        let number = record.reached.len() - 1;
        record.reached[number] = reached;
        number
    }

    fn expect(&self, number: usize, when: &Trigger, start: Time) {
        let (point, side) = match when {
            Trigger::At(after_start) => return self.schedule(start + *after_start, Due::PlanEntry(number)),
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

    /// Marks an entry as happening now, and returns its action.
    pub fn reach(&self, number: usize) -> Action {
        let mut record = self.record.lock();
        record.reached[number] = true;
        record.plan.entries[number].what.clone()
    }

    /// Returns the actions at a call: those of the plan, then those of the storm, then a
    /// latency if there is no other fault.
    fn at(&self, side: Side, asked: &CallContext<'_>, topology: &Topology) -> Vec<Action> {
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

    fn due(&self, now: Time) -> Option<Due> {
        let mut agenda = self.agenda.lock();
        let first = agenda.due.first_entry().filter(|entry| entry.key().0 <= now);
        first.map(|entry| entry.remove())
    }

    /// Returns when the next item of the agenda is due.
    pub fn next(&self) -> Option<Time> {
        self.agenda.lock().due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Starts the agenda's task, once there is an item on the agenda.
    pub fn keep_agenda(&self, cluster: &Arc<Cluster>) {
        let mut agenda = self.agenda.lock();
        if !agenda.kept && !agenda.due.is_empty() {
            agenda.kept = true;
            ours(|| tokio::spawn(keep(Arc::downgrade(cluster), self.bell.clone())));
        }
    }
}

/// Carries out the items of the agenda, each at its time.
async fn keep(cluster: Weak<Cluster>, bell: Arc<Notify>) {
    loop {
        let mut rung = pin!(bell.notified());
        rung.as_mut().enable();
        let Some(cluster) = cluster.upgrade() else { return };
        while let Some(due) = cluster.executor.due(clock::now()) {
            cluster.carry_out(due);
        }
        let next = cluster.executor.next().unwrap_or(Time::MAX);
        drop(cluster);
        tokio::select! {
            biased;
            () = rung => {}
            () = clock::sleep_until(next) => {}
        }
    }
}

/// The fault rule over all calls of a simulation: it applies the plan first, then the rules
/// of the test.
pub(super) struct Judge {
    cluster: Weak<Cluster>,
    rules: Vec<Arc<dyn FaultRule>>,
}

impl Judge {
    pub fn new(cluster: &Arc<Cluster>, rules: Vec<Arc<dyn FaultRule>>) -> Judge {
        Judge { cluster: Arc::downgrade(cluster), rules }
    }
}

impl Judge {
    /// Counts a call, and ends the run if there are too many at one moment.
    fn count(&self, cluster: &Cluster, asked: &CallContext<'_>) {
        let calls = cluster.pulse.calls(asked.at);
        if calls > cluster.pulse.limits.calls {
            cluster.pulse.end_for(Cause::NoProgress(NoProgress::Calls {
                at: asked.at - cluster.start,
                calls,
                by: asked.by.to_owned(),
                method: asked.method(),
                instance: asked.call.instance().map(str::to_owned),
            }));
        }
    }
}

impl FaultRule for Judge {
    fn judge(&self, asked: &CallContext<'_>) -> FaultAction {
        panics::survived();
        let Some(cluster) = self.cluster.upgrade() else { return FaultAction::Pass };
        self.count(&cluster, asked);
        cluster.notice_fetcher(asked);
        cluster.pulse.note_turn(asked.by, asked.call, None);
        // Activities do their work between calls, so properties are checked here too.
        if !asked.call.is_read() {
            cluster.look();
        }
        let mut verdict = FaultAction::Pass;
        for what in cluster.executor.at(Side::Before, asked, &cluster.topology) {
            match what {
                Action::Fault(fault) if verdict == FaultAction::Pass => verdict = fault,
                Action::Fault(_) => {}
                what => cluster.perform(&what),
            }
        }
        for rule in &self.rules {
            if verdict == FaultAction::Pass {
                verdict = rule.judge(asked);
            }
        }
        if verdict.concerns(asked.call) {
            cluster.log.mark(asked.by, NodeEvent::Fault { method: asked.method(), nth: asked.nth, verdict });
        }
        verdict
    }

    fn applied(&self, asked: &CallContext<'_>, reply: &Reply) {
        let Some(cluster) = self.cluster.upgrade() else { return };
        self.rules.iter().for_each(|rule| rule.applied(asked, reply));
        cluster.pulse.note_turn(asked.by, asked.call, Some(reply));
        if let Some(no_progress) = cluster.chains.lock().note(asked, reply) {
            cluster.pulse.end_for(Cause::NoProgress(no_progress));
        }
        if let Some(unknown) = cluster.unknown_handler(asked, reply) {
            cluster.pulse.end_for(Cause::UnknownHandler(unknown));
        }
        if !asked.call.is_read() {
            cluster.look();
            cluster.codes.stir();
        }
        cluster.executor.at(Side::After, asked, &cluster.topology).iter().for_each(|what| cluster.perform(what));
    }
}

/// Returns the time that is `duration` from now.
pub(super) fn after(duration: Duration) -> Time {
    clock::now() + duration
}
