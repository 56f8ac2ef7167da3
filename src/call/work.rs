//! What a provider may know about a `WorkItem`: its queue and its instance.
//!
//! Source: the documentation of `duroxide::providers::WorkItem`, "Queue
//! Routing" and "Instance ID Extraction".

use duroxide::providers::WorkItem;

/// The instance a work item belongs to: the parent's for a child's completion.
pub fn instance_of(item: &WorkItem) -> &str {
    match item {
        WorkItem::StartOrchestration { instance, .. }
        | WorkItem::ActivityExecute { instance, .. }
        | WorkItem::ActivityCompleted { instance, .. }
        | WorkItem::ActivityFailed { instance, .. }
        | WorkItem::TimerFired { instance, .. }
        | WorkItem::ExternalRaised { instance, .. }
        | WorkItem::CancelInstance { instance, .. }
        | WorkItem::ContinueAsNew { instance, .. }
        | WorkItem::QueueMessage { instance, .. } => instance,
        WorkItem::SubOrchCompleted { parent_instance, .. } | WorkItem::SubOrchFailed { parent_instance, .. } => {
            parent_instance
        }
        // A variant that a feature of duroxide adds; it is for orchestrations.
        #[allow(unreachable_patterns)]
        _ => "",
    }
}

/// Whether the item belongs in the worker queue.
pub fn is_job(item: &WorkItem) -> bool {
    matches!(item, WorkItem::ActivityExecute { .. })
}

/// Whether the item is an activity that is bound to a session.
pub fn is_of_session(item: &WorkItem) -> bool {
    matches!(item, WorkItem::ActivityExecute { session_id: Some(_), .. })
}

/// The routing tag of an activity.
pub fn tag_of(item: &WorkItem) -> Option<&str> {
    match item {
        WorkItem::ActivityExecute { tag, .. } => tag.as_deref(),
        _ => None,
    }
}

/// Whether the item starts an execution, and so brings an instance to life.
pub fn is_start(item: &WorkItem) -> bool {
    matches!(item, WorkItem::StartOrchestration { .. } | WorkItem::ContinueAsNew { .. })
}

/// The variant's name.
pub fn kind_of(item: &WorkItem) -> &'static str {
    match item {
        WorkItem::StartOrchestration { .. } => "StartOrchestration",
        WorkItem::ActivityExecute { .. } => "ActivityExecute",
        WorkItem::ActivityCompleted { .. } => "ActivityCompleted",
        WorkItem::ActivityFailed { .. } => "ActivityFailed",
        WorkItem::TimerFired { .. } => "TimerFired",
        WorkItem::ExternalRaised { .. } => "ExternalRaised",
        WorkItem::SubOrchCompleted { .. } => "SubOrchCompleted",
        WorkItem::SubOrchFailed { .. } => "SubOrchFailed",
        WorkItem::CancelInstance { .. } => "CancelInstance",
        WorkItem::ContinueAsNew { .. } => "ContinueAsNew",
        WorkItem::QueueMessage { .. } => "QueueMessage",
        #[allow(unreachable_patterns)]
        _ => "WorkItem",
    }
}
