//! Attributes a deviation to a rule of the contract.
//!
//! A deviation shows in one call and may be caused by another: a message that
//! is missing from a batch may never have been enqueued, may have been removed
//! by an ack that did not hold it, or may be delayed by an abandon. So the rule
//! is determined from all calls up to the deviation. The result is right for a
//! small script, in which every call is needed, and a heuristic for a long one;
//! therefore scripts are shrunk first.
//!
//! This module does not decide what a right answer is.

mod count;
mod dropped;
mod fetch;
mod origin;
mod past;
mod payload;
mod read;
mod refusal;
mod reopened;
mod versions;

use super::contract::{Rule, rule};
use super::drive::Observed;
use super::mismatch::{Aspect, Mismatch};

use duroxide_sim::call::{Call, Reply};
use past::Past;
pub(super) use refusal::is_about_contention;

/// The rule that the last of the observed calls breaks.
pub(crate) fn blame(observed: &[Observed], mismatch: &Mismatch) -> &'static Rule {
    let Some((last, before)) = observed.split_last() else { return rule!("error.no-panic") };
    let case = Case { past: Past(before), last, mismatch };
    if let Some(rule) = dropped::rule(&case).or_else(|| reopened::rule(&case)) {
        return rule;
    }
    match &mismatch.aspect {
        Aspect::Panicked | Aspect::Hung => case.unanswered(),
        Aspect::Token => {
            if case.is_turn() {
                rule!("turn.token-unique")
            } else {
                rule!("job.token-unique")
            }
        }
        Aspect::Retryable => refusal::retryable(&case),
        Aspect::Accepted => refusal::accepted(&case),
        Aspect::Refused => refusal::refused(&case),
        Aspect::Missed => fetch::missed(&case),
        Aspect::Barred(bar) => fetch::barred(&case, bar),
        Aspect::Part(part) if case.last.call.is_read() => read::part(&case, *part),
        Aspect::Part(part) => fetch::part(&case, *part),
    }
}

/// Whether the last of the observed calls, a fetch that found nothing, should
/// have found an item whose earlier lock has expired.
pub(crate) fn is_of_ended_lock(observed: &[Observed], mismatch: &Mismatch) -> bool {
    let Some((last, before)) = observed.split_last() else { return false };
    reopened::was_locked(&Case { past: Past(before), last, mismatch })
}

/// One deviation, with the calls up to it.
struct Case<'a> {
    past: Past<'a>,
    last: &'a Observed,
    mismatch: &'a Mismatch,
}

impl Case<'_> {
    fn call(&self) -> &Call {
        &self.last.call
    }

    fn expected(&self) -> &Reply {
        &self.mismatch.expected
    }

    fn got(&self) -> &Reply {
        self.last.reply.as_ref().unwrap_or(&Reply::Done)
    }

    /// Whether the deviation is about an instance's lock rather than a work
    /// item's.
    fn is_turn(&self) -> bool {
        matches!(
            self.call(),
            Call::FetchOrchestrationItem { .. }
                | Call::AckOrchestrationItem(_)
                | Call::AbandonOrchestrationItem { .. }
                | Call::RenewOrchestrationItemLock { .. }
        )
    }

    /// The rule for a call that panicked or hung.
    fn unanswered(&self) -> &'static Rule {
        match self.call() {
            _ if self.mismatch.aspect == Aspect::Panicked => rule!("error.no-panic"),
            _ if self.past.has_dropped() => rule!("dropped.releases-resources"),
            Call::FetchOrchestrationItem { .. } => rule!("turn.poll-ends-in-time"),
            Call::FetchWorkItem { .. } => rule!("job.poll-ends-in-time"),
            _ => rule!("error.no-panic"),
        }
    }
}
