//! Which rule a history breaks that no order explains.

use std::collections::BTreeMap;

use crate::call::{Call, Reply};
use crate::conformance::linearize::{Broken, Made};
use crate::conformance::oracle::{Aspect, Mismatch};
use crate::store::Bar;

/// The id of the rule. `calls` are those that contradict each other.
pub(super) fn blame(history: &[Made], calls: &[usize], broken: &Broken) -> &'static str {
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
        return "concurrent.one-ack-winner";
    }
    if stuck(&|_, mismatch| matches!(mismatch.aspect, Aspect::Token | Aspect::Barred(Bar::Locked(_) | Bar::Session))) {
        return "concurrent.one-lock-winner";
    }
    if calls.iter().any(|call| deletes(&history[*call])) {
        return "concurrent.deletions";
    }
    if all_stuck(&|_, mismatch| matches!(mismatch.aspect, Aspect::Refused | Aspect::Retryable)) {
        return "concurrent.no-false-refusals";
    }
    if stuck(&|_, mismatch| is_about_queues(&mismatch.aspect)) {
        return "concurrent.nothing-lost";
    }
    if calls.iter().any(|call| is_refused_for_good(&history[*call])) {
        return "concurrent.no-false-refusals";
    }
    "concurrent.linearizable"
}

/// Whether a call that should change something was refused, and no retry can
/// help.
fn is_refused_for_good(made: &Made) -> bool {
    let refused = matches!(&made.reply, Some(Reply::Refused(refusal)) if !refusal.retryable);
    refused && !made.call.is_read()
}

fn is_about_queues(aspect: &Aspect) -> bool {
    const PARTS: [&str; 4] = ["messages", "orchestrator_queue", "worker_queue", "queue_pending_count"];
    match aspect {
        Aspect::Missed | Aspect::Barred(Bar::Absent) => true,
        Aspect::Part(part) => PARTS.contains(part),
        _ => false,
    }
}

/// Whether two calls that end a lock were both accepted for one token.
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
