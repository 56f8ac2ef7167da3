//! Attributes wrong counts in answers: deletions, prunings, sessions.

use duroxide_sim::call::{Call, DeleteCounts, InstanceQuery, KeepRule, PruneCounts, Reply};

use super::Case;
use crate::contract::{Rule, rule};
use crate::mismatch::Part;

/// The rule for a wrong part of such an answer.
pub(super) fn part(case: &Case<'_>, part: Part) -> &'static Rule {
    match (case.call(), case.expected(), case.got()) {
        (Call::DeleteInstanceBulk { query }, Reply::Deleted(expected), Reply::Deleted(got)) => {
            bulk(case, query, expected, got)
        }
        (Call::DeleteInstancesAtomic { instances, .. }, Reply::Deleted(expected), Reply::Deleted(got)) => {
            let unique: std::collections::BTreeSet<&String> = instances.iter().collect();
            let known = expected.instances_deleted as usize == instances.len();
            let twice = unique.len() < instances.len();
            if got.instances_deleted > expected.instances_deleted && (twice || !known) {
                rule!("delete.counts-what-was-there")
            } else {
                rule!("delete.counts")
            }
        }
        (Call::DeleteInstance { .. }, Reply::Deleted(expected), Reply::Deleted(got)) => {
            if got.instances_deleted < expected.instances_deleted {
                rule!("delete.cascade")
            } else {
                rule!("delete.counts")
            }
        }
        (Call::PruneExecutions { keep, .. }, Reply::Pruned(expected), Reply::Pruned(got)) => {
            prune(case, keep, expected, got)
        }
        (Call::PruneExecutionsBulk { query, .. }, Reply::Pruned(expected), Reply::Pruned(got)) => {
            prune_bulk(query, expected, got)
        }
        (Call::RenewSessionLock { .. }, Reply::Count(expected), Reply::Count(got)) => sessions(case, *expected, *got),
        (Call::CleanupOrphanedSessions { .. }, Reply::Count(expected), Reply::Count(got)) => {
            if got > expected {
                rule!("session.sweep-keeps")
            } else {
                rule!("session.sweep-removes")
            }
        }
        _ if part == Part::Value => rule!("error.refusal-changes-nothing"),
        _ => rule!("error.no-panic"),
    }
}

fn bulk(case: &Case<'_>, query: &InstanceQuery, expected: &DeleteCounts, got: &DeleteCounts) -> &'static Rule {
    if got.instances_deleted == expected.instances_deleted {
        return rule!("delete-bulk.counts");
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
        InstanceQuery { limit: Some(_), .. } if more => rule!("delete-bulk.limit"),
        InstanceQuery { instance_ids: Some(ids), .. } if more && ids.is_empty() => rule!("delete-bulk.given-names"),
        InstanceQuery { instance_ids: Some(_), completed_before: Some(_), .. } => rule!("delete-bulk.all-criteria"),
        InstanceQuery { completed_before: Some(_), .. } => rule!("delete-bulk.completed-before"),
        _ if more && names_child => rule!("delete-bulk.roots-only"),
        _ if more && children => rule!("delete-bulk.running-descendant-skipped"),
        _ if more && acked("ContinuedAsNew") => rule!("delete-bulk.continuing-skipped"),
        InstanceQuery { instance_ids: Some(_), .. } if more && !children => rule!("delete-bulk.given-names"),
        _ if children => rule!("delete-bulk.roots-only"),
        _ if more && expected.instances_deleted >= 1000 => rule!("delete-bulk.default-limit"),
        _ if more => rule!("delete-bulk.ended-only"),
        _ => rule!("delete-bulk.all-criteria"),
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

fn prune(case: &Case<'_>, keep: &KeepRule, expected: &PruneCounts, got: &PruneCounts) -> &'static Rule {
    if got.executions_deleted == expected.executions_deleted {
        return rule!("prune.counts");
    }
    let more = got.executions_deleted > expected.executions_deleted;
    let both = keep.completed_before.is_some() && keep.keep_last.is_some_and(|keep| keep > 1);
    let running = case.past.calls().any(|seen| match &*seen.call {
        Call::AckOrchestrationItem(ack) => ack.metadata.status.is_none() && seen.reply == Some(Reply::Done),
        _ => false,
    });
    match keep {
        _ if both => rule!("prune.all-criteria"),
        KeepRule { completed_before: Some(_), .. } => rule!("prune.completed-before"),
        KeepRule { keep_last: Some(2..), .. } => rule!("prune.keep-last"),
        _ if more && running => rule!("prune.running-kept"),
        _ if more => rule!("prune.current-kept"),
        _ => rule!("prune.keep-last"),
    }
}

fn prune_bulk(query: &InstanceQuery, expected: &PruneCounts, got: &PruneCounts) -> &'static Rule {
    if got.instances_processed != expected.instances_processed {
        let more = got.instances_processed > expected.instances_processed;
        return match query {
            InstanceQuery { limit: Some(_), .. } if more => rule!("prune-bulk.limit"),
            InstanceQuery { limit: None, .. } if more && expected.instances_processed >= 1000 => {
                rule!("prune-bulk.limit")
            }
            InstanceQuery { instance_ids: None, completed_before: None, .. } if !more => {
                rule!("prune-bulk.running-instances-too")
            }
            _ => rule!("prune-bulk.criteria"),
        };
    }
    if got.executions_deleted == expected.executions_deleted {
        return rule!("prune-bulk.counts");
    }
    rule!("prune-bulk.same-options")
}

fn sessions(case: &Case<'_>, expected: usize, got: usize) -> &'static Rule {
    let Call::RenewSessionLock { idle_for, owners, .. } = case.call() else { return rule!("session.renew-counts") };
    let claim = case.past.jobs().find_map(|(number, seen, job)| match &*seen.call {
        Call::FetchWorkItem { session: Some(claim), .. } if duroxide_sim::call::is_of_session(&job.item) => {
            Some((number, seen.at, claim))
        }
        _ => None,
    });
    let Some((number, at, claim)) = claim else { return rule!("session.renew-counts") };
    let claims = case.past.jobs().filter(|(.., job)| duroxide_sim::call::is_of_session(&job.item)).count();
    let used = case.past.0[number + 1..].iter().rev().find(|seen| {
        matches!(&*seen.call, Call::AckWorkItem { .. } | Call::RenewWorkItemLock { .. })
            && seen.reply == Some(Reply::Done)
    });
    if got > expected {
        let ended = at + claim.lock_for <= case.last.at;
        let idle = at + *idle_for <= case.last.at;
        return match (owners.contains(&claim.owner), used.map(|seen| &*seen.call)) {
            (false, _) => rule!("session.renew-counts"),
            (true, Some(_)) if ended => rule!("session.ended-is-not-revived"),
            _ if ended => rule!("session.renew-skips-ended"),
            _ if idle => rule!("session.renew-skips-idle"),
            _ => rule!("session.renew-counts"),
        };
    }
    match used.map(|seen| &*seen.call) {
        Some(Call::AckWorkItem { .. }) => rule!("session.ack-is-activity"),
        Some(_) => rule!("session.renewal-is-activity"),
        // Either a claim that does not count, or one that does not count as
        // use.
        None if at < case.last.at || claims > 1 => rule!("session.fetch-is-activity"),
        None if owners.first() == Some(&claim.owner) => rule!("session.claimed-by-fetch"),
        None => rule!("session.renew-counts"),
    }
}
