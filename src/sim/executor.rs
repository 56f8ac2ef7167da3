//! [`PlanExecutor`]: carries out the plan of a run.
//!
//! It is a rule over every call of nodes and clients, which is how it knows
//! that a point of the plan is reached, and it keeps an agenda of what is to
//! happen at a virtual time. What a storm draws becomes entries of the same
//! plan before it happens, so that replaying the plan does the same things in
//! the same places.
//!
//! It knows when; how is the stage's business.

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

/// Is told at once what is added to a plan, as a plan of that alone.
pub(crate) type Journal = Box<dyn Fn(&Plan) + Send>;

/// The plan as it was carried out so far. Other threads may look at it.
#[derive(Default)]
pub(super) struct Record {
    /// What was given, then what a storm drew.
    pub plan: Plan,
    /// Which entries have happened.
    pub reached: Vec<bool>,
    /// Which entries must happen.
    pub demanded: Vec<bool>,
    /// Whether those must happen that are scripted.
    pub demands: bool,
    /// What could not be carried out, and why: full sentences.
    pub not_done: Vec<(Action, String)>,
    /// The inputs of the plan that was given; those that are drawn stand in the
    /// plan.
    pub given: BTreeMap<String, Input>,
    /// The ranges that inputs were asked for with.
    pub ranges: BTreeMap<String, RangeInclusive<u64>>,
    /// A mistake in what was asked of it.
    pub misused: Option<String>,
    journal: Option<Journal>,
}

impl Record {
    /// A record of this plan, whose entries must happen if `demands` says so.
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

    /// Takes note of an input.
    pub fn note_input(&mut self, name: &str, input: Input) {
        let inputs = BTreeMap::from([(name.to_owned(), input)]);
        self.journal.iter().for_each(|journal| journal(&Plan { inputs: inputs.clone(), ..Plan::new() }));
        self.plan.inputs.extend(inputs);
    }

    /// Takes note of when the calm begins.
    pub fn calm(&mut self, after_start: Duration) {
        self.plan.calm = Some(after_start);
        self.journal.iter().for_each(|journal| journal(&Plan { calm: self.plan.calm, ..Plan::new() }));
    }

    /// Adds an entry that is drawn, and may still happen.
    pub fn add(&mut self, entry: PlanEntry) {
        self.journal.iter().for_each(|journal| journal(&Plan { entries: vec![entry.clone()], ..Plan::new() }));
        self.plan.entries.push(entry);
        self.reached.push(false);
        self.demanded.push(false);
    }

    /// The plan, and those of its entries that did not happen.
    pub fn result(&self) -> (Plan, Vec<PlanEntry>) {
        let unreached = self.plan.entries.iter().zip(&self.reached).filter(|(_, reached)| !**reached);
        (self.plan.clone(), unreached.map(|(entry, _)| entry.clone()).collect())
    }
}

/// On which side of a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Before,
    After,
}

/// By method, number and side: the entries of the plan, by their numbers.
type Points = BTreeMap<Method, BTreeMap<(u64, Side), Vec<usize>>>;

pub(super) struct PlanExecutor {
    record: Arc<Mutex<Record>>,
    /// What waits for a call, by who makes it.
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
    /// Whether its task runs.
    kept: bool,
}

/// What is on the agenda.
#[derive(Clone, Debug)]
pub(super) enum Due {
    /// An entry of the plan, by its number.
    PlanEntry(usize),
    /// The start of a node.
    Start(String),
    /// The end of a trouble.
    End(String, Impairment),
}

impl PlanExecutor {
    /// A director for the plan in `record`, of a run that begins at `start`.
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

    /// What it has carried out so far.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock()
    }

    /// Adds entries while the run is under way; their times count from its
    /// start.
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

    /// Puts something on the agenda.
    pub fn schedule(&self, at: Time, due: Due) {
        let mut agenda = self.agenda.lock();
        agenda.last += 1;
        let number = agenda.last;
        agenda.due.insert((at, number), due);
        drop(agenda);
        self.bell.notify_waiters();
    }

    /// What an entry does, which is taken to happen now.
    pub fn reach(&self, number: usize) -> Action {
        let mut record = self.record.lock();
        record.reached[number] = true;
        record.plan.entries[number].what.clone()
    }

    /// What happens at a call: what the plan has for it, then what the weather
    /// brings, then a latency where there is no other fault.
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

    /// When the next thing on the agenda is due.
    pub fn next(&self) -> Option<Time> {
        self.agenda.lock().due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Begins to keep the agenda, once there is anything on it.
    pub fn keep_agenda(&self, cluster: &Arc<Cluster>) {
        let mut agenda = self.agenda.lock();
        if !agenda.kept && !agenda.due.is_empty() {
            agenda.kept = true;
            ours(|| tokio::spawn(keep(Arc::downgrade(cluster), self.bell.clone())));
        }
    }
}

/// Does what is on the agenda, each at its time.
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

/// The rule over all calls of a simulation: the director's plan, then the rules
/// that the test gave.
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
    /// Counts a call, and ends the run where there are too many at one moment.
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
        // Activities do their work between calls.
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
        if let Some(circle) = cluster.chains.lock().note(asked, reply) {
            cluster.pulse.end_for(Cause::NoProgress(circle));
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

/// When `duration` from now is.
pub(super) fn after(duration: Duration) -> Time {
    clock::now() + duration
}
