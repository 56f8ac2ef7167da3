//! Attributes fetches that found nothing, returned an ineligible item or
//! returned a wrong item; and wrong parts of the answers of other mutating
//! calls.

use duroxide::providers::WorkItem;
use duroxide_sim::call::{AckTurn, Call, Item, Job, Reply, Tags, Turn, is_of_session, tag_of};
use duroxide_sim::store::Ineligible;

use super::Case;
use super::payload::{odd, spoiled};
use super::{count, origin, versions};
use crate::calls::{enqueues, enqueues_jobs};
use crate::contract::{Rule, rule};
use crate::drive::Observed;
use crate::mismatch::{HistoryPart, Part, TurnPart};

/// The rule for a fetch that found nothing although an item was eligible.
pub(super) fn missed(case: &Case<'_>) -> &'static Rule {
    match case.expected() {
        Reply::Turn(Some(turn)) => missed_turn(case, turn),
        Reply::Job(Some(job)) => missed_job(case, job),
        _ => rule!("turn.prompt"),
    }
}

fn missed_turn(case: &Case<'_>, turn: &Turn) -> &'static Rule {
    if let Call::FetchOrchestrationItem { versions: Some(ranges), .. } = case.call() {
        return versions::missed(case, turn, ranges);
    }
    let failed = |seen: &Observed| {
        let refused = matches!(seen.reply, Some(Reply::Refused(_)));
        refused && matches!(&*seen.call, Call::FetchOrchestrationItem { .. })
    };
    if case.past.last(failed).is_some() {
        return rule!("turn.no-lock-on-error");
    }
    if versions::skipped(case) && case.past.acks_of(&turn.instance).any(|(_, ack)| pins(ack)) {
        return rule!("turn.capability-before-lock");
    }
    if let Some(rule) = origin::release_of_turn(case, turn) {
        return rule;
    }
    let locked_other = case.past.turns().any(|(.., other)| other.instance != turn.instance);
    match turn.messages.iter().find_map(|item| origin::of_message(case, item)) {
        Some(rule) => rule,
        None if locked_other => rule!("turn.other-instances-free"),
        None => odd(case.past.calls().map(|seen| &*seen.call))
            .map_or(rule!("turn.prompt"), |_| rule!("payload.accepted-is-usable")),
    }
}

fn pins(ack: &AckTurn) -> bool {
    ack.metadata.pinned_duroxide_version.is_some()
}

fn missed_job(case: &Case<'_>, job: &Job) -> &'static Rule {
    if let Some(rule) = origin::release_of_job(case, job) {
        return rule;
    }
    if origin::cancelled_another(case, &job.item) {
        return rule!("ack-turn.cancelled-exactly");
    }
    let WorkItem::ActivityExecute { instance, session_id, tag, .. } = &*job.item else { return rule!("job.prompt") };
    let Call::FetchWorkItem { tags, session, .. } = case.call() else { return rule!("job.prompt") };
    let source = case.past.last(|seen| enqueues_jobs(&seen.call).contains(&job.item));
    let by_ack = source.is_some_and(|seen| matches!(&*seen.call, Call::AckOrchestrationItem(_)));
    let all = case.past.calls().flat_map(|seen| enqueues_jobs(&seen.call));
    let hides = |item: &Item| *item != job.item && !tags.matches(tag_of(item));
    match (tag, tags) {
        _ if case.past.has_ended(instance) => rule!("job.any-instance-state"),
        _ if session_id.is_some() => missed_session(case, job),
        _ if all.into_iter().any(hides) => rule!("tag.looks-further"),
        (Some(_), Tags::Any) => rule!("tag.any"),
        (Some(_), _) if by_ack => rule!("tag.kept-by-ack"),
        (_, Tags::DefaultAnd(_)) => rule!("tag.default-and"),
        (Some(_), _) => rule!("tag.tags"),
        (None, _) if by_ack => rule!("ack-turn.jobs-enqueued"),
        (None, _) if case.past.jobs().next().is_some() => rule!("job.one-at-a-time"),
        (None, _) if session.is_some() => rule!("session.plain-jobs-for-all"),
        (None, _) => rule!("job.prompt"),
    }
}

fn missed_session(case: &Case<'_>, job: &Job) -> &'static Rule {
    let Call::FetchWorkItem { session: Some(claim), .. } = case.call() else {
        return rule!("session.free-is-claimable");
    };
    let Some((number, old, at)) = case.past.claim_like(&job.item) else { return rule!("session.free-is-claimable") };
    let (now, mut end, mut revived) = (case.last.at, at + old.lock_for, false);
    let mut rule = None;
    for seen in &case.past.0[number + 1..] {
        match (&*seen.call, &seen.reply) {
            (Call::RenewSessionLock { extend_for, .. }, Some(Reply::Count(1..))) => {
                end = seen.at + *extend_for;
                rule = Some(rule!("session.renew-extends-from-now"));
            }
            (Call::AckWorkItem { .. } | Call::RenewWorkItemLock { .. }, Some(Reply::Done)) if end <= seen.at => {
                revived = true;
            }
            _ => {}
        }
    }
    match rule {
        _ if revived => rule!("session.ended-is-not-revived"),
        Some(rule) => rule,
        None if old.owner == claim.owner && end > now => rule!("session.owner-served"),
        None if end == now => rule!("session.lock-ends-at"),
        None => rule!("session.taken-over"),
    }
}

/// The rule for a fetch that returned an ineligible item.
pub(super) fn barred(case: &Case<'_>, bar: &Ineligible) -> &'static Rule {
    match case.got() {
        Reply::Turn(Some(turn)) => barred_turn(case, turn, bar),
        Reply::Job(Some(job)) => barred_job(case, job, bar),
        _ => rule!("turn.prompt"),
    }
}

fn barred_turn(case: &Case<'_>, turn: &Turn, bar: &Ineligible) -> &'static Rule {
    let fetched = case.past.turns().find(|(.., other)| other.instance == turn.instance);
    match bar {
        Ineligible::Locked(_) => {
            let Some((number, seen, held)) = fetched else { return rule!("turn.exclusive") };
            let after = &case.past.0[number + 1..];
            let last = after.iter().rev().find(|seen| seen.call.token() == Some(&*held.token));
            match last.map(|seen| (&*seen.call, &seen.reply)) {
                Some((Call::RenewOrchestrationItemLock { .. }, _)) => rule!("renew-turn.batch-stays-locked"),
                Some((Call::AckOrchestrationItem(_), Some(Reply::Refused(_)))) => rule!("ack-turn.failure-keeps-lock"),
                _ if seen.at < case.last.at => rule!("turn.lock-ends-at"),
                _ => rule!("turn.exclusive"),
            }
        }
        Ineligible::Invisible(_) => {
            turn.messages.iter().find_map(|item| origin::of_delay(case, item)).unwrap_or(rule!("turn.visible"))
        }
        Ineligible::NotStarted => rule!("turn.no-delivery-before-start"),
        Ineligible::Version => match case.call() {
            Call::FetchOrchestrationItem { versions: Some(ranges), .. } => versions::barred(case, turn, ranges),
            _ => rule!("turn.capability-incompatible-skipped"),
        },
        _ => turn.messages.first().map_or(rule!("turn.prompt"), |item| origin::of_ghost(case, item)),
    }
}

fn barred_job(case: &Case<'_>, job: &Job, bar: &Ineligible) -> &'static Rule {
    let fetched = case.past.jobs().find(|(.., other)| other.item == job.item);
    let Call::FetchWorkItem { tags, session, .. } = case.call() else { return rule!("job.exclusive") };
    match bar {
        Ineligible::Locked(_) => {
            let Some((number, seen, held)) = fetched else { return rule!("job.exclusive") };
            let after = &case.past.0[number + 1..];
            let last = after.iter().rev().find(|seen| seen.call.token() == Some(&*held.token));
            match last.map(|seen| (&*seen.call, &seen.reply)) {
                Some((Call::RenewWorkItemLock { .. }, _)) => rule!("renew-job.extends-from-now"),
                Some((Call::AckWorkItem { .. }, Some(Reply::Refused(_)))) => rule!("ack-job.refusal-changes-nothing"),
                _ if seen.at < case.last.at => rule!("job.lock-ends-at"),
                _ => rule!("job.exclusive"),
            }
        }
        // Either the delay was ignored completely, or it ended too soon.
        Ineligible::Invisible(_) => {
            let abandon = case.past.last(|seen| matches!(&*seen.call, Call::AbandonWorkItem { .. }));
            if abandon.is_some_and(|seen| seen.at == case.last.at) {
                rule!("abandon-job.delay")
            } else {
                rule!("job.visible")
            }
        }
        Ineligible::Tag if is_like(tag_of(&job.item), tags) => rule!("tag.exact"),
        Ineligible::Tag if is_of_session(&job.item) => rule!("tag.with-session"),
        Ineligible::Tag => match tags {
            Tags::DefaultOnly => rule!("tag.default-only"),
            Tags::Tags(_) => rule!("tag.tags"),
            Tags::DefaultAnd(_) => rule!("tag.default-and"),
            Tags::None => rule!("tag.none"),
            Tags::Any => rule!("tag.any"),
        },
        Ineligible::Session if session.is_none() => rule!("session.no-claim-skips"),
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

fn barred_session(case: &Case<'_>) -> &'static Rule {
    let renewed = case.past.last(|seen| matches!(&*seen.call, Call::RenewSessionLock { .. }));
    let claim = case.past.jobs().find(|(.., job)| is_of_session(&job.item));
    match (renewed, claim) {
        (Some(_), _) => rule!("session.renew-extends-from-now"),
        (None, Some((number, seen, _))) => {
            let released = case.past.0[number + 1..].iter().any(|seen| seen.call.token().is_some());
            match (released, seen.at < case.last.at) {
                (true, _) => rule!("session.outlives-job-lock"),
                (false, true) => rule!("session.lock-ends-at"),
                (false, false) => rule!("session.others-blocked"),
            }
        }
        (None, None) => rule!("session.claimed-by-fetch"),
    }
}

/// The rule for a wrong part of a mutating call's answer.
pub(super) fn part(case: &Case<'_>, part: Part) -> &'static Rule {
    match (part, case.expected(), case.got()) {
        (Part::Turn(part), Reply::Turn(Some(expected)), Reply::Turn(Some(got))) => turn_part(case, part, expected, got),
        (Part::Job(_), _, Reply::Job(Some(got))) => origin::attempts_of_job(case, got),
        _ => count::part(case, part),
    }
}

fn turn_part(case: &Case<'_>, part: TurnPart, expected: &Turn, got: &Turn) -> &'static Rule {
    match part {
        TurnPart::Instance => rule!("turn.one-instance"),
        TurnPart::Messages => messages(case, expected, got),
        TurnPart::MessageOrder => {
            let acked = case.past.last(|seen| enqueues(&seen.call).len() > 1).is_some();
            let abandoned = case.past.last(|seen| matches!(&*seen.call, Call::AbandonOrchestrationItem { .. }));
            if acked && abandoned.is_none() { rule!("ack-turn.messages-in-order") } else { rule!("turn.batch-order") }
        }
        TurnPart::Execution => origin::execution(case, expected, got),
        TurnPart::HistoryError => rule!("turn.history-error-returned"),
        TurnPart::History(HistoryPart::Events) => origin::history(case, expected, got),
        TurnPart::History(HistoryPart::Order) => rule!("turn.history-order"),
        TurnPart::History(HistoryPart::Event) => {
            spoiled(&expected.history, &got.history).unwrap_or(rule!("turn.history-unchanged"))
        }
        TurnPart::OrchestrationName => origin::identity(case, got, true),
        TurnPart::Version => origin::identity(case, got, false),
        TurnPart::KvSnapshot => origin::snapshot(case, expected, got),
        TurnPart::Attempts => origin::attempts_of_turn(case, expected, got),
    }
}

fn messages(case: &Case<'_>, expected: &Turn, got: &Turn) -> &'static Rule {
    let mut extra = got.messages.clone();
    let mut missing = Vec::new();
    for item in &expected.messages {
        match extra.iter().position(|other| other == item) {
            Some(at) => drop(extra.remove(at)),
            None => missing.push(item),
        }
    }
    if extra.iter().any(|item| duroxide_sim::call::instance_of(item) != expected.instance) {
        return rule!("turn.one-instance");
    }
    match (missing.first(), extra.first()) {
        (Some(lost), Some(other)) if duroxide_sim::call::kind_of(lost) == duroxide_sim::call::kind_of(other) => {
            spoiled(&**lost, &**other).unwrap_or(rule!("turn.messages-unchanged"))
        }
        // A message was returned in place of another, with a changed kind.
        (Some(_), Some(other)) if missing.len() == extra.len() && origin::is_unheard_of(case, other) => {
            rule!("payload.every-variant")
        }
        (Some(lost), _) => origin::of_lost(case, lost),
        (None, Some(extra)) if expected.messages.contains(extra) => origin::of_ghost(case, extra),
        (None, Some(extra)) => match origin::of_delay(case, extra) {
            None => origin::of_ghost(case, extra),
            // The message came together with others: whether it may start a
            // turn alone is another question.
            Some(_) => rule!("turn.visible"),
        },
        (None, None) => rule!("turn.whole-batch"),
    }
}
