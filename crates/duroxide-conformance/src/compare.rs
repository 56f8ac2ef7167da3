//! Compares two answers.
//!
//! Errors are compared by kind, never by message. Lists whose order no document
//! specifies are compared as sets.

use std::collections::BTreeSet;

use duroxide::SystemStats;
use duroxide_sim::call::{Call, Execution, Instance, Job, Reply, Turn};
use duroxide_sim::store::Store;

use super::mismatch::{Aspect, Field, HistoryPart, JobPart, NamesPart, Part, StatusPart, TreePart, TurnPart};
use super::reading::Reading;

/// How two answers differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Differs {
    /// In no relevant part.
    Not,
    In(Aspect),
    /// The fetched item was not eligible.
    Taken,
}

impl Differs {
    fn part(part: impl Into<Part>) -> Differs {
        Differs::In(Aspect::Part(part.into()))
    }

    /// In the first part that is not the same.
    fn first<T: Copy + Into<Part>>(parts: &[(bool, T)]) -> Differs {
        parts.iter().find(|(same, _)| !same).map_or(Differs::Not, |(_, part)| Differs::part(*part))
    }
}

/// Compares the expected answer with the actual one.
pub(super) fn compare(world: &Store, call: &Call, expected: &Reply, got: &Reply, reading: Reading) -> Differs {
    match (expected, got) {
        (Reply::Refused(expected), Reply::Refused(got)) => {
            if got.retryable && !expected.retryable {
                Differs::In(Aspect::Retryable)
            } else {
                Differs::Not
            }
        }
        (Reply::Refused(_), _) => Differs::In(Aspect::Accepted),
        (_, Reply::Refused(_)) => Differs::In(Aspect::Refused),
        (Reply::Turn(None), Reply::Turn(Some(_))) | (Reply::Job(None), Reply::Job(Some(_))) => Differs::Taken,
        (Reply::Turn(Some(expected)), Reply::Turn(Some(got))) => turns(expected, got),
        (Reply::Job(Some(expected)), Reply::Job(Some(got))) => jobs(expected, got),
        (Reply::Names(expected), Reply::Names(got)) => names(world, call, expected, got, reading),
        (Reply::Tree(expected), Reply::Tree(got)) => Differs::first(&[
            (expected.root_id == got.root_id, TreePart::Root),
            (same_set(&expected.all_ids, &got.all_ids), TreePart::Members),
        ]),
        (Reply::Instance(expected), Reply::Instance(got)) => instances(expected, got, reading),
        (Reply::Execution(expected), Reply::Execution(got)) => executions(expected, got, reading),
        (Reply::Stats(Some(expected)), Reply::Stats(Some(got))) => stats(expected, got),
        (Reply::Metrics(expected), Reply::Metrics(got)) => Differs::first(&[
            (expected.total_instances == got.total_instances, Field::TotalInstances),
            (expected.total_executions == got.total_executions, Field::TotalExecutions),
            (expected.running_instances == got.running_instances, Field::RunningInstances),
            (expected.completed_instances == got.completed_instances, Field::CompletedInstances),
            (expected.failed_instances == got.failed_instances, Field::FailedInstances),
            (expected.total_events == got.total_events, Field::TotalEvents),
        ]),
        (Reply::QueueDepths(expected), Reply::QueueDepths(got)) => Differs::first(&[
            (expected.orchestrator_queue == got.orchestrator_queue, Field::OrchestratorQueue),
            (expected.worker_queue == got.worker_queue, Field::WorkerQueue),
        ]),
        (Reply::Deleted(expected), Reply::Deleted(got)) => Differs::first(&[
            (expected.instances_deleted == got.instances_deleted, Field::InstancesDeleted),
            (expected.executions_deleted == got.executions_deleted, Field::ExecutionsDeleted),
            (expected.events_deleted == got.events_deleted, Field::EventsDeleted),
            (expected.queue_messages_deleted == got.queue_messages_deleted, Field::QueueMessagesDeleted),
        ]),
        (Reply::Pruned(expected), Reply::Pruned(got)) => Differs::first(&[
            (expected.instances_processed == got.instances_processed, Field::InstancesProcessed),
            (expected.executions_deleted == got.executions_deleted, Field::ExecutionsDeleted),
            (expected.events_deleted == got.events_deleted, Field::EventsDeleted),
        ]),
        (Reply::CustomStatus(Some(expected)), Reply::CustomStatus(Some(got))) => {
            Differs::first(&[(expected.0 == got.0, StatusPart::Text), (expected.1 == got.1, StatusPart::Version)])
        }
        (Reply::Events(expected), Reply::Events(got)) => Differs::part(histories(expected, got)),
        _ => Differs::part(Part::Value),
    }
}

/// How two unequal histories differ.
fn histories(expected: &[duroxide_sim::call::Event], got: &[duroxide_sim::call::Event]) -> HistoryPart {
    let ids = |events: &[duroxide_sim::call::Event]| events.iter().map(|event| event.event_id).collect::<Vec<_>>();
    let (expected_ids, mut got_ids) = (ids(expected), ids(got));
    if expected_ids == got_ids {
        return HistoryPart::Event;
    }
    got_ids.sort_unstable();
    if expected_ids == got_ids { HistoryPart::Order } else { HistoryPart::Events }
}

fn turns(expected: &Turn, got: &Turn) -> Differs {
    // The same messages in another order are a separate deviation.
    let kinds = |turn: &Turn| {
        let mut all: Vec<String> = turn.messages.iter().map(|item| format!("{item:?}")).collect();
        all.sort_unstable();
        all
    };
    let unordered = expected.messages.len() == got.messages.len() && kinds(expected) == kinds(got);
    Differs::first(&[
        (expected.instance == got.instance, TurnPart::Instance),
        (unordered || expected.messages == got.messages, TurnPart::Messages),
        (expected.messages == got.messages, TurnPart::MessageOrder),
        (expected.execution == got.execution, TurnPart::Execution),
        (expected.history_error.is_some() == got.history_error.is_some(), TurnPart::HistoryError),
        (
            expected.history_error.is_some() || expected.history == got.history,
            TurnPart::History(histories(&expected.history, &got.history)),
        ),
        (expected.orchestration_name == got.orchestration_name, TurnPart::OrchestrationName),
        (expected.version == got.version, TurnPart::Version),
        (expected.history_error.is_some() || expected.kv_snapshot == got.kv_snapshot, TurnPart::KvSnapshot),
        (expected.attempts == got.attempts, TurnPart::Attempts),
    ])
}

fn jobs(expected: &Job, got: &Job) -> Differs {
    Differs::first(&[
        (expected.item == got.item, JobPart::Item),
        (expected.attempts == got.attempts, JobPart::Attempts),
    ])
}

fn names(world: &Store, call: &Call, expected: &[String], got: &[String], reading: Reading) -> Differs {
    if !same_set(expected, got) {
        return Differs::part(NamesPart::Names);
    }
    // Newest first; in any order within the same millisecond.
    let listed = matches!(call, Call::ListInstances | Call::ListInstancesByStatus { .. });
    let sorted = || got.windows(2).all(|pair| world.created_at(&pair[0]) >= world.created_at(&pair[1]));
    if listed && reading.timestamps && !sorted() { Differs::part(NamesPart::Order) } else { Differs::Not }
}

fn same_set(expected: &[String], got: &[String]) -> bool {
    let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
    expected.len() == got.len() && set(expected) == set(got)
}

/// Storage that keeps fractions of a second may return the previous
/// millisecond: the contract leaves fractions open.
fn same_moment(expected: u64, got: u64) -> bool {
    expected == got || expected == got.saturating_add(1)
}

fn instances(expected: &Instance, got: &Instance, reading: Reading) -> Differs {
    let times = reading.timestamps;
    Differs::first(&[
        (expected.instance_id == got.instance_id, Field::InstanceId),
        (expected.orchestration_name == got.orchestration_name, Field::OrchestrationName),
        (expected.orchestration_version == got.orchestration_version, Field::OrchestrationVersion),
        (expected.current_execution_id == got.current_execution_id, Field::CurrentExecutionId),
        (expected.status == got.status, Field::Status),
        (expected.output == got.output, Field::Output),
        (expected.parent_instance_id == got.parent_instance_id, Field::ParentInstanceId),
        (!times || same_moment(expected.created_at, got.created_at), Field::CreatedAt),
        (!times || same_moment(expected.updated_at, got.updated_at), Field::UpdatedAt),
    ])
}

fn executions(expected: &Execution, got: &Execution, reading: Reading) -> Differs {
    let times = reading.timestamps;
    Differs::first(&[
        (expected.execution_id == got.execution_id, Field::ExecutionId.into()),
        (expected.status == got.status, Field::Status.into()),
        (expected.output == got.output, Field::Output.into()),
        (expected.event_count == got.event_count, Field::EventCount.into()),
        (expected.completed_at.is_some() == got.completed_at.is_some(), Part::CompletedAtSet),
        (!times || same_moment(expected.started_at, got.started_at), Field::StartedAt.into()),
        (
            !times || same_moment(expected.completed_at.unwrap_or(0), got.completed_at.unwrap_or(0)),
            Field::CompletedAt.into(),
        ),
    ])
}

fn stats(expected: &SystemStats, got: &SystemStats) -> Differs {
    Differs::first(&[
        (expected.history_event_count == got.history_event_count, Field::HistoryEventCount),
        (expected.history_size_bytes == got.history_size_bytes, Field::HistorySizeBytes),
        (expected.queue_pending_count == got.queue_pending_count, Field::QueuePendingCount),
        (expected.kv_user_key_count == got.kv_user_key_count, Field::KvUserKeyCount),
        (expected.kv_total_value_bytes == got.kv_total_value_bytes, Field::KvTotalValueBytes),
    ])
}
