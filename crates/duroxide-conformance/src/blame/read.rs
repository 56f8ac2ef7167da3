//! Attributes wrong answers of reads: which earlier call should have had a
//! different effect.

mod record;

use duroxide::EventKind;
use duroxide_sim::call::{AckTurn, Call, Reply};

use super::Case;
use super::past::is_deletion;
use super::payload::spoiled;
use crate::calls::writes;
use crate::contract::{Rule, rule};
use crate::drive::Observed;
use crate::mismatch::{Field, HistoryPart, NamesPart, Part, StatusPart};

/// The rule for a wrong part of a read's answer.
pub(super) fn part(case: &Case<'_>, part: Part) -> &'static Rule {
    if was_right(case) {
        return rule!("read.changes-nothing");
    }
    if let Some(rule) = undone(case) {
        return rule;
    }
    let is_time = matches!(part, Part::Field(field) if field.is_time());
    // If there should be no value, the value was not altered.
    let is_nothing = *case.expected() == Reply::Value(None);
    if let Some(rule) = spoiled(case.expected(), case.got()).filter(|_| !is_time && !is_nothing) {
        return rule;
    }
    match case.call() {
        Call::Read { .. }
        | Call::ReadHistory { .. }
        | Call::ReadWithExecution { .. }
        | Call::ReadHistoryWithExecutionId { .. } => history(case, part),
        Call::LatestExecutionId { .. } => latest(case),
        Call::GetCustomStatus { .. } => status(case, part),
        Call::GetKvValue { .. } | Call::GetKvAllValues { .. } => value(case),
        Call::GetInstanceStats { .. } => stats(case, part),
        Call::ListInstances if part == NamesPart::Order.into() => rule!("list.newest-first"),
        Call::ListInstancesByStatus { .. } if part == NamesPart::Order.into() => rule!("list.newest-first"),
        Call::ListInstances => created(case).unwrap_or(rule!("list.all")),
        Call::ListInstancesByStatus { .. } => rule!("list.by-status"),
        Call::ListExecutions { .. } => rule!("execution.listed"),
        Call::GetInstanceInfo { .. } => record::info(case, part),
        Call::GetExecutionInfo { .. } => record::execution(case, part),
        Call::GetSystemMetrics => record::metrics(case, part),
        Call::GetQueueDepths => depths(case),
        Call::ListChildren { .. } if is_more(case) => rule!("tree.children"),
        Call::ListChildren { .. } => parent(case).unwrap_or(rule!("tree.children")),
        Call::GetParentId { .. } => parent(case).unwrap_or(rule!("tree.parent")),
        writes!() | Call::GetInstanceTree { .. } => rule!("tree.whole"),
    }
}

/// Whether the same read was answered correctly before, with only reads since.
fn was_right(case: &Case<'_>) -> bool {
    let reads = case.past.calls().rev().take_while(|seen| seen.call.is_read());
    reads.into_iter().any(|seen| seen.call == case.last.call && seen.reply.as_ref() == Some(case.expected()))
}

/// The rule, if the last call that may have changed something must not have
/// changed this: a refused call, a deletion or a pruning.
fn undone(case: &Case<'_>) -> Option<&'static Rule> {
    let culprit = case.past.culprit()?;
    match (&*culprit.call, culprit.reply.as_ref()?) {
        (Call::AckOrchestrationItem(_), Reply::Refused(_)) => Some(atomic(case)),
        (Call::AckWorkItem { .. }, Reply::Refused(_)) => Some(rule!("ack-job.refusal-changes-nothing")),
        (call, Reply::Refused(_)) if is_deletion(call) => Some(rule!("delete.refusals-leave-all")),
        (_, Reply::Refused(_)) => Some(rule!("error.refusal-changes-nothing")),
        (call, Reply::Deleted(_)) if is_deletion(call) => deleted(case, call),
        (Call::PruneExecutions { .. } | Call::PruneExecutionsBulk { .. }, Reply::Pruned(_)) => pruned(case),
        (Call::AbandonOrchestrationItem { .. }, _) if !matches!(case.call(), Call::GetQueueDepths) => {
            Some(rule!("abandon-turn.commits-nothing"))
        }
        _ => None,
    }
}

fn atomic(case: &Case<'_>) -> &'static Rule {
    match case.call() {
        Call::Read { .. }
        | Call::ReadHistory { .. }
        | Call::ReadWithExecution { .. }
        | Call::ReadHistoryWithExecutionId { .. } => rule!("ack-turn.atomic-history"),
        Call::GetKvValue { .. } | Call::GetKvAllValues { .. } => rule!("ack-turn.atomic-values"),
        Call::GetQueueDepths => match (case.expected(), case.got()) {
            (Reply::QueueDepths(expected), Reply::QueueDepths(got)) if expected.worker_queue != got.worker_queue => {
                rule!("ack-turn.atomic-jobs")
            }
            _ => rule!("ack-turn.atomic-messages"),
        },
        _ => rule!("ack-turn.atomic-metadata"),
    }
}

fn deleted(case: &Case<'_>, call: &Call) -> Option<&'static Rule> {
    if matches!(call, Call::DeleteInstanceBulk { .. }) {
        return Some(rule!("delete-bulk.deletes-whole"));
    }
    // Whether the read concerns something that was deleted.
    let about_deleted = match (call, case.call().instance()) {
        (_, None) => true,
        (Call::DeleteInstance { instance, .. }, Some(asked)) => instance == asked,
        (Call::DeleteInstancesAtomic { instances, .. }, Some(asked)) => instances.iter().any(|name| name == asked),
        _ => false,
    };
    let more = |expected: &Reply, got: &Reply| match (expected, got) {
        (Reply::QueueDepths(expected), Reply::QueueDepths(got)) => got.orchestrator_queue > expected.orchestrator_queue,
        _ => false,
    };
    Some(match case.call() {
        Call::GetKvValue { .. } | Call::GetKvAllValues { .. } | Call::GetCustomStatus { .. } if about_deleted => {
            rule!("delete.removes-values")
        }
        Call::GetQueueDepths => match (case.expected(), case.got()) {
            (expected, got) if more(expected, got) => rule!("delete.removes-messages"),
            (Reply::QueueDepths(expected), Reply::QueueDepths(got)) if got.worker_queue > expected.worker_queue => {
                rule!("delete.removes-jobs")
            }
            _ => rule!("delete.leaves-others"),
        },
        _ if about_deleted => rule!("delete.removes-record"),
        _ if matches!(call, Call::DeleteInstance { .. }) && in_tree(case, call) => rule!("delete.cascade"),
        _ => rule!("delete.leaves-others"),
    })
}

/// Whether a parent was recorded for the instance being read.
fn in_tree(case: &Case<'_>, _: &Call) -> bool {
    case.past.calls().any(|seen| {
        matches!(&*seen.call, Call::AckOrchestrationItem(ack) if ack.metadata.parent_instance_id.is_some()
            && case.past.turn_of(&ack.token).map(|turn| &*turn.instance) == case.call().instance())
    })
}

fn pruned(case: &Case<'_>) -> Option<&'static Rule> {
    Some(match case.call() {
        Call::GetKvValue { .. } | Call::GetKvAllValues { .. } => rule!("kv.kept-by-pruning"),
        Call::ReadWithExecution { .. }
        | Call::ReadHistoryWithExecutionId { .. }
        | Call::GetSystemMetrics
        | Call::ListExecutions { .. } => rule!("prune.removes-history"),
        _ => rule!("prune.leaves-rest"),
    })
}

/// The successful acks, the last first.
fn acks_of_all<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (&'a Observed, &'a AckTurn)> {
    case.past.calls().rev().filter_map(move |seen| match (&*seen.call, &seen.reply) {
        (Call::AckOrchestrationItem(ack), Some(Reply::Done)) => Some((seen, &**ack)),
        _ => None,
    })
}

/// The successful acks of the instance being read, the last first.
fn acks<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (&'a Observed, &'a AckTurn)> {
    let asked = case.call().instance();
    acks_of_all(case)
        .filter(move |(_, ack)| asked.is_none() || case.past.turn_of(&ack.token).map(|turn| &*turn.instance) == asked)
}

fn history(case: &Case<'_>, part: Part) -> &'static Rule {
    let appended = matches!(case.past.culprit().map(|seen| &*seen.call), Some(Call::AppendWithExecution { .. }));
    let given = matches!(case.call(), Call::ReadWithExecution { .. } | Call::ReadHistoryWithExecutionId { .. });
    let several = acks(case).map(|(_, ack)| ack.execution).collect::<std::collections::BTreeSet<_>>().len() > 1;
    match part {
        Part::History(HistoryPart::Order) => rule!("read.in-order"),
        Part::History(HistoryPart::Event) => {
            if appended {
                rule!("append.never-overwrites")
            } else {
                rule!("read.complete")
            }
        }
        _ if appended => rule!("append.stored"),
        _ if given && several && is_other(case) => rule!("read.given-execution"),
        _ if moved(case) => rule!("ack-turn.history-in-given-execution"),
        _ if several && given => rule!("ack-turn.history-in-given-execution"),
        _ if several => rule!("read.latest-execution"),
        _ if given => rule!("read.given-execution"),
        _ => rule!("ack-turn.history-appended"),
    }
}

/// Whether nothing of the answer should be there, but something else should.
fn is_other(case: &Case<'_>) -> bool {
    match (case.expected(), case.got()) {
        (Reply::Events(expected), Reply::Events(got)) => {
            !expected.is_empty() && !got.is_empty() && got.iter().all(|event| !expected.contains(event))
        }
        _ => false,
    }
}

/// Whether the last ack was for another execution than the fetched one.
fn moved(case: &Case<'_>) -> bool {
    acks(case)
        .next()
        .is_some_and(|(_, ack)| case.past.turn_of(&ack.token).is_some_and(|turn| turn.execution != ack.execution))
}

fn latest(case: &Case<'_>) -> &'static Rule {
    let appended = case.past.calls().any(|seen| matches!(&*seen.call, Call::AppendWithExecution { .. }));
    let known = acks(case).next().is_some();
    match (known, appended) {
        (_, true) => rule!("read.appended-execution"),
        (false, false) => rule!("read.latest-execution-id-unknown"),
        (true, false) => rule!("read.latest-execution-id"),
    }
}

fn status(case: &Case<'_>, part: Part) -> &'static Rule {
    let updates = |ack: &AckTurn| {
        let all = ack.history.iter().filter_map(|event| match &event.kind {
            EventKind::CustomStatusUpdated { status } => Some(status.is_some()),
            _ => None,
        });
        all.collect::<Vec<bool>>()
    };
    let Some((_, ack)) = acks(case).next() else {
        return match acks_of_others(case) {
            true => rule!("status.of-the-instance"),
            false => rule!("status.fresh-is-nothing"),
        };
    };
    let last = updates(ack);
    let executions = acks(case).any(|(_, other)| other.execution != ack.execution);
    match (&last[..], part) {
        (_, Part::Value) if matches!(case.call(), Call::GetCustomStatus { last_seen_version: 1.., .. }) => {
            rule!("status.newer-returned")
        }
        ([_, _, ..], Part::Status(StatusPart::Version)) => rule!("status.version-step"),
        ([_, _, ..], _) => rule!("status.last-wins"),
        ([], _) if executions => rule!("status.of-the-instance"),
        ([], _) => rule!("status.none-keeps"),
        ([false], Part::Status(StatusPart::Text)) => rule!("status.cleared"),
        ([false], _) => rule!("status.version-rises"),
        (_, Part::Status(StatusPart::Version)) => rule!("status.version-rises"),
        _ => rule!("status.set"),
    }
}

/// Whether instances other than the one being read were acked.
fn acks_of_others(case: &Case<'_>) -> bool {
    case.past
        .calls()
        .any(|seen| matches!(&*seen.call, Call::AckOrchestrationItem(_)) && seen.reply == Some(Reply::Done))
}

fn value(case: &Case<'_>) -> &'static Rule {
    let appended = matches!(case.past.culprit().map(|seen| &*seen.call), Some(Call::AppendWithExecution { .. }));
    if appended {
        return rule!("kv.append-writes-nothing");
    }
    let Some((_, ack)) = acks(case).next() else {
        return if acks_of_others(case) { rule!("kv.isolated") } else { rule!("kv.missing-is-nothing") };
    };
    if let Some(rule) = of_other_key(case).or_else(|| of_all(case)) {
        return rule;
    }
    let other = acks_of_all(case).next().map(|(_, ack)| &ack.token);
    if other != Some(&ack.token) {
        return rule!("kv.isolated");
    }
    // Whether a value is missing that should be visible at the latest when the
    // execution ends.
    let unseen = match (case.expected(), case.got()) {
        (Reply::Value(Some(_)), Reply::Value(None)) => true,
        (Reply::Values(expected), Reply::Values(got)) => got.is_empty() && !expected.is_empty(),
        _ => false,
    };
    let writes: Vec<&EventKind> = ack
        .history
        .iter()
        .map(|event| &event.kind)
        .filter(|kind| {
            matches!(
                kind,
                EventKind::KeyValueSet { .. } | EventKind::KeyValueCleared { .. } | EventKind::KeyValuesCleared
            )
        })
        .collect();
    match &writes[..] {
        [] if ack.metadata.status.is_some() => rule!("kv.merged-at-end"),
        [] if acks(case).count() > 1 => rule!("kv.readers-see-both"),
        [] => rule!("kv.isolated"),
        [_, _, ..] => rule!("kv.in-order"),
        [EventKind::KeyValueSet { value, .. }] if value.is_empty() => rule!("kv.empty-is-a-value"),
        [EventKind::KeyValueSet { .. }] if unseen && ack.metadata.status.is_none() => rule!("kv.readers-see-both"),
        [EventKind::KeyValueSet { .. }] => rule!("kv.set"),
        [EventKind::KeyValueCleared { .. }] => rule!("kv.clear"),
        [_] => rule!("kv.clear-all"),
    }
}

/// The rule, if the answer belongs to a similar key that was written, while
/// this one never was.
fn of_other_key(case: &Case<'_>) -> Option<&'static Rule> {
    let (Call::GetKvValue { key, .. }, Reply::Value(None)) = (case.call(), case.expected()) else { return None };
    let written = |key: &String| {
        acks(case).flat_map(|(_, ack)| &ack.history).any(|event| match &event.kind {
            EventKind::KeyValueSet { key: other, .. } => other == key,
            _ => false,
        })
    };
    (!written(key)).then_some(rule!("payload.names-exact"))
}

/// The rule, if some keys are missing in a read of all keys.
fn of_all(case: &Case<'_>) -> Option<&'static Rule> {
    let (Reply::Values(expected), Reply::Values(got)) = (case.expected(), case.got()) else { return None };
    let part = got.iter().all(|(key, value)| expected.get(key) == Some(value));
    (part && !got.is_empty() && got.len() < expected.len()).then_some(rule!("kv.all-values"))
}

fn stats(case: &Case<'_>, part: Part) -> &'static Rule {
    match part {
        Part::Field(Field::HistoryEventCount) => rule!("stats.event-count"),
        Part::Field(Field::HistorySizeBytes) => rule!("stats.history-size"),
        Part::Field(Field::QueuePendingCount) => rule!("stats.pending-count"),
        Part::Field(Field::KvUserKeyCount) => rule!("stats.key-count"),
        Part::Field(Field::KvTotalValueBytes) => rule!("stats.value-bytes"),
        _ if acks(case).next().is_some() => rule!("ack-turn.creates-instance"),
        _ => rule!("stats.unknown-is-nothing"),
    }
}

/// The rule, if an instance is listed too early or not at all.
fn created(case: &Case<'_>) -> Option<&'static Rule> {
    let culprit = case.past.culprit()?;
    match &*culprit.call {
        Call::EnqueueForOrchestrator { .. } | Call::EnqueueForWorker { .. } => {
            Some(rule!("enqueue.creates-no-instance"))
        }
        Call::AppendWithExecution { .. } => Some(rule!("append.creates-no-instance")),
        Call::AckOrchestrationItem(ack) if ack.metadata.orchestration_name.is_none() => {
            Some(rule!("ack-turn.nameless-creates-nothing"))
        }
        _ => None,
    }
}

fn depths(case: &Case<'_>) -> &'static Rule {
    let (Reply::QueueDepths(expected), Reply::QueueDepths(got)) = (case.expected(), case.got()) else {
        return rule!("depths.waiting-counted");
    };
    let turns = expected.orchestrator_queue != got.orchestrator_queue;
    let fetched = if turns { case.past.turns().next().map(|f| f.0) } else { case.past.jobs().next().map(|f| f.0) };
    let lower = if turns {
        got.orchestrator_queue < expected.orchestrator_queue
    } else {
        got.worker_queue < expected.worker_queue
    };
    match case.past.culprit().map(|seen| (&*seen.call, &seen.reply)) {
        Some((Call::AckWorkItem { completion: Some(_), .. }, Some(Reply::Done))) if turns && lower => {
            return rule!("ack-job.completion-enqueued");
        }
        Some((Call::AckWorkItem { completion: None, .. }, Some(Reply::Done))) if turns && !lower => {
            return rule!("ack-job.none-enqueues-nothing");
        }
        Some((Call::AbandonWorkItem { .. }, Some(Reply::Done))) if !turns && lower => {
            return rule!("abandon-job.keeps-job");
        }
        _ => {}
    }
    let Some(number) = fetched else { return rule!("depths.waiting-counted") };
    let released = case.past.0[number + 1..].iter().any(|seen| seen.call.token().is_some());
    match (lower, released) {
        (true, false) => rule!("depths.ended-locks"),
        (false, false) => rule!("depths.held-not-counted"),
        (true, true) => rule!("depths.waiting-counted"),
        (false, true) if turns => rule!("ack-turn.messages-removed"),
        (false, true) => rule!("ack-job.removes"),
    }
}

/// Whether a name is listed that should not be.
fn is_more(case: &Case<'_>) -> bool {
    match (case.expected(), case.got()) {
        (Reply::Names(expected), Reply::Names(got)) => got.iter().any(|name| !expected.contains(name)),
        _ => false,
    }
}

fn parent(case: &Case<'_>) -> Option<&'static Rule> {
    let given: Vec<bool> = case
        .past
        .calls()
        .filter_map(|seen| match (&*seen.call, &seen.reply) {
            (Call::AckOrchestrationItem(ack), Some(Reply::Done)) => Some(ack.metadata.parent_instance_id.is_some()),
            _ => None,
        })
        .collect();
    match &given[..] {
        [true] => Some(rule!("ack-turn.parent-stored")),
        [false, .., true] => Some(rule!("ack-turn.parent-later")),
        _ => None,
    }
}
