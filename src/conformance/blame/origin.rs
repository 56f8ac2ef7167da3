//! Where something came from, and what should have become of it since.

use duroxide::EventKind;
use duroxide::providers::WorkItem;

use super::Case;
use super::past::{enqueues, enqueues_jobs, is_deletion};
use super::payload::odd;
use crate::call::{Call, Item, Job, Reply, Turn, is_start};
use crate::conformance::drive::Observed;

/// What should have made an instance free again that was fetched before, and
/// did not.
pub(super) fn release_of_turn(case: &Case<'_>, instance: &str) -> Option<&'static str> {
    let (number, fetch, held) = case.past.turns().find(|(.., turn)| turn.instance == instance)?;
    let after = &case.past.0[number + 1..];
    let last = after.iter().rev().find(|seen| seen.call.token() == Some(&*held.token));
    Some(match last.map(|seen| (&*seen.call, &seen.reply, seen)) {
        Some((Call::AckOrchestrationItem(ack), Some(Reply::Done), _)) => {
            let own = ack.messages.iter().find(|item| crate::call::instance_of(item) == instance);
            match own {
                Some(item) if matches!(**item, WorkItem::TimerFired { .. }) => "ack-turn.timer-at-fire-time",
                Some(_) => "ack-turn.messages-enqueued",
                None => "ack-turn.lock-released",
            }
        }
        Some((Call::AbandonOrchestrationItem { delay, .. }, Some(Reply::Done), _)) => {
            if delay.is_some_and(|delay| !delay.is_zero()) {
                "abandon-turn.delay"
            } else if delay.is_some() {
                "time.zero-delay-is-now"
            } else {
                "abandon-turn.no-delay-is-now"
            }
        }
        Some((Call::RenewOrchestrationItemLock { .. }, Some(Reply::Done), _)) => "renew-turn.extends-from-now",
        Some((Call::RenewOrchestrationItemLock { .. }, _, _)) => "renew-turn.expired-token-refused",
        _ if after.iter().any(|seen| is_deletion(&seen.call)) => "delete.name-is-free",
        _ => match &*fetch.call {
            Call::FetchOrchestrationItem { lock_for, .. } if lock_for.is_zero() => "time.zero-lock",
            Call::FetchOrchestrationItem { lock_for, .. } if fetch.at + *lock_for == case.last.at => {
                "turn.lock-ends-at"
            }
            _ => "turn.lock-expiry-redelivers",
        },
    })
}

/// The same of a job.
pub(super) fn release_of_job(case: &Case<'_>, job: &Job) -> Option<&'static str> {
    let (number, fetch, held) = case.past.jobs().find(|(.., other)| other.item == job.item)?;
    let after = &case.past.0[number + 1..];
    let last = after.iter().rev().find(|seen| seen.call.token() == Some(&*held.token));
    Some(match last.map(|seen| (&*seen.call, &seen.reply)) {
        Some((Call::AckWorkItem { .. }, Some(Reply::Refused(_)))) => "ack-job.refusal-changes-nothing",
        Some((Call::AckWorkItem { .. }, _)) => "enqueue-job.delivered",
        Some((Call::AbandonWorkItem { delay: Some(delay), .. }, _)) if !delay.is_zero() => "abandon-job.delay",
        Some((Call::AbandonWorkItem { .. }, _)) => "abandon-job.releases-at-once",
        Some((Call::RenewWorkItemLock { .. }, Some(Reply::Done))) => "renew-job.extends-from-now",
        Some((Call::RenewWorkItemLock { .. }, _)) => "renew-job.expired-token-refused",
        _ => match &*fetch.call {
            Call::FetchWorkItem { lock_for, .. } if lock_for.is_zero() => "time.zero-lock",
            Call::FetchWorkItem { lock_for, .. } if fetch.at + *lock_for == case.last.at => "job.lock-ends-at",
            _ => "job.lock-expiry-redelivers",
        },
    })
}

fn source<'a>(case: &Case<'a>, item: &Item) -> Option<&'a Observed> {
    case.past.last(|seen| enqueues(&seen.call).contains(item))
}

/// The rule by which a message should be there that was never fetched.
pub(super) fn of_message(case: &Case<'_>, item: &Item) -> &'static str {
    match source(case, item).map(|seen| &*seen.call) {
        Some(Call::AckOrchestrationItem(_)) if matches!(**item, WorkItem::TimerFired { .. }) => {
            "ack-turn.timer-at-fire-time"
        }
        Some(Call::AckOrchestrationItem(_)) => "ack-turn.messages-enqueued",
        Some(Call::AckWorkItem { .. }) => "ack-job.completion-enqueued",
        Some(Call::EnqueueForOrchestrator { delay: Some(delay), .. }) if delay.is_zero() => "time.zero-delay-is-now",
        Some(Call::EnqueueForOrchestrator { delay: Some(_), .. }) => "enqueue.delay",
        Some(_) if matches!(**item, WorkItem::TimerFired { .. }) => "enqueue.no-delay-is-now",
        _ => "turn.prompt",
    }
}

/// The rule by which a message should not be visible yet.
pub(super) fn of_delay(case: &Case<'_>, item: &Item) -> &'static str {
    let abandoned = case.past.last(|seen| {
        matches!(&*seen.call, Call::AbandonOrchestrationItem { delay: Some(_), .. }) && seen.reply == Some(Reply::Done)
    });
    let held = case.past.turns().any(|(.., turn)| turn.messages.contains(item));
    match source(case, item).map(|seen| &*seen.call) {
        _ if abandoned.is_some() && held => "abandon-turn.delay",
        Some(Call::AckOrchestrationItem(_)) => match &**item {
            WorkItem::TimerFired { fire_at_ms, .. } if *fire_at_ms > u64::MAX / 2 => "time.far-timer",
            WorkItem::TimerFired { .. } => "ack-turn.timer-at-fire-time",
            _ => "turn.visible",
        },
        Some(Call::EnqueueForOrchestrator { delay: Some(delay), .. }) => {
            if delay.as_secs() > 1 << 40 {
                "time.huge-durations"
            } else {
                "enqueue.delay"
            }
        }
        _ => "turn.visible",
    }
}

/// The rule by which a message should not be there at all.
pub(super) fn of_ghost(case: &Case<'_>, item: &Item) -> &'static str {
    let acked = case.past.calls().any(|seen| match (&*seen.call, &seen.reply) {
        (Call::AckOrchestrationItem(ack), Some(Reply::Done)) => {
            case.past.turn_of(&ack.token).is_some_and(|turn| turn.messages.contains(item))
        }
        _ => false,
    });
    let refused = |seen: &Observed| matches!(seen.reply, Some(Reply::Refused(_)));
    match source(case, item) {
        Some(seen) if refused(seen) => match &*seen.call {
            Call::AckOrchestrationItem(_) => "ack-turn.atomic-messages",
            Call::AckWorkItem { .. } => "ack-job.refusal-changes-nothing",
            _ => "error.refusal-changes-nothing",
        },
        _ if case.past.calls().any(|seen| is_deletion(&seen.call) && !refused(seen)) => "delete.removes-messages",
        _ if acked => "ack-turn.messages-removed",
        _ if matches!(**item, WorkItem::QueueMessage { .. }) => "turn.orphan-queue-message-dropped",
        None if case.past.calls().any(|seen| matches!(&*seen.call, Call::AckWorkItem { completion: None, .. })) => {
            "ack-job.none-enqueues-nothing"
        }
        None if odd(case.past.calls().map(|seen| &*seen.call)).is_some() => "turn.messages-unchanged",
        _ => "enqueue.delivered",
    }
}

/// The rule by which a message should be in the batch.
pub(super) fn of_lost(case: &Case<'_>, item: &Item) -> &'static str {
    let instance = crate::call::instance_of(item);
    let fetched = case.past.turns().find(|(.., turn)| turn.instance == instance);
    let same = case.past.calls().flat_map(|seen| enqueues(&seen.call)).filter(|other| *other == item).count();
    if let Some((number, _, turn)) = fetched {
        let after = &case.past.0[number + 1..];
        let released =
            after.iter().rev().find(|seen| seen.call.token() == Some(&*turn.token) && seen.reply == Some(Reply::Done));
        let held = turn.messages.contains(item);
        match released.map(|seen| &*seen.call) {
            Some(Call::AckOrchestrationItem(ack)) if ack.messages.contains(item) => {}
            Some(Call::AckOrchestrationItem(_)) => return "ack-turn.only-batch-removed",
            Some(Call::AbandonOrchestrationItem { delay: Some(_), .. }) if !held => {
                return "abandon-turn.only-batch-delayed";
            }
            Some(Call::AbandonOrchestrationItem { .. }) if held => return "abandon-turn.messages-kept",
            _ if held => return "turn.lock-expiry-redelivers",
            _ => {}
        }
    }
    match source(case, item).map(|seen| &*seen.call) {
        _ if same > 1 => "enqueue.equal-messages-kept",
        Some(Call::AckOrchestrationItem(_)) if matches!(**item, WorkItem::TimerFired { .. }) => {
            "ack-turn.timer-at-fire-time"
        }
        Some(Call::AckOrchestrationItem(_)) => "ack-turn.messages-enqueued",
        Some(Call::AckWorkItem { .. }) => "ack-job.completion-enqueued",
        _ if matches!(**item, WorkItem::QueueMessage { .. }) => "turn.queue-message-kept",
        Some(_) if is_early(case, item) => "turn.early-message-kept",
        _ => "turn.whole-batch",
    }
}

/// Whether a message came before any that starts its instance.
fn is_early(case: &Case<'_>, item: &Item) -> bool {
    let instance = crate::call::instance_of(item);
    let all = case.past.calls().flat_map(|seen| enqueues(&seen.call));
    let first = all.into_iter().find(|other| *other == item || is_start(other) && other_instance(other, instance));
    first.is_some_and(|first| first == item && !is_start(item))
}

fn other_instance(item: &Item, instance: &str) -> bool {
    crate::call::instance_of(item) == instance
}

/// The rule by which a job should not be there at all, or not so.
pub(super) fn of_ghost_job(case: &Case<'_>, job: &Job) -> &'static str {
    let source = case.past.last(|seen| enqueues_jobs(&seen.call).contains(&job.item));
    let refused = |seen: &Observed| matches!(seen.reply, Some(Reply::Refused(_)));
    let Some(source) = source else { return changed_job(case, job) };
    if refused(source) {
        return if matches!(&*source.call, Call::AckOrchestrationItem(_)) {
            "ack-turn.atomic-jobs"
        } else {
            "error.refusal-changes-nothing"
        };
    }
    let cancelled = case.past.last(|seen| match (&*seen.call, &seen.reply) {
        (Call::AckOrchestrationItem(ack), Some(Reply::Done)) => !ack.cancelled.is_empty(),
        _ => false,
    });
    match cancelled.map(|seen| &*seen.call) {
        Some(Call::AckOrchestrationItem(ack)) if ack.jobs.contains(&job.item) => "ack-turn.cancelled-after-enqueue",
        Some(_) => "ack-turn.cancelled-removed",
        None if case.past.calls().any(|seen| is_deletion(&seen.call) && !refused(seen)) => "delete.removes-jobs",
        None => "ack-job.removes",
    }
}

/// A job that nobody has enqueued so.
fn changed_job(case: &Case<'_>, job: &Job) -> &'static str {
    let untagged = |item: &Item| {
        let mut item = (**item).clone();
        if let WorkItem::ActivityExecute { tag, .. } = &mut item {
            *tag = None;
        }
        item
    };
    let like = case
        .past
        .calls()
        .rev()
        .find(|seen| enqueues_jobs(&seen.call).iter().any(|other| untagged(other) == untagged(&job.item)));
    let abandoned = case.past.last(|seen| matches!(&*seen.call, Call::AbandonWorkItem { .. })).is_some();
    match like.map(|seen| &*seen.call) {
        Some(Call::AckOrchestrationItem(_)) => "tag.kept-by-ack",
        Some(_) => "tag.kept",
        None if abandoned => "abandon-job.keeps-job",
        None => odd(case.past.calls().map(|seen| &*seen.call)).unwrap_or("job.unchanged"),
    }
}

/// Why an incompatible turn may look compatible.
pub(super) fn pinned(case: &Case<'_>) -> Option<&'static str> {
    let acks: Vec<_> = case
        .past
        .calls()
        .filter_map(|seen| match &*seen.call {
            Call::AckOrchestrationItem(ack) if seen.reply == Some(Reply::Done) => Some(ack),
            _ => None,
        })
        .collect();
    let last = acks.last()?;
    let executions = acks.iter().any(|ack| ack.execution != last.execution);
    match &last.metadata.pinned_duroxide_version {
        None if executions => Some("turn.capability-current-execution"),
        None => Some("ack-turn.pinned-none-keeps"),
        Some(_) if acks.iter().filter(|ack| ack.metadata.pinned_duroxide_version.is_some()).count() > 1 => {
            Some("ack-turn.pinned-stored")
        }
        Some(_) => None,
    }
}

/// A turn in the wrong execution.
pub(super) fn execution(case: &Case<'_>, expected: &Turn, got: &Turn) -> &'static str {
    let acked_lower = case.past.last(|seen| match &*seen.call {
        Call::AckOrchestrationItem(ack) => ack.execution < expected.execution,
        _ => false,
    });
    if case.past.calls().any(|seen| is_deletion(&seen.call)) {
        "delete.name-is-free"
    } else if got.execution < expected.execution && acked_lower.is_some() {
        "ack-turn.current-execution-greatest"
    } else {
        "turn.execution-id"
    }
}

/// A turn with the wrong events.
pub(super) fn history(case: &Case<'_>, expected: &Turn, got: &Turn) -> &'static str {
    let foreign = got.history.iter().any(|event| event.execution_id != expected.execution);
    let culprit = case.past.culprit();
    match culprit.map(|seen| (&*seen.call, &seen.reply)) {
        Some((Call::AckOrchestrationItem(_), Some(Reply::Refused(_)))) => "ack-turn.atomic-history",
        Some((call, Some(Reply::Deleted(_)))) if is_deletion(call) => "delete.name-is-free",
        _ if foreign => "turn.history-current-execution",
        _ => "turn.history-complete",
    }
}

/// A turn with the wrong name, or version.
pub(super) fn identity(case: &Case<'_>, name: bool) -> &'static str {
    let acks = case.past.calls().rev().filter_map(|seen| match (&*seen.call, &seen.reply) {
        (Call::AckOrchestrationItem(ack), Some(Reply::Done)) => Some(&ack.metadata),
        _ => None,
    });
    let given: Vec<bool> = acks
        .map(
            |metadata| {
                if name { metadata.orchestration_name.is_some() } else { metadata.orchestration_version.is_some() }
            },
        )
        .collect();
    match (given.first(), given.iter().filter(|given| **given).count(), name) {
        (Some(false), 1.., _) => "ack-turn.identity-none-keeps",
        (Some(true), 2.., _) => "ack-turn.identity-stored",
        (_, 0, false) => "turn.identity-version-unknown",
        (_, _, true) => "turn.identity-name",
        (_, _, false) => "turn.identity-version",
    }
}

/// A turn with the wrong values.
pub(super) fn snapshot(case: &Case<'_>, expected: &Turn, got: &Turn) -> &'static str {
    let values = |turn: &Turn| {
        turn.kv_snapshot.iter().map(|(key, entry)| (key.clone(), entry.value.clone())).collect::<Vec<_>>()
    };
    if values(expected) == values(got) {
        return "turn.kv-snapshot-times";
    }
    let ended = case
        .past
        .calls()
        .any(|seen| matches!(&*seen.call, Call::AckOrchestrationItem(ack) if ack.metadata.status.is_some()));
    let clears = case.past.calls().any(|seen| match &*seen.call {
        Call::AckOrchestrationItem(ack) => ack
            .history
            .iter()
            .any(|event| matches!(event.kind, EventKind::KeyValueCleared { .. } | EventKind::KeyValuesCleared)),
        _ => false,
    });
    let deleted = case.past.calls().any(|seen| is_deletion(&seen.call));
    match (ended, clears, deleted) {
        (_, _, true) => "delete.removes-values",
        (true, false, _) if got.kv_snapshot.len() < expected.kv_snapshot.len() => "kv.merged-at-end",
        (true, true, _) if got.kv_snapshot.len() > expected.kv_snapshot.len() => "kv.merged-at-end",
        _ => "turn.kv-snapshot",
    }
}

/// A turn with the wrong number of attempts.
pub(super) fn attempts_of_turn(case: &Case<'_>, expected: &Turn, got: &Turn) -> &'static str {
    let fetches = case.past.turns().filter(|(.., turn)| turn.instance == expected.instance);
    let ignoring = fetches.filter(|(number, _, turn)| {
        case.past.0[number + 1..].iter().any(|seen| match &*seen.call {
            Call::AbandonOrchestrationItem { token, ignore_attempt, .. } => *ignore_attempt && *token == turn.token,
            _ => false,
        })
    });
    let ignored = ignoring.count();
    let skipped = case.past.calls().any(|seen| {
        matches!(
            (&*seen.call, &seen.reply),
            (Call::FetchOrchestrationItem { versions: Some(_), .. }, Some(Reply::Turn(None)))
        )
    });
    match (ignored, skipped) {
        _ if expected.history_error.is_some() => "turn.history-error-attempts",
        (1.., _) if got.attempts < expected.attempts => "abandon-turn.ignore-attempt-own-batch",
        (1.., _) if expected.attempts <= 1 && got.attempts > 1000 => "abandon-turn.ignore-attempt-floor",
        (1.., _) => "abandon-turn.ignore-attempt",
        (_, true) => "turn.capability-before-lock",
        _ if expected.messages.len() > 1 => "turn.attempts-are-per-message",
        _ => "turn.attempts-rise",
    }
}

/// A job with the wrong number of attempts.
pub(super) fn attempts_of_job(case: &Case<'_>, got: &Job) -> &'static str {
    let ignored = case.past.calls().any(|seen| {
        matches!(&*seen.call, Call::AbandonWorkItem { ignore_attempt: true, .. }) && seen.reply == Some(Reply::Done)
    });
    let others = case.past.jobs().any(|(.., job)| job.item != got.item);
    match (ignored, others) {
        (true, _) if got.attempts > 1000 => "abandon-job.ignore-attempt-floor",
        (true, _) => "abandon-job.ignore-attempt",
        (false, true) => "job.attempts-are-per-job",
        (false, false) => "job.attempts-rise",
    }
}
