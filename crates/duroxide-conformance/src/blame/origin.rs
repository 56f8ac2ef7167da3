//! Attributes wrong items: where an item came from, and what should have
//! happened to it.

use duroxide::EventKind;
use duroxide::providers::WorkItem;
use duroxide_sim::call::{Call, Item, Job, Reply, Turn, is_start};

use super::Case;
use super::past::is_deletion;
use super::payload::odd;
use super::versions;
use crate::calls::{enqueues, enqueues_jobs};
use crate::contract::{Rule, rule};
use crate::drive::Observed;

/// The batch size above which a limit in the provider is suspected.
const MANY: usize = 50;

/// The rule by which a previously fetched instance should have become free
/// again.
pub(super) fn release_of_turn(case: &Case<'_>, turn: &Turn) -> Option<&'static Rule> {
    let (number, fetch, held) = case.past.turns().find(|(.., other)| other.instance == turn.instance)?;
    let after = &case.past.0[number + 1..];
    let last = after.iter().rev().find(|seen| seen.call.token() == Some(&*held.token));
    // Messages that were not fetched before have rules of their own.
    let is_new = turn.messages.iter().all(|item| !held.messages.contains(item));
    let own = turn.messages.iter().find_map(|item| of_message(case, item)).filter(|_| is_new);
    Some(match last.map(|seen| (&*seen.call, &seen.reply, seen)) {
        Some((Call::AckOrchestrationItem(ack), Some(Reply::Done), acked)) => {
            let before = |item: &Item| source(case, item).is_some_and(|seen| earlier(case, seen, acked));
            match own {
                Some(rule) => rule,
                None if turn.messages.iter().any(before) => rule!("ack-turn.only-batch-removed"),
                None if ack.metadata.status.is_some() => rule!("enqueue.any-instance-accepted"),
                None => rule!("ack-turn.lock-released"),
            }
        }
        Some((Call::AbandonOrchestrationItem { delay, .. }, Some(Reply::Done), _)) => match (own, delay) {
            (Some(rule), _) => rule,
            (None, Some(delay)) if delay.is_zero() => rule!("time.zero-delay-is-now"),
            (None, Some(_)) if is_new => rule!("abandon-turn.only-batch-delayed"),
            (None, Some(_)) => rule!("abandon-turn.delay"),
            (None, None) => rule!("abandon-turn.no-delay-is-now"),
        },
        Some((Call::RenewOrchestrationItemLock { .. }, Some(Reply::Done), _)) => rule!("renew-turn.extends-from-now"),
        Some((Call::RenewOrchestrationItemLock { .. }, _, _)) => rule!("renew-turn.expired-token-refused"),
        _ if after.iter().any(|seen| is_deletion(&seen.call)) => rule!("delete.name-is-free"),
        _ => match &*fetch.call {
            Call::FetchOrchestrationItem { lock_for, .. } if lock_for.is_zero() => rule!("time.zero-lock"),
            Call::FetchOrchestrationItem { lock_for, .. } if fetch.at + *lock_for == case.last.at => {
                rule!("turn.lock-ends-at")
            }
            _ => rule!("turn.lock-expiry-redelivers"),
        },
    })
}

/// Whether one call was made before another.
fn earlier(case: &Case<'_>, one: &Observed, other: &Observed) -> bool {
    let at = |seen: &Observed| case.past.0.iter().position(|known| std::ptr::eq(known, seen));
    at(one) < at(other)
}

/// The rule by which a previously fetched work item should have become free
/// again.
pub(super) fn release_of_job(case: &Case<'_>, job: &Job) -> Option<&'static Rule> {
    let (number, fetch, held) = case.past.jobs().find(|(.., other)| other.item == job.item)?;
    let after = &case.past.0[number + 1..];
    let last = after.iter().rev().find(|seen| seen.call.token() == Some(&*held.token));
    let sent = case.past.calls().flat_map(|seen| enqueues_jobs(&seen.call)).filter(|other| **other == job.item);
    Some(match last.map(|seen| (&*seen.call, &seen.reply)) {
        // It was enqueued once more often than it is held.
        None if sent.count() > 1 => rule!("enqueue-job.delivered"),
        Some((Call::AckWorkItem { .. }, Some(Reply::Refused(_)))) => rule!("ack-job.refusal-changes-nothing"),
        Some((Call::AckWorkItem { .. }, _)) => rule!("enqueue-job.delivered"),
        Some((Call::AbandonWorkItem { delay: Some(delay), .. }, _)) if !delay.is_zero() => rule!("abandon-job.delay"),
        Some((Call::AbandonWorkItem { .. }, _)) => rule!("abandon-job.releases-at-once"),
        Some((Call::RenewWorkItemLock { .. }, Some(Reply::Done))) => rule!("renew-job.extends-from-now"),
        Some((Call::RenewWorkItemLock { .. }, _)) => rule!("renew-job.expired-token-refused"),
        _ => match &*fetch.call {
            Call::FetchWorkItem { lock_for, .. } if lock_for.is_zero() => rule!("time.zero-lock"),
            Call::FetchWorkItem { lock_for, .. } if fetch.at + *lock_for == case.last.at => rule!("job.lock-ends-at"),
            _ => rule!("job.lock-expiry-redelivers"),
        },
    })
}

fn source<'a>(case: &Case<'a>, item: &Item) -> Option<&'a Observed> {
    case.past.last(|seen| enqueues(&seen.call).contains(item))
}

/// The number of times that a message was enqueued.
fn times(case: &Case<'_>, item: &Item) -> usize {
    case.past.calls().flat_map(|seen| enqueues(&seen.call)).filter(|other| *other == item).count()
}

/// The rule of a timer that an ack enqueued.
fn of_timer(item: &Item, acked: &Observed) -> Option<&'static Rule> {
    match &**item {
        WorkItem::TimerFired { fire_at_ms, .. } if *fire_at_ms <= acked.at.0 => Some(rule!("time.past-timer")),
        WorkItem::TimerFired { .. } => Some(rule!("ack-turn.timer-at-fire-time")),
        _ => None,
    }
}

/// The rule by which a message that was never fetched should be there, if it is
/// one about its own delivery.
pub(super) fn of_message(case: &Case<'_>, item: &Item) -> Option<&'static Rule> {
    Some(match source(case, item).map(|seen| (&*seen.call, seen)) {
        Some(_) if times(case, item) > 1 => rule!("enqueue.equal-messages-kept"),
        Some((Call::AckOrchestrationItem(_), acked)) => {
            of_timer(item, acked).unwrap_or(rule!("ack-turn.messages-enqueued"))
        }
        Some((Call::AckWorkItem { .. }, _)) => rule!("ack-job.completion-enqueued"),
        Some((Call::EnqueueForOrchestrator { delay: Some(delay), .. }, _)) if delay.is_zero() => {
            rule!("time.zero-delay-is-now")
        }
        Some((Call::EnqueueForOrchestrator { delay: Some(_), .. }, _)) => rule!("enqueue.delay"),
        Some(_) if matches!(**item, WorkItem::TimerFired { .. }) => rule!("enqueue.no-delay-is-now"),
        Some((_, sent)) if sent.at < case.last.at => rule!("enqueue.delivered"),
        _ => return None,
    })
}

/// The rule by which a message should not be visible yet, if a delay is the
/// reason.
pub(super) fn of_delay(case: &Case<'_>, item: &Item) -> Option<&'static Rule> {
    let abandoned = case.past.last(|seen| {
        matches!(&*seen.call, Call::AbandonOrchestrationItem { delay: Some(_), .. }) && seen.reply == Some(Reply::Done)
    });
    let held = case.past.turns().any(|(.., turn)| turn.messages.contains(item));
    match source(case, item).map(|seen| &*seen.call) {
        _ if abandoned.is_some() && held => Some(rule!("abandon-turn.delay")),
        Some(Call::AckOrchestrationItem(_)) => match &**item {
            WorkItem::TimerFired { fire_at_ms, .. } if *fire_at_ms > u64::MAX / 2 => Some(rule!("time.far-timer")),
            WorkItem::TimerFired { .. } => Some(rule!("ack-turn.timer-at-fire-time")),
            _ => None,
        },
        Some(Call::EnqueueForOrchestrator { delay: Some(delay), .. }) => {
            Some(if delay.as_secs() > 1 << 40 { rule!("time.huge-durations") } else { rule!("enqueue.delay") })
        }
        _ => None,
    }
}

/// The rule by which a message should not exist.
pub(super) fn of_ghost(case: &Case<'_>, item: &Item) -> &'static Rule {
    let acked = case.past.calls().any(|seen| match (&*seen.call, &seen.reply) {
        (Call::AckOrchestrationItem(ack), Some(Reply::Done)) => {
            case.past.turn_of(&ack.token).is_some_and(|turn| turn.messages.contains(item))
        }
        _ => false,
    });
    let refused = |seen: &Observed| matches!(seen.reply, Some(Reply::Refused(_)));
    match source(case, item) {
        Some(seen) if refused(seen) => match &*seen.call {
            Call::AckOrchestrationItem(_) => rule!("ack-turn.atomic-messages"),
            Call::AckWorkItem { .. } => rule!("ack-job.refusal-changes-nothing"),
            _ => rule!("error.refusal-changes-nothing"),
        },
        _ if case.past.calls().any(|seen| is_deletion(&seen.call) && !refused(seen)) => {
            rule!("delete.removes-messages")
        }
        _ if acked => rule!("ack-turn.messages-removed"),
        None if was_routed(case, item) => rule!("enqueue.routed"),
        _ if matches!(**item, WorkItem::QueueMessage { .. }) && has_company(case, item) => {
            rule!("turn.orphan-queue-message-beside-others")
        }
        _ if matches!(**item, WorkItem::QueueMessage { .. }) => rule!("turn.orphan-queue-message-dropped"),
        None if case.past.calls().any(|seen| matches!(&*seen.call, Call::AckWorkItem { completion: None, .. })) => {
            rule!("ack-job.none-enqueues-nothing")
        }
        None if odd(case.past.calls().map(|seen| &*seen.call)).is_some() => rule!("turn.messages-unchanged"),
        _ => rule!("enqueue.delivered"),
    }
}

/// Whether no call enqueued such a message.
pub(super) fn is_unheard_of(case: &Case<'_>, item: &Item) -> bool {
    source(case, item).is_none()
}

/// Whether the same message was enqueued for another instance.
fn was_routed(case: &Case<'_>, item: &Item) -> bool {
    let nameless = |item: &Item| {
        let mut value = serde_json::to_value(&**item).unwrap_or_default();
        for fields in value.as_object_mut().into_iter().flat_map(|kinds| kinds.values_mut()) {
            let fields = fields.as_object_mut();
            fields.into_iter().for_each(|fields| fields.retain(|key, _| !key.ends_with("instance")));
        }
        value
    };
    let wanted = nameless(item);
    case.past.calls().flat_map(|seen| enqueues(&seen.call)).any(|other| nameless(other) == wanted)
}

/// Whether other messages waited together with it for the start of their
/// instance.
fn has_company(case: &Case<'_>, item: &Item) -> bool {
    let instance = duroxide_sim::call::instance_of(item);
    let fetches = |seen: &Observed| matches!(&*seen.call, Call::FetchOrchestrationItem { .. });
    let before = case.past.0.iter().rposition(fetches).unwrap_or(0);
    case.past.0[..before].iter().flat_map(|seen| enqueues(&seen.call)).any(|other| {
        duroxide_sim::call::instance_of(other) == instance && !matches!(**other, WorkItem::QueueMessage { .. })
    })
}

/// Whether an ack cancelled an activity that is similar to this work item, but
/// not the same.
pub(super) fn cancelled_another(case: &Case<'_>, item: &Item) -> bool {
    let WorkItem::ActivityExecute { instance, execution_id, id, .. } = &**item else { return false };
    case.past.calls().any(|seen| match (&*seen.call, &seen.reply) {
        (Call::AckOrchestrationItem(ack), Some(Reply::Done)) => ack.cancelled.iter().any(|cancelled| {
            let same =
                (cancelled.instance == *instance, cancelled.execution == *execution_id, cancelled.activity == *id);
            matches!(same, (true, true, false) | (true, false, true) | (false, true, true) | (true, false, false))
        }),
        _ => false,
    })
}

/// The rule by which a message should be in the batch.
pub(super) fn of_lost(case: &Case<'_>, item: &Item) -> &'static Rule {
    let instance = duroxide_sim::call::instance_of(item);
    let fetched = case.past.turns().find(|(.., turn)| turn.instance == instance);
    if let Some(Call::AckOrchestrationItem(ack)) = source(case, item).map(|seen| &*seen.call)
        && ack.messages.len() > MANY
    {
        return rule!("payload.many");
    }
    if let Some((number, _, turn)) = fetched {
        let after = &case.past.0[number + 1..];
        let released =
            after.iter().rev().find(|seen| seen.call.token() == Some(&*turn.token) && seen.reply == Some(Reply::Done));
        let held = turn.messages.contains(item);
        match released.map(|seen| &*seen.call) {
            Some(Call::AckOrchestrationItem(ack)) if ack.messages.contains(item) => {}
            Some(Call::AckOrchestrationItem(_)) => return rule!("ack-turn.only-batch-removed"),
            Some(Call::AbandonOrchestrationItem { delay: Some(_), .. }) if !held => {
                return rule!("abandon-turn.only-batch-delayed");
            }
            Some(Call::AbandonOrchestrationItem { .. }) if held => return rule!("abandon-turn.messages-kept"),
            _ if held => return rule!("turn.lock-expiry-redelivers"),
            _ => {}
        }
    }
    match source(case, item).map(|seen| (&*seen.call, seen)) {
        _ if times(case, item) > 1 => rule!("enqueue.equal-messages-kept"),
        Some((Call::AckOrchestrationItem(_), acked)) => {
            of_timer(item, acked).unwrap_or(rule!("ack-turn.messages-enqueued"))
        }
        Some((Call::AckWorkItem { .. }, _)) => rule!("ack-job.completion-enqueued"),
        _ if matches!(**item, WorkItem::QueueMessage { .. }) => rule!("turn.queue-message-kept"),
        Some(_) if is_early(case, item) => rule!("turn.early-message-kept"),
        Some((_, sent)) if sent.at < case.last.at => rule!("enqueue.delivered"),
        _ => rule!("turn.whole-batch"),
    }
}

/// Whether a message was enqueued before any that starts its instance.
fn is_early(case: &Case<'_>, item: &Item) -> bool {
    let instance = duroxide_sim::call::instance_of(item);
    let all = case.past.calls().flat_map(|seen| enqueues(&seen.call));
    let first = all.into_iter().find(|other| *other == item || is_start(other) && other_instance(other, &instance));
    first.is_some_and(|first| first == item && !is_start(item))
}

fn other_instance(item: &Item, instance: &str) -> bool {
    duroxide_sim::call::instance_of(item) == instance
}

/// The rule by which a work item should not exist, or not in this form.
pub(super) fn of_ghost_job(case: &Case<'_>, job: &Job) -> &'static Rule {
    let source = case.past.last(|seen| enqueues_jobs(&seen.call).contains(&job.item));
    let refused = |seen: &Observed| matches!(seen.reply, Some(Reply::Refused(_)));
    let Some(source) = source else { return changed_job(case, job) };
    if refused(source) {
        return if matches!(&*source.call, Call::AckOrchestrationItem(_)) {
            rule!("ack-turn.atomic-jobs")
        } else {
            rule!("error.refusal-changes-nothing")
        };
    }
    let cancelled = case.past.last(|seen| match (&*seen.call, &seen.reply) {
        (Call::AckOrchestrationItem(ack), Some(Reply::Done)) => !ack.cancelled.is_empty(),
        _ => false,
    });
    match cancelled.map(|seen| &*seen.call) {
        Some(Call::AckOrchestrationItem(ack)) if ack.jobs.contains(&job.item) => {
            rule!("ack-turn.cancelled-after-enqueue")
        }
        Some(_) => rule!("ack-turn.cancelled-removed"),
        None if case.past.calls().any(|seen| is_deletion(&seen.call) && !refused(seen)) => rule!("delete.removes-jobs"),
        None => rule!("ack-job.removes"),
    }
}

/// The rule for a work item that was not enqueued in this form.
fn changed_job(case: &Case<'_>, job: &Job) -> &'static Rule {
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
        Some(Call::AckOrchestrationItem(_)) => rule!("tag.kept-by-ack"),
        Some(_) => rule!("tag.kept"),
        None if abandoned => rule!("abandon-job.keeps-job"),
        None => odd(case.past.calls().map(|seen| &*seen.call)).unwrap_or(rule!("job.unchanged")),
    }
}

/// The rule for an orchestration item with the wrong execution.
pub(super) fn execution(case: &Case<'_>, expected: &Turn, got: &Turn) -> &'static Rule {
    let acked_lower = case.past.last(|seen| match &*seen.call {
        Call::AckOrchestrationItem(ack) => ack.execution < expected.execution,
        _ => false,
    });
    if case.past.calls().any(|seen| is_deletion(&seen.call)) {
        rule!("delete.name-is-free")
    } else if got.execution < expected.execution && acked_lower.is_some() {
        rule!("ack-turn.current-execution-greatest")
    } else {
        rule!("turn.execution-id")
    }
}

/// The rule for an orchestration item with the wrong events.
pub(super) fn history(case: &Case<'_>, expected: &Turn, got: &Turn) -> &'static Rule {
    let foreign = got.history.iter().any(|event| !expected.history.contains(event));
    let culprit = case.past.culprit();
    match culprit.map(|seen| (&*seen.call, &seen.reply)) {
        Some((Call::AckOrchestrationItem(_), Some(Reply::Refused(_)))) => rule!("ack-turn.atomic-history"),
        Some((call, Some(Reply::Deleted(_)))) if is_deletion(call) => rule!("delete.name-is-free"),
        _ if foreign => rule!("turn.history-current-execution"),
        _ => rule!("turn.history-complete"),
    }
}

/// The rule for an orchestration item with the wrong name or version.
pub(super) fn identity(case: &Case<'_>, got: &Turn, name: bool) -> &'static Rule {
    let of_message = got.messages.iter().any(|item| match &**item {
        WorkItem::StartOrchestration { orchestration, version, .. }
        | WorkItem::ContinueAsNew { orchestration, version, .. } => match name {
            true => *orchestration == got.orchestration_name,
            false => version.as_ref() == Some(&got.version),
        },
        _ => false,
    });
    if of_message {
        return if name { rule!("turn.identity-name") } else { rule!("turn.identity-version") };
    }
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
        (Some(false), 1.., _) => rule!("ack-turn.identity-none-keeps"),
        (Some(true), 2.., _) => rule!("ack-turn.identity-stored"),
        (_, 0, false) => rule!("turn.identity-version-unknown"),
        (_, _, true) => rule!("turn.identity-name"),
        (_, _, false) => rule!("turn.identity-version"),
    }
}

/// The rule for an orchestration item with the wrong values.
pub(super) fn snapshot(case: &Case<'_>, expected: &Turn, got: &Turn) -> &'static Rule {
    let values = |turn: &Turn| {
        turn.kv_snapshot.iter().map(|(key, entry)| (key.clone(), entry.value.clone())).collect::<Vec<_>>()
    };
    if values(expected) == values(got) {
        return rule!("turn.kv-snapshot-times");
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
        (_, _, true) => rule!("delete.removes-values"),
        (true, false, _) if got.kv_snapshot.len() < expected.kv_snapshot.len() => rule!("kv.merged-at-end"),
        (true, true, _) if got.kv_snapshot.len() > expected.kv_snapshot.len() => rule!("kv.merged-at-end"),
        _ => rule!("turn.kv-snapshot"),
    }
}

/// The rule for an orchestration item with the wrong number of attempts.
pub(super) fn attempts_of_turn(case: &Case<'_>, expected: &Turn, got: &Turn) -> &'static Rule {
    let fetches = case.past.turns().filter(|(.., turn)| turn.instance == expected.instance);
    let ignoring = fetches.filter(|(number, _, turn)| {
        case.past.0[number + 1..].iter().any(|seen| match &*seen.call {
            Call::AbandonOrchestrationItem { token, ignore_attempt, .. } => *ignore_attempt && *token == turn.token,
            _ => false,
        })
    });
    let ignored = ignoring.count();
    let other = |turn: &Turn| turn.messages.iter().any(|item| !expected.messages.contains(item));
    let others = case.past.turns().any(|(.., turn)| turn.instance == expected.instance && other(turn));
    match (ignored, versions::skipped(case)) {
        _ if expected.history_error.is_some() => rule!("turn.history-error-attempts"),
        (1.., _) if expected.attempts <= 1 && (got.attempts > 1000 || got.attempts == 0) => {
            rule!("abandon-turn.ignore-attempt-floor")
        }
        (1.., _) if got.attempts < expected.attempts => rule!("abandon-turn.ignore-attempt-own-batch"),
        (1.., _) => rule!("abandon-turn.ignore-attempt"),
        (_, true) => rule!("turn.capability-before-lock"),
        _ if expected.messages.len() > 1 || others => rule!("turn.attempts-are-per-message"),
        _ => rule!("turn.attempts-rise"),
    }
}

/// The rule for a work item with the wrong number of attempts.
pub(super) fn attempts_of_job(case: &Case<'_>, got: &Job) -> &'static Rule {
    let ignored = case.past.calls().any(|seen| {
        matches!(&*seen.call, Call::AbandonWorkItem { ignore_attempt: true, .. }) && seen.reply == Some(Reply::Done)
    });
    let others = case.past.jobs().any(|(.., job)| job.item != got.item);
    match (ignored, others) {
        (true, _) if got.attempts > 1000 => rule!("abandon-job.ignore-attempt-floor"),
        (true, _) => rule!("abandon-job.ignore-attempt"),
        (false, true) => rule!("job.attempts-are-per-job"),
        (false, false) => rule!("job.attempts-rise"),
    }
}
