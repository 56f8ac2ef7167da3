//! [`Chains`]: detection of runs that keep working without getting anywhere.
//!
//! At one moment of virtual time, each turn has a depth: its distance in causes from
//! whatever began at that moment. A turn whose ack sends a message to an instance comes one
//! step before that instance's next turn, and so does a turn whose activity returns a
//! result or calls a client. Ten thousand instances that start at one moment, ten thousand
//! events for one instance, or a parent with as many sub-orchestrations are only a few
//! steps deep; a loop that takes no time gets deeper and deeper. So the limit applies to
//! the depth, not to the number of turns.
//!
//! In addition, endless deliveries of messages and activities are detected by the
//! provider's attempt counts.

use std::collections::BTreeMap;
use std::time::Duration;

use duroxide::providers::WorkItem;

use super::Limits;
use super::no_progress::{Circling, NoProgress};
use crate::call::{AckTurn, Call, Job, Reply, Turn, instance_of};
use crate::clock::{self, Time};
use crate::faults::CallContext;
use crate::trace::describe_item;

/// The number of instances named.
const NAMED: usize = 3;

/// The state of one instance.
struct Row {
    name: String,
    /// The moment to which the counts below belong.
    moment: Time,
    /// The depth of the turn that was fetched last.
    depth: u64,
    /// The depth of the next turn.
    next: u64,
    turns: u64,
    /// The number of turns caused only by failures, timers and events sent by nodes.
    barren: u64,
    /// Whether a client of the body has sent something since the last turn.
    news: bool,
    executions: u64,
    execution: u64,
    brought_by: Vec<String>,
    /// The lock token of the last fetched turn, the time of the first delivery of its
    /// messages, and the error with which their ack was refused.
    token: String,
    since: Time,
    refusal: Option<String>,
}

impl Row {
    fn at(&mut self, now: Time) -> &mut Row {
        if self.moment != now {
            (self.moment, self.depth, self.next) = (now, 0, 0);
            (self.turns, self.barren, self.news, self.executions) = (0, 0, false, 0);
        }
        self
    }
}

/// Returns descriptions of the first messages of a turn.
fn brought_by(turn: &Turn) -> Vec<String> {
    let describe = |item: &WorkItem| match item {
        // A timer fires at the current moment, so its time is omitted.
        WorkItem::TimerFired { id, .. } => format!("TimerFired #{id}"),
        item => describe_item(item),
    };
    turn.messages.iter().take(NAMED).map(|item| describe(item)).collect()
}

/// Whether a turn with only such messages makes no progress.
fn is_barren(item: &WorkItem) -> bool {
    matches!(
        item,
        WorkItem::ActivityFailed { .. }
            | WorkItem::SubOrchFailed { .. }
            | WorkItem::TimerFired { .. }
            | WorkItem::ExternalRaised { .. }
            | WorkItem::QueueMessage { .. }
    )
}

/// A work item: the row of its instance, its execution and its event id.
type JobKey = (usize, u64, u64);

pub(super) struct Chains {
    start: Time,
    chain: u64,
    barren: u64,
    deliveries: u32,
    names: BTreeMap<String, usize>,
    rows: Vec<Row>,
    /// The rows of the turns that are locked, by lock token.
    held: BTreeMap<String, usize>,
    /// The time of the first delivery of each work item.
    jobs: BTreeMap<JobKey, Time>,
    /// The depth of the work items that each node has fetched, and when.
    nodes: BTreeMap<String, (Time, u64)>,
}

impl Chains {
    /// Creates the detector. `patience` is the largest `max_attempts` of any node.
    pub fn new<'a>(start: Time, limits: &Limits, patience: u32, nodes: impl Iterator<Item = &'a String>) -> Chains {
        Chains {
            start,
            chain: limits.chain,
            barren: limits.barren,
            deliveries: limits.deliveries.saturating_add(patience),
            names: BTreeMap::new(),
            rows: Vec::new(),
            held: BTreeMap::new(),
            jobs: BTreeMap::new(),
            nodes: nodes.map(|node| (node.clone(), (Time(0), 0))).collect(),
        }
    }

    /// Records a call that has taken effect. Returns the reason if the run makes no
    /// progress any more.
    pub fn note(&mut self, asked: &CallContext<'_>, reply: &Reply) -> Option<NoProgress> {
        let now = clock::now();
        match (asked.call, reply) {
            (Call::FetchOrchestrationItem { lock_for, .. }, Reply::Turn(Some(turn))) => {
                self.turn(now, asked.by, turn, *lock_for)
            }
            (Call::FetchWorkItem { lock_for, .. }, Reply::Job(Some(job))) => self.job(now, asked.by, job, *lock_for),
            (Call::AckOrchestrationItem(ack), Reply::Done) => {
                self.acked(now, ack);
                None
            }
            (Call::AckOrchestrationItem(ack), Reply::Refused(refusal)) => {
                if let Some(row) = self.held.get(&ack.token) {
                    self.rows[*row].refusal = Some(refusal.message.clone());
                }
                None
            }
            (Call::AbandonOrchestrationItem { token, delay: None, .. }, Reply::Done) => {
                if let Some(row) = self.held.remove(token) {
                    let row = self.rows[row].at(now);
                    row.next = row.next.max(row.depth + 1);
                }
                None
            }
            (Call::AckWorkItem { completion: Some(item), .. }, Reply::Done) => {
                self.finished(now, item);
                None
            }
            (Call::EnqueueForOrchestrator { item, delay: None }, Reply::Done) => {
                // A message from a client of the body begins something new.
                match self.nodes.get(asked.by).copied() {
                    Some((at, depth)) => self.reach(now, &instance_of(item), if at == now { depth + 1 } else { 0 }),
                    None => {
                        let row = self.row(&instance_of(item));
                        self.rows[row].at(now).news = true;
                    }
                }
                None
            }
            _ => None,
        }
    }

    fn row(&mut self, name: &str) -> usize {
        if let Some(number) = self.names.get(name) {
            return *number;
        }
        let number = self.rows.len();
        self.names.insert(name.to_owned(), number);
        self.rows.push(Row {
            name: name.to_owned(),
            moment: Time(0),
            depth: 0,
            next: 0,
            turns: 0,
            barren: 0,
            news: false,
            executions: 0,
            execution: 0,
            brought_by: Vec::new(),
            token: String::new(),
            since: Time(0),
            refusal: None,
        });
        number
    }

    fn reach(&mut self, now: Time, instance: &str, depth: u64) {
        let number = self.row(instance);
        let row = self.rows[number].at(now);
        row.next = row.next.max(depth);
    }

    fn turn(&mut self, now: Time, by: &str, turn: &Turn, lock: Duration) -> Option<NoProgress> {
        let number = self.row(&turn.instance);
        let (chain, barren, deliveries) = (self.chain, self.barren, self.deliveries);
        let row = self.rows[number].at(now);
        row.depth = row.next;
        row.turns += 1;
        let news = std::mem::take(&mut row.news);
        row.barren += u64::from(!news && turn.messages.iter().all(|item| is_barren(item)));
        if turn.attempts <= 1 {
            row.since = now;
            row.refusal = None;
        }
        let old = std::mem::replace(&mut row.token, turn.token.clone());
        if turn.attempts <= 1 {
            self.held.remove(&old);
        }
        self.held.insert(turn.token.clone(), number);
        let row = &mut self.rows[number];
        if row.depth >= chain {
            row.brought_by = brought_by(turn);
            return Some(self.chain_at(now, number));
        }
        if row.barren > barren {
            return Some(NoProgress::Barren {
                at: now - self.start,
                instance: turn.instance.clone(),
                turns: row.barren,
                brought_by: brought_by(turn),
            });
        }
        (turn.attempts > deliveries).then(|| NoProgress::Deliveries {
            instance: turn.instance.clone(),
            work: match &turn.messages[..] {
                [one] => format!("The message {}", describe_item(one)),
                [one, rest @ ..] => format!("The message {} with {} more", describe_item(one), rest.len()),
                [] => "A turn".to_owned(),
            },
            deliveries: turn.attempts,
            since: row.since - self.start,
            until: now - self.start,
            node: by.to_owned(),
            lock,
            refusal: row.refusal.clone(),
        })
    }

    fn chain_at(&self, now: Time, last: usize) -> NoProgress {
        let mut rows: Vec<(usize, &Row)> =
            self.rows.iter().enumerate().filter(|(_, row)| row.moment == now && row.turns > 0).collect();
        // If all have the same number of turns, the one at the end of the chain comes
        // first.
        rows.sort_by_key(|(number, row)| (std::cmp::Reverse(row.turns), *number != last, std::cmp::Reverse(row.depth)));
        let most = rows.first().map_or(0, |(_, row)| row.turns);
        let circling = |row: &Row| Circling {
            instance: row.name.clone(),
            turns: row.turns,
            executions: row.executions.max(1),
            brought_by: row.brought_by.clone(),
        };
        // An instance with a few turns among instances with thousands is not part of the
        // chain.
        let instances = rows.iter().filter(|(_, row)| row.turns * 4 >= most).take(NAMED);
        NoProgress::Chain {
            at: now - self.start,
            length: self.rows[last].depth,
            instances: instances.map(|(_, row)| circling(row)).collect(),
        }
    }

    fn acked(&mut self, now: Time, ack: &AckTurn) {
        let Some(number) = self.held.remove(&ack.token) else { return };
        let row = self.rows[number].at(now);
        if row.executions == 0 || row.execution != ack.execution {
            row.executions += 1;
            row.execution = ack.execution;
        }
        let depth = row.depth + 1;
        for item in &ack.messages {
            let later = matches!(&**item, WorkItem::TimerFired { fire_at_ms, .. } if *fire_at_ms > now.0);
            if !later {
                self.reach(now, &instance_of(item), depth);
            }
        }
    }

    fn job(&mut self, now: Time, by: &str, job: &Job, lock: Duration) -> Option<NoProgress> {
        let WorkItem::ActivityExecute { instance, execution_id, id, name, .. } = &*job.item else { return None };
        let number = self.row(instance);
        let depth = self.rows[number].at(now).depth;
        if let Some(node) = self.nodes.get_mut(by) {
            *node = if node.0 == now { (now, node.1.max(depth)) } else { (now, depth) };
        }
        let key = (number, *execution_id, *id);
        let since =
            *self.jobs.entry(key).and_modify(|at| *at = if job.attempts <= 1 { now } else { *at }).or_insert(now);
        (job.attempts > self.deliveries).then(|| NoProgress::Deliveries {
            instance: instance.clone(),
            work: format!("Activity {name:?} (event {id})"),
            deliveries: job.attempts,
            since: since - self.start,
            until: now - self.start,
            node: by.to_owned(),
            lock,
            refusal: None,
        })
    }

    fn finished(&mut self, now: Time, completion: &WorkItem) {
        let number = self.row(&instance_of(completion));
        let row = self.rows[number].at(now);
        row.next = row.next.max(row.depth + 1);
        if let WorkItem::ActivityCompleted { execution_id, id, .. }
        | WorkItem::ActivityFailed { execution_id, id, .. } = completion
        {
            self.jobs.remove(&(number, *execution_id, *id));
        }
    }
}
