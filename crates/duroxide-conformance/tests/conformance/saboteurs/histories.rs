//! Saboteurs of reading histories, of appending to them, and of their numbers.

use std::sync::Arc;

use duroxide_sim::call::{Call, Class, Event, Reply};
use duroxide_sim::clock::Time;

use super::bench::{class, refuse};
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "a read forgets the execution", rule: "read.latest-execution", trick: all_executions },
    Saboteur { name: "the given execution is not heeded", rule: "read.given-execution", trick: given_ignored },
    Saboteur { name: "events lose their time", rule: "read.complete", trick: times_lost },
    Saboteur { name: "events are read backwards", rule: "read.in-order", trick: backwards },
    Saboteur { name: "reading nothing is an error", rule: "read.unknown-is-empty", trick: unknown_refused },
    Saboteur {
        name: "what cannot be read is left out",
        rule: "read.unreadable-is-an-error",
        trick: unreadable_left_out,
    },
    Saboteur { name: "status is taken when it is read", rule: "read.changes-nothing", trick: status_taken },
    Saboteur { name: "the first execution is the latest", rule: "read.latest-execution-id", trick: first_is_latest },
    Saboteur { name: "appends go to the first execution", rule: "append.stored", trick: append_misplaced },
    Saboteur { name: "appends replace", rule: "append.never-overwrites", trick: append_replaces },
    Saboteur { name: "nobody has zero events", rule: "stats.unknown-is-nothing", trick: zero_stats },
    Saboteur { name: "stats count all executions", rule: "stats.event-count", trick: stats_of_all },
    Saboteur { name: "histories have no size", rule: "stats.history-size", trick: no_size },
    Saboteur { name: "pending messages are those in the queue", rule: "stats.pending-count", trick: queue_is_pending },
    Saboteur { name: "empty values are not counted", rule: "stats.key-count", trick: empty_not_counted },
    Saboteur { name: "values are counted in characters", rule: "stats.value-bytes", trick: characters },
];

fn is_history(call: &Call) -> bool {
    matches!(
        call,
        Call::Read { .. }
            | Call::ReadHistory { .. }
            | Call::ReadWithExecution { .. }
            | Call::ReadHistoryWithExecutionId { .. }
    )
}

/// Changes the events that a read has returned.
fn with_events(call: &Call, mut reply: Reply, change: impl FnOnce(&mut Vec<Event>)) -> Reply {
    if let (true, Reply::Events(events)) = (is_history(call), &mut reply) {
        change(events);
    }
    reply
}

fn all_executions(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match call {
        Call::Read { instance } | Call::ReadHistory { instance } => with_events(call, reply, |events| {
            *events = bench.store.executions_of(instance).into_iter().flat_map(|execution| execution.3).collect();
        }),
        _ => reply,
    }
}

fn given_ignored(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::ReadWithExecution { instance, .. } | Call::ReadHistoryWithExecutionId { instance, .. } => {
            bench.ask(now, &Call::Read { instance: instance.clone() })
        }
        _ => bench.ask(now, call),
    }
}

fn times_lost(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_events(call, bench.ask(now, call), |events| {
        events.iter_mut().for_each(|event| Arc::make_mut(event).timestamp_ms = 0);
    })
}

fn backwards(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_events(call, bench.ask(now, call), |events| events.reverse())
}

fn unknown_refused(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let unknown = call.instance().is_some_and(|instance| bench.store.executions_of(instance).is_empty());
    match call {
        Call::Read { .. } | Call::ReadHistory { .. } if unknown => refuse(Class::NotFound, call),
        _ => bench.ask(now, call),
    }
}

fn unreadable_left_out(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    if is_history(call) && class(&reply) == Some(Class::Corrupt) { Reply::Events(Vec::new()) } else { reply }
}

fn status_taken(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match call {
        Call::GetCustomStatus { instance, .. } if matches!(reply, Reply::CustomStatus(Some(_))) => {
            if bench.notes.insert(instance.clone()) { reply } else { Reply::CustomStatus(None) }
        }
        call if call.is_read() => reply,
        _ => {
            bench.notes.clear();
            reply
        }
    }
}

fn first_is_latest(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match (call, bench.ask(now, call)) {
        (Call::LatestExecutionId { .. }, Reply::Number(_)) => Reply::Number(1),
        (_, reply) => reply,
    }
}

fn append_misplaced(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::AppendWithExecution { execution, .. } = call {
            *execution = 1;
        }
    })
}

/// `ON CONFLICT DO UPDATE`.
fn append_replaces(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    if matches!(call, Call::AppendWithExecution { .. }) && class(&reply) == Some(Class::DuplicateEvent) {
        bench.calls.push(call.clone());
        return Reply::Done;
    }
    let instance = call.instance().unwrap_or_default().to_owned();
    with_events(call, reply, |events| {
        for event in events {
            let newer = bench.calls.iter().rev().find_map(|call| match call {
                Call::AppendWithExecution { instance: of, execution, events } if *of == instance => {
                    events.iter().find(|other| other.event_id == event.event_id && *execution == event.execution_id)
                }
                _ => None,
            });
            newer.into_iter().for_each(|newer| event.clone_from(newer));
        }
    })
}

fn zero_stats(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match bench.ask(now, call) {
        Reply::Stats(None) => Reply::Stats(Some(duroxide::SystemStats {
            history_event_count: 0,
            history_size_bytes: 0,
            queue_pending_count: 0,
            kv_user_key_count: 0,
            kv_total_value_bytes: 0,
        })),
        reply => reply,
    }
}

/// Changes the numbers of an instance.
fn with_stats(
    bench: &mut Bench,
    now: Time,
    call: &Call,
    change: impl FnOnce(&mut Bench, &str, &mut duroxide::SystemStats),
) -> Reply {
    let mut reply = bench.ask(now, call);
    if let (Some(instance), Reply::Stats(Some(stats))) = (call.instance(), &mut reply) {
        change(bench, instance, stats);
    }
    reply
}

fn stats_of_all(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_stats(bench, now, call, |bench, instance, stats| {
        stats.history_event_count = bench.events_of(instance) as u64;
    })
}

fn no_size(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_stats(bench, now, call, |_, _, stats| stats.history_size_bytes = 0)
}

fn queue_is_pending(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_stats(bench, now, call, |bench, instance, stats| {
        stats.queue_pending_count = bench.store.messages_of(instance).len() as u64;
    })
}

fn values_of(bench: &mut Bench, now: Time, instance: &str) -> Vec<String> {
    match bench.ask(now, &Call::GetKvAllValues { instance: instance.to_owned() }) {
        Reply::Values(values) => values.into_values().collect(),
        _ => Vec::new(),
    }
}

fn empty_not_counted(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_stats(bench, now, call, |bench, instance, stats| {
        let values = values_of(bench, now, instance);
        stats.kv_user_key_count = values.iter().filter(|value| !value.is_empty()).count() as u64;
    })
}

fn characters(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_stats(bench, now, call, |bench, instance, stats| {
        let values = values_of(bench, now, instance);
        stats.kv_total_value_bytes = values.iter().map(|value| value.chars().count() as u64).sum();
    })
}

#[test]
fn saboteurs_of_histories_are_caught() {
    super::hunt::catch_all("histories", ALL);
}
