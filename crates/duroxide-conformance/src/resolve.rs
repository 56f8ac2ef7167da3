//! Resolves the conventions of a script to calls.
//!
//! Of the provider's state, it tracks only what fetches have returned.

use std::collections::BTreeMap;
use std::sync::Arc;

use duroxide::providers::WorkItem;
use duroxide_sim::call::{ActivityId, Call, Event, InstanceQuery, Item, Job, Reply, Turn};
use duroxide_sim::clock::Time;

use super::script::Act;

/// The instance locked by the call's token.
const HERE: &str = "@";

/// The base of the numbers in a relative call.
#[derive(Clone, Debug, Default)]
struct Anchor {
    instance: String,
    execution: u64,
    /// The fetched activity; 0 for an orchestration item.
    activity: u64,
    /// The parent named in a fetched start message.
    parent: Option<String>,
}

/// What the fetches of a run have returned.
#[derive(Clone, Debug)]
pub(crate) struct Memo {
    base: Time,
    turns: Vec<(String, Anchor)>,
    jobs: Vec<(String, Anchor)>,
    /// The last known event id of each execution.
    ends: BTreeMap<(String, u64), u64>,
    /// The activities that were enqueued.
    scheduled: Vec<ActivityId>,
}

impl Memo {
    /// Nothing fetched yet; the script's times are relative to `base`.
    pub fn new(base: Time) -> Memo {
        Memo { base, turns: Vec::new(), jobs: Vec::new(), ends: BTreeMap::new(), scheduled: Vec::new() }
    }

    /// The call to make for `act`.
    pub fn resolve(&self, act: &Act) -> Call {
        let mut call = act.call.clone();
        let anchor = self.take_token(&mut call);
        let fill = Fill { memo: self, anchor, relative: act.relative };
        match &mut call {
            Call::AckOrchestrationItem(ack) => {
                if act.relative {
                    ack.execution = fill.anchor.execution.saturating_add(ack.execution);
                }
                let end = fill.end(&fill.anchor.instance, ack.execution);
                fill.events(&mut ack.history, ack.execution, end);
                ack.jobs.iter_mut().chain(&mut ack.messages).for_each(|item| fill.item(item, end));
                let own: Vec<ActivityId> = ack.jobs.iter().filter_map(|item| activity_of(item)).collect();
                ack.cancelled.iter_mut().for_each(|id| fill.activity(id, &own));
                if ack.metadata.parent_instance_id.as_deref() == Some(HERE) {
                    ack.metadata.parent_instance_id.clone_from(&fill.anchor.parent);
                }
            }
            Call::AppendWithExecution { instance, execution, events } => {
                fill.instance(instance);
                let end = fill.end(instance, *execution);
                fill.events(events, *execution, end);
            }
            Call::EnqueueForWorker { item } | Call::EnqueueForOrchestrator { item, .. } => fill.item(item, 0),
            Call::AckWorkItem { completion: Some(item), .. } => fill.item(item, 0),
            Call::DeleteInstancesAtomic { instances, .. } => instances.iter_mut().for_each(|name| fill.instance(name)),
            Call::DeleteInstanceBulk { query } => fill.query(query),
            Call::PruneExecutions { instance, keep } => {
                fill.instance(instance);
                fill.time(&mut keep.completed_before);
            }
            Call::PruneExecutionsBulk { query, keep } => {
                fill.query(query);
                fill.time(&mut keep.completed_before);
            }
            other => other.instance_mut().into_iter().for_each(|instance| fill.instance(instance)),
        }
        call
    }

    /// Replaces the name of a token by the token. Returns the anchor of its
    /// lock.
    fn take_token(&self, call: &mut Call) -> Anchor {
        let Some(token) = call.token_mut() else {
            return self.turns.last().map(|(_, anchor)| anchor.clone()).unwrap_or_default();
        };
        let named = |issued: &[(String, Anchor)], back: &str| {
            let back: usize = back.parse().ok()?;
            let at = issued.len().checked_sub(back.checked_add(1)?)?;
            Some(issued[at].clone())
        };
        let found = match token.split_once(':') {
            Some(("turn", back)) => named(&self.turns, back),
            Some(("job", back)) => named(&self.jobs, back),
            _ => None,
        };
        let (text, anchor) = found.unwrap_or_else(|| (token.clone(), Anchor::default()));
        *token = text;
        anchor
    }

    /// Records an answer.
    pub fn note(&mut self, call: &Call, reply: &Reply) {
        match (call, reply) {
            (_, Reply::Turn(Some(turn))) => self.note_turn(turn),
            (_, Reply::Job(Some(job))) => self.note_job(job),
            (Call::AckOrchestrationItem(ack), Reply::Done) => {
                let anchor = self.turns.iter().rev().find(|(token, _)| *token == ack.token);
                if let Some(instance) = anchor.map(|(_, anchor)| anchor.instance.clone()) {
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
        let anchor = Anchor { instance: turn.instance.clone(), execution: turn.execution, activity: 0, parent };
        self.note_end(turn.instance.clone(), turn.execution, &turn.history);
        self.turns.push((turn.token.clone(), anchor));
    }

    fn note_job(&mut self, job: &Job) {
        if let WorkItem::ActivityExecute { instance, execution_id, id, .. } = &*job.item {
            let anchor = Anchor { instance: instance.clone(), execution: *execution_id, activity: *id, parent: None };
            self.jobs.push((job.token.clone(), anchor));
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
struct Fill<'a> {
    memo: &'a Memo,
    anchor: Anchor,
    relative: bool,
}

impl Fill<'_> {
    fn end(&self, instance: &str, execution: u64) -> u64 {
        if !self.relative {
            return 0;
        }
        self.memo.ends.get(&(instance.to_owned(), execution)).copied().unwrap_or(0)
    }

    fn instance(&self, instance: &mut String) {
        match instance.strip_prefix(HERE) {
            Some(rest) if rest.is_empty() || rest.starts_with("::") => {
                *instance = format!("{}{rest}", self.anchor.instance);
            }
            _ => {}
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
            *at = at.saturating_add(self.memo.base.0);
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
        let all = self.memo.scheduled.iter().chain(own).rev().filter(|known| known.instance == self.anchor.instance);
        let back = usize::try_from(id.activity).unwrap_or(usize::MAX);
        match all.into_iter().nth(back) {
            Some(known) => id.clone_from(known),
            None => id.instance.clone_from(&self.anchor.instance),
        }
    }

    /// Resolves an item; ids scheduled by an ack are relative to `end`.
    fn item(&self, item: &mut Item, end: u64) {
        let execution = self.anchor.execution;
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
                *fire_at_ms = fire_at_ms.saturating_add(self.memo.base.0);
            }
            WorkItem::ActivityCompleted { instance, execution_id, id, .. }
            | WorkItem::ActivityFailed { instance, execution_id, id, .. } => {
                self.instance(instance);
                self.add(execution_id, execution);
                self.add(id, self.anchor.activity);
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
