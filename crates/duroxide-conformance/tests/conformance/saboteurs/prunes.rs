//! Saboteurs of pruning.

use duroxide_sim::call::{Call, InstanceQuery, KeepRule, PruneCounts, Reply};
use duroxide_sim::clock::Time;

use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "an ended current execution is pruned", rule: "prune.current-kept", trick: current_pruned },
    Saboteur { name: "running executions are pruned", rule: "prune.running-kept", trick: running_pruned },
    Saboteur { name: "one execution too few is kept", rule: "prune.keep-last", trick: keeps_too_few },
    Saboteur { name: "what completed at the moment is pruned", rule: "prune.completed-before", trick: at_the_moment },
    Saboteur { name: "either criterion prunes", rule: "prune.all-criteria", trick: either },
    Saboteur { name: "pruning leaves the events", rule: "prune.removes-history", trick: events_stay },
    Saboteur { name: "pruning clears the status", rule: "prune.leaves-rest", trick: status_cleared },
    Saboteur { name: "pruning counts no events", rule: "prune.counts", trick: events_uncounted },
    Saboteur { name: "pruning nobody is fine", rule: "prune.unknown-refused", trick: nobody_pruned },
    Saboteur { name: "bulk pruning keeps one", rule: "prune-bulk.same-options", trick: bulk_keeps_one },
    Saboteur { name: "bulk pruning skips what runs", rule: "prune-bulk.running-instances-too", trick: bulk_skips },
    Saboteur { name: "bulk pruning of nobody is of all", rule: "prune-bulk.criteria", trick: nobody_is_all },
    Saboteur { name: "bulk pruning takes one too many", rule: "prune-bulk.limit", trick: one_too_many },
    Saboteur { name: "bulk pruning counts no events", rule: "prune-bulk.counts", trick: bulk_events_uncounted },
];

fn with_keep(bench: &mut Bench, now: Time, call: &Call, change: impl FnOnce(&mut KeepRule)) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::PruneExecutions { keep, .. } = call {
            change(keep);
        }
    })
}

fn with_query(bench: &mut Bench, now: Time, call: &Call, change: impl FnOnce(&mut InstanceQuery)) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::PruneExecutionsBulk { query, .. } = call {
            change(query);
        }
    })
}

/// Changes what one pruning, or one of many, says.
fn with_counts(mut reply: Reply, change: impl FnOnce(&mut PruneCounts)) -> Reply {
    if let Reply::Pruned(counts) = &mut reply {
        change(counts);
    }
    reply
}

fn current_pruned(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match call {
        Call::PruneExecutions { instance, keep } if keep.keep_last.is_none() && keep.completed_before.is_none() => {
            let ended = u64::from(bench.has_ended(now, instance));
            with_counts(reply, |counts| counts.executions_deleted += ended)
        }
        _ => reply,
    }
}

fn running_pruned(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match call {
        Call::PruneExecutions { instance, keep } if keep.keep_last.is_none() && keep.completed_before.is_none() => {
            let executions = bench.store.executions_of(instance);
            let old = executions.len().saturating_sub(1);
            let running = executions.iter().take(old).filter(|execution| execution.1 == "Running").count() as u64;
            with_counts(reply, |counts| counts.executions_deleted += running)
        }
        _ => reply,
    }
}

fn keeps_too_few(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_keep(bench, now, call, |keep| keep.keep_last = keep.keep_last.map(|keep| keep.saturating_sub(1)))
}

fn at_the_moment(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_keep(bench, now, call, |keep| {
        keep.completed_before = keep.completed_before.map(|before| before.saturating_add(1));
    })
}

fn either(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let Call::PruneExecutions { keep: KeepRule { keep_last: Some(_), completed_before: Some(_) }, .. } = call else {
        return bench.ask(now, call);
    };
    let first = with_keep(bench, now, call, |keep| keep.keep_last = None);
    let second = with_keep(bench, now, call, |keep| keep.completed_before = None);
    let Reply::Pruned(first) = first else { return first };
    with_counts(second, |counts| {
        counts.executions_deleted += first.executions_deleted;
        counts.events_deleted += first.events_deleted;
    })
}

fn events_stay(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if matches!(call, Call::PruneExecutions { .. }) {
        bench.shadow = Some(bench.store.clone());
    }
    match (call, bench.ask(now, call)) {
        (Call::ReadWithExecution { .. }, Reply::Events(events)) if events.is_empty() => {
            bench.ask_shadow(now, call).unwrap_or(Reply::Events(events))
        }
        (_, reply) => reply,
    }
}

fn status_cleared(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match (call, bench.ask(now, call)) {
        (Call::PruneExecutions { instance, .. }, reply) => {
            bench.notes.insert(instance.clone());
            reply
        }
        (Call::GetCustomStatus { instance, .. }, _) if bench.notes.contains(instance) => Reply::CustomStatus(None),
        (_, reply) => reply,
    }
}

fn events_uncounted(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match call {
        Call::PruneExecutions { .. } => with_counts(reply, |counts| counts.events_deleted = 0),
        _ => reply,
    }
}

fn nobody_pruned(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match (call, bench.ask(now, call)) {
        (Call::PruneExecutions { .. }, Reply::Refused(_)) => Reply::Pruned(PruneCounts::default()),
        (_, reply) => reply,
    }
}

fn bulk_keeps_one(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::PruneExecutionsBulk { keep, .. } = call {
            keep.keep_last = None;
        }
    })
}

fn bulk_skips(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let mut names = bench.names(now);
    names.retain(|name| bench.status_of(now, name).as_deref() != Some("Running"));
    with_query(bench, now, call, |query| {
        if query.instance_ids.is_none() && query.limit.is_none() {
            query.instance_ids = Some(names);
        }
    })
}

fn nobody_is_all(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_query(bench, now, call, |query| {
        query.instance_ids.take_if(|names| names.is_empty());
    })
}

fn one_too_many(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_query(bench, now, call, |query| query.limit = query.limit.map(|limit| limit.saturating_add(1)))
}

fn bulk_events_uncounted(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match call {
        Call::PruneExecutionsBulk { .. } => with_counts(reply, |counts| counts.events_deleted = 0),
        _ => reply,
    }
}

#[test]
fn saboteurs_of_pruning_are_caught() {
    super::hunt::catch_all("pruning", ALL);
}
