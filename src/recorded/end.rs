//! Compares how an execution ended with how the code ends it.

use duroxide::runtime::replay_engine::TurnResult;
use duroxide::{AppErrorKind, ErrorDetails, EventKind};

use super::verdict::End;

/// How a turn ended the execution; `None` if it did not.
pub(super) fn of_turn(result: &TurnResult) -> Option<End> {
    match result {
        TurnResult::Continue => None,
        TurnResult::Completed(output) => Some(End::Completed(output.clone())),
        TurnResult::Failed(details) => Some(End::Failed(details.display_message())),
        TurnResult::ContinueAsNew { input, .. } => Some(End::ContinuedAsNew(input.clone())),
        TurnResult::Cancelled(reason) => Some(End::Cancelled(reason.clone())),
    }
}

/// How the code of the recorded execution ended it; `None` for an end that duroxide decided, such
/// as a poisoned message, which says nothing about the code.
pub(super) fn of_event(kind: &EventKind) -> Option<End> {
    match kind {
        EventKind::OrchestrationCompleted { output } => Some(End::Completed(output.clone())),
        EventKind::OrchestrationContinuedAsNew { input } => Some(End::ContinuedAsNew(input.clone())),
        EventKind::OrchestrationFailed { details } => of_details(details),
        _ => None,
    }
}

fn of_details(details: &ErrorDetails) -> Option<End> {
    match details {
        ErrorDetails::Application { kind: AppErrorKind::Cancelled { reason }, .. } => {
            Some(End::Cancelled(reason.clone()))
        }
        ErrorDetails::Application { .. } => Some(End::Failed(details.display_message())),
        ErrorDetails::Infrastructure { .. } | ErrorDetails::Configuration { .. } | ErrorDetails::Poison { .. } => None,
    }
}
