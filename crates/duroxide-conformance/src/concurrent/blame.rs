//! Determines the rule that a non-linearizable history breaks.

use std::collections::BTreeMap;

use duroxide_sim::call::{Call, Refusal, Reply};
use duroxide_sim::store::Ineligible;

use crate::blame::is_about_contention;
use crate::contract::{Rule, rule};
use crate::linearize::{Broken, Made};
use crate::mismatch::{Aspect, Field, Mismatch, Part, TurnPart};

/// Returns the rule. `calls` are those that contradict each other.
pub(super) fn blame(history: &[Made], calls: &[usize], broken: &Broken) -> &'static Rule {
    let stuck = |test: &dyn Fn(&Made, &Mismatch) -> bool| {
        broken.stuck.iter().any(|(call, mismatch)| test(&history[*call], mismatch))
    };
    let all_stuck = |test: &dyn Fn(&Made, &Mismatch) -> bool| {
        !broken.stuck.is_empty() && broken.stuck.iter().all(|(call, mismatch)| test(&history[*call], mismatch))
    };
    let deletes = |made: &Made| {
        matches!(
            &*made.call,
            Call::DeleteInstance { .. } | Call::DeleteInstancesAtomic { .. } | Call::DeleteInstanceBulk { .. }
        ) && made.reply.as_ref().is_some_and(|reply| !matches!(reply, Reply::Refused(_)))
    };
    if acked_twice(history, calls) {
        return rule!("concurrent.one-ack-winner");
    }
    if stuck(&|_, mismatch| {
        matches!(mismatch.aspect, Aspect::Token | Aspect::Barred(Ineligible::Locked(_) | Ineligible::Session))
    }) {
        return rule!("concurrent.one-lock-winner");
    }
    if calls.iter().any(|call| deletes(&history[*call])) {
        return rule!("concurrent.deletions");
    }
    let refused = || calls.iter().map(|call| &history[*call]).filter_map(refusal_for_good);
    let of_refusal = || match refused().any(is_about_contention) {
        true => rule!("error.contention-is-retryable"),
        false => rule!("concurrent.no-false-refusals"),
    };
    if all_stuck(&|_, mismatch| matches!(mismatch.aspect, Aspect::Refused | Aspect::Retryable)) {
        return of_refusal();
    }
    if stuck(&|_, mismatch| is_about_queues(&mismatch.aspect)) {
        return rule!("concurrent.nothing-lost");
    }
    if refused().next().is_some() {
        return of_refusal();
    }
    rule!("concurrent.linearizable")
}

/// The error of a mutating call, if a retry cannot succeed.
fn refusal_for_good(made: &Made) -> Option<&Refusal> {
    match &made.reply {
        Some(Reply::Refused(refusal)) if !refusal.retryable && !made.call.is_read() => Some(refusal),
        _ => None,
    }
}

fn is_about_queues(aspect: &Aspect) -> bool {
    match aspect {
        Aspect::Missed | Aspect::Barred(Ineligible::Absent) | Aspect::Part(Part::Turn(TurnPart::Messages)) => true,
        Aspect::Part(Part::Field(field)) => {
            matches!(field, Field::OrchestratorQueue | Field::WorkerQueue | Field::QueuePendingCount)
        }
        Aspect::Accepted | Aspect::Refused | Aspect::Retryable | Aspect::Barred(_) | Aspect::Token => false,
        Aspect::Part(_) | Aspect::Panicked | Aspect::Hung => false,
    }
}

/// Whether two calls that release a lock succeeded with the same token.
fn acked_twice(history: &[Made], calls: &[usize]) -> bool {
    let mut accepted: BTreeMap<&str, usize> = BTreeMap::new();
    for made in calls.iter().map(|call| &history[*call]) {
        let ends = !matches!(&*made.call, Call::RenewOrchestrationItemLock { .. } | Call::RenewWorkItemLock { .. });
        if let (Some(token), Some(Reply::Done), true) = (made.call.token(), &made.reply, ends) {
            *accepted.entry(token).or_default() += 1;
        }
    }
    accepted.values().any(|count| *count > 1)
}
