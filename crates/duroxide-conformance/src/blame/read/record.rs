//! Attributes wrong records of instances and executions, and wrong totals of
//! them.

use duroxide_sim::call::{AckTurn, Call, Reply};

use super::{Case, acks, parent};
use crate::contract::{Rule, rule};
use crate::mismatch::{Field, Part};

pub(super) fn info(case: &Case<'_>, part: Part) -> &'static Rule {
    let all: Vec<&AckTurn> = acks(case).map(|(_, ack)| ack).collect();
    let Some(last) = all.first() else { return rule!("info.fields") };
    match part {
        Part::Field(Field::CreatedAt | Field::UpdatedAt) if in_seconds(case) => rule!("time.milliseconds"),
        Part::Field(Field::CreatedAt) => rule!("info.created-at"),
        Part::Field(Field::UpdatedAt) => rule!("info.updated-at"),
        Part::Field(field @ (Field::OrchestrationName | Field::OrchestrationVersion)) => identity(field, &all),
        Part::Field(Field::CurrentExecutionId) => rule!("ack-turn.current-execution-greatest"),
        Part::Field(Field::Status | Field::Output)
            if last.metadata.status.is_none() && last.metadata.output.is_some() =>
        {
            rule!("ack-turn.output-without-status")
        }
        Part::Field(Field::Status | Field::Output) if all.iter().any(|ack| ack.execution != last.execution) => {
            rule!("info.fields")
        }
        Part::Field(Field::Status | Field::Output) if last.metadata.status.is_none() => {
            rule!("ack-turn.status-none-keeps")
        }
        Part::Field(Field::Status | Field::Output) => rule!("ack-turn.status-stored"),
        Part::Field(Field::ParentInstanceId) => parent(case).unwrap_or(rule!("info.fields")),
        _ => rule!("info.fields"),
    }
}

/// Whether a time differs by a factor.
fn in_seconds(case: &Case<'_>) -> bool {
    let (Reply::Instance(expected), Reply::Instance(got)) = (case.expected(), case.got()) else { return false };
    [1_000, 1_000_000].into_iter().any(|factor| {
        got.created_at == expected.created_at / factor || got.created_at == expected.created_at.saturating_mul(factor)
    })
}

fn identity(field: Field, all: &[&AckTurn]) -> &'static Rule {
    let name = field == Field::OrchestrationName;
    let given = |ack: &&&AckTurn| match name {
        true => ack.metadata.orchestration_name.is_some(),
        false => ack.metadata.orchestration_version.is_some(),
    };
    let count = all.iter().filter(given).count();
    match all.first() {
        Some(last) if given(&last) => rule!("ack-turn.identity-stored"),
        Some(_) if count > 0 => rule!("ack-turn.identity-none-keeps"),
        _ if !name => rule!("info.version-unknown"),
        _ => rule!("info.fields"),
    }
}

pub(super) fn execution(case: &Case<'_>, part: Part) -> &'static Rule {
    let asked = match case.call() {
        Call::GetExecutionInfo { execution, .. } => *execution,
        _ => 0,
    };
    match part {
        Part::Field(Field::Status | Field::Output)
            if acks(case).next().is_some_and(|(_, ack)| ack.execution != asked) =>
        {
            rule!("execution.info")
        }
        Part::Field(Field::EventCount) => rule!("execution.event-count"),
        Part::Field(Field::StartedAt) => rule!("execution.started-at"),
        Part::Field(Field::CompletedAt) | Part::CompletedAtSet => rule!("ack-turn.completed-at"),
        Part::Field(Field::Status | Field::Output) => match acks(case).next() {
            Some((_, ack)) if ack.metadata.status.is_none() && ack.metadata.output.is_some() => {
                rule!("ack-turn.output-without-status")
            }
            Some(_) if acks(case).all(|(_, ack)| ack.metadata.status.is_none()) => rule!("ack-turn.execution-created"),
            Some((_, ack)) if ack.metadata.status.is_none() => rule!("ack-turn.status-none-keeps"),
            _ => rule!("ack-turn.status-stored"),
        },
        _ => rule!("execution.info"),
    }
}

pub(super) fn metrics(case: &Case<'_>, part: Part) -> &'static Rule {
    let unrecorded = case.past.calls().any(|seen| match &*seen.call {
        Call::AppendWithExecution { .. } => true,
        Call::AckOrchestrationItem(ack) => ack.metadata.orchestration_name.is_none(),
        _ => false,
    });
    match part {
        Part::Field(Field::RunningInstances | Field::CompletedInstances | Field::FailedInstances) => {
            rule!("metrics.by-status")
        }
        _ if unrecorded => rule!("metrics.unrecorded-events"),
        _ => rule!("metrics.totals"),
    }
}
