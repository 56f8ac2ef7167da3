//! Attributes the effects of a call whose future was dropped.
//!
//! The oracle allows that the call took effect completely or not at all. Any
//! other effect is attributed to the dropped call only if no later call changed
//! anything.

use duroxide_sim::call::Call;

use super::Case;
use super::past::may_change;
use crate::calls::reads;
use crate::contract::{Rule, rule};
use crate::mismatch::Aspect;

/// The rule that the dropped call breaks, if it caused the deviation.
pub(super) fn rule(case: &Case<'_>) -> Option<&'static Rule> {
    match case.mismatch.aspect {
        // These deviations are wrong in any state.
        Aspect::Panicked | Aspect::Hung | Aspect::Token | Aspect::Retryable => return None,
        Aspect::Accepted | Aspect::Refused | Aspect::Missed | Aspect::Barred(_) | Aspect::Part(_) => {}
    }
    let last = case.past.last(may_change)?;
    let is_dropped = last.reply.is_none() && last.panic.is_none();
    if is_dropped { named(&last.call) } else { None }
}

fn named(call: &Call) -> Option<&'static Rule> {
    Some(match call {
        Call::FetchOrchestrationItem { .. } | Call::FetchWorkItem { .. } => rule!("dropped.fetch"),
        Call::AckOrchestrationItem(_) => rule!("dropped.ack-turn"),
        Call::AckWorkItem { .. } => rule!("dropped.ack-job"),
        Call::AbandonOrchestrationItem { .. }
        | Call::AbandonWorkItem { .. }
        | Call::RenewOrchestrationItemLock { .. }
        | Call::RenewWorkItemLock { .. }
        | Call::RenewSessionLock { .. } => rule!("dropped.release"),
        Call::EnqueueForOrchestrator { .. } | Call::EnqueueForWorker { .. } => rule!("dropped.enqueue"),
        Call::AppendWithExecution { .. } => rule!("dropped.append"),
        Call::DeleteInstance { .. }
        | Call::DeleteInstancesAtomic { .. }
        | Call::DeleteInstanceBulk { .. }
        | Call::PruneExecutions { .. } => rule!("dropped.remove"),
        // The contract has no rule for the two that change something.
        reads!() | Call::CleanupOrphanedSessions { .. } | Call::PruneExecutionsBulk { .. } => return None,
    })
}
