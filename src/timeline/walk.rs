//! [`Walk`]: derives the items of the page from a trace, in one pass.
//!
//! It pairs related entries: a fetch with the ack or the loss of its lock, a timer with its
//! delivery, a message with the turn that received it. It knows nothing of pixels or lanes.

mod activities;
mod history;
mod locks;
mod marks;
mod remarks;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use duroxide::providers::WorkItem;

use super::item::{At, Item, Kind, State};
use crate::call::{Call, Reply, instance_of};
use crate::clock::Time;
use crate::laws::Breach;
use crate::sim::Observed;
use crate::trace::{Answer, Entry, Mark, Trace, is_idle, is_repeated};

use activities::Deliveries;
use history::Scheduled;
use locks::{Held, Work};
use remarks::{Placed, Remark};

/// The facts about an instance other than its items.
#[derive(Clone, Debug, Default)]
pub(super) struct Instance {
    pub orchestration: String,
    pub parent: Option<String>,
    /// Its final status and when it ended, once it has.
    pub ended: Option<(String, At)>,
}

/// The result of a walk.
pub(super) struct Walked {
    pub items: Vec<Item>,
    /// The times of all steps since the start.
    pub steps: Vec<u64>,
    /// In order of appearance.
    pub instances: Vec<(String, Instance)>,
    /// In order of appearance, with `true` for a node and `false` for a client.
    pub nodes: Vec<(String, bool)>,
    /// The number of steps before the first difference.
    pub shared: Option<usize>,
    /// The number of calls that are left out.
    pub quiet: usize,
    /// The instances whose calls break laws.
    pub blamed: BTreeSet<String>,
}

/// The identity by which a message is recognized when it is fetched.
type Key = (String, String);

/// The state of a walk.
pub(super) struct Walk<'a> {
    trace: &'a Trace,
    /// The entries that are always shown.
    forced: BTreeSet<usize>,
    /// The broken laws, by entry.
    breaches: BTreeMap<usize, Vec<&'a Breach>>,
    blamed: BTreeSet<String>,
    /// The position of the first difference, counted over calls and marks.
    differs: Option<usize>,
    shared: Option<usize>,
    items: Vec<Item>,
    steps: Vec<u64>,
    quiet: usize,
    instances: Names<Instance>,
    nodes: Names<bool>,
    /// The locks that are held, by token.
    held: BTreeMap<String, Held>,
    holders: BTreeMap<Work, String>,
    /// Jobs that were scheduled and have not ended.
    jobs: BTreeMap<Work, Scheduled>,
    /// The open bars of histories, by instance, execution and event.
    open: BTreeMap<(String, u64, u64), usize>,
    /// The open waits by what they wait for, and the number of events that arrived before a wait
    /// for them.
    waiting: BTreeMap<(String, u64, String), VecDeque<usize>>,
    early: BTreeMap<(String, u64, String), usize>,
    /// The items that sent the messages in transit.
    sent: BTreeMap<Key, VecDeque<usize>>,
    /// The names of activities and children, by the keys of their completions.
    names: BTreeMap<Key, String>,
    /// The current impairments of each node.
    spells: BTreeMap<(String, &'static str), usize>,
    /// What remains of what the code did between calls, and the marks of what came before.
    remarks: VecDeque<Remark<'a>>,
    placed: Vec<Placed>,
    /// The deliveries of activities that are known.
    deliveries: Deliveries<'a>,
}

/// What a walk is about.
pub(super) struct Route<'a> {
    pub trace: &'a Trace,
    /// The entries that are always shown.
    pub forced: BTreeSet<usize>,
    /// The position of the call or mark at which the trace differs from another one.
    pub differs: Option<usize>,
    /// The broken laws, with the positions of their calls in this trace.
    pub breaches: &'a [Breach],
    /// What the run did besides its calls.
    pub observed: Option<&'a Observed>,
    /// The indices of the calls in the whole run, if the trace is a part of it.
    pub numbers: &'a [usize],
}

/// Values by name, in order of first use.
#[derive(Debug)]
pub(super) struct Names<T> {
    list: Vec<(String, T)>,
    index: BTreeMap<String, usize>,
}

impl<T: Default> Names<T> {
    pub fn new() -> Names<T> {
        Names { list: Vec::new(), index: BTreeMap::new() }
    }

    /// Returns the value with this name, added if it is new.
    pub fn get(&mut self, name: &str) -> &mut T {
        if !self.index.contains_key(name) {
            self.index.insert(name.to_owned(), self.list.len());
            self.list.push((name.to_owned(), T::default()));
        }
        &mut self.list[self.index[name]].1
    }
}

/// Walks over a trace.
pub(super) fn walk(route: Route<'_>) -> Walked {
    let Route { trace, forced, differs, breaches, observed, numbers } = route;
    let mut by_entry: BTreeMap<usize, Vec<&Breach>> = BTreeMap::new();
    for breach in breaches {
        breach.entry.iter().for_each(|entry| by_entry.entry(*entry).or_default().push(breach));
    }
    let mut walk = Walk {
        trace,
        forced,
        breaches: by_entry,
        blamed: BTreeSet::new(),
        differs,
        shared: None,
        items: Vec::new(),
        steps: Vec::new(),
        quiet: 0,
        instances: Names::new(),
        nodes: Names::new(),
        held: BTreeMap::new(),
        holders: BTreeMap::new(),
        jobs: BTreeMap::new(),
        open: BTreeMap::new(),
        waiting: BTreeMap::new(),
        early: BTreeMap::new(),
        sent: BTreeMap::new(),
        names: BTreeMap::new(),
        spells: BTreeMap::new(),
        remarks: observed.map(|observed| remarks::all(observed, numbers)).unwrap_or_default(),
        placed: Vec::new(),
        deliveries: observed.map(activities::deliveries).unwrap_or_default(),
    };
    walk.all();
    Walked {
        items: walk.items,
        steps: walk.steps,
        instances: walk.instances.list,
        nodes: walk.nodes.list,
        shared: walk.shared,
        quiet: walk.quiet,
        blamed: walk.blamed,
    }
}

impl<'a> Walk<'a> {
    fn all(&mut self) {
        let trace = self.trace;
        let mut told = BTreeMap::new();
        for (place, piece) in pieces(trace).into_iter().enumerate() {
            let differs = self.differs == Some(place);
            if differs {
                self.shared = Some(self.steps.len());
            }
            match piece {
                Piece::Mark(mark) => self.mark(mark, differs),
                Piece::Entry(number, entry) => {
                    self.remarks_before(number);
                    let repeated = is_repeated(entry, &mut told);
                    let forced = differs || self.forced.contains(&number);
                    self.entry(number, entry, repeated, forced);
                }
            }
        }
        if self.differs.is_some() {
            self.shared.get_or_insert(self.steps.len());
        }
        self.last_remarks();
        self.close();
        self.place_remarks();
    }

    /// A time since the start, in milliseconds.
    fn since_start(&self, time: Time) -> u64 {
        time.0.saturating_sub(self.trace.started.0)
    }

    /// Adds a step. The times of steps never decrease.
    fn step(&mut self, at: Time) -> At {
        let last = self.steps.last().copied().unwrap_or(0);
        self.steps.push(self.since_start(at).max(last));
        At::Step(self.steps.len() - 1)
    }

    fn add(&mut self, item: Item) -> usize {
        if let Some(instance) = &item.instance {
            self.instances.get(instance);
        }
        if let Some(node) = &item.node {
            self.nodes.get(node);
        }
        self.items.push(item);
        self.items.len() - 1
    }

    fn entry(&mut self, number: usize, entry: &'a Entry, repeated: bool, forced: bool) {
        let refused = matches!(&entry.answer, Answer::Reply(Reply::Refused(_)));
        let fetch = entry.call.is_fetch();
        if fetch {
            *self.nodes.get(&entry.by) = true;
        }
        if let (Some(token), false) = (entry.call.token(), forced || refused)
            && entry.found_nothing()
        {
            self.renewed(number, entry, token);
            return;
        }
        let of_node = *self.nodes.get(&entry.by);
        let quiet = is_idle(entry) || repeated || (entry.found_nothing() && of_node);
        if quiet && !forced && !refused {
            self.quiet += 1;
            return;
        }
        let at = self.step(entry.answered);
        let breaches = self.breaches.remove(&number).unwrap_or_default();
        let about = if breaches.is_empty() { None } else { self.instance_about(entry) };
        match (&*entry.call, &entry.answer) {
            (Call::FetchOrchestrationItem { lock_for, .. }, Answer::Turn(turn)) => {
                self.fetched_turn(number, entry, turn, at, entry.answered + *lock_for);
            }
            (Call::FetchWorkItem { lock_for, .. }, Answer::Job(job)) => {
                self.fetched_job(number, entry, job, at, entry.answered + *lock_for);
            }
            (Call::AckOrchestrationItem(ack), Answer::Reply(Reply::Done)) => self.acked_turn(number, ack, at),
            (Call::AckWorkItem { token, completion }, Answer::Reply(Reply::Done)) => {
                self.acked_job(number, token, completion.as_deref(), at);
            }
            (
                Call::AbandonOrchestrationItem { token, .. } | Call::AbandonWorkItem { token, .. },
                Answer::Reply(Reply::Done),
            ) => self.abandoned(number, token, at),
            (Call::EnqueueForOrchestrator { item, .. }, Answer::Reply(Reply::Done)) => {
                self.message(number, entry, item, at);
            }
            (call, _) => self.other(number, entry, call, at),
        }
        self.broken(number, entry, about, breaches, at);
    }

    /// Adds the laws that a call breaks.
    fn broken(&mut self, number: usize, entry: &Entry, instance: Option<String>, breaches: Vec<&Breach>, at: At) {
        for breach in breaches {
            let note = format!("{} Source: {}.", breach.what, breach.law.source());
            let mut item = Item::point(Kind::Law, at, format!("breaks {}", breach.law)).by(&entry.by).note(note);
            item.instance.clone_from(&instance);
            item.state = State::Failed;
            self.blamed.extend(item.instance.clone());
            self.add(item.entry(number));
        }
    }

    /// The instance that a call is about.
    fn instance_about(&self, entry: &Entry) -> Option<String> {
        match (&*entry.call, &entry.answer) {
            (_, Answer::Turn(turn)) => Some(turn.instance.clone()),
            (_, Answer::Job(job)) => Some(instance_of(&job.item).into_owned()),
            (Call::EnqueueForOrchestrator { item, .. } | Call::EnqueueForWorker { item }, _) => {
                Some(instance_of(item).into_owned())
            }
            (call, _) => {
                let held = call.token().and_then(|token| self.held.get(token));
                held.map(|held| held.work.instance()).or(call.instance()).map(str::to_owned)
            }
        }
    }

    /// Adds a message to an orchestration.
    fn message(&mut self, number: usize, entry: &Entry, message: &WorkItem, at: At) {
        self.heard_of(message);
        let instance = instance_of(message);
        let item = Item::point(Kind::Event, at, self.short(message)).of(&instance).by(&entry.by).entry(number);
        let item = self.add(item);
        if let Some(key) = key(message) {
            self.sent.entry(key).or_default().push_back(item);
        }
    }

    /// Records what a start message says about its instance.
    fn heard_of(&mut self, message: &WorkItem) {
        if let WorkItem::StartOrchestration { instance, orchestration, parent_instance, .. } = message {
            let known = self.instances.get(instance);
            known.orchestration.clone_from(orchestration);
            known.parent.clone_from(parent_instance);
        }
    }

    /// Adds any other call, including refused and dropped ones.
    fn other(&mut self, number: usize, entry: &Entry, call: &Call, at: At) {
        let refusal = match &entry.answer {
            Answer::Reply(Reply::Refused(refusal)) => Some(refusal),
            _ => None,
        };
        let dropped = entry.answer == Answer::Dropped;
        let state = match refusal {
            Some(_) => State::Refused,
            None if dropped => State::Lost,
            None => State::Fine,
        };
        let note = match refusal {
            Some(refusal) => format!("It was refused ({:?}): {}", refusal.class, refusal.message),
            None if dropped => "Its future was dropped before it was answered.".to_owned(),
            None => String::new(),
        };
        let mut item = Item::point(Kind::Call, at, call.method().name()).by(&entry.by).entry(number);
        item = item.state(state).note(note);
        item.instance = call.token().and_then(|token| self.held.get(token)).map(|held| held.work.instance().to_owned());
        if let Some(instance) = call.instance().filter(|_| !call.is_read()) {
            item.instance = Some(instance.to_owned());
        }
        self.add(item);
        if let Some(token) = call.token() {
            self.rejected(number, token, refusal, at);
        }
    }

    /// A message in one or two words.
    fn short(&self, message: &WorkItem) -> String {
        let name = |what: &str| {
            let name = key(message).and_then(|key| self.names.get(&key)).cloned();
            format!("{} {what}", name.unwrap_or_else(|| "work".to_owned()))
        };
        match message {
            WorkItem::StartOrchestration { .. } => "start".to_owned(),
            WorkItem::ContinueAsNew { .. } => "continue as new".to_owned(),
            WorkItem::ActivityCompleted { .. } | WorkItem::SubOrchCompleted { .. } => name("done"),
            WorkItem::ActivityFailed { .. } | WorkItem::SubOrchFailed { .. } => name("failed"),
            WorkItem::TimerFired { .. } => "timer".to_owned(),
            WorkItem::ExternalRaised { name, .. } | WorkItem::QueueMessage { name, .. } => name.clone(),
            WorkItem::CancelInstance { .. } => "cancel".to_owned(),
            other => crate::call::kind_of(other).into_owned(),
        }
    }
}

/// The identity by which a message is recognized when it is fetched.
fn key(message: &WorkItem) -> Option<Key> {
    let what = match message {
        WorkItem::StartOrchestration { .. } | WorkItem::ContinueAsNew { .. } => "start".to_owned(),
        WorkItem::ActivityCompleted { execution_id, id, .. }
        | WorkItem::ActivityFailed { execution_id, id, .. }
        | WorkItem::TimerFired { execution_id, id, .. } => format!("#{execution_id}/{id}"),
        WorkItem::SubOrchCompleted { parent_execution_id, parent_id, .. }
        | WorkItem::SubOrchFailed { parent_execution_id, parent_id, .. } => {
            format!("#{parent_execution_id}/{parent_id}")
        }
        WorkItem::ExternalRaised { name, data, .. } => format!("event {name} {data}"),
        WorkItem::QueueMessage { name, data, .. } => format!("queue {name} {data}"),
        WorkItem::CancelInstance { .. } => "cancel".to_owned(),
        WorkItem::ActivityExecute { .. } => return None,
        #[allow(unreachable_patterns)]
        unknown => serde_json::to_string(unknown).ok()?,
    };
    Some((instance_of(message).into_owned(), what))
}

/// A call or a mark.
pub(super) enum Piece<'a> {
    Mark(&'a Mark),
    Entry(usize, &'a Entry),
}

/// The calls and marks of a trace, in order.
pub(super) fn pieces(trace: &Trace) -> Vec<Piece<'_>> {
    let mut pieces = Vec::with_capacity(trace.entries.len() + trace.marks.len());
    let mut marks = trace.marks.iter().peekable();
    for (number, entry) in trace.entries.iter().enumerate() {
        while let Some(mark) = marks.next_if(|mark| mark.before <= number) {
            pieces.push(Piece::Mark(mark));
        }
        pieces.push(Piece::Entry(number, entry));
    }
    pieces.extend(marks.map(Piece::Mark));
    pieces
}
