//! Saboteurs of deletions: of one tree, of a set, and in bulk.

use duroxide_sim::call::{Call, Class, DeleteCounts, InstanceQuery, Reply};
use duroxide_sim::clock::Time;

use super::bench::{class, refuse};
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "failed instances are not deleted", rule: "delete.ended-deleted", trick: failed_kept },
    Saboteur { name: "children may run", rule: "delete.running-refused", trick: children_may_run },
    Saboteur { name: "what continues as new is deleted", rule: "delete.continuing-refused", trick: continuing_deleted },
    Saboteur { name: "force does not count", rule: "delete.force", trick: no_force },
    Saboteur { name: "deleting nobody is fine", rule: "delete.unknown-refused", trick: nobody_deleted },
    Saboteur { name: "children are deleted by name", rule: "delete.child-refused", trick: child_deleted },
    Saboteur { name: "deleting takes the root alone", rule: "delete.cascade", trick: root_alone },
    Saboteur { name: "children are left behind", rule: "delete.child-left-refused", trick: child_left },
    Saboteur { name: "a deletion that is refused has begun", rule: "delete.refusals-leave-all", trick: half_done },
];

/// What a deletion leaves behind, and what it counts.
pub const TRACES: &[Saboteur] = &[
    Saboteur { name: "deleted instances are listed", rule: "delete.removes-record", trick: still_listed },
    Saboteur { name: "messages outlive their instance", rule: "delete.removes-messages", trick: messages_stay },
    Saboteur { name: "jobs outlive their instance", rule: "delete.removes-jobs", trick: jobs_stay },
    Saboteur { name: "values outlive their instance", rule: "delete.removes-values", trick: values_stay },
    Saboteur { name: "locks outlive their instance", rule: "delete.removes-lock", trick: lock_stays },
    Saboteur { name: "every status is cleared", rule: "delete.leaves-others", trick: others_cleared },
    Saboteur { name: "executions are counted on", rule: "delete.name-is-free", trick: counted_on },
    Saboteur { name: "deleted messages are not counted", rule: "delete.counts", trick: messages_uncounted },
    Saboteur { name: "names are counted", rule: "delete.counts-what-was-there", trick: names_counted },
];

pub const BULK: &[Saboteur] = &[
    Saboteur { name: "running roots go in bulk", rule: "delete-bulk.ended-only", trick: running_in_bulk },
    Saboteur {
        name: "what continues as new goes in bulk",
        rule: "delete-bulk.continuing-skipped",
        trick: continuing_in_bulk,
    },
    Saboteur {
        name: "running children go in bulk",
        rule: "delete-bulk.running-descendant-skipped",
        trick: descendants_in_bulk,
    },
    Saboteur { name: "named children go in bulk", rule: "delete-bulk.roots-only", trick: children_in_bulk },
    Saboteur { name: "deleting nobody is deleting all", rule: "delete-bulk.given-names", trick: nobody_is_all },
    Saboteur {
        name: "what completed at the moment goes in bulk",
        rule: "delete-bulk.completed-before",
        trick: at_the_moment,
    },
    Saboteur { name: "a name beats the time", rule: "delete-bulk.all-criteria", trick: names_alone },
    Saboteur { name: "bulk deletion takes one too many", rule: "delete-bulk.limit", trick: one_too_many },
    Saboteur { name: "bulk deletion counts no events", rule: "delete-bulk.counts", trick: events_uncounted },
    Saboteur { name: "bulk deletion leaves values", rule: "delete-bulk.deletes-whole", trick: bulk_leaves_values },
];

fn is_deletion(call: &Call) -> bool {
    matches!(call, Call::DeleteInstance { .. } | Call::DeleteInstancesAtomic { .. } | Call::DeleteInstanceBulk { .. })
}

/// The right answer, and which instances the call has taken.
fn ask_for_gone(bench: &mut Bench, now: Time, call: &Call) -> (Reply, Vec<String>) {
    if !is_deletion(call) {
        return (bench.ask(now, call), Vec::new());
    }
    let mut gone = bench.names(now);
    let reply = bench.ask(now, call);
    let left = bench.names(now);
    gone.retain(|name| !left.contains(name));
    (reply, gone)
}

fn with_counts(mut reply: Reply, change: impl FnOnce(&mut DeleteCounts)) -> Reply {
    if let Reply::Deleted(counts) = &mut reply {
        change(counts);
    }
    reply
}

fn forced(call: &Call, force: bool) -> Call {
    let mut call = call.clone();
    if let Call::DeleteInstance { force: own, .. } | Call::DeleteInstancesAtomic { force: own, .. } = &mut call {
        *own = force;
    }
    call
}

fn failed_kept(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::DeleteInstance { instance, force: false }
            if bench.status_of(now, instance).as_deref() == Some("Failed") =>
        {
            refuse(Class::StillRunning, call)
        }
        _ => bench.ask(now, call),
    }
}

fn children_may_run(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::DeleteInstance { instance, force: false } if bench.has_ended(now, instance) => {
            bench.ask(now, &forced(call, true))
        }
        _ => bench.ask(now, call),
    }
}

/// `status <> 'Running'`.
fn continuing_deleted(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::DeleteInstance { instance, force: false }
            if bench.status_of(now, instance).as_deref() == Some("ContinuedAsNew") =>
        {
            bench.ask(now, &forced(call, true))
        }
        _ => bench.ask(now, call),
    }
}

fn no_force(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask(now, &forced(call, false))
}

fn nobody_deleted(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match class(&reply) {
        Some(Class::NotFound) if matches!(call, Call::DeleteInstance { .. }) => Reply::Deleted(DeleteCounts::default()),
        _ => reply,
    }
}

fn child_deleted(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match call {
        Call::DeleteInstance { instance, force } if class(&reply) == Some(Class::SubOrchestration) => {
            let instances = bench.tree_of(now, instance);
            bench.ask(now, &Call::DeleteInstancesAtomic { instances, force: *force })
        }
        _ => reply,
    }
}

fn root_alone(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match call {
        Call::DeleteInstance { .. } => {
            with_counts(reply, |counts| counts.instances_deleted = counts.instances_deleted.min(1))
        }
        _ => reply,
    }
}

fn child_left(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match (call, class(&reply)) {
        (Call::DeleteInstancesAtomic { instances, .. }, Some(Class::ChildLeft)) => {
            Reply::Deleted(DeleteCounts { instances_deleted: instances.len() as u64, ..DeleteCounts::default() })
        }
        _ => reply,
    }
}

/// A loop of deletions without a transaction around it.
fn half_done(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    if let (Call::DeleteInstancesAtomic { instances, force }, Reply::Refused(_)) = (call, &reply) {
        for instance in instances {
            let one = Call::DeleteInstancesAtomic { instances: vec![instance.clone()], force: *force };
            if matches!(bench.ask(now, &one), Reply::Refused(_)) {
                break;
            }
        }
    }
    reply
}

fn still_listed(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let (reply, gone) = ask_for_gone(bench, now, call);
    bench.notes.extend(gone);
    match reply {
        Reply::Names(mut names) if *call == Call::ListInstances => {
            let more: Vec<String> = bench.notes.iter().filter(|name| !names.contains(name)).cloned().collect();
            names.extend(more);
            Reply::Names(names)
        }
        reply => reply,
    }
}

/// What a deletion takes and `keep` picks is put back.
fn puts_back(bench: &mut Bench, now: Time, call: &Call, keep: fn(&Bench, &str) -> Vec<Call>) -> Reply {
    if !is_deletion(call) {
        return bench.ask(now, call);
    }
    let kept: Vec<(String, Vec<Call>)> =
        bench.names(now).into_iter().map(|name| (name.clone(), keep(bench, &name))).collect();
    let (reply, gone) = ask_for_gone(bench, now, call);
    for call in kept.into_iter().filter(|(name, _)| gone.contains(name)).flat_map(|(_, calls)| calls) {
        bench.ask(now, &call);
    }
    reply
}

fn messages_stay(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    puts_back(bench, now, call, |bench, name| bench.waiting_for(name).0)
}

fn jobs_stay(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    puts_back(bench, now, call, |bench, name| bench.waiting_for(name).1)
}

fn stale_values(bench: &mut Bench, now: Time, call: &Call, takes: fn(&Call) -> bool) -> Reply {
    if takes(call) {
        bench.shadow = Some(bench.store.clone());
    }
    match (call, bench.ask(now, call)) {
        (Call::GetKvAllValues { instance }, Reply::Values(values))
            if values.is_empty() && bench.status_of(now, instance).is_none() =>
        {
            bench.ask_shadow(now, call).unwrap_or(Reply::Values(values))
        }
        (_, reply) => reply,
    }
}

fn values_stay(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    stale_values(bench, now, call, |call| {
        matches!(call, Call::DeleteInstance { .. } | Call::DeleteInstancesAtomic { .. })
    })
}

fn bulk_leaves_values(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    stale_values(bench, now, call, |call| matches!(call, Call::DeleteInstanceBulk { .. }))
}

fn lock_stays(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let held = call.token().and_then(|token| bench.held.get(token));
    let live = held.is_some_and(|held| !held.released && held.until > now);
    let reply = bench.ask(now, call);
    match call {
        Call::AckOrchestrationItem(_) if live && class(&reply) == Some(Class::LockLost) => Reply::Done,
        _ => reply,
    }
}

/// A deletion that forgets its condition in one of many tables.
fn others_cleared(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match (call, bench.ask(now, call)) {
        (call, reply @ Reply::Deleted(_)) if is_deletion(call) => {
            let left = bench.names(now);
            bench.notes.extend(left);
            reply
        }
        (Call::GetCustomStatus { instance, .. }, _) if bench.notes.contains(instance) => Reply::CustomStatus(None),
        (_, reply) => reply,
    }
}

fn counted_on(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let (mut reply, gone) = ask_for_gone(bench, now, call);
    bench.notes.extend(gone);
    if let Reply::Turn(Some(turn)) = &mut reply
        && bench.notes.contains(&turn.instance)
        && turn.history.is_empty()
    {
        turn.execution += 1;
    }
    reply
}

fn messages_uncounted(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_counts(bench.ask(now, call), |counts| counts.queue_messages_deleted = 0)
}

fn names_counted(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match call {
        Call::DeleteInstancesAtomic { instances, .. } => {
            with_counts(reply, |counts| counts.instances_deleted = instances.len() as u64)
        }
        _ => reply,
    }
}

fn with_query(bench: &mut Bench, now: Time, call: &Call, change: impl FnOnce(&mut InstanceQuery)) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::DeleteInstanceBulk { query } = call {
            change(query);
        }
    })
}

/// A bulk deletion that takes more: instances that its names allow and `also`
/// picks.
fn takes_more(bench: &mut Bench, now: Time, call: &Call, also: fn(&Bench, Time, &str) -> bool) -> Reply {
    let reply = bench.ask(now, call);
    let Call::DeleteInstanceBulk { query: InstanceQuery { instance_ids, completed_before: None, limit: None } } = call
    else {
        return reply;
    };
    let mut names = bench.names(now);
    names.retain(|name| instance_ids.as_ref().is_none_or(|ids| ids.contains(name)) && also(bench, now, name));
    let mut all = DeleteCounts::default();
    for name in names {
        let instances = bench.tree_of(now, &name);
        if let Reply::Deleted(one) = bench.ask(now, &Call::DeleteInstancesAtomic { instances, force: true }) {
            all.instances_deleted += one.instances_deleted;
            all.executions_deleted += one.executions_deleted;
            all.events_deleted += one.events_deleted;
            all.queue_messages_deleted += one.queue_messages_deleted;
        }
    }
    with_counts(reply, |counts| {
        counts.instances_deleted += all.instances_deleted;
        counts.executions_deleted += all.executions_deleted;
        counts.events_deleted += all.events_deleted;
        counts.queue_messages_deleted += all.queue_messages_deleted;
    })
}

fn is_root(bench: &Bench, now: Time, name: &str) -> bool {
    bench.parent_of(now, name).is_none()
}

fn running_in_bulk(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    takes_more(bench, now, call, |bench, now, name| {
        is_root(bench, now, name) && bench.status_of(now, name).as_deref() == Some("Running")
    })
}

fn continuing_in_bulk(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    takes_more(bench, now, call, |bench, now, name| {
        is_root(bench, now, name) && bench.status_of(now, name).as_deref() == Some("ContinuedAsNew")
    })
}

fn descendants_in_bulk(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    takes_more(bench, now, call, |bench, now, name| is_root(bench, now, name) && bench.has_ended(now, name))
}

fn children_in_bulk(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let named = matches!(call, Call::DeleteInstanceBulk { query } if query.instance_ids.is_some());
    if !named {
        return bench.ask(now, call);
    }
    takes_more(bench, now, call, |bench, now, name| {
        bench.tree_of(now, name).iter().all(|name| bench.has_ended(now, name))
    })
}

fn nobody_is_all(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_query(bench, now, call, |query| {
        query.instance_ids.take_if(|names| names.is_empty());
    })
}

fn at_the_moment(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_query(bench, now, call, |query| {
        query.completed_before = query.completed_before.map(|before| before.saturating_add(1));
    })
}

fn names_alone(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_query(bench, now, call, |query| {
        if query.instance_ids.is_some() {
            query.completed_before = None;
        }
    })
}

fn one_too_many(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_query(bench, now, call, |query| query.limit = query.limit.map(|limit| limit.saturating_add(1)))
}

fn events_uncounted(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match call {
        Call::DeleteInstanceBulk { .. } => with_counts(reply, |counts| counts.events_deleted = 0),
        _ => reply,
    }
}

#[test]
fn saboteurs_of_deletions_are_caught() {
    super::hunt::catch_all("deletions", ALL);
}

#[test]
fn saboteurs_of_bulk_deletions_are_caught() {
    super::hunt::catch_all("bulk-deletions", BULK);
}

#[test]
fn saboteurs_of_what_is_left_are_caught() {
    super::hunt::catch_all("traces", TRACES);
}
