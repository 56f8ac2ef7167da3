//! The laws: invariants that hold in the trace of any run, with any correct provider.
//!
//! They are derived from duroxide's documentation and independent of this crate's store: a small
//! model follows the calls that were answered `Ok` and determines which later answers are possible.
//! A broken law is a bug of the provider, or of a layer that claims to preserve the contract.
//!
//! The trace must contain every call that reached the provider, in the order in which the calls
//! took effect, as a [`crate::trace::Recorder`] directly above the provider writes it. A dropped
//! call is assumed not to have taken effect. Faults are injected above the recorder, so the laws
//! hold under all of them: a call whose reply was lost is in the trace with its answer, and a call
//! that was refused by a fault is not in the trace.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::call::{AckTurn, Call, Item, Reply, instance_of};
use crate::clock::Time;
use crate::seed::FoldSet;
use crate::text::Line;
use crate::trace::{Answer, Entry, Span, Trace};
use crate::variants::listed;

mod history;
mod queue;

use history::Histories;
use queue::Queues;

listed! {
    /// A law: an invariant over traces.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[non_exhaustive]
    pub enum Law {
        /// At most one valid lock exists per instance and per job; only the valid lock can ack, renew
        /// or abandon a turn; no token is issued twice.
        OneLiveLease,
        /// Nothing is fetched before it is visible.
        NothingInvisible,
        /// A fetched turn contains every message that is visible for its instance.
        WholeBatch,
        /// Whatever was enqueued is acked once, or still exists.
        AckedOnce,
        /// The attempt count rises by one with each delivery.
        AttemptsRise,
        /// An ack takes effect completely or not at all: later reads and fetches return exactly what
        /// was acked.
        AckAtomic,
        /// A history only grows, and the event ids that duroxide's runtime appends are consecutive.
        /// Callers that fetch without a version filter, which the runtime never does, may leave
        /// gaps.
        AppendOnly,
        /// An execution that has ended keeps its final status.
        TerminalFinal,
        /// Nothing that was scheduled completes twice.
        CompletedOnce,
    }
}

impl Law {
    /// The passages in duroxide 0.1.32 that the law is based on.
    pub fn source(self) -> &'static str {
        match self {
            Law::OneLiveLease => {
                "fetch_orchestration_item, \"Instance-Level Locking\"; ack_orchestration_item, \"Validate lock token\"; \
                 fetch_work_item, \"Must prevent double-dequeue\""
            }
            Law::NothingInvisible => "fetch_orchestration_item, \"Visibility Filtering\"; WorkItem, \"Queue Routing\"",
            Law::WholeBatch => "fetch_orchestration_item, \"Lock ALL messages for that instance\"",
            Law::AckedOnce => "Provider, \"Peek-Lock Pattern\" and \"Transactional Guarantees\"",
            Law::AttemptsRise => "fetch_orchestration_item and fetch_work_item, \"attempt_count\"",
            Law::AckAtomic => "ack_orchestration_item, \"Atomicity Requirements\"",
            Law::AppendOnly => "provider-implementation-guide, \"Event History: The Append-Only Log\"; Event::event_id",
            Law::TerminalFinal => "OrchestrationStatus; ExecutionMetadata, \"status\"",
            Law::CompletedOnce => {
                "Provider, \"exactly-once semantics for orchestration turns\"; Event::source_event_id"
            }
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A broken law.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Breach {
    /// The law.
    pub law: Law,
    /// The index of the trace entry that breaks it; `None` for the end of the run.
    pub entry: Option<usize>,
    /// The time of that entry.
    pub at: Time,
    /// What is wrong: a full sentence.
    pub what: String,
}

impl Breach {
    /// Formats the breach on one line, with its time relative to `start`.
    pub fn describe(&self, start: Time) -> String {
        let entry = self.entry.map_or_else(|| "at the end".to_owned(), |n| format!("call {n}"));
        format!("+{} {entry}, {}: {} Source: {}.", Span(self.at - start), self.law, Line(&self.what), self.law.source())
    }
}

/// Checks every law over a trace.
pub fn check(trace: &Trace) -> Vec<Breach> {
    let mut model = Model::default();
    for (number, entry) in trace.entries.iter().enumerate() {
        model.now = entry.answered;
        model.entry = Some(number);
        model.follow(entry);
    }
    model.entry = None;
    if let Some(remains) = &trace.remains {
        let found = std::mem::take(&mut model.queues).left_over(remains);
        found.into_iter().for_each(|what| model.breach(Law::AckedOnce, what));
    }
    model.breaches
}

/// What the answers so far imply.
#[derive(Default)]
struct Model<'a> {
    now: Time,
    entry: Option<usize>,
    queues: Queues<'a>,
    histories: Histories<'a>,
    parents: BTreeMap<&'a str, &'a str>,
    /// The tokens of turns that something other than duroxide's runtime fetched.
    by_others: FoldSet<&'a str>,
    breaches: Vec<Breach>,
}

impl<'a> Model<'a> {
    fn breach(&mut self, law: Law, what: String) {
        self.breaches.push(Breach { law, entry: self.entry, at: self.now, what });
    }

    fn breach_all(&mut self, law: Law, found: impl IntoIterator<Item = String>) {
        found.into_iter().for_each(|what| self.breach(law, what));
    }

    fn follow(&mut self, entry: &'a Entry) {
        let now = self.now;
        match (&*entry.call, &entry.answer) {
            (Call::FetchOrchestrationItem { lock_for, versions, .. }, Answer::Turn(turn)) => {
                if versions.is_none() {
                    self.by_others.insert(&turn.token);
                }
                let found = self.queues.fetch_turn(now, turn, now + *lock_for);
                found.into_iter().for_each(|(law, what)| self.breach(law, what));
                let found = self.histories.fetched(turn);
                self.breach_all(Law::AckAtomic, found);
            }
            (Call::FetchWorkItem { lock_for, .. }, Answer::Job(job)) => {
                let found = self.queues.fetch_job(now, job, now + *lock_for);
                found.into_iter().for_each(|(law, what)| self.breach(law, what));
            }
            (call, Answer::History(digest)) => {
                let found = match call {
                    Call::Read { instance } | Call::ReadHistory { instance } => {
                        self.histories.read(instance, None, digest)
                    }
                    Call::ReadWithExecution { instance, execution }
                    | Call::ReadHistoryWithExecutionId { instance, execution } => {
                        self.histories.read(instance, Some(*execution), digest)
                    }
                    _ => None,
                };
                self.breach_all(Law::AckAtomic, found);
            }
            (call, Answer::Reply(Reply::Done)) => self.follow_done(call),
            (call, Answer::Reply(Reply::Deleted(counts))) if counts.instances_deleted > 0 => self.deleted(call),
            (call, Answer::Reply(Reply::Pruned(counts))) if counts.executions_deleted > 0 => match call {
                Call::PruneExecutions { instance, .. } => self.histories.pruned(instance),
                // It does not report which instances it pruned.
                _ => self.histories.all_pruned(),
            },
            _ => {}
        }
    }

    fn follow_done(&mut self, call: &'a Call) {
        let now = self.now;
        match call {
            Call::EnqueueForOrchestrator { item, delay } => {
                self.push(item, now + delay.unwrap_or_default());
            }
            Call::EnqueueForWorker { item } => self.queues.push_job(item, now),
            Call::AckOrchestrationItem(ack) => self.acked(ack),
            Call::AbandonOrchestrationItem { token, delay, ignore_attempt } => {
                let visible_at = now + delay.unwrap_or_default();
                let known = |instance: &str| self.histories.knows(instance);
                let found = self.queues.abandon_turn(now, token, visible_at, *ignore_attempt, known);
                self.breach_all(Law::OneLiveLease, found);
            }
            Call::RenewOrchestrationItemLock { token, extend_for } => {
                let found = self.queues.renew_turn(now, token, now + *extend_for);
                self.breach_all(Law::OneLiveLease, found);
            }
            Call::AckWorkItem { token, completion } => {
                let found = self.queues.ack_job(now, token);
                self.breach_all(Law::OneLiveLease, found);
                completion.iter().for_each(|item| self.push(item, now));
            }
            Call::RenewWorkItemLock { token, extend_for } => {
                let found = self.queues.renew_job(now, token, now + *extend_for);
                self.breach_all(Law::OneLiveLease, found);
            }
            Call::AbandonWorkItem { token, delay, ignore_attempt } => {
                self.queues.abandon_job(token, now + delay.unwrap_or_default(), *ignore_attempt);
            }
            Call::AppendWithExecution { instance, execution, events } => {
                self.histories.appended(instance, *execution, events);
            }
            // Sessions are not followed, and the others never answer that they are done.
            Call::RenewSessionLock { .. } | Call::CleanupOrphanedSessions { .. } => {}
            Call::FetchOrchestrationItem { .. } | Call::FetchWorkItem { .. } => {}
            Call::Read { .. }
            | Call::ReadWithExecution { .. }
            | Call::GetCustomStatus { .. }
            | Call::GetKvValue { .. }
            | Call::GetKvAllValues { .. }
            | Call::GetInstanceStats { .. }
            | Call::ListInstances
            | Call::ListInstancesByStatus { .. }
            | Call::ListExecutions { .. }
            | Call::ReadHistoryWithExecutionId { .. }
            | Call::ReadHistory { .. }
            | Call::LatestExecutionId { .. }
            | Call::GetInstanceInfo { .. }
            | Call::GetExecutionInfo { .. }
            | Call::GetSystemMetrics
            | Call::GetQueueDepths
            | Call::ListChildren { .. }
            | Call::GetParentId { .. }
            | Call::GetInstanceTree { .. }
            | Call::DeleteInstancesAtomic { .. }
            | Call::DeleteInstance { .. }
            | Call::DeleteInstanceBulk { .. }
            | Call::PruneExecutions { .. }
            | Call::PruneExecutionsBulk { .. } => {}
        }
    }

    fn push(&mut self, item: &'a Item, visible_at: Time) {
        let known = self.histories.knows(&instance_of(item));
        self.queues.push(item, visible_at, known);
    }

    fn acked(&mut self, ack: &'a AckTurn) {
        let now = self.now;
        let (instance, expired) = self.queues.ack_turn(now, &ack.token);
        self.breach_all(Law::OneLiveLease, expired);
        let Some(instance) = instance else { return };
        let gaps = self.by_others.remove(ack.token.as_str());
        let found = self.histories.acked(instance, ack, gaps);
        found.into_iter().for_each(|(law, what)| self.breach(law, what));
        if let Some(parent) = &ack.metadata.parent_instance_id {
            self.parents.entry(instance).or_insert(parent);
        }
        ack.jobs.iter().for_each(|item| self.queues.push_job(item, now));
        ack.cancelled.iter().for_each(|id| self.queues.cancel(id));
        for item in &ack.messages {
            let visible_at = match &**item {
                duroxide::providers::WorkItem::TimerFired { fire_at_ms, .. } => Time(*fire_at_ms),
                _ => now,
            };
            self.push(item, visible_at);
        }
    }

    /// Forgets what was deleted. A bulk deletion does not report which instances it deleted, so any
    /// instance that it may have deleted is no longer judged.
    fn deleted(&mut self, call: &'a Call) {
        let gone: Vec<&str> = match call {
            Call::DeleteInstancesAtomic { instances, .. } => instances.iter().map(String::as_str).collect(),
            Call::DeleteInstance { instance, .. } => self.tree(instance),
            // Whatever else deletes may have deleted any instance that has ended.
            _ => {
                let ended = self.histories.ended();
                for instance in ended {
                    self.histories.doubt(instance);
                    self.queues.doubt(instance);
                }
                return;
            }
        };
        for instance in gone {
            self.histories.forget(instance);
            self.queues.forget(instance);
            self.parents.remove(instance);
        }
    }

    fn tree(&self, root: &'a str) -> Vec<&'a str> {
        let mut all = vec![root];
        let mut next = 0;
        while next < all.len() {
            let children = self.parents.iter().filter(|(_, parent)| **parent == all[next]).map(|(child, _)| *child);
            let new: Vec<&str> = children.filter(|child| !all.contains(child)).collect();
            all.extend(new);
            next += 1;
        }
        all
    }
}
