//! Attributes wrong counts in answers: deletions, prunings, sessions.

use duroxide_sim::call::{Call, DeleteCounts, InstanceQuery, KeepRule, PruneCounts, Reply};

use super::Case;

/// The rule for a wrong part of such an answer.
pub(super) fn part(case: &Case<'_>, part: &str) -> &'static str {
    match (case.call(), case.expected(), case.got()) {
        (Call::DeleteInstanceBulk { query }, Reply::Deleted(expected), Reply::Deleted(got)) => {
            bulk(case, query, expected, got)
        }
        (Call::DeleteInstancesAtomic { instances, .. }, Reply::Deleted(expected), Reply::Deleted(got)) => {
            let unique: std::collections::BTreeSet<&String> = instances.iter().collect();
            let known = expected.instances_deleted as usize == instances.len();
            let twice = unique.len() < instances.len();
            if got.instances_deleted > expected.instances_deleted && (twice || !known) {
                "delete.counts-what-was-there"
            } else {
                "delete.counts"
            }
        }
        (Call::DeleteInstance { .. }, Reply::Deleted(expected), Reply::Deleted(got)) => {
            if got.instances_deleted < expected.instances_deleted { "delete.cascade" } else { "delete.counts" }
        }
        (Call::PruneExecutions { keep, .. }, Reply::Pruned(expected), Reply::Pruned(got)) => {
            prune(case, keep, expected, got)
        }
        (Call::PruneExecutionsBulk { query, keep }, Reply::Pruned(expected), Reply::Pruned(got)) => {
            prune_bulk(case, query, keep, expected, got)
        }
        (Call::RenewSessionLock { .. }, Reply::Count(expected), Reply::Count(got)) => sessions(case, *expected, *got),
        (Call::CleanupOrphanedSessions { .. }, Reply::Count(expected), Reply::Count(got)) => {
            if got > expected {
                "session.sweep-keeps"
            } else {
                "session.sweep-removes"
            }
        }
        _ if part == "value" => "error.refusal-changes-nothing",
        _ => "error.no-panic",
    }
}

fn bulk(case: &Case<'_>, query: &InstanceQuery, expected: &DeleteCounts, got: &DeleteCounts) -> &'static str {
    if got.instances_deleted == expected.instances_deleted {
        return "delete-bulk.counts";
    }
    let more = got.instances_deleted > expected.instances_deleted;
    let acked = |status: &str| {
        case.past.calls().any(|seen| {
            matches!(&*seen.call, Call::AckOrchestrationItem(ack) if ack.metadata.status.as_deref() == Some(status))
        })
    };
    let children = case.past.calls().any(
        |seen| matches!(&*seen.call, Call::AckOrchestrationItem(ack) if ack.metadata.parent_instance_id.is_some()),
    );
    let names_child = query.instance_ids.iter().flatten().any(|name| is_child(case, name));
    match query {
        InstanceQuery { limit: Some(_), .. } if more => "delete-bulk.limit",
        InstanceQuery { instance_ids: Some(ids), .. } if more && ids.is_empty() => "delete-bulk.given-names",
        InstanceQuery { instance_ids: Some(_), completed_before: Some(_), .. } => "delete-bulk.all-criteria",
        InstanceQuery { completed_before: Some(_), .. } => "delete-bulk.completed-before",
        _ if more && names_child => "delete-bulk.roots-only",
        _ if more && children => "delete-bulk.running-descendant-skipped",
        _ if more && acked("ContinuedAsNew") => "delete-bulk.continuing-skipped",
        InstanceQuery { instance_ids: Some(_), .. } if more && !children => "delete-bulk.given-names",
        _ if children => "delete-bulk.roots-only",
        _ if more && expected.instances_deleted >= 1000 => "delete-bulk.default-limit",
        _ if more => "delete-bulk.ended-only",
        _ => "delete-bulk.all-criteria",
    }
}

/// Whether an ack recorded a parent of the instance.
fn is_child(case: &Case<'_>, name: &str) -> bool {
    case.past.calls().any(|seen| match &*seen.call {
        Call::AckOrchestrationItem(ack) => {
            ack.metadata.parent_instance_id.is_some()
                && case.past.turn_of(&ack.token).is_some_and(|turn| turn.instance == name)
        }
        _ => false,
    })
}

fn prune(case: &Case<'_>, keep: &KeepRule, expected: &PruneCounts, got: &PruneCounts) -> &'static str {
    if got.executions_deleted == expected.executions_deleted {
        return "prune.counts";
    }
    let more = got.executions_deleted > expected.executions_deleted;
    let both = keep.completed_before.is_some() && keep.keep_last.is_some_and(|keep| keep > 1);
    let running = case.past.calls().any(|seen| match &*seen.call {
        Call::AckOrchestrationItem(ack) => ack.metadata.status.is_none() && seen.reply == Some(Reply::Done),
        _ => false,
    });
    match keep {
        _ if both => "prune.all-criteria",
        KeepRule { completed_before: Some(_), .. } => "prune.completed-before",
        KeepRule { keep_last: Some(2..), .. } => "prune.keep-last",
        _ if more && running => "prune.running-kept",
        _ if more => "prune.current-kept",
        _ => "prune.keep-last",
    }
}

fn prune_bulk(
    case: &Case<'_>,
    query: &InstanceQuery,
    keep: &KeepRule,
    expected: &PruneCounts,
    got: &PruneCounts,
) -> &'static str {
    if got.instances_processed != expected.instances_processed {
        let more = got.instances_processed > expected.instances_processed;
        return match query {
            InstanceQuery { limit: Some(_), .. } if more => "prune-bulk.limit",
            InstanceQuery { limit: None, .. } if more && expected.instances_processed >= 1000 => "prune-bulk.limit",
            InstanceQuery { instance_ids: None, completed_before: None, .. } if !more => {
                "prune-bulk.running-instances-too"
            }
            _ => "prune-bulk.criteria",
        };
    }
    if got.executions_deleted == expected.executions_deleted {
        return "prune-bulk.counts";
    }
    match prune(case, keep, expected, got) {
        "prune.counts" => "prune-bulk.counts",
        _ => "prune-bulk.same-options",
    }
}

fn sessions(case: &Case<'_>, expected: usize, got: usize) -> &'static str {
    let Call::RenewSessionLock { idle_for, owners, .. } = case.call() else { return "session.renew-counts" };
    let claim = case.past.jobs().find_map(|(number, seen, job)| match &*seen.call {
        Call::FetchWorkItem { session: Some(claim), .. } if duroxide_sim::call::is_of_session(&job.item) => {
            Some((number, seen.at, claim))
        }
        _ => None,
    });
    let Some((number, at, claim)) = claim else { return "session.renew-counts" };
    let claims = case.past.jobs().filter(|(.., job)| duroxide_sim::call::is_of_session(&job.item)).count();
    let used = case.past.0[number + 1..].iter().rev().find(|seen| {
        matches!(&*seen.call, Call::AckWorkItem { .. } | Call::RenewWorkItemLock { .. })
            && seen.reply == Some(Reply::Done)
    });
    if got > expected {
        let ended = at + claim.lock_for <= case.last.at;
        let idle = at + *idle_for <= case.last.at;
        return match (owners.contains(&claim.owner), used.map(|seen| &*seen.call)) {
            (false, _) => "session.renew-counts",
            (true, Some(_)) if ended => "session.ended-is-not-revived",
            _ if ended => "session.renew-skips-ended",
            _ if idle => "session.renew-skips-idle",
            _ => "session.renew-counts",
        };
    }
    match used.map(|seen| &*seen.call) {
        Some(Call::AckWorkItem { .. }) => "session.ack-is-activity",
        Some(_) => "session.renewal-is-activity",
        // Either a claim that does not count, or one that does not count as
        // use.
        None if at < case.last.at || claims > 1 => "session.fetch-is-activity",
        None if owners.first() == Some(&claim.owner) => "session.claimed-by-fetch",
        None => "session.renew-counts",
    }
}
