//! What a storage that was opened anew does not know, or knows otherwise.
//!
//! It is the reopening's doing only if nothing since has changed anything.

use duroxide_sim::call::Reply;

use super::Case;
use super::past::{Fate, may_change};
use crate::oracle::Aspect;

/// The rule that the reopened storage breaks, if the reopening shows it.
pub(super) fn rule(case: &Case<'_>) -> Option<&'static str> {
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
        Aspect::Missed if was_locked(case) => Some("durable.locks-end"),
        Aspect::Part("attempts") => Some("durable.attempts-survive"),
        Aspect::Refused if case.call().token().is_some() => Some("durable.tokens-survive"),
        Aspect::Accepted | Aspect::Refused | Aspect::Missed | Aspect::Barred(_) | Aspect::Part(_) => {
            Some("durable.reopen-sees-all")
        }
    }
}

/// Whether what should have been fetched was fetched before, and has become
/// free because that lock has ended.
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
