//! [`Director`]: carries out the plan of a run.
//!
//! It is a rule over every call of nodes and clients, which is how it knows
//! that a point of the plan is reached, and it keeps an agenda of what is to
//! happen at a virtual time. What a storm draws becomes entries of the same
//! plan before it happens, so that replaying the plan does the same things in
//! the same places.
//!
//! It knows when; how is the stage's business.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::breeze::Breeze;
use super::cause::Cause;
use super::input::Input;
use super::life::Trouble;
use super::no_progress::NoProgress;
use super::panics;
use super::plan::{Entry, Plan, What, When};
use super::stage::Stage;
use super::storm::{Land, Weather};
use super::tasks::ours;
use crate::call::{Method, Reply};
use crate::clock::{self, Time};
use crate::faults::{Asked, Rule, Verdict};
use crate::trace::Happening;

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
    pub not_done: Vec<(What, String)>,
    /// The inputs of the plan that was given; those that are drawn stand in the
    /// plan.
    pub given: BTreeMap<String, Input>,
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
        Record { plan, reached, demanded, demands, not_done: Vec::new(), given, misused: None, journal }
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
    pub fn add(&mut self, entry: Entry) {
        self.journal.iter().for_each(|journal| journal(&Plan { entries: vec![entry.clone()], ..Plan::new() }));
        self.plan.entries.push(entry);
        self.reached.push(false);
        self.demanded.push(false);
    }

    /// The plan, and those of its entries that did not happen.
    pub fn result(&self) -> (Plan, Vec<Entry>) {
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

pub(super) struct Director {
    record: Arc<Mutex<Record>>,
    /// What waits for a call, by who makes it.
    points: Mutex<BTreeMap<String, Points>>,
    agenda: Mutex<Agenda>,
    bell: Arc<Notify>,
    weather: Option<Mutex<Weather>>,
    breeze: Option<Mutex<Breeze>>,
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
    Entry(usize),
    /// The start of a node.
    Start(String),
    /// The end of a trouble.
    End(String, Trouble),
}

impl Director {
    /// A director for the plan in `record`, of a run that begins at `start`.
    pub fn new(record: Arc<Mutex<Record>>, weather: Option<Weather>, breeze: Option<Breeze>, start: Time) -> Director {
        let director = Director {
            record,
            points: Mutex::default(),
            agenda: Mutex::default(),
            bell: Arc::default(),
            weather: weather.map(Mutex::new),
            breeze: breeze.map(Mutex::new),
        };
        let entries = director.record.lock().plan.entries.clone();
        for (number, entry) in entries.into_iter().enumerate() {
            director.expect(number, &entry.when, start);
        }
        director
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

    fn write_down(&self, entry: Entry, reached: bool) -> usize {
        let mut record = self.record.lock();
        record.add(entry);
        let number = record.reached.len() - 1;
        record.reached[number] = reached;
        number
    }

    fn expect(&self, number: usize, when: &When, start: Time) {
        let (point, side) = match when {
            When::At(after_start) => return self.schedule(start + *after_start, Due::Entry(number)),
            When::Before(point) => (point, Side::Before),
            When::After(point) => (point, Side::After),
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
    pub fn reach(&self, number: usize) -> What {
        let mut record = self.record.lock();
        record.reached[number] = true;
        record.plan.entries[number].what.clone()
    }

    /// What happens at a call: what the plan has for it, then what the weather
    /// brings, then a latency where there is no other fault.
    fn at(&self, side: Side, asked: &Asked<'_>, land: &Land) -> Vec<What> {
        let mut points = self.points.lock();
        let methods = points.get_mut(asked.by);
        let numbers = methods.and_then(|methods| methods.get_mut(&asked.method())?.remove(&(asked.nth, side)));
        drop(points);
        let mut whats: Vec<What> = numbers.into_iter().flatten().map(|number| self.reach(number)).collect();
        if let Some(weather) = &self.weather {
            let brought = match side {
                Side::Before => weather.lock().before(asked),
                Side::After => weather.lock().after(asked),
            };
            if let Some(entry) = brought {
                whats.push(entry.what.clone());
                self.write_down(entry, true);
            }
        }
        let spared = side == Side::After || whats.iter().any(|what| matches!(what, What::Fault(_)));
        if let Some(breeze) = self.breeze.as_ref().filter(|_| !spared)
            && let Some(entry) = breeze.lock().before(asked, land)
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
    pub fn keep_agenda(&self, stage: &Arc<Stage>) {
        let mut agenda = self.agenda.lock();
        if !agenda.kept && !agenda.due.is_empty() {
            agenda.kept = true;
            ours(|| tokio::spawn(keep(Arc::downgrade(stage), self.bell.clone())));
        }
    }
}

/// Does what is on the agenda, each at its time.
async fn keep(stage: Weak<Stage>, bell: Arc<Notify>) {
    loop {
        let mut rung = pin!(bell.notified());
        rung.as_mut().enable();
        let Some(stage) = stage.upgrade() else { return };
        while let Some(due) = stage.director.due(clock::now()) {
            stage.carry_out(due);
        }
        let next = stage.director.next().unwrap_or(Time::MAX);
        drop(stage);
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
    stage: Weak<Stage>,
    rules: Vec<Arc<dyn Rule>>,
}

impl Judge {
    pub fn new(stage: &Arc<Stage>, rules: Vec<Arc<dyn Rule>>) -> Judge {
        Judge { stage: Arc::downgrade(stage), rules }
    }
}

impl Judge {
    /// Counts a call, and ends the run where there are too many at one moment.
    fn count(&self, stage: &Stage, asked: &Asked<'_>) {
        let calls = stage.pulse.calls(asked.at);
        if calls > stage.pulse.limits.calls {
            stage.pulse.end_for(Cause::NoProgress(NoProgress::Calls {
                at: asked.at - stage.start,
                calls,
                by: asked.by.to_owned(),
                method: asked.method(),
                instance: asked.call.instance().map(str::to_owned),
            }));
        }
    }
}

impl Rule for Judge {
    fn judge(&self, asked: &Asked<'_>) -> Verdict {
        panics::survived();
        let Some(stage) = self.stage.upgrade() else { return Verdict::Pass };
        self.count(&stage, asked);
        stage.notice_fetcher(asked);
        stage.pulse.note_turn(asked.by, asked.call, None);
        // Activities do their work between calls.
        if !asked.call.is_read() {
            stage.look();
        }
        let mut verdict = Verdict::Pass;
        for what in stage.director.at(Side::Before, asked, &stage.land) {
            match what {
                What::Fault(fault) if verdict == Verdict::Pass => verdict = fault,
                What::Fault(_) => {}
                what => stage.perform(&what),
            }
        }
        for rule in &self.rules {
            if verdict == Verdict::Pass {
                verdict = rule.judge(asked);
            }
        }
        if verdict.concerns(asked.call) {
            stage.log.mark(asked.by, Happening::Fault { method: asked.method(), nth: asked.nth, verdict });
        }
        verdict
    }

    fn applied(&self, asked: &Asked<'_>, reply: &Reply) {
        let Some(stage) = self.stage.upgrade() else { return };
        self.rules.iter().for_each(|rule| rule.applied(asked, reply));
        stage.pulse.note_turn(asked.by, asked.call, Some(reply));
        if let Some(circle) = stage.chains.lock().note(asked, reply) {
            stage.pulse.end_for(Cause::NoProgress(circle));
        }
        if let Some(unknown) = stage.unknown_handler(asked, reply) {
            stage.pulse.end_for(Cause::UnknownHandler(unknown));
        }
        if !asked.call.is_read() {
            stage.look();
            stage.codes.stir();
        }
        stage.director.at(Side::After, asked, &stage.land).iter().for_each(|what| stage.perform(what));
    }
}

/// When `duration` from now is.
pub(super) fn after(duration: Duration) -> Time {
    clock::now() + duration
}
