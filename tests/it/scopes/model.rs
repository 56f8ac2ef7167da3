//! What a store has to answer, worked out from plain lists.

use std::time::Duration;

use duroxide_sim::call::{self, Item, Tags, Turn};
use duroxide_sim::call::{AckTurn, Call, Class, DeleteCounts, Job, Metadata, Metrics, QueueDepths, Refusal, Reply};
use duroxide_sim::duroxide::providers::WorkItem;
use duroxide_sim::duroxide::{Event, EventKind};

use super::steps::Step;

/// How long every lock lasts.
const LOCK: u64 = 5;
const LATE: u64 = 2;
const PAUSE: u64 = 1;

#[derive(Clone, PartialEq)]
struct Message {
    of: usize,
    item: Item,
    visible_at: u64,
    attempts: u32,
    /// Whether it came with the turn that is under a lock.
    taken: bool,
}

#[derive(Clone, PartialEq)]
struct Row {
    of: usize,
    item: Item,
    ready_at: u64,
    attempts: u32,
    lock: Option<Lock>,
}

#[derive(Clone, PartialEq)]
struct Lock {
    token: String,
    until: u64,
}

#[derive(Clone, Default, PartialEq)]
struct Instance {
    recorded: bool,
    executed: bool,
    ended: bool,
    history: Vec<call::Event>,
    lock: Option<Lock>,
    /// The last tokens issued for it.
    turn: String,
    job: String,
}

/// Messages and jobs stand in the order in which they came.
#[derive(Clone, PartialEq)]
pub struct Model {
    pub names: [&'static str; 2],
    pub now: u64,
    issued: u64,
    messages: Vec<Message>,
    jobs: Vec<Row>,
    instances: [Instance; 2],
}

fn lock_lost() -> Reply {
    Reply::Refused(Refusal::permanent(Class::LockLost, "", ""))
}

impl Model {
    pub fn new(names: [&'static str; 2], now: u64) -> Model {
        let (messages, jobs) = (Vec::new(), Vec::new());
        Model { names, now, issued: 0, messages, jobs, instances: Default::default() }
    }

    pub fn pass(&mut self, step: Step) {
        self.now += if step == Step::Lapse { LOCK } else { 1 };
    }

    pub fn next_token(&self) -> String {
        format!("token {}", self.issued + 1)
    }

    /// The call that a step makes; none where only time passes.
    pub fn call(&self, step: Step) -> Option<Call> {
        let (lock_for, poll_for) = (Duration::from_millis(LOCK), Duration::ZERO);
        let extend_for = lock_for;
        let delay = Some(Duration::from_millis(PAUSE));
        let turn = |of: usize| self.instances[of].turn.clone();
        let job = |of: usize| self.instances[of].job.clone();
        Some(match step {
            Step::Start(of) | Step::Event(of) | Step::Cancel(of) => {
                Call::EnqueueForOrchestrator { item: self.message(step, of), delay: None }
            }
            Step::Late(of) => {
                let delay = Some(Duration::from_millis(LATE));
                Call::EnqueueForOrchestrator { item: self.message(step, of), delay }
            }
            Step::Fetch(_) => Call::FetchOrchestrationItem { lock_for, poll_for, versions: None },
            Step::Commit(of) | Step::Touch(of) | Step::Finish(of) | Step::Repeat(of) => {
                Call::AckOrchestrationItem(Box::new(self.ack(step, of)))
            }
            Step::Abandon(of) => Call::AbandonOrchestrationItem { token: turn(of), delay, ignore_attempt: false },
            Step::Renew(of) => Call::RenewOrchestrationItemLock { token: turn(of), extend_for },
            Step::Job(of) => Call::EnqueueForWorker { item: self.activity(of) },
            Step::FetchJob(_) => Call::FetchWorkItem { lock_for, poll_for, session: None, tags: Tags::DefaultOnly },
            Step::AckJob(of) => Call::AckWorkItem { token: job(of), completion: Some(self.completion(of)) },
            Step::AbandonJob(of) => Call::AbandonWorkItem { token: job(of), delay, ignore_attempt: true },
            Step::RenewJob(of) => Call::RenewWorkItemLock { token: job(of), extend_for },
            Step::Delete(of) => Call::DeleteInstance { instance: self.names[of].to_owned(), force: true },
            Step::Tick | Step::Lapse => return None,
        })
    }

    fn message(&self, step: Step, of: usize) -> Item {
        let instance = self.names[of].to_owned();
        let item = match step {
            Step::Start(_) => WorkItem::StartOrchestration {
                instance,
                orchestration: "Orchestration".to_owned(),
                input: String::new(),
                version: Some("1.0.0".to_owned()),
                parent_instance: None,
                parent_id: None,
                parent_execution_id: None,
                execution_id: 1,
            },
            Step::Cancel(_) => WorkItem::CancelInstance { instance, reason: "enough".to_owned() },
            _ => {
                // Told apart by how many there are for the instance.
                let data = self.messages.iter().filter(|message| message.of == of).count().to_string();
                WorkItem::ExternalRaised { instance, name: "event".to_owned(), data }
            }
        };
        item.into()
    }

    fn activity(&self, of: usize) -> Item {
        WorkItem::ActivityExecute {
            instance: self.names[of].to_owned(),
            execution_id: 1,
            id: self.jobs.iter().filter(|row| row.of == of).count() as u64,
            name: "Activity".to_owned(),
            input: String::new(),
            session_id: None,
            tag: None,
        }
        .into()
    }

    fn completion(&self, of: usize) -> Item {
        let instance = self.names[of].to_owned();
        WorkItem::ActivityCompleted { instance, execution_id: 1, id: 0, result: "done".to_owned() }.into()
    }

    fn timer(&self, of: usize) -> Item {
        WorkItem::TimerFired {
            instance: self.names[of].to_owned(),
            execution_id: 1,
            id: 1,
            fire_at_ms: self.now + LATE,
        }
        .into()
    }

    fn ack(&self, step: Step, of: usize) -> AckTurn {
        let mut ack = AckTurn {
            token: self.instances[of].turn.clone(),
            execution: 1,
            history: Vec::new(),
            jobs: Vec::new(),
            messages: Vec::new(),
            metadata: Metadata::default(),
            cancelled: Vec::new(),
        };
        if step == Step::Touch(of) {
            return ack;
        }
        let next = self.instances[of].history.len() as u64 + 1;
        ack.history = vec![self.event(of, if step == Step::Repeat(of) { 1 } else { next })];
        ack.metadata.orchestration_name = Some("Orchestration".to_owned());
        ack.metadata.orchestration_version = Some("1.0.0".to_owned());
        if step == Step::Commit(of) {
            ack.jobs = vec![self.activity(of)];
            ack.messages = vec![self.timer(of)];
        }
        if step == Step::Finish(of) {
            ack.metadata.status = Some("Completed".to_owned());
            ack.metadata.output = Some("output".to_owned());
        }
        ack
    }

    fn event(&self, of: usize, event_id: u64) -> call::Event {
        Event {
            event_id,
            source_event_id: None,
            instance_id: self.names[of].to_owned(),
            execution_id: 1,
            timestamp_ms: self.now,
            duroxide_version: "0.1.32".to_owned(),
            kind: EventKind::ExternalSubscribed { name: "event".to_owned() },
        }
        .into()
    }

    /// Takes the step, and says what the call has to answer.
    pub fn answer(&mut self, step: Step) -> Reply {
        match step {
            Step::Start(of) | Step::Event(of) | Step::Cancel(of) => self.send(of, self.message(step, of), self.now),
            Step::Late(of) => self.send(of, self.message(step, of), self.now + LATE),
            Step::Fetch(n) => Reply::Turn(self.fetch(n).map(Box::new)),
            Step::Commit(of) | Step::Touch(of) | Step::Finish(of) | Step::Repeat(of) => self.commit(step, of),
            Step::Abandon(of) => self.abandon(of),
            Step::Renew(of) => self.renew(of),
            Step::Job(of) => self.queue_job(of),
            Step::FetchJob(n) => Reply::Job(self.fetch_job(n).map(Box::new)),
            Step::AckJob(of) => self.finish_job(of),
            Step::AbandonJob(of) => self.abandon_job(of),
            Step::RenewJob(of) => self.renew_job(of),
            Step::Delete(of) => self.delete(of),
            Step::Tick | Step::Lapse => Reply::Done,
        }
    }

    fn send(&mut self, of: usize, item: Item, visible_at: u64) -> Reply {
        self.messages.push(Message { of, item, visible_at, attempts: 0, taken: false });
        Reply::Done
    }

    fn issue(&mut self) -> String {
        let token = self.next_token();
        self.issued += 1;
        token
    }

    /// Whether the last token of an instance holds its lock now.
    fn holds(&self, of: usize) -> bool {
        let instance = &self.instances[of];
        instance.lock.as_ref().is_some_and(|lock| lock.until > self.now && lock.token == instance.turn)
    }

    /// From when on, and by which message, a turn of an instance can be fetched.
    fn ready(&self, of: usize) -> Option<(u64, usize)> {
        let instance = &self.instances[of];
        let mine = self.messages.iter().enumerate().filter(|(_, message)| message.of == of);
        if let Some(lock) = &instance.lock {
            let first = mine.filter(|(_, message)| message.taken).map(|(n, _)| n).min();
            return first.map(|n| (lock.until, n));
        }
        let known = instance.recorded || !instance.history.is_empty();
        let starts = |item: &Item| matches!(**item, WorkItem::StartOrchestration { .. });
        let counts = mine.filter(|(_, message)| known || starts(&message.item));
        counts.map(|(n, message)| (message.visible_at, n)).min()
    }

    fn fetch(&mut self, nth: usize) -> Option<Turn> {
        let mut ready: Vec<_> = (0..2).filter_map(|of| Some((self.ready(of)?, of))).collect();
        ready.retain(|((at, _), _)| *at <= self.now);
        ready.sort_unstable();
        let of = ready.get(nth % ready.len().max(1))?.1;

        let token = self.issue();
        let now = self.now;
        let mut batch = Vec::new();
        let mut attempts = 0;
        for message in self.messages.iter_mut().filter(|message| message.of == of && message.visible_at <= now) {
            message.taken = true;
            message.attempts += 1;
            attempts = attempts.max(message.attempts);
            batch.push(message.item.clone());
        }
        let instance = &mut self.instances[of];
        instance.turn.clone_from(&token);
        instance.lock = Some(Lock { token: token.clone(), until: now + LOCK });
        Some(Turn {
            instance: self.names[of].to_owned(),
            orchestration_name: "Orchestration".to_owned(),
            execution: 1,
            version: "1.0.0".to_owned(),
            history: instance.history.clone(),
            messages: batch,
            history_error: None,
            kv_snapshot: Default::default(),
            token,
            attempts,
        })
    }

    fn commit(&mut self, step: Step, of: usize) -> Reply {
        if !self.holds(of) {
            return lock_lost();
        }
        let ack = self.ack(step, of);
        let instance = &mut self.instances[of];
        if step == Step::Repeat(of) && !instance.history.is_empty() {
            return Reply::Refused(Refusal::permanent(Class::DuplicateEvent, "", ""));
        }
        instance.lock = None;
        instance.executed = true;
        instance.recorded |= ack.metadata.orchestration_name.is_some();
        instance.ended |= step == Step::Finish(of);
        instance.history.extend(ack.history);
        self.messages.retain(|message| message.of != of || !message.taken);
        for item in ack.jobs {
            self.jobs.push(Row { of, item, ready_at: self.now, attempts: 0, lock: None });
        }
        ack.messages.into_iter().for_each(|item| drop(self.send(of, item, self.now + LATE)));
        Reply::Done
    }

    fn abandon(&mut self, of: usize) -> Reply {
        if !self.holds(of) {
            return lock_lost();
        }
        self.instances[of].lock = None;
        for message in self.messages.iter_mut().filter(|message| message.of == of && message.taken) {
            message.taken = false;
            message.visible_at = self.now + PAUSE;
        }
        Reply::Done
    }

    fn renew(&mut self, of: usize) -> Reply {
        if !self.holds(of) {
            return lock_lost();
        }
        let until = self.now + LOCK;
        self.instances[of].lock.iter_mut().for_each(|lock| lock.until = until);
        Reply::Done
    }

    fn queue_job(&mut self, of: usize) -> Reply {
        let row = Row { of, item: self.activity(of), ready_at: self.now, attempts: 0, lock: None };
        self.jobs.push(row);
        Reply::Done
    }

    fn fetch_job(&mut self, nth: usize) -> Option<Job> {
        let ready = self.jobs.iter().enumerate().filter(|(_, row)| row.ready_at <= self.now);
        let mut ready: Vec<_> = ready.map(|(n, row)| (row.ready_at, n)).collect();
        ready.sort_unstable();
        let n = ready.get(nth % ready.len().max(1))?.1;
        let token = self.issue();
        let row = &mut self.jobs[n];
        row.attempts += 1;
        row.ready_at = self.now + LOCK;
        row.lock = Some(Lock { token: token.clone(), until: row.ready_at });
        self.instances[row.of].job.clone_from(&token);
        Some(Job { item: row.item.clone(), token, attempts: row.attempts })
    }

    /// The job that the last token of an instance was issued for and that nobody
    /// has fetched since; if `live`, with time left.
    fn held_job(&self, of: usize, live: bool) -> Option<usize> {
        let token = &self.instances[of].job;
        let holds = |lock: &Lock| lock.token == *token && (!live || lock.until > self.now);
        self.jobs.iter().position(|row| row.lock.as_ref().is_some_and(holds))
    }

    fn finish_job(&mut self, of: usize) -> Reply {
        let Some(n) = self.held_job(of, true) else { return lock_lost() };
        self.jobs.remove(n);
        self.send(of, self.completion(of), self.now)
    }

    fn abandon_job(&mut self, of: usize) -> Reply {
        // Abandoning does not ask for the time.
        let Some(n) = self.held_job(of, false) else { return lock_lost() };
        let row = &mut self.jobs[n];
        row.lock = None;
        row.ready_at = self.now + PAUSE;
        row.attempts -= 1;
        Reply::Done
    }

    fn renew_job(&mut self, of: usize) -> Reply {
        let Some(n) = self.held_job(of, true) else { return lock_lost() };
        let row = &mut self.jobs[n];
        row.ready_at = self.now + LOCK;
        row.lock.iter_mut().for_each(|lock| lock.until = row.ready_at);
        Reply::Done
    }

    fn delete(&mut self, of: usize) -> Reply {
        let old = &mut self.instances[of];
        if !old.recorded {
            return Reply::Refused(Refusal::permanent(Class::NotFound, "", ""));
        }
        let (turn, job) = (std::mem::take(&mut old.turn), std::mem::take(&mut old.job));
        let old = std::mem::replace(old, Instance { turn, job, ..Instance::default() });
        let queued = self.messages.len() + self.jobs.len();
        self.messages.retain(|message| message.of != of);
        self.jobs.retain(|row| row.of != of);
        Reply::Deleted(DeleteCounts {
            instances_deleted: 1,
            executions_deleted: 1,
            events_deleted: old.history.len() as u64,
            queue_messages_deleted: (queued - self.messages.len() - self.jobs.len()) as u64,
        })
    }
}

/// What can be counted.
impl Model {
    pub fn depths(&self) -> QueueDepths {
        let live = |lock: &Option<Lock>| lock.as_ref().is_some_and(|lock| lock.until > self.now);
        let free = |message: &&Message| !(message.taken && live(&self.instances[message.of].lock));
        QueueDepths {
            orchestrator_queue: self.messages.iter().filter(free).count(),
            worker_queue: self.jobs.iter().filter(|row| !live(&row.lock)).count(),
            timer_queue: 0,
        }
    }

    pub fn metrics(&self) -> Metrics {
        let count = |wanted: fn(&&Instance) -> bool| self.instances.iter().filter(wanted).count() as u64;
        Metrics {
            total_instances: count(|instance| instance.recorded),
            total_executions: count(|instance| instance.executed),
            running_instances: count(|instance| instance.recorded && !instance.ended),
            completed_instances: count(|instance| instance.ended),
            failed_instances: 0,
            total_events: self.instances.iter().map(|instance| instance.history.len() as u64).sum(),
        }
    }

    pub fn max_attempts(&self, instance: &str) -> u32 {
        let mine = self.messages.iter().filter(|message| self.names[message.of] == instance);
        mine.map(|message| message.attempts).max().unwrap_or(0)
    }

    /// The next moment at which a turn can be fetched that cannot be now.
    pub fn next_turn(&self) -> Option<u64> {
        (0..2).filter_map(|of| self.ready(of)).map(|(at, _)| at).filter(|at| *at > self.now).min()
    }

    pub fn next_job(&self) -> Option<u64> {
        self.jobs.iter().map(|row| row.ready_at).filter(|at| *at > self.now).min()
    }
}
