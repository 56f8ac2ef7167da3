//! [`Part`]: the part of an answer that is wrong.

use std::fmt;

/// The part of an answer that is wrong. Displays as the words of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Of a fetched orchestration item.
    Turn(TurnPart),
    /// Of a fetched work item.
    Job(JobPart),
    /// Of a history that was read.
    History(HistoryPart),
    /// Of a list of names.
    Names(NamesPart),
    /// Of a tree of instances.
    Tree(TreePart),
    /// Of a custom status.
    Status(StatusPart),
    /// A field of an answer with several.
    Field(Field),
    /// Whether `completed_at` is set at all.
    CompletedAtSet,
    /// All of it.
    Value,
}

/// A part of a fetched orchestration item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Named after what they are.
pub enum TurnPart {
    Instance,
    /// Which messages there are.
    Messages,
    /// The order of the right messages.
    MessageOrder,
    Execution,
    HistoryError,
    History(HistoryPart),
    OrchestrationName,
    Version,
    KvSnapshot,
    Attempts,
}

/// A part of a fetched work item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Named after what they are.
pub enum JobPart {
    Item,
    Attempts,
}

/// A part of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryPart {
    /// Which events there are.
    Events,
    /// The order of the right events.
    Order,
    /// What is in an event.
    Event,
}

/// A part of a list of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamesPart {
    /// Which names there are.
    Names,
    /// The order of the right names.
    Order,
}

/// A part of a tree of instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Named after what they are.
pub enum TreePart {
    Root,
    Members,
}

/// A part of a custom status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Named after what they are.
pub enum StatusPart {
    Text,
    Version,
}

/// Declares the fields with their names, which are also those in JSON.
macro_rules! fields {
    ($($variant:ident $name:literal)*) => {
        /// A field of an answer with several. Displays as the field's name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)] // Named after the fields.
        pub enum Field {
            $($variant,)*
        }

        impl Field {
            /// The field's name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Field::$variant => $name,)*
                }
            }
        }
    };
}

fields! {
    // Of an instance.
    InstanceId "instance_id"
    OrchestrationName "orchestration_name"
    OrchestrationVersion "orchestration_version"
    CurrentExecutionId "current_execution_id"
    Status "status"
    Output "output"
    ParentInstanceId "parent_instance_id"
    CreatedAt "created_at"
    UpdatedAt "updated_at"
    // Of an execution.
    ExecutionId "execution_id"
    EventCount "event_count"
    StartedAt "started_at"
    CompletedAt "completed_at"
    // Of the statistics of an instance.
    HistoryEventCount "history_event_count"
    HistorySizeBytes "history_size_bytes"
    QueuePendingCount "queue_pending_count"
    KvUserKeyCount "kv_user_key_count"
    KvTotalValueBytes "kv_total_value_bytes"
    // Of the metrics.
    TotalInstances "total_instances"
    TotalExecutions "total_executions"
    RunningInstances "running_instances"
    CompletedInstances "completed_instances"
    FailedInstances "failed_instances"
    TotalEvents "total_events"
    // Of the queue depths.
    OrchestratorQueue "orchestrator_queue"
    WorkerQueue "worker_queue"
    // Of deletions and prunings.
    InstancesDeleted "instances_deleted"
    InstancesProcessed "instances_processed"
    ExecutionsDeleted "executions_deleted"
    EventsDeleted "events_deleted"
    QueueMessagesDeleted "queue_messages_deleted"
}

/// `Part::from`, for what a part is made of.
macro_rules! parts {
    ($($variant:ident($of:ident))*) => {
        $(impl From<$of> for Part {
            fn from(part: $of) -> Part {
                Part::$variant(part)
            }
        })*
    };
}

parts!(Turn(TurnPart) Job(JobPart) History(HistoryPart) Names(NamesPart) Tree(TreePart) Status(StatusPart) Field(Field));

impl Field {
    /// Whether the field is a time.
    pub(crate) fn is_time(self) -> bool {
        matches!(self, Field::CreatedAt | Field::UpdatedAt | Field::StartedAt | Field::CompletedAt)
    }

    /// Whether the field may be absent.
    pub(crate) fn is_optional(self) -> bool {
        matches!(self, Field::Output | Field::ParentInstanceId | Field::CompletedAt)
    }
}

impl Part {
    /// The field that the part belongs to, if the answer consists of fields.
    pub(crate) fn field(self) -> Option<Field> {
        match self {
            Part::Field(field) => Some(field),
            Part::CompletedAtSet => Some(Field::CompletedAt),
            Part::Turn(_) | Part::Job(_) | Part::History(_) | Part::Names(_) => None,
            Part::Tree(_) | Part::Status(_) | Part::Value => None,
        }
    }

    /// The words for the part. Parts of different answers that mean the same
    /// have the same.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Part::Turn(TurnPart::Instance) => "instance",
            Part::Turn(TurnPart::Messages) => "messages",
            Part::Turn(TurnPart::MessageOrder) => "message order",
            Part::Turn(TurnPart::Execution) => "execution",
            Part::Turn(TurnPart::HistoryError) => "history_error",
            Part::Turn(TurnPart::History(HistoryPart::Events)) => "history",
            Part::Turn(TurnPart::History(HistoryPart::Order)) => "history order",
            Part::Turn(TurnPart::History(HistoryPart::Event)) => "history event",
            Part::Turn(TurnPart::OrchestrationName) => Field::OrchestrationName.name(),
            Part::Turn(TurnPart::KvSnapshot) => "kv_snapshot",
            Part::Turn(TurnPart::Attempts) | Part::Job(JobPart::Attempts) => "attempts",
            Part::Turn(TurnPart::Version) | Part::Status(StatusPart::Version) => "version",
            Part::Job(JobPart::Item) => "item",
            Part::History(HistoryPart::Events) => "events",
            Part::History(HistoryPart::Order) | Part::Names(NamesPart::Order) => "order",
            Part::History(HistoryPart::Event) => "event",
            Part::Names(NamesPart::Names) => "names",
            Part::Tree(TreePart::Root) => "root",
            Part::Tree(TreePart::Members) => "members",
            Part::Status(StatusPart::Text) => "custom_status",
            Part::Field(field) => field.name(),
            Part::CompletedAtSet => "completed_at set",
            Part::Value => "value",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}
