//! Resolves the conventions of a script to calls.
//!
//! Of the provider's state, it tracks only what fetches have returned.

use std::collections::BTreeMap;
use std::sync::Arc;

use duroxide::providers::WorkItem;
use duroxide_sim::call::{ActivityId, Call, Event, InstanceQuery, Item, Job, Reply, Turn};
use duroxide_sim::clock::Time;

use super::calls::reads;
use super::script::{Act, HERE, Queue, Token, after_here};

/// The base of the numbers in a relative call.
#[derive(Clone, Debug, Default)]
struct LockTarget {
    instance: String,
    execution: u64,
    /// The fetched activity; 0 for an orchestration item.
    activity: u64,
    /// The parent named in a fetched start message.
    parent: Option<String>,
}

/// What the fetches of a run have returned.
#[derive(Clone, Debug)]
pub(crate) struct Bindings {
    base: Time,
    turns: Vec<(String, LockTarget)>,
    jobs: Vec<(String, LockTarget)>,
    /// The last known event id of each execution.
    ends: BTreeMap<(String, u64), u64>,
    /// The activities that were enqueued.
    scheduled: Vec<ActivityId>,
}

impl Bindings {
    /// Nothing fetched yet; the script's times are relative to `base`.
    pub fn new(base: Time) -> Bindings {
        Bindings { base, turns: Vec::new(), jobs: Vec::new(), ends: BTreeMap::new(), scheduled: Vec::new() }
    }

    /// The call to make for `act`.
    pub fn resolve(&self, act: &Act) -> Call {
        let mut call = act.call.clone();
        let target = self.take_token(&mut call);
        let substitution = Substitution { bindings: self, target, relative: act.relative };
        match &mut call {
            Call::AckOrchestrationItem(ack) => {
                if act.relative {
                    ack.execution = substitution.target.execution.saturating_add(ack.execution);
                }
                let end = substitution.end(&substitution.target.instance, ack.execution);
                substitution.events(&mut ack.history, ack.execution, end);
                ack.jobs.iter_mut().chain(&mut ack.messages).for_each(|item| substitution.item(item, end));
                let own: Vec<ActivityId> = ack.jobs.iter().filter_map(|item| activity_of(item)).collect();
                ack.cancelled.iter_mut().for_each(|id| substitution.activity(id, &own));
                if ack.metadata.parent_instance_id.as_deref() == Some(HERE) {
                    ack.metadata.parent_instance_id.clone_from(&substitution.target.parent);
                }
            }
            Call::AppendWithExecution { instance, execution, events } => {
                substitution.instance(instance);
                let end = substitution.end(instance, *execution);
                substitution.events(events, *execution, end);
            }
            Call::EnqueueForWorker { item } | Call::EnqueueForOrchestrator { item, .. } => substitution.item(item, 0),
            Call::AckWorkItem { completion: Some(item), .. } => substitution.item(item, 0),
            Call::DeleteInstancesAtomic { instances, .. } => {
                instances.iter_mut().for_each(|name| substitution.instance(name))
            }
            Call::DeleteInstanceBulk { query } => substitution.query(query),
            Call::PruneExecutions { instance, keep } => {
                substitution.instance(instance);
                substitution.time(&mut keep.completed_before);
            }
            Call::PruneExecutionsBulk { query, keep } => {
                substitution.query(query);
                substitution.time(&mut keep.completed_before);
            }
            other @ (reads!()
            | Call::FetchOrchestrationItem { .. }
            | Call::AbandonOrchestrationItem { .. }
            | Call::RenewOrchestrationItemLock { .. }
            | Call::FetchWorkItem { .. }
            | Call::AckWorkItem { .. }
            | Call::RenewWorkItemLock { .. }
            | Call::AbandonWorkItem { .. }
            | Call::RenewSessionLock { .. }
            | Call::CleanupOrphanedSessions { .. }
            | Call::DeleteInstance { .. }) => {
                other.instance_mut().into_iter().for_each(|instance| substitution.instance(instance))
            }
        }
        call
    }

    /// Replaces the name of a token by the token. Returns the target of its
    /// lock.
    fn take_token(&self, call: &mut Call) -> LockTarget {
        let Some(token) = call.token_mut() else {
            return self.turns.last().map(|(_, target)| target.clone()).unwrap_or_default();
        };
        let found = match Token::parse(token) {
            Token::Fetched { queue: Queue::Turn, back } => self.turns.iter().nth_back(back).cloned(),
            Token::Fetched { queue: Queue::Job, back } => self.jobs.iter().nth_back(back).cloned(),
            Token::Forged(_) => None,
        };
        let (text, target) = found.unwrap_or_else(|| (token.clone(), LockTarget::default()));
        *token = text;
        target
    }

    /// Records an answer.
    pub fn note(&mut self, call: &Call, reply: &Reply) {
        match (call, reply) {
            (_, Reply::Turn(Some(turn))) => self.note_turn(turn),
            (_, Reply::Job(Some(job))) => self.note_job(job),
            (Call::AckOrchestrationItem(ack), Reply::Done) => {
                let target = self.turns.iter().rev().find(|(token, _)| *token == ack.token);
                if let Some(instance) = target.map(|(_, target)| target.instance.clone()) {
                    self.note_end(instance, ack.execution, &ack.history);
                }
                self.scheduled.extend(ack.jobs.iter().filter_map(|item| activity_of(item)));
            }
            (Call::EnqueueForWorker { item }, Reply::Done) => self.scheduled.extend(activity_of(item)),
            (Call::AppendWithExecution { instance, execution, events }, Reply::Done) => {
                self.note_end(instance.clone(), *execution, events);
            }
            _ => {}
        }
    }

    fn note_turn(&mut self, turn: &Turn) {
        let parent = turn.messages.iter().find_map(|item| match &**item {
            WorkItem::StartOrchestration { parent_instance, .. } => parent_instance.clone(),
            _ => None,
        });
        let target = LockTarget { instance: turn.instance.clone(), execution: turn.execution, activity: 0, parent };
        self.note_end(turn.instance.clone(), turn.execution, &turn.history);
        self.turns.push((turn.token.clone(), target));
    }

    fn note_job(&mut self, job: &Job) {
        if let WorkItem::ActivityExecute { instance, execution_id, id, .. } = &*job.item {
            let target =
                LockTarget { instance: instance.clone(), execution: *execution_id, activity: *id, parent: None };
            self.jobs.push((job.token.clone(), target));
        }
    }

    fn note_end(&mut self, instance: String, execution: u64, events: &[Event]) {
        if let Some(last) = events.iter().map(|event| event.event_id).max() {
            let end = self.ends.entry((instance, execution)).or_default();
            *end = (*end).max(last);
        }
    }
}

fn activity_of(item: &WorkItem) -> Option<ActivityId> {
    match item {
        WorkItem::ActivityExecute { instance, execution_id, id, .. } => {
            Some(ActivityId { instance: instance.clone(), execution: *execution_id, activity: *id })
        }
        _ => None,
    }
}

/// Resolves one call.
struct Substitution<'a> {
    bindings: &'a Bindings,
    target: LockTarget,
    relative: bool,
}

impl Substitution<'_> {
    fn end(&self, instance: &str, execution: u64) -> u64 {
        if !self.relative {
            return 0;
        }
        self.bindings.ends.get(&(instance.to_owned(), execution)).copied().unwrap_or(0)
    }

    fn instance(&self, instance: &mut String) {
        if let Some(rest) = after_here(instance) {
            *instance = format!("{}{rest}", self.target.instance);
        }
    }

    fn query(&self, query: &mut InstanceQuery) {
        query.instance_ids.iter_mut().flatten().for_each(|name| self.instance(name));
        self.time(&mut query.completed_before);
    }

    fn add(&self, number: &mut u64, to: u64) {
        if self.relative {
            *number = number.saturating_add(to);
        }
    }

    fn time(&self, at: &mut Option<u64>) {
        if let Some(at) = at {
            *at = at.saturating_add(self.bindings.base.0);
        }
    }

    fn events(&self, events: &mut [Event], execution: u64, end: u64) {
        for event in events {
            if !self.relative && event.instance_id != HERE {
                continue;
            }
            let event = Arc::make_mut(event);
            self.instance(&mut event.instance_id);
            if self.relative {
                event.execution_id = execution;
                event.event_id = event.event_id.saturating_add(end);
            }
        }
    }

    /// In a relative call, `@` with number n is the instance's n-th most recent
    /// activity, including those of the call itself.
    fn activity(&self, id: &mut ActivityId, own: &[ActivityId]) {
        if !self.relative || id.instance != HERE {
            return self.instance(&mut id.instance);
        }
        let all =
            self.bindings.scheduled.iter().chain(own).rev().filter(|known| known.instance == self.target.instance);
        let back = usize::try_from(id.activity).unwrap_or(usize::MAX);
        match all.into_iter().nth(back) {
            Some(known) => id.clone_from(known),
            None => id.instance.clone_from(&self.target.instance),
        }
    }

    /// Resolves an item; ids scheduled by an ack are relative to `end`.
    fn item(&self, item: &mut Item, end: u64) {
        let execution = self.target.execution;
        match Arc::make_mut(item) {
            WorkItem::ActivityExecute { instance, execution_id, id, .. } => {
                self.instance(instance);
                self.add(execution_id, execution);
                self.add(id, end);
            }
            WorkItem::TimerFired { instance, execution_id, id, fire_at_ms } => {
                self.instance(instance);
                self.add(execution_id, execution);
                self.add(id, end);
                *fire_at_ms = fire_at_ms.saturating_add(self.bindings.base.0);
            }
            WorkItem::ActivityCompleted { instance, execution_id, id, .. }
            | WorkItem::ActivityFailed { instance, execution_id, id, .. } => {
                self.instance(instance);
                self.add(execution_id, execution);
                self.add(id, self.target.activity);
            }
            WorkItem::SubOrchCompleted { parent_instance, parent_execution_id, .. }
            | WorkItem::SubOrchFailed { parent_instance, parent_execution_id, .. } => {
                self.instance(parent_instance);
                self.add(parent_execution_id, execution);
            }
            WorkItem::StartOrchestration { instance, parent_instance, .. } => {
                self.instance(instance);
                parent_instance.iter_mut().for_each(|parent| self.instance(parent));
            }
            WorkItem::ContinueAsNew { instance, .. }
            | WorkItem::ExternalRaised { instance, .. }
            | WorkItem::CancelInstance { instance, .. }
            | WorkItem::QueueMessage { instance, .. } => self.instance(instance),
            #[allow(unreachable_patterns)] // A variant that a feature of duroxide adds.
            _ => {}
        }
    }
}
