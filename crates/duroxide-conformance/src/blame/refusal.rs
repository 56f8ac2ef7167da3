//! Attributes calls that were wrongly accepted or wrongly refused.

use duroxide_sim::call::{Call, Class, Refusal, Reply};

use super::Case;
use super::past::{Fate, is_deletion};
use super::payload::odd;

fn class(reply: &Reply) -> Class {
    match reply {
        Reply::Refused(refusal) => refusal.class,
        _ => Class::Other,
    }
}

/// The rule for an error marked retryable although a retry cannot succeed.
pub(super) fn retryable(case: &Case<'_>) -> &'static str {
    match class(case.expected()) {
        Class::LockLost => "error.lock-lost-is-permanent",
        Class::NotFound => "error.not-found-is-permanent",
        Class::StillRunning | Class::SubOrchestration | Class::ChildLeft => "error.not-deletable-is-permanent",
        Class::DuplicateEvent | Class::Invalid | Class::Other => "error.invalid-is-permanent",
        Class::Corrupt => "error.corrupt-is-permanent",
    }
}

/// The rule for a call that had to be refused.
pub(super) fn accepted(case: &Case<'_>) -> &'static str {
    let expected = class(case.expected());
    if let Some(token) = case.call().token()
        && expected == Class::LockLost
    {
        return dead_token(case.call(), case.past.fate(token, case.last.at));
    }
    match (case.call(), expected) {
        (Call::AckOrchestrationItem(_), Class::DuplicateEvent) => "ack-turn.duplicate-event-refused",
        (Call::AckOrchestrationItem(ack), _) if ack.history.iter().any(|event| event.event_id == 0) => {
            "ack-turn.event-id-zero"
        }
        (Call::AppendWithExecution { events, .. }, _) if events.iter().any(|event| event.event_id == 0) => {
            "ack-turn.event-id-zero"
        }
        (Call::AckOrchestrationItem(_), _) => "ack-turn.wrong-queue-refused",
        (Call::AppendWithExecution { .. }, _) => "append.duplicate",
        (Call::EnqueueForOrchestrator { .. }, _) => "enqueue.wrong-queue-refused",
        (Call::EnqueueForWorker { .. }, _) => "enqueue-job.wrong-queue-refused",
        (Call::AckWorkItem { completion: Some(item), .. }, _) if duroxide_sim::call::is_job(item) => {
            "ack-job.wrong-queue-refused"
        }
        (Call::AckWorkItem { .. }, _) => "ack-job.other-completions",
        (call, Class::StillRunning) if is_deletion(call) => still_running(case),
        (Call::DeleteInstance { .. }, Class::SubOrchestration) => "delete.child-refused",
        (Call::DeleteInstance { .. }, Class::ChildLeft) | (Call::DeleteInstancesAtomic { .. }, _) => {
            "delete.child-left-refused"
        }
        (Call::DeleteInstance { .. }, _) => "delete.unknown-refused",
        (Call::PruneExecutions { .. }, _) => "prune.unknown-refused",
        (Call::GetInstanceInfo { .. }, _) => forgotten(case).unwrap_or("info.unknown-refused"),
        (Call::GetParentId { .. }, _) => forgotten(case).unwrap_or("tree.parent"),
        (Call::GetExecutionInfo { .. }, _) => forgotten(case).unwrap_or("execution.unknown-refused"),
        (_, Class::Corrupt) => "read.unreadable-is-an-error",
        _ => "error.refusal-changes-nothing",
    }
}

/// The rule by which what was read should be gone.
fn forgotten(case: &Case<'_>) -> Option<&'static str> {
    let culprit = case.past.culprit()?;
    match (&*culprit.call, &culprit.reply) {
        (Call::AckOrchestrationItem(_), Some(Reply::Refused(_))) => Some("ack-turn.atomic-metadata"),
        (Call::DeleteInstanceBulk { .. }, Some(Reply::Deleted(_))) => Some("delete-bulk.deletes-whole"),
        (call, Some(Reply::Deleted(_))) if is_deletion(call) => Some("delete.removes-record"),
        (Call::PruneExecutions { .. } | Call::PruneExecutionsBulk { .. }, Some(Reply::Pruned(_))) => {
            Some("prune.removes-history")
        }
        (Call::EnqueueForOrchestrator { .. } | Call::EnqueueForWorker { .. }, _) => Some("enqueue.creates-no-instance"),
        (Call::AppendWithExecution { .. }, _) => Some("append.creates-no-instance"),
        (Call::AckOrchestrationItem(ack), _) if ack.metadata.orchestration_name.is_none() => {
            Some("ack-turn.nameless-creates-nothing")
        }
        _ => None,
    }
}

fn still_running(case: &Case<'_>) -> &'static str {
    let continued = case.past.last(|seen| match &*seen.call {
        Call::AckOrchestrationItem(ack) => ack.metadata.status.is_some(),
        _ => false,
    });
    match continued.map(|seen| &*seen.call) {
        Some(Call::AckOrchestrationItem(ack)) if ack.metadata.status.as_deref() == Some("ContinuedAsNew") => {
            "delete.continuing-refused"
        }
        _ => "delete.running-refused",
    }
}

/// The rule for a token without a lock that was accepted.
fn dead_token(call: &Call, fate: Fate) -> &'static str {
    let expired = fate == Fate::Expired;
    match (call, fate) {
        (Call::AckOrchestrationItem(_), Fate::Deleted) => "delete.removes-lock",
        (_, Fate::Deleted) if !matches!(call, Call::AckOrchestrationItem(_)) && is_of_job(call) => {
            "delete.removes-jobs"
        }
        (_, Fate::Deleted) => "delete.removes-lock",
        (_, Fate::Cancelled) => "ack-turn.cancelled-held-removed",
        (Call::AckOrchestrationItem(_), _) if expired => "ack-turn.expired-token-refused",
        (Call::AckOrchestrationItem(_), _) => "ack-turn.dead-token-refused",
        (Call::AbandonOrchestrationItem { .. }, _) if expired => "abandon-turn.expired-token-refused",
        (Call::AbandonOrchestrationItem { .. }, _) => "abandon-turn.dead-token-refused",
        (Call::RenewOrchestrationItemLock { .. }, _) if expired => "renew-turn.expired-token-refused",
        (Call::RenewOrchestrationItemLock { .. }, _) => "renew-turn.dead-token-refused",
        (Call::AckWorkItem { .. }, _) if expired => "ack-job.expired-token-refused",
        (Call::AckWorkItem { .. }, _) => "ack-job.dead-token-refused",
        (Call::RenewWorkItemLock { .. }, _) if expired => "renew-job.expired-token-refused",
        (Call::RenewWorkItemLock { .. }, _) => "renew-job.dead-token-refused",
        _ => "abandon-job.dead-token-refused",
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
pub(super) fn refused(case: &Case<'_>) -> &'static str {
    if matches!(case.got(), Reply::Refused(refusal) if is_about_contention(refusal)) {
        return "error.contention-is-retryable";
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
        return "payload.accepted-is-usable";
    }
    match case.call() {
        Call::AckOrchestrationItem(ack)
            if case.past.turn_of(&ack.token).is_some_and(|t| t.execution != ack.execution) =>
        {
            if ack.history.is_empty() { "ack-turn.execution-created" } else { "ack-turn.history-in-given-execution" }
        }
        Call::AckOrchestrationItem(ack) if !ack.cancelled.is_empty() => "ack-turn.cancelled-unknown-ignored",
        Call::AckOrchestrationItem(ack) if ack.history.is_empty() => "ack-turn.empty-history-valid",
        Call::AckOrchestrationItem(_) => "ack-turn.history-appended",
        Call::AppendWithExecution { .. } => "append.any-instance-accepted",
        Call::EnqueueForOrchestrator { .. } => "enqueue.any-instance-accepted",
        Call::EnqueueForWorker { .. } => "enqueue-job.delivered",
        Call::FetchOrchestrationItem { .. } => "turn.prompt",
        Call::FetchWorkItem { .. } => "job.prompt",
        Call::AckWorkItem { .. } => "ack-job.removes",
        Call::AbandonWorkItem { .. } => "abandon-job.keeps-job",
        Call::AbandonOrchestrationItem { .. } => "abandon-turn.messages-kept",
        Call::RenewOrchestrationItemLock { .. } => "renew-turn.extends-from-now",
        Call::RenewWorkItemLock { .. } => "renew-job.any-instance-state",
        Call::DeleteInstance { force: true, .. } | Call::DeleteInstancesAtomic { force: true, .. } => "delete.force",
        Call::DeleteInstancesAtomic { .. } => "delete.unknown-in-batch",
        Call::DeleteInstance { .. } => "delete.ended-deleted",
        Call::DeleteInstanceBulk { .. } => "delete-bulk.ended-only",
        Call::LatestExecutionId { .. } => "read.latest-execution-id-unknown",
        Call::Read { .. } | Call::ReadHistory { .. } => "read.unknown-is-empty",
        Call::ReadWithExecution { .. } | Call::ReadHistoryWithExecutionId { .. } => "read.unknown-execution-is-empty",
        Call::ListExecutions { .. } => "execution.unknown-lists-nothing",
        Call::GetInstanceInfo { .. } | Call::GetParentId { .. } => "ack-turn.creates-instance",
        Call::GetExecutionInfo { .. } => "ack-turn.execution-created",
        Call::GetKvValue { .. } | Call::GetKvAllValues { .. } => "kv.missing-is-nothing",
        Call::GetInstanceStats { .. } => "stats.unknown-is-nothing",
        Call::GetCustomStatus { .. } => "status.fresh-is-nothing",
        Call::GetInstanceTree { .. } => "tree.order",
        Call::ListChildren { .. } => "tree.children",
        _ => "error.refusal-changes-nothing",
    }
}

/// The rule, if a work item's lock ended with its session's.
fn ended_session(case: &Case<'_>, token: &str) -> Option<&'static str> {
    let (.., job) = case.past.jobs().find(|(.., job)| job.token == token)?;
    let (_, claim, at) = case.past.claim_like(&job.item)?;
    (at + claim.lock_for <= case.last.at).then_some("session.job-lock-outlives-session")
}

/// The rule, if a call was refused because of an unreadable history.
fn unreadable(case: &Case<'_>) -> Option<&'static str> {
    match (case.call(), case.expected()) {
        (Call::FetchOrchestrationItem { .. }, Reply::Turn(Some(turn))) if turn.history_error.is_some() => {
            Some("turn.history-error-returned")
        }
        (Call::FetchOrchestrationItem { versions: Some(_), .. }, Reply::Turn(None)) => {
            Some("turn.capability-before-history")
        }
        (Call::AckOrchestrationItem(ack), _)
            if case.past.turn_of(&ack.token).is_some_and(|turn| turn.history_error.is_some()) =>
        {
            Some("ack-turn.unreadable-history-appendable")
        }
        _ => None,
    }
}

/// The rule, if a call was refused because of an endless duration.
fn endless(call: &Call) -> Option<&'static str> {
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
        _ => Vec::new(),
    };
    spans.iter().any(|span| span.as_secs() > u64::from(u32::MAX)).then_some("time.huge-durations")
}

/// The rule by which a lock should still be held.
fn lost_lock(case: &Case<'_>, token: &str) -> Option<&'static str> {
    let turn = case.is_turn();
    let with_token = |seen: &&super::Observed| seen.call.token() == Some(token);
    if let Some(rule) = ended_session(case, token) {
        return Some(rule);
    }
    let before = case.past.calls().rev().find(with_token)?;
    Some(match (&*before.call, &before.reply) {
        (Call::AckOrchestrationItem(_), Some(Reply::Refused(_))) => "ack-turn.failure-keeps-lock",
        (Call::AckWorkItem { .. }, Some(Reply::Refused(_))) => "ack-job.refusal-changes-nothing",
        (Call::RenewOrchestrationItemLock { .. }, _) => "renew-turn.extends-from-now",
        (Call::RenewWorkItemLock { .. }, _) => "renew-job.extends-from-now",
        _ if turn => "turn.lock-ends-at",
        _ => "job.lock-ends-at",
    })
    .or(None)
    .filter(|_| before.at <= case.last.at)
}
