//! Patterns for calls, and what calls enqueue.

use duroxide_sim::call::{Call, Item};

/// Every call that changes nothing: for a `match` that treats all of them alike,
/// and must not overlook a new call that changes something.
macro_rules! reads {
    () => {
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
    };
}
pub(crate) use reads;

/// Every call that may change something.
macro_rules! writes {
    () => {
        Call::FetchOrchestrationItem { .. }
            | Call::AckOrchestrationItem(_)
            | Call::AbandonOrchestrationItem { .. }
            | Call::RenewOrchestrationItemLock { .. }
            | Call::AppendWithExecution { .. }
            | Call::EnqueueForWorker { .. }
            | Call::FetchWorkItem { .. }
            | Call::AckWorkItem { .. }
            | Call::RenewWorkItemLock { .. }
            | Call::AbandonWorkItem { .. }
            | Call::RenewSessionLock { .. }
            | Call::CleanupOrphanedSessions { .. }
            | Call::EnqueueForOrchestrator { .. }
            | Call::DeleteInstancesAtomic { .. }
            | Call::DeleteInstance { .. }
            | Call::DeleteInstanceBulk { .. }
            | Call::PruneExecutions { .. }
            | Call::PruneExecutionsBulk { .. }
    };
}
pub(crate) use writes;

/// The messages that a call enqueues.
pub(crate) fn enqueues(call: &Call) -> &[Item] {
    match call {
        Call::EnqueueForOrchestrator { item, .. } | Call::AckWorkItem { completion: Some(item), .. } => {
            std::slice::from_ref(item)
        }
        Call::AckOrchestrationItem(ack) => &ack.messages,
        reads!()
        | Call::FetchOrchestrationItem { .. }
        | Call::AbandonOrchestrationItem { .. }
        | Call::RenewOrchestrationItemLock { .. }
        | Call::AppendWithExecution { .. }
        | Call::EnqueueForWorker { .. }
        | Call::FetchWorkItem { .. }
        | Call::AckWorkItem { .. }
        | Call::RenewWorkItemLock { .. }
        | Call::AbandonWorkItem { .. }
        | Call::RenewSessionLock { .. }
        | Call::CleanupOrphanedSessions { .. }
        | Call::DeleteInstancesAtomic { .. }
        | Call::DeleteInstance { .. }
        | Call::DeleteInstanceBulk { .. }
        | Call::PruneExecutions { .. }
        | Call::PruneExecutionsBulk { .. } => &[],
    }
}

/// The work items that a call enqueues, unless it is refused.
pub(crate) fn enqueues_jobs(call: &Call) -> &[Item] {
    match call {
        Call::EnqueueForWorker { item } | Call::EnqueueForOrchestrator { item, .. } => std::slice::from_ref(item),
        Call::AckOrchestrationItem(ack) => &ack.jobs,
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
        | Call::DeleteInstancesAtomic { .. }
        | Call::DeleteInstance { .. }
        | Call::DeleteInstanceBulk { .. }
        | Call::PruneExecutions { .. }
        | Call::PruneExecutionsBulk { .. } => &[],
    }
}
