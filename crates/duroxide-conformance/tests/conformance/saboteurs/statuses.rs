//! Saboteurs of the custom status.

use duroxide::EventKind;
use duroxide_sim::call::{Call, Class, Reply};
use duroxide_sim::clock::Time;

use super::bench::refuse;
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "the first status is lost", rule: "status.set", trick: first_lost },
    Saboteur { name: "COALESCE(NULL, status)", rule: "status.cleared", trick: never_cleared },
    Saboteur { name: "the first event wins", rule: "status.last-wins", trick: first_wins },
    Saboteur { name: "no event, no status", rule: "status.none-keeps", trick: none_clears },
    Saboteur { name: "the version is a flag", rule: "status.version-rises", trick: version_is_flag },
    Saboteur { name: "version >= last seen", rule: "status.newer-returned", trick: same_version_returned },
    Saboteur { name: "no row, an error", rule: "status.fresh-is-nothing", trick: no_row_no_status },
    Saboteur { name: "a status for each execution", rule: "status.of-the-instance", trick: status_of_execution },
];

/// The custom statuses that an accepted ack sets, and for which instance.
fn updates(bench: &Bench, call: &Call, reply: &Reply) -> Option<(String, u64, Vec<Option<String>>)> {
    let (Call::AckOrchestrationItem(ack), Reply::Done) = (call, reply) else { return None };
    let all = ack.history.iter().filter_map(|event| match &event.kind {
        EventKind::CustomStatusUpdated { status } => Some(status.clone()),
        _ => None,
    });
    Some((bench.instance_of(call)?, ack.execution, all.collect()))
}

/// Changes what is said of the status of an instance.
fn said(call: &Call, mut reply: Reply, change: impl FnOnce(&str, &mut Option<String>, &mut u64)) -> Reply {
    if let (Call::GetCustomStatus { instance, .. }, Reply::CustomStatus(Some((status, version)))) = (call, &mut reply) {
        change(instance, status, version);
    }
    reply
}

fn first_lost(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    said(call, bench.ask(now, call), |_, status, version| {
        if *version == 1 {
            *status = None;
        }
    })
}

fn never_cleared(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    if let Some((name, _, all)) = updates(bench, call, &reply) {
        let last = all.into_iter().rev().flatten().next();
        last.into_iter().for_each(|status| drop(bench.texts.insert(name.clone(), status)));
    }
    said(call, reply, |name, status, _| *status = status.take().or_else(|| bench.texts.get(name).cloned()))
}

fn first_wins(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    if let Some((name, _, all)) = updates(bench, call, &reply) {
        match all.first() {
            Some(Some(first)) => drop(bench.texts.insert(name, first.clone())),
            Some(None) => drop(bench.texts.remove(&name)),
            None => {}
        }
    }
    said(call, reply, |name, status, _| *status = bench.texts.get(name).cloned())
}

fn none_clears(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    if let Some((name, _, all)) = updates(bench, call, &reply) {
        if all.is_empty() {
            bench.notes.insert(name);
        } else {
            bench.notes.remove(&name);
        }
    }
    said(call, reply, |name, status, _| {
        if bench.notes.contains(name) {
            *status = None;
        }
    })
}

fn version_is_flag(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    said(call, bench.ask(now, call), |_, _, version| *version = 1)
}

fn same_version_returned(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::GetCustomStatus { last_seen_version, .. } = call {
            *last_seen_version = last_seen_version.saturating_sub(1);
        }
    })
}

fn no_row_no_status(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::GetCustomStatus { instance, .. } if !bench.is_started(instance) => refuse(Class::NotFound, call),
        _ => bench.ask(now, call),
    }
}

fn status_of_execution(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    if let Some((name, execution, all)) = updates(bench, call, &reply) {
        let set = bench.marks.get(&name).copied();
        if !all.is_empty() {
            bench.marks.insert(name.clone(), execution);
            bench.notes.remove(&name);
        } else if set.is_some_and(|set| set != execution) {
            bench.notes.insert(name);
        }
    }
    match call {
        Call::GetCustomStatus { instance, .. } if bench.notes.contains(instance) => Reply::CustomStatus(None),
        _ => reply,
    }
}

#[test]
fn saboteurs_of_statuses_are_caught() {
    super::hunt::catch_all("statuses", ALL);
}
