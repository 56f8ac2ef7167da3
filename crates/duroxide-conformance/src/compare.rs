//! Compares two answers.
//!
//! Errors are compared by kind, never by message. Lists whose order no document
//! specifies are compared as sets.

use std::collections::BTreeSet;

use duroxide::SystemStats;
use duroxide_sim::call::{Call, Execution, Instance, Job, Reply, Turn};
use duroxide_sim::store::Store;

use super::oracle::{Aspect, Reading};

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
    fn first(parts: &[(bool, &'static str)]) -> Differs {
        parts.iter().find(|(same, _)| !same).map_or(Differs::Not, |(_, part)| Differs::In(Aspect::Part(part)))
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
            (expected.root_id == got.root_id, "root"),
            (same_set(&expected.all_ids, &got.all_ids), "members"),
        ]),
        (Reply::Instance(expected), Reply::Instance(got)) => instances(expected, got, reading),
        (Reply::Execution(expected), Reply::Execution(got)) => executions(expected, got, reading),
        (Reply::Stats(Some(expected)), Reply::Stats(Some(got))) => stats(expected, got),
        (Reply::Metrics(expected), Reply::Metrics(got)) => Differs::first(&[
            (expected.total_instances == got.total_instances, "total_instances"),
            (expected.total_executions == got.total_executions, "total_executions"),
            (expected.running_instances == got.running_instances, "running_instances"),
            (expected.completed_instances == got.completed_instances, "completed_instances"),
            (expected.failed_instances == got.failed_instances, "failed_instances"),
            (expected.total_events == got.total_events, "total_events"),
        ]),
        (Reply::QueueDepths(expected), Reply::QueueDepths(got)) => Differs::first(&[
            (expected.orchestrator_queue == got.orchestrator_queue, "orchestrator_queue"),
            (expected.worker_queue == got.worker_queue, "worker_queue"),
        ]),
        (Reply::Deleted(expected), Reply::Deleted(got)) => Differs::first(&[
            (expected.instances_deleted == got.instances_deleted, "instances_deleted"),
            (expected.executions_deleted == got.executions_deleted, "executions_deleted"),
            (expected.events_deleted == got.events_deleted, "events_deleted"),
            (expected.queue_messages_deleted == got.queue_messages_deleted, "queue_messages_deleted"),
        ]),
        (Reply::Pruned(expected), Reply::Pruned(got)) => Differs::first(&[
            (expected.instances_processed == got.instances_processed, "instances_processed"),
            (expected.executions_deleted == got.executions_deleted, "executions_deleted"),
            (expected.events_deleted == got.events_deleted, "events_deleted"),
        ]),
        (Reply::CustomStatus(Some(expected)), Reply::CustomStatus(Some(got))) => {
            Differs::first(&[(expected.0 == got.0, "custom_status"), (expected.1 == got.1, "version")])
        }
        (Reply::Events(expected), Reply::Events(got)) => Differs::In(Aspect::Part(histories(expected, got))),
        _ => Differs::In(Aspect::Part("value")),
    }
}

/// How two unequal histories differ.
fn histories(expected: &[duroxide_sim::call::Event], got: &[duroxide_sim::call::Event]) -> &'static str {
    let ids = |events: &[duroxide_sim::call::Event]| events.iter().map(|event| event.event_id).collect::<Vec<_>>();
    let (expected_ids, mut got_ids) = (ids(expected), ids(got));
    if expected_ids == got_ids {
        return "event";
    }
    got_ids.sort_unstable();
    if expected_ids == got_ids { "order" } else { "events" }
}

fn turns(expected: &Turn, got: &Turn) -> Differs {
    let history = if expected.history == got.history { "history" } else { histories(&expected.history, &got.history) };
    // The same messages in another order are a separate deviation.
    let kinds = |turn: &Turn| {
        let mut all: Vec<String> = turn.messages.iter().map(|item| format!("{item:?}")).collect();
        all.sort_unstable();
        all
    };
    let unordered = expected.messages.len() == got.messages.len() && kinds(expected) == kinds(got);
    Differs::first(&[
        (expected.instance == got.instance, "instance"),
        (unordered || expected.messages == got.messages, "messages"),
        (expected.messages == got.messages, "message order"),
        (expected.execution == got.execution, "execution"),
        (expected.history_error.is_some() == got.history_error.is_some(), "history_error"),
        (
            expected.history_error.is_some() || expected.history == got.history,
            match history {
                "order" => "history order",
                "event" => "history event",
                _ => "history",
            },
        ),
        (expected.orchestration_name == got.orchestration_name, "orchestration_name"),
        (expected.version == got.version, "version"),
        (expected.history_error.is_some() || expected.kv_snapshot == got.kv_snapshot, "kv_snapshot"),
        (expected.attempts == got.attempts, "attempts"),
    ])
}

fn jobs(expected: &Job, got: &Job) -> Differs {
    Differs::first(&[(expected.item == got.item, "item"), (expected.attempts == got.attempts, "attempts")])
}

fn names(world: &Store, call: &Call, expected: &[String], got: &[String], reading: Reading) -> Differs {
    if !same_set(expected, got) {
        return Differs::In(Aspect::Part("names"));
    }
    // Newest first; in any order within the same millisecond.
    let listed = matches!(call, Call::ListInstances | Call::ListInstancesByStatus { .. });
    let sorted = || got.windows(2).all(|pair| world.created_at(&pair[0]) >= world.created_at(&pair[1]));
    if listed && reading.timestamps && !sorted() { Differs::In(Aspect::Part("order")) } else { Differs::Not }
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
        (expected.instance_id == got.instance_id, "instance_id"),
        (expected.orchestration_name == got.orchestration_name, "orchestration_name"),
        (expected.orchestration_version == got.orchestration_version, "orchestration_version"),
        (expected.current_execution_id == got.current_execution_id, "current_execution_id"),
        (expected.status == got.status, "status"),
        (expected.output == got.output, "output"),
        (expected.parent_instance_id == got.parent_instance_id, "parent_instance_id"),
        (!times || same_moment(expected.created_at, got.created_at), "created_at"),
        (!times || same_moment(expected.updated_at, got.updated_at), "updated_at"),
    ])
}

fn executions(expected: &Execution, got: &Execution, reading: Reading) -> Differs {
    let times = reading.timestamps;
    Differs::first(&[
        (expected.execution_id == got.execution_id, "execution_id"),
        (expected.status == got.status, "status"),
        (expected.output == got.output, "output"),
        (expected.event_count == got.event_count, "event_count"),
        (expected.completed_at.is_some() == got.completed_at.is_some(), "completed_at set"),
        (!times || same_moment(expected.started_at, got.started_at), "started_at"),
        (!times || same_moment(expected.completed_at.unwrap_or(0), got.completed_at.unwrap_or(0)), "completed_at"),
    ])
}

fn stats(expected: &SystemStats, got: &SystemStats) -> Differs {
    Differs::first(&[
        (expected.history_event_count == got.history_event_count, "history_event_count"),
        (expected.history_size_bytes == got.history_size_bytes, "history_size_bytes"),
        (expected.queue_pending_count == got.queue_pending_count, "queue_pending_count"),
        (expected.kv_user_key_count == got.kv_user_key_count, "kv_user_key_count"),
        (expected.kv_total_value_bytes == got.kv_total_value_bytes, "kv_total_value_bytes"),
    ])
}
