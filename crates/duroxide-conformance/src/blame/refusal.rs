//! Attributes calls that were wrongly accepted or wrongly refused.

use duroxide_sim::call::{Call, Class, Refusal, Reply};

use super::Case;
use super::past::{Fate, is_deletion};
use super::payload::odd;
use crate::calls::reads;
use crate::contract::{Rule, rule};

fn class(reply: &Reply) -> Class {
    match reply {
        Reply::Refused(refusal) => refusal.class,
        _ => Class::Other,
    }
}

/// The rule for an error marked retryable although a retry cannot succeed.
pub(super) fn retryable(case: &Case<'_>) -> &'static Rule {
    match class(case.expected()) {
        Class::LockLost => rule!("error.lock-lost-is-permanent"),
        Class::NotFound => rule!("error.not-found-is-permanent"),
        Class::StillRunning | Class::SubOrchestration | Class::ChildLeft => rule!("error.not-deletable-is-permanent"),
        Class::DuplicateEvent | Class::Invalid | Class::Other => rule!("error.invalid-is-permanent"),
        Class::Corrupt => rule!("error.corrupt-is-permanent"),
    }
}

/// The rule for a call that had to be refused.
pub(super) fn accepted(case: &Case<'_>) -> &'static Rule {
    let expected = class(case.expected());
    if let Some(token) = case.call().token()
        && expected == Class::LockLost
    {
        return dead_token(case.call(), case.past.fate(token, case.last.at));
    }
    match (case.call(), expected) {
        (Call::AckOrchestrationItem(_), Class::DuplicateEvent) => rule!("ack-turn.duplicate-event-refused"),
        (Call::AckOrchestrationItem(ack), _) if ack.history.iter().any(|event| event.event_id == 0) => {
            rule!("ack-turn.event-id-zero")
        }
        (Call::AppendWithExecution { events, .. }, _) if events.iter().any(|event| event.event_id == 0) => {
            rule!("ack-turn.event-id-zero")
        }
        (Call::AckOrchestrationItem(_), _) => rule!("ack-turn.wrong-queue-refused"),
        (Call::AppendWithExecution { .. }, _) => rule!("append.duplicate"),
        (Call::EnqueueForOrchestrator { .. }, _) => rule!("enqueue.wrong-queue-refused"),
        (Call::EnqueueForWorker { .. }, _) => rule!("enqueue-job.wrong-queue-refused"),
        (Call::AckWorkItem { completion: Some(item), .. }, _) if duroxide_sim::call::is_job(item) => {
            rule!("ack-job.wrong-queue-refused")
        }
        (Call::AckWorkItem { .. }, _) => rule!("ack-job.other-completions"),
        (call, Class::StillRunning) if is_deletion(call) => still_running(case),
        (Call::DeleteInstance { .. }, Class::SubOrchestration) => rule!("delete.child-refused"),
        (Call::DeleteInstance { .. }, Class::ChildLeft) | (Call::DeleteInstancesAtomic { .. }, _) => {
            rule!("delete.child-left-refused")
        }
        (Call::DeleteInstance { .. }, _) => rule!("delete.unknown-refused"),
        (Call::PruneExecutions { .. }, _) => rule!("prune.unknown-refused"),
        (Call::GetInstanceInfo { .. }, _) => forgotten(case).unwrap_or(rule!("info.unknown-refused")),
        (Call::GetParentId { .. }, _) => forgotten(case).unwrap_or(rule!("tree.parent")),
        (Call::GetExecutionInfo { .. }, _) => forgotten(case).unwrap_or(rule!("execution.unknown-refused")),
        (_, Class::Corrupt) => rule!("read.unreadable-is-an-error"),
        (
            Call::FetchOrchestrationItem { .. }
            | Call::AbandonOrchestrationItem { .. }
            | Call::RenewOrchestrationItemLock { .. }
            | Call::FetchWorkItem { .. }
            | Call::RenewWorkItemLock { .. }
            | Call::AbandonWorkItem { .. }
            | Call::RenewSessionLock { .. }
            | Call::CleanupOrphanedSessions { .. }
            | Call::DeleteInstanceBulk { .. }
            | Call::PruneExecutionsBulk { .. }
            | Call::Read { .. }
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
            | Call::GetSystemMetrics
            | Call::GetQueueDepths
            | Call::ListChildren { .. }
            | Call::GetInstanceTree { .. },
            _,
        ) => rule!("error.refusal-changes-nothing"),
    }
}

/// The rule by which what was read should be gone.
fn forgotten(case: &Case<'_>) -> Option<&'static Rule> {
    let culprit = case.past.culprit()?;
    match (&*culprit.call, &culprit.reply) {
        (Call::AckOrchestrationItem(_), Some(Reply::Refused(_))) => Some(rule!("ack-turn.atomic-metadata")),
        (Call::DeleteInstanceBulk { .. }, Some(Reply::Deleted(_))) => Some(rule!("delete-bulk.deletes-whole")),
        (call, Some(Reply::Deleted(_))) if is_deletion(call) => Some(rule!("delete.removes-record")),
        (Call::PruneExecutions { .. } | Call::PruneExecutionsBulk { .. }, Some(Reply::Pruned(_))) => {
            Some(rule!("prune.removes-history"))
        }
        (Call::EnqueueForOrchestrator { .. } | Call::EnqueueForWorker { .. }, _) => {
            Some(rule!("enqueue.creates-no-instance"))
        }
        (Call::AppendWithExecution { .. }, _) => Some(rule!("append.creates-no-instance")),
        (Call::AckOrchestrationItem(ack), _) if ack.metadata.orchestration_name.is_none() => {
            Some(rule!("ack-turn.nameless-creates-nothing"))
        }
        _ => None,
    }
}

fn still_running(case: &Case<'_>) -> &'static Rule {
    let continued = case.past.last(|seen| match &*seen.call {
        Call::AckOrchestrationItem(ack) => ack.metadata.status.is_some(),
        _ => false,
    });
    match continued.map(|seen| &*seen.call) {
        Some(Call::AckOrchestrationItem(ack)) if ack.metadata.status.as_deref() == Some("ContinuedAsNew") => {
            rule!("delete.continuing-refused")
        }
        _ => rule!("delete.running-refused"),
    }
}

/// The rule for a token without a lock that was accepted.
fn dead_token(call: &Call, fate: Fate) -> &'static Rule {
    let expired = fate == Fate::Expired;
    match (call, fate) {
        (Call::AckOrchestrationItem(_), Fate::Deleted) => rule!("delete.removes-lock"),
        (_, Fate::Deleted) if !matches!(call, Call::AckOrchestrationItem(_)) && is_of_job(call) => {
            rule!("delete.removes-jobs")
        }
        (_, Fate::Deleted) => rule!("delete.removes-lock"),
        (_, Fate::Cancelled) => rule!("ack-turn.cancelled-held-removed"),
        (Call::AckOrchestrationItem(_), _) if expired => rule!("ack-turn.expired-token-refused"),
        (Call::AckOrchestrationItem(_), _) => rule!("ack-turn.dead-token-refused"),
        (Call::AbandonOrchestrationItem { .. }, _) if expired => rule!("abandon-turn.expired-token-refused"),
        (Call::AbandonOrchestrationItem { .. }, _) => rule!("abandon-turn.dead-token-refused"),
        (Call::RenewOrchestrationItemLock { .. }, _) if expired => rule!("renew-turn.expired-token-refused"),
        (Call::RenewOrchestrationItemLock { .. }, _) => rule!("renew-turn.dead-token-refused"),
        (Call::AckWorkItem { .. }, _) if expired => rule!("ack-job.expired-token-refused"),
        (Call::AckWorkItem { .. }, _) => rule!("ack-job.dead-token-refused"),
        (Call::RenewWorkItemLock { .. }, _) if expired => rule!("renew-job.expired-token-refused"),
        (Call::RenewWorkItemLock { .. }, _) => rule!("renew-job.dead-token-refused"),
        _ => rule!("abandon-job.dead-token-refused"),
    }
}

fn is_of_job(call: &Call) -> bool {
    matches!(call, Call::AckWorkItem { .. } | Call::RenewWorkItemLock { .. } | Call::AbandonWorkItem { .. })
}

/// Whether a permanent error reports contention with other callers.
pub(crate) fn is_about_contention(refusal: &Refusal) -> bool {
    const WORDS: [&str; 9] = [
        "is locked",
        "busy",
        "deadlock",
        "could not serialize access",
        "serialization failure",
        "write conflict",
        "contention",
        "concurrent update",
        "could not obtain lock",
    ];
    let message = refusal.message.to_lowercase();
    !refusal.retryable && WORDS.iter().any(|word| message.contains(word))
}

/// The rule for a call that was refused without a reason.
pub(super) fn refused(case: &Case<'_>) -> &'static Rule {
    if matches!(case.got(), Reply::Refused(refusal) if is_about_contention(refusal)) {
        return rule!("error.contention-is-retryable");
    }
    if let Some(rule) = unreadable(case).or_else(|| endless(case.call())).or_else(|| odd([case.call()])) {
        return rule;
    }
    if let Some(token) = case.call().token()
        && case.past.fate(token, case.last.at) == Fate::Live
        && let Some(rule) = lost_lock(case, token)
    {
        return rule;
    }
    if odd(case.past.calls().map(|seen| &*seen.call)).is_some() {
        return rule!("payload.accepted-is-usable");
    }
    match case.call() {
        Call::AckOrchestrationItem(ack)
            if case.past.turn_of(&ack.token).is_some_and(|t| t.execution != ack.execution) =>
        {
            if ack.history.is_empty() {
                rule!("ack-turn.execution-created")
            } else {
                rule!("ack-turn.history-in-given-execution")
            }
        }
        Call::AckOrchestrationItem(ack) if !ack.cancelled.is_empty() => rule!("ack-turn.cancelled-unknown-ignored"),
        Call::AckOrchestrationItem(ack) if ack.history.is_empty() => rule!("ack-turn.empty-history-valid"),
        Call::AckOrchestrationItem(_) => rule!("ack-turn.history-appended"),
        Call::AppendWithExecution { .. } => rule!("append.any-instance-accepted"),
        Call::EnqueueForOrchestrator { .. } => rule!("enqueue.any-instance-accepted"),
        Call::EnqueueForWorker { .. } => rule!("enqueue-job.delivered"),
        Call::FetchOrchestrationItem { .. } => rule!("turn.prompt"),
        Call::FetchWorkItem { .. } => rule!("job.prompt"),
        Call::AckWorkItem { .. } => rule!("ack-job.removes"),
        Call::AbandonWorkItem { .. } => rule!("abandon-job.keeps-job"),
        Call::AbandonOrchestrationItem { .. } => rule!("abandon-turn.messages-kept"),
        Call::RenewOrchestrationItemLock { .. } => rule!("renew-turn.extends-from-now"),
        Call::RenewWorkItemLock { .. } => rule!("renew-job.any-instance-state"),
        Call::DeleteInstance { force: true, .. } | Call::DeleteInstancesAtomic { force: true, .. } => {
            rule!("delete.force")
        }
        Call::DeleteInstancesAtomic { .. } => rule!("delete.unknown-in-batch"),
        Call::DeleteInstance { .. } => rule!("delete.ended-deleted"),
        Call::DeleteInstanceBulk { .. } => rule!("delete-bulk.ended-only"),
        Call::LatestExecutionId { .. } => rule!("read.latest-execution-id-unknown"),
        Call::Read { .. } | Call::ReadHistory { .. } => rule!("read.unknown-is-empty"),
        Call::ReadWithExecution { .. } | Call::ReadHistoryWithExecutionId { .. } => {
            rule!("read.unknown-execution-is-empty")
        }
        Call::ListExecutions { .. } => rule!("execution.unknown-lists-nothing"),
        Call::GetInstanceInfo { .. } | Call::GetParentId { .. } => rule!("ack-turn.creates-instance"),
        Call::GetExecutionInfo { .. } => rule!("ack-turn.execution-created"),
        Call::GetKvValue { .. } | Call::GetKvAllValues { .. } => rule!("kv.missing-is-nothing"),
        Call::GetInstanceStats { .. } => rule!("stats.unknown-is-nothing"),
        Call::GetCustomStatus { .. } => rule!("status.fresh-is-nothing"),
        Call::GetInstanceTree { .. } => rule!("tree.order"),
        Call::ListChildren { .. } => rule!("tree.children"),
        Call::RenewSessionLock { .. }
        | Call::CleanupOrphanedSessions { .. }
        | Call::PruneExecutions { .. }
        | Call::PruneExecutionsBulk { .. }
        | Call::ListInstances
        | Call::ListInstancesByStatus { .. }
        | Call::GetSystemMetrics
        | Call::GetQueueDepths => rule!("error.refusal-changes-nothing"),
    }
}

/// The rule, if a work item's lock ended with its session's.
fn ended_session(case: &Case<'_>, token: &str) -> Option<&'static Rule> {
    let (.., job) = case.past.jobs().find(|(.., job)| job.token == token)?;
    let (_, claim, at) = case.past.claim_like(&job.item)?;
    (at + claim.lock_for <= case.last.at).then_some(rule!("session.job-lock-outlives-session"))
}

/// The rule, if a call was refused because of an unreadable history.
fn unreadable(case: &Case<'_>) -> Option<&'static Rule> {
    match (case.call(), case.expected()) {
        (Call::FetchOrchestrationItem { .. }, Reply::Turn(Some(turn))) if turn.history_error.is_some() => {
            Some(rule!("turn.history-error-returned"))
        }
        (Call::FetchOrchestrationItem { versions: Some(_), .. }, Reply::Turn(None)) => {
            Some(rule!("turn.capability-before-history"))
        }
        (Call::AckOrchestrationItem(ack), _)
            if case.past.turn_of(&ack.token).is_some_and(|turn| turn.history_error.is_some()) =>
        {
            Some(rule!("ack-turn.unreadable-history-appendable"))
        }
        _ => None,
    }
}

/// The rule, if a call was refused because of an endless duration.
fn endless(call: &Call) -> Option<&'static Rule> {
    let spans = match call {
        Call::FetchOrchestrationItem { lock_for, .. } => vec![*lock_for],
        Call::FetchWorkItem { lock_for, session, .. } => {
            session.iter().map(|claim| claim.lock_for).chain([*lock_for]).collect()
        }
        Call::RenewOrchestrationItemLock { extend_for, .. } | Call::RenewWorkItemLock { extend_for, .. } => {
            vec![*extend_for]
        }
        Call::RenewSessionLock { extend_for, idle_for, .. } => vec![*extend_for, *idle_for],
        Call::AbandonOrchestrationItem { delay, .. }
        | Call::AbandonWorkItem { delay, .. }
        | Call::EnqueueForOrchestrator { delay, .. } => delay.iter().copied().collect(),
        reads!()
        | Call::AckOrchestrationItem(_)
        | Call::AppendWithExecution { .. }
        | Call::EnqueueForWorker { .. }
        | Call::AckWorkItem { .. }
        | Call::CleanupOrphanedSessions { .. }
        | Call::DeleteInstancesAtomic { .. }
        | Call::DeleteInstance { .. }
        | Call::DeleteInstanceBulk { .. }
        | Call::PruneExecutions { .. }
        | Call::PruneExecutionsBulk { .. } => Vec::new(),
    };
    spans.iter().any(|span| span.as_secs() > u64::from(u32::MAX)).then_some(rule!("time.huge-durations"))
}

/// The rule by which a lock should still be held.
fn lost_lock(case: &Case<'_>, token: &str) -> Option<&'static Rule> {
    let turn = case.is_turn();
    let with_token = |seen: &&super::Observed| seen.call.token() == Some(token);
    if let Some(rule) = ended_session(case, token) {
        return Some(rule);
    }
    let before = case.past.calls().rev().find(with_token)?;
    Some(match (&*before.call, &before.reply) {
        (Call::AckOrchestrationItem(_), Some(Reply::Refused(_))) => rule!("ack-turn.failure-keeps-lock"),
        (Call::AckWorkItem { .. }, Some(Reply::Refused(_))) => rule!("ack-job.refusal-changes-nothing"),
        (Call::RenewOrchestrationItemLock { .. }, _) => rule!("renew-turn.extends-from-now"),
        (Call::RenewWorkItemLock { .. }, _) => rule!("renew-job.extends-from-now"),
        _ if turn => rule!("turn.lock-ends-at"),
        _ => rule!("job.lock-ends-at"),
    })
    .or(None)
    .filter(|_| before.at <= case.last.at)
}
