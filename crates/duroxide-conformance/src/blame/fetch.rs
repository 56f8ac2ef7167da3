//! Attributes fetches that found nothing, returned an ineligible item or
//! returned a wrong item; and wrong parts of the answers of other mutating
//! calls.

use duroxide::providers::WorkItem;
use duroxide_sim::call::{AckTurn, Call, Item, Job, Reply, Tags, Turn, is_of_session, tag_of};
use duroxide_sim::store::Ineligible;

use super::Case;
use super::past::{enqueues, enqueues_jobs};
use super::payload::{odd, spoiled};
use super::{count, origin, versions};
use crate::drive::Observed;

/// The rule for a fetch that found nothing although an item was eligible.
pub(super) fn missed(case: &Case<'_>) -> &'static str {
    match case.expected() {
        Reply::Turn(Some(turn)) => missed_turn(case, turn),
        Reply::Job(Some(job)) => missed_job(case, job),
        _ => "turn.prompt",
    }
}

fn missed_turn(case: &Case<'_>, turn: &Turn) -> &'static str {
    if let Call::FetchOrchestrationItem { versions: Some(ranges), .. } = case.call() {
        return versions::missed(case, turn, ranges);
    }
    let failed = |seen: &Observed| {
        let refused = matches!(seen.reply, Some(Reply::Refused(_)));
        refused && matches!(&*seen.call, Call::FetchOrchestrationItem { .. })
    };
    if case.past.last(failed).is_some() {
        return "turn.no-lock-on-error";
    }
    if versions::skipped(case) && case.past.acks_of(&turn.instance).any(|(_, ack)| pins(ack)) {
        return "turn.capability-before-lock";
    }
    if let Some(rule) = origin::release_of_turn(case, turn) {
        return rule;
    }
    let locked_other = case.past.turns().any(|(.., other)| other.instance != turn.instance);
    let origin = turn.messages.iter().map(|item| origin::of_message(case, item)).find(|rule| *rule != "turn.prompt");
    match origin {
        Some(rule) => rule,
        None if locked_other => "turn.other-instances-free",
        None => odd(case.past.calls().map(|seen| &*seen.call)).map_or("turn.prompt", |_| "payload.accepted-is-usable"),
    }
}

fn pins(ack: &AckTurn) -> bool {
    ack.metadata.pinned_duroxide_version.is_some()
}

fn missed_job(case: &Case<'_>, job: &Job) -> &'static str {
    if let Some(rule) = origin::release_of_job(case, job) {
        return rule;
    }
    if origin::cancelled_another(case, &job.item) {
        return "ack-turn.cancelled-exactly";
    }
    let WorkItem::ActivityExecute { instance, session_id, tag, .. } = &*job.item else { return "job.prompt" };
    let Call::FetchWorkItem { tags, session, .. } = case.call() else { return "job.prompt" };
    let source = case.past.last(|seen| enqueues_jobs(&seen.call).contains(&job.item));
    let by_ack = source.is_some_and(|seen| matches!(&*seen.call, Call::AckOrchestrationItem(_)));
    let all = case.past.calls().flat_map(|seen| enqueues_jobs(&seen.call));
    let hides = |item: &Item| *item != job.item && !tags.matches(tag_of(item));
    match (tag, tags) {
        _ if case.past.has_ended(instance) => "job.any-instance-state",
        _ if session_id.is_some() => missed_session(case, job),
        _ if all.into_iter().any(hides) => "tag.looks-further",
        (Some(_), Tags::Any) => "tag.any",
        (Some(_), _) if by_ack => "tag.kept-by-ack",
        (_, Tags::DefaultAnd(_)) => "tag.default-and",
        (Some(_), _) => "tag.tags",
        (None, _) if by_ack => "ack-turn.jobs-enqueued",
        (None, _) if case.past.jobs().next().is_some() => "job.one-at-a-time",
        (None, _) if session.is_some() => "session.plain-jobs-for-all",
        (None, _) => "job.prompt",
    }
}

fn missed_session(case: &Case<'_>, job: &Job) -> &'static str {
    let Call::FetchWorkItem { session: Some(claim), .. } = case.call() else { return "session.free-is-claimable" };
    let Some((number, old, at)) = case.past.claim_like(&job.item) else { return "session.free-is-claimable" };
    let (now, mut end, mut revived) = (case.last.at, at + old.lock_for, false);
    let mut rule = None;
    for seen in &case.past.0[number + 1..] {
        match (&*seen.call, &seen.reply) {
            (Call::RenewSessionLock { extend_for, .. }, Some(Reply::Count(1..))) => {
                end = seen.at + *extend_for;
                rule = Some("session.renew-extends-from-now");
            }
            (Call::AckWorkItem { .. } | Call::RenewWorkItemLock { .. }, Some(Reply::Done)) if end <= seen.at => {
                revived = true;
            }
            _ => {}
        }
    }
    match rule {
        _ if revived => "session.ended-is-not-revived",
        Some(rule) => rule,
        None if old.owner == claim.owner && end > now => "session.owner-served",
        None if end == now => "session.lock-ends-at",
        None => "session.taken-over",
    }
}

/// The rule for a fetch that returned an ineligible item.
pub(super) fn barred(case: &Case<'_>, bar: &Ineligible) -> &'static str {
    match case.got() {
        Reply::Turn(Some(turn)) => barred_turn(case, turn, bar),
        Reply::Job(Some(job)) => barred_job(case, job, bar),
        _ => "turn.prompt",
    }
}

fn barred_turn(case: &Case<'_>, turn: &Turn, bar: &Ineligible) -> &'static str {
    let fetched = case.past.turns().find(|(.., other)| other.instance == turn.instance);
    match bar {
        Ineligible::Locked(_) => {
            let Some((number, seen, held)) = fetched else { return "turn.exclusive" };
            let after = &case.past.0[number + 1..];
            let last = after.iter().rev().find(|seen| seen.call.token() == Some(&*held.token));
            match last.map(|seen| (&*seen.call, &seen.reply)) {
                Some((Call::RenewOrchestrationItemLock { .. }, _)) => "renew-turn.batch-stays-locked",
                Some((Call::AckOrchestrationItem(_), Some(Reply::Refused(_)))) => "ack-turn.failure-keeps-lock",
                _ if seen.at < case.last.at => "turn.lock-ends-at",
                _ => "turn.exclusive",
            }
        }
        Ineligible::Invisible(_) => {
            let rules = turn.messages.iter().map(|item| origin::of_delay(case, item));
            rules.into_iter().find(|rule| *rule != "turn.visible").unwrap_or("turn.visible")
        }
        Ineligible::NotStarted => "turn.no-delivery-before-start",
        Ineligible::Version => match case.call() {
            Call::FetchOrchestrationItem { versions: Some(ranges), .. } => versions::barred(case, turn, ranges),
            _ => "turn.capability-incompatible-skipped",
        },
        _ => turn.messages.first().map_or("turn.prompt", |item| origin::of_ghost(case, item)),
    }
}

fn barred_job(case: &Case<'_>, job: &Job, bar: &Ineligible) -> &'static str {
    let fetched = case.past.jobs().find(|(.., other)| other.item == job.item);
    let Call::FetchWorkItem { tags, session, .. } = case.call() else { return "job.exclusive" };
    match bar {
        Ineligible::Locked(_) => {
            let Some((number, seen, held)) = fetched else { return "job.exclusive" };
            let after = &case.past.0[number + 1..];
            let last = after.iter().rev().find(|seen| seen.call.token() == Some(&*held.token));
            match last.map(|seen| (&*seen.call, &seen.reply)) {
                Some((Call::RenewWorkItemLock { .. }, _)) => "renew-job.extends-from-now",
                Some((Call::AckWorkItem { .. }, Some(Reply::Refused(_)))) => "ack-job.refusal-changes-nothing",
                _ if seen.at < case.last.at => "job.lock-ends-at",
                _ => "job.exclusive",
            }
        }
        // Either the delay was ignored completely, or it ended too soon.
        Ineligible::Invisible(_) => {
            let abandon = case.past.last(|seen| matches!(&*seen.call, Call::AbandonWorkItem { .. }));
            if abandon.is_some_and(|seen| seen.at == case.last.at) { "abandon-job.delay" } else { "job.visible" }
        }
        Ineligible::Tag if is_like(tag_of(&job.item), tags) => "tag.exact",
        Ineligible::Tag if is_of_session(&job.item) => "tag.with-session",
        Ineligible::Tag => match tags {
            Tags::DefaultOnly => "tag.default-only",
            Tags::Tags(_) => "tag.tags",
            Tags::DefaultAnd(_) => "tag.default-and",
            Tags::None => "tag.none",
            Tags::Any => "tag.any",
        },
        Ineligible::Session if session.is_none() => "session.no-claim-skips",
        Ineligible::Session => barred_session(case),
        _ => origin::of_ghost_job(case, job),
    }
}

/// Whether the filter allows a tag that differs only in case and spaces.
fn is_like(tag: Option<&str>, tags: &Tags) -> bool {
    let plain = |tag: &str| tag.trim().to_lowercase();
    let Some(tag) = tag.map(plain) else { return false };
    match tags {
        Tags::DefaultOnly => tag.is_empty(),
        Tags::DefaultAnd(set) => tag.is_empty() || set.iter().any(|other| plain(other) == tag),
        Tags::Tags(set) => set.iter().any(|other| plain(other) == tag),
        Tags::Any | Tags::None => false,
    }
}

fn barred_session(case: &Case<'_>) -> &'static str {
    let renewed = case.past.last(|seen| matches!(&*seen.call, Call::RenewSessionLock { .. }));
    let claim = case.past.jobs().find(|(.., job)| is_of_session(&job.item));
    match (renewed, claim) {
        (Some(_), _) => "session.renew-extends-from-now",
        (None, Some((number, seen, _))) => {
            let released = case.past.0[number + 1..].iter().any(|seen| seen.call.token().is_some());
            match (released, seen.at < case.last.at) {
                (true, _) => "session.outlives-job-lock",
                (false, true) => "session.lock-ends-at",
                (false, false) => "session.others-blocked",
            }
        }
        (None, None) => "session.claimed-by-fetch",
    }
}

/// The rule for a wrong part of a mutating call's answer.
pub(super) fn part(case: &Case<'_>, part: &str) -> &'static str {
    match (case.expected(), case.got()) {
        (Reply::Turn(Some(expected)), Reply::Turn(Some(got))) => turn_part(case, part, expected, got),
        (Reply::Job(Some(_)), Reply::Job(Some(got))) => origin::attempts_of_job(case, got),
        _ => count::part(case, part),
    }
}

fn turn_part(case: &Case<'_>, part: &str, expected: &Turn, got: &Turn) -> &'static str {
    match part {
        "instance" => "turn.one-instance",
        "messages" => messages(case, expected, got),
        "message order" => {
            let acked = case.past.last(|seen| enqueues(&seen.call).len() > 1).is_some();
            let abandoned = case.past.last(|seen| matches!(&*seen.call, Call::AbandonOrchestrationItem { .. }));
            if acked && abandoned.is_none() { "ack-turn.messages-in-order" } else { "turn.batch-order" }
        }
        "execution" => origin::execution(case, expected, got),
        "history_error" => "turn.history-error-returned",
        "history" => origin::history(case, expected, got),
        "history order" => "turn.history-order",
        "history event" => spoiled(&expected.history, &got.history).unwrap_or("turn.history-unchanged"),
        "orchestration_name" => origin::identity(case, got, true),
        "version" => origin::identity(case, got, false),
        "kv_snapshot" => origin::snapshot(case, expected, got),
        _ => origin::attempts_of_turn(case, expected, got),
    }
}

fn messages(case: &Case<'_>, expected: &Turn, got: &Turn) -> &'static str {
    let mut extra = got.messages.clone();
    let mut missing = Vec::new();
    for item in &expected.messages {
        match extra.iter().position(|other| other == item) {
            Some(at) => drop(extra.remove(at)),
            None => missing.push(item),
        }
    }
    if extra.iter().any(|item| duroxide_sim::call::instance_of(item) != expected.instance) {
        return "turn.one-instance";
    }
    match (missing.first(), extra.first()) {
        (Some(lost), Some(other)) if duroxide_sim::call::kind_of(lost) == duroxide_sim::call::kind_of(other) => {
            spoiled(&**lost, &**other).unwrap_or("turn.messages-unchanged")
        }
        // A message was returned in place of another, with a changed kind.
        (Some(_), Some(other)) if missing.len() == extra.len() && origin::is_unheard_of(case, other) => {
            "payload.every-variant"
        }
        (Some(lost), _) => origin::of_lost(case, lost),
        (None, Some(extra)) if expected.messages.contains(extra) => origin::of_ghost(case, extra),
        (None, Some(extra)) => match origin::of_delay(case, extra) {
            "turn.visible" => origin::of_ghost(case, extra),
            // The message came together with others: whether it may start a
            // turn alone is another question.
            _ => "turn.visible",
        },
        (None, None) => "turn.whole-batch",
    }
}
