//! [`Role`]: what an event is in a turn.
//!
//! A turn appends the events that woke it, then those for what the code did, then those for the
//! futures that the code dropped, and at last the event that ends the execution, if any
//! (duroxide's `runtime/execution.rs`).

use duroxide::EventKind;

/// What an event is in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The start, or something that the instance received.
    Received,
    /// Something that the code did.
    Action,
    /// A record of a future that was dropped, or of a wait that ended with the execution.
    Note,
    /// The end of the execution.
    End,
    /// An event of a kind that this build does not know.
    Unknown,
}

impl Role {
    pub fn of(kind: &EventKind) -> Role {
        match kind {
            EventKind::OrchestrationStarted { .. }
            | EventKind::ActivityCompleted { .. }
            | EventKind::ActivityFailed { .. }
            | EventKind::TimerFired { .. }
            | EventKind::ExternalEvent { .. }
            | EventKind::QueueEventDelivered { .. }
            | EventKind::SubOrchestrationCompleted { .. }
            | EventKind::SubOrchestrationFailed { .. }
            | EventKind::OrchestrationCancelRequested { .. } => Role::Received,
            EventKind::ActivityScheduled { .. }
            | EventKind::TimerCreated { .. }
            | EventKind::ExternalSubscribed { .. }
            | EventKind::QueueSubscribed { .. }
            | EventKind::SubOrchestrationScheduled { .. }
            | EventKind::OrchestrationChained { .. }
            | EventKind::CustomStatusUpdated { .. }
            | EventKind::KeyValueSet { .. }
            | EventKind::KeyValueCleared { .. }
            | EventKind::KeyValuesCleared => Role::Action,
            EventKind::ActivityCancelRequested { .. }
            | EventKind::SubOrchestrationCancelRequested { .. }
            | EventKind::ExternalSubscribedCancelled { .. }
            | EventKind::QueueSubscriptionCancelled { .. } => Role::Note,
            EventKind::OrchestrationCompleted { .. }
            | EventKind::OrchestrationFailed { .. }
            | EventKind::OrchestrationContinuedAsNew { .. } => Role::End,
            #[allow(unreachable_patterns)] // Features of duroxide add kinds.
            _ => Role::Unknown,
        }
    }
}

/// Whether duroxide's replay takes two actions for the same one. It compares neither the times of
/// timers and values, which the clock decides, nor the text of a custom status, nor the ids of
/// sub-orchestrations (`action_matches_event_kind` in `runtime/replay_engine.rs`).
pub(super) fn is_same_action(recorded: &EventKind, wanted: &EventKind) -> bool {
    match (recorded, wanted) {
        (EventKind::TimerCreated { .. }, EventKind::TimerCreated { .. })
        | (EventKind::CustomStatusUpdated { .. }, EventKind::CustomStatusUpdated { .. }) => true,
        (
            EventKind::SubOrchestrationScheduled { name, input, .. },
            EventKind::SubOrchestrationScheduled { name: other, input: with, .. },
        ) => name == other && input == with,
        (EventKind::KeyValueSet { key, value, .. }, EventKind::KeyValueSet { key: other, value: with, .. }) => {
            key == other && value == with
        }
        (recorded, wanted) => recorded == wanted,
    }
}
