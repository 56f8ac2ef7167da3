//! [`Added`]: what a call adds to the storage.

use super::{Call, Event, Item};

/// The events and the work items that a call asks the provider to store.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Added<'a> {
    /// The new events of a history.
    pub events: &'a [Event],
    /// The new work items of both queues.
    items: [&'a [Item]; 2],
}

impl<'a> Added<'a> {
    /// Returns the new work items.
    pub fn items(self) -> impl Iterator<Item = &'a Item> {
        self.items.into_iter().flatten()
    }
}

impl Call {
    /// Returns what the call adds to the storage.
    pub(crate) fn added(&self) -> Added<'_> {
        let item = |item| Added { items: [std::slice::from_ref(item), &[]], ..Added::default() };
        match self {
            Call::AckOrchestrationItem(ack) => Added { events: &ack.history, items: [&ack.jobs, &ack.messages] },
            Call::AppendWithExecution { events, .. } => Added { events, ..Added::default() },
            Call::EnqueueForWorker { item: added } | Call::EnqueueForOrchestrator { item: added, .. } => item(added),
            Call::AckWorkItem { completion, .. } => completion.as_ref().map(item).unwrap_or_default(),
            Call::FetchOrchestrationItem { .. }
            | Call::AbandonOrchestrationItem { .. }
            | Call::RenewOrchestrationItemLock { .. }
            | Call::Read { .. }
            | Call::ReadWithExecution { .. }
            | Call::FetchWorkItem { .. }
            | Call::RenewWorkItemLock { .. }
            | Call::AbandonWorkItem { .. }
            | Call::RenewSessionLock { .. }
            | Call::CleanupOrphanedSessions { .. }
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
            | Call::DeleteInstancesAtomic { .. }
            | Call::GetInstanceTree { .. }
            | Call::DeleteInstance { .. }
            | Call::DeleteInstanceBulk { .. }
            | Call::PruneExecutions { .. }
            | Call::PruneExecutionsBulk { .. } => Added::default(),
        }
    }
}
