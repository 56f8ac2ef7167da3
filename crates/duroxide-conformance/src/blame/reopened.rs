//! Attributes data that is missing or changed after the storage was reopened.
//!
//! A deviation is attributed to reopening only if no later call changed
//! anything.

use duroxide_sim::call::Reply;

use super::Case;
use super::past::{Fate, may_change};
use crate::contract::{Rule, rule};
use crate::mismatch::{Aspect, JobPart, Part, TurnPart};

/// The rule that the reopened storage breaks, if reopening caused the
/// deviation.
pub(super) fn rule(case: &Case<'_>) -> Option<&'static Rule> {
    let at = match case.last.reopened {
        true => case.past.0.len(),
        false => case.past.0.iter().rposition(|seen| seen.reopened)?,
    };
    let (before, since) = case.past.0.split_at(at);
    if since.iter().any(may_change) || !before.iter().any(may_change) {
        return None;
    }
    match &case.mismatch.aspect {
        Aspect::Panicked | Aspect::Hung | Aspect::Token | Aspect::Retryable => None,
        Aspect::Missed if was_locked(case) => Some(rule!("durable.locks-end")),
        Aspect::Part(Part::Turn(TurnPart::Attempts) | Part::Job(JobPart::Attempts)) => {
            Some(rule!("durable.attempts-survive"))
        }
        Aspect::Refused if case.call().token().is_some() => Some(rule!("durable.tokens-survive")),
        Aspect::Accepted | Aspect::Refused | Aspect::Missed | Aspect::Barred(_) | Aspect::Part(_) => {
            Some(rule!("durable.reopen-sees-all"))
        }
    }
}

/// Whether the expected item was fetched before and became free because that
/// lock expired.
pub(super) fn was_locked(case: &Case<'_>) -> bool {
    let token = match case.expected() {
        Reply::Turn(Some(turn)) => {
            case.past.turns().find(|(.., held)| held.instance == turn.instance).map(|(.., held)| &held.token)
        }
        Reply::Job(Some(job)) => {
            case.past.jobs().find(|(.., held)| held.item == job.item).map(|(.., held)| &held.token)
        }
        _ => None,
    };
    token.is_some_and(|token| case.past.fate(token, case.last.at) == Fate::Expired)
}
