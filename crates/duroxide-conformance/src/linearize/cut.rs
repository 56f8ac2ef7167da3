//! Determines which calls are related: those that touch the same instance, the
//! same family of parents and sub-orchestrations, or the same session.
//!
//! Unrelated calls are ordered separately.

use std::collections::{BTreeMap, BTreeSet};

use duroxide::providers::WorkItem;
use duroxide_sim::call::{Call, Item, Reply, instance_of};

use super::Made;
use super::entry::{Entry, Part};
use crate::calls::reads;

/// What a call touches.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Touch {
    Things(BTreeSet<String>),
    Everything,
}

/// The relations between instances and sessions that a history shows.
#[derive(Debug, Default)]
pub(super) struct Relations {
    turns: BTreeMap<String, String>,
    jobs: BTreeMap<String, Item>,
    names: BTreeSet<String>,
    sessions: BTreeSet<String>,
    /// Maps an instance to another of its family.
    kin: BTreeMap<String, String>,
}

impl Relations {
    pub fn of(history: &[Made]) -> Relations {
        let mut relations = Relations::default();
        history.iter().for_each(|made| relations.learn(made));
        relations
    }

    /// Every instance named in the history.
    pub fn names(&self) -> Vec<String> {
        self.names.iter().cloned().collect()
    }

    fn learn(&mut self, made: &Made) {
        self.names.extend(made.call.instance().map(str::to_owned));
        match &*made.call {
            Call::DeleteInstancesAtomic { instances, .. } => self.names.extend(instances.iter().cloned()),
            Call::EnqueueForWorker { item } | Call::EnqueueForOrchestrator { item, .. } => self.learn_item(item),
            Call::AckWorkItem { completion: Some(item), .. } => self.learn_item(item),
            Call::AckOrchestrationItem(ack) => {
                ack.jobs.iter().chain(&ack.messages).for_each(|item| self.learn_item(item));
                let own = self.turns.get(&ack.token).cloned();
                if let (Some(own), Some(parent)) = (own, &ack.metadata.parent_instance_id) {
                    self.relate(&own, parent);
                }
            }
            reads!()
            | Call::FetchOrchestrationItem { .. }
            | Call::AbandonOrchestrationItem { .. }
            | Call::RenewOrchestrationItemLock { .. }
            | Call::AppendWithExecution { .. }
            | Call::FetchWorkItem { .. }
            | Call::AckWorkItem { .. }
            | Call::RenewWorkItemLock { .. }
            | Call::AbandonWorkItem { .. }
            | Call::RenewSessionLock { .. }
            | Call::CleanupOrphanedSessions { .. }
            | Call::DeleteInstance { .. }
            | Call::DeleteInstanceBulk { .. }
            | Call::PruneExecutions { .. }
            | Call::PruneExecutionsBulk { .. } => {}
        }
        match &made.reply {
            Some(Reply::Turn(Some(turn))) => {
                self.names.insert(turn.instance.clone());
                self.turns.insert(turn.token.clone(), turn.instance.clone());
            }
            Some(Reply::Names(names)) => self.names.extend(names.iter().cloned()),
            Some(Reply::Tree(tree)) => self.names.extend(tree.all_ids.iter().cloned()),
            Some(Reply::Job(Some(job))) => {
                self.jobs.insert(job.token.clone(), job.item.clone());
            }
            _ => {}
        }
    }

    fn learn_item(&mut self, item: &WorkItem) {
        self.names.insert(instance_of(item).into_owned());
        match item {
            WorkItem::StartOrchestration { instance, parent_instance: Some(parent), .. } => {
                self.relate(instance, parent);
            }
            WorkItem::ActivityExecute { session_id: Some(session), .. } => {
                self.sessions.insert(session.clone());
            }
            _ => {}
        }
    }

    fn relate(&mut self, child: &str, parent: &str) {
        self.names.insert(parent.to_owned());
        let (child, parent) = (self.head(child), self.head(parent));
        if child != parent {
            self.kin.insert(child, parent);
        }
    }

    /// The instance that represents a family.
    fn head(&self, name: &str) -> String {
        let mut name = name;
        while let Some(next) = self.kin.get(name) {
            name = next;
        }
        name.to_owned()
    }

    fn instance(&self, name: &str) -> String {
        format!("instance {}", self.head(name))
    }

    fn item(&self, item: &WorkItem) -> Vec<String> {
        let session = match item {
            WorkItem::ActivityExecute { session_id: Some(session), .. } => Some(format!("session {session}")),
            _ => None,
        };
        session.into_iter().chain([self.instance(&instance_of(item))]).collect()
    }

    /// What an entry touches.
    pub fn touch(&self, entry: &Entry<'_>) -> Touch {
        if let Part::Names(name) | Part::Of(name) = &entry.part {
            return Touch::Things([self.instance(name)].into());
        }
        let unknown = entry.made.is_open();
        let call = &*entry.made.call;
        let things: Vec<String> = match (call, &entry.made.reply) {
            (_, Some(Reply::Turn(Some(turn)))) => vec![self.instance(&turn.instance)],
            (_, Some(Reply::Job(Some(job)))) => self.item(&job.item),
            (Call::FetchOrchestrationItem { .. } | Call::FetchWorkItem { .. }, _) if entry.contended && !unknown => {
                Vec::new()
            }
            (
                Call::FetchOrchestrationItem { .. }
                | Call::FetchWorkItem { .. }
                | Call::CleanupOrphanedSessions { .. }
                | Call::ListInstances
                | Call::ListInstancesByStatus { .. }
                | Call::GetSystemMetrics
                | Call::GetQueueDepths
                | Call::DeleteInstanceBulk { .. }
                | Call::PruneExecutionsBulk { .. },
                _,
            ) => return Touch::Everything,
            (Call::RenewSessionLock { .. }, _) => self.sessions.iter().map(|id| format!("session {id}")).collect(),
            _ => self.touched_by(call),
        };
        Touch::Things(things.into_iter().collect())
    }

    fn touched_by(&self, call: &Call) -> Vec<String> {
        let turn = |token: &str| self.turns.get(token).map(|name| self.instance(name));
        let job = |token: &str| self.jobs.get(token).map(|item| self.item(item)).unwrap_or_default();
        match call {
            Call::AckOrchestrationItem(ack) => {
                let sent = ack.jobs.iter().chain(&ack.messages).flat_map(|item| self.item(item));
                let cancelled = ack.cancelled.iter().map(|id| self.instance(&id.instance));
                turn(&ack.token).into_iter().chain(sent).chain(cancelled).collect()
            }
            Call::AbandonOrchestrationItem { token, .. } | Call::RenewOrchestrationItemLock { token, .. } => {
                turn(token).into_iter().collect()
            }
            Call::AckWorkItem { token, completion } => {
                job(token).into_iter().chain(completion.iter().flat_map(|item| self.item(item))).collect()
            }
            Call::RenewWorkItemLock { token, .. } | Call::AbandonWorkItem { token, .. } => job(token),
            Call::EnqueueForWorker { item } | Call::EnqueueForOrchestrator { item, .. } => self.item(item),
            Call::DeleteInstancesAtomic { instances, .. } => instances.iter().map(|name| self.instance(name)).collect(),
            other @ (reads!()
            | Call::FetchOrchestrationItem { .. }
            | Call::AppendWithExecution { .. }
            | Call::FetchWorkItem { .. }
            | Call::RenewSessionLock { .. }
            | Call::CleanupOrphanedSessions { .. }
            | Call::DeleteInstance { .. }
            | Call::DeleteInstanceBulk { .. }
            | Call::PruneExecutions { .. }
            | Call::PruneExecutionsBulk { .. }) => {
                other.instance().map(|name| self.instance(name)).into_iter().collect()
            }
        }
    }
}

/// Splits entries, by index, into unrelated parts, ordered by their first
/// entries.
pub(super) fn cut(touches: &[Touch]) -> Vec<Vec<usize>> {
    if touches.contains(&Touch::Everything) {
        return vec![(0..touches.len()).collect()];
    }
    let mut parts: Vec<(BTreeSet<String>, Vec<usize>)> = Vec::new();
    for (place, touch) in touches.iter().enumerate() {
        let Touch::Things(things) = touch else { continue };
        let (joined, apart): (Vec<_>, Vec<_>) = parts.into_iter().partition(|(known, _)| !known.is_disjoint(things));
        let mut part = (things.clone(), vec![place]);
        for (known, places) in joined {
            part.0.extend(known);
            part.1.extend(places);
        }
        part.1.sort_unstable();
        parts = apart;
        parts.push(part);
    }
    let mut parts: Vec<Vec<usize>> = parts.into_iter().map(|(_, places)| places).collect();
    parts.sort_unstable();
    parts
}
