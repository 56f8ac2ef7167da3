//! Saboteurs of fetching turns.

use std::time::Duration;

use duroxide::providers::WorkItem;
use duroxide_sim::call::{Call, Class, Refusal, Reply, Turn, is_start};
use duroxide_sim::clock::Time;
use duroxide_sim::store::{Choice, Ineligible, Pick};

use super::bench::{class, empty_ack, fetch, just_before, refuse, with_turn};
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "the instance is not locked", rule: "turn.exclusive", trick: lock_ignored },
    Saboteur { name: "one lock for all", rule: "turn.other-instances-free", trick: one_lock_for_all },
    Saboteur { name: "the batch takes what is not due", rule: "turn.visible", trick: batch_takes_all },
    Saboteur { name: "visible_at < now", rule: "turn.prompt", trick: visible_a_moment_late },
    Saboteur { name: "locked_until < now", rule: "turn.lock-ends-at", trick: lock_a_moment_too_long },
    Saboteur { name: "fetching deletes", rule: "turn.lock-expiry-redelivers", trick: fetching_deletes },
    Saboteur { name: "LIMIT 1 message", rule: "turn.whole-batch", trick: one_message },
    Saboteur { name: "messages without WHERE instance", rule: "turn.one-instance", trick: all_messages },
    Saboteur { name: "messages by their text", rule: "turn.batch-order", trick: messages_by_text },
    Saboteur { name: "initial status forgotten", rule: "turn.messages-unchanged", trick: initial_status_forgotten },
    Saboteur { name: "history of all executions", rule: "turn.history-current-execution", trick: whole_history },
    Saboteur { name: "history LIMIT 3", rule: "turn.history-complete", trick: three_events },
    Saboteur { name: "events come out backwards", rule: "turn.history-order", trick: history_backwards },
    Saboteur { name: "source event forgotten", rule: "turn.history-unchanged", trick: source_event_forgotten },
    Saboteur { name: "name of the message first", rule: "turn.identity-name", trick: name_of_message },
    Saboteur { name: "version of the message first", rule: "turn.identity-version", trick: version_of_message },
    Saboteur { name: "continuations count executions", rule: "turn.execution-id", trick: continuations_count },
    Saboteur { name: "snapshot with the delta", rule: "turn.kv-snapshot", trick: snapshot_with_delta },
    Saboteur { name: "values dated by the fetch", rule: "turn.kv-snapshot-times", trick: values_dated_now },
    Saboteur { name: "attempts are not counted", rule: "turn.attempts-rise", trick: attempts_stand_still },
    Saboteur { name: "attempts for each instance", rule: "turn.attempts-are-per-message", trick: attempts_of_instance },
    Saboteur { name: "token is the instance", rule: "turn.token-unique", trick: token_is_instance },
    Saboteur { name: "early messages dropped", rule: "turn.early-message-kept", trick: early_dropped },
    Saboteur { name: "messages without a start", rule: "turn.no-delivery-before-start", trick: no_start_needed },
    Saboteur { name: "orphans kept", rule: "turn.orphan-queue-message-dropped", trick: orphans_kept },
    Saboteur {
        name: "orphans kept in company",
        rule: "turn.orphan-queue-message-beside-others",
        trick: orphans_kept_in_company,
    },
    Saboteur { name: "new ones have no mail", rule: "turn.queue-message-kept", trick: mail_needs_history },
    Saboteur { name: "busy after the lock", rule: "turn.no-lock-on-error", trick: busy_after_lock },
    Saboteur { name: "fetch fails on bad history", rule: "turn.history-error-returned", trick: bad_history_fails },
    Saboteur { name: "bad history is an empty one", rule: "turn.history-error-returned", trick: bad_history_is_empty },
    Saboteur { name: "bad history is not counted", rule: "turn.history-error-attempts", trick: bad_history_uncounted },
];

fn is_fetch(call: &Call) -> bool {
    matches!(call, Call::FetchOrchestrationItem { .. })
}

fn lock_ignored(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    let Some(held) = bench.live(now).cloned() else { return reply };
    if !is_fetch(call) || reply != Reply::Turn(None) {
        return reply;
    }
    bench.ask(now, &Call::AbandonOrchestrationItem { token: held.turn.token, delay: None, ignore_attempt: true });
    bench.ask(now, call)
}

fn one_lock_for_all(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if is_fetch(call) && bench.live(now).is_some() { Reply::Turn(None) } else { bench.ask(now, call) }
}

fn batch_takes_all(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let later = bench.store.clone();
    with_turn(bench.ask(now, call), |turn| {
        let all = later.clone().apply(
            now + Duration::from_secs(3600),
            &fetch(Duration::ZERO),
            &Choice::new("all", Pick::Instance(turn.instance.clone())),
        );
        if let Reply::Turn(Some(all)) = all {
            turn.messages = all.messages;
        }
    })
}

fn visible_a_moment_late(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let early = is_fetch(call) && bench.peek(just_before(now), call, Pick::Oldest) == Reply::Turn(None);
    let locked = bench.held.values().any(|held| !held.released && held.until == now);
    if early && !locked { Reply::Turn(None) } else { bench.ask(now, call) }
}

fn lock_a_moment_too_long(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if !is_fetch(call) {
        return bench.ask(now, call);
    }
    let Call::FetchOrchestrationItem { versions, .. } = call else { return bench.ask(now, call) };
    bench.fetch_of(now, call, versions.as_deref(), |bench, name| {
        bench.store.bar_to_turn(just_before(now), name, None) != Some(Ineligible::Locked(now))
    })
}

fn fetching_deletes(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let held = bench.held.clone();
    let reply = bench.ask(now, call);
    match &reply {
        Reply::Turn(Some(turn)) if held.values().any(|h| !h.released && h.turn.instance == turn.instance) => {
            bench.ask(now, &Call::AckOrchestrationItem(Box::new(empty_ack(turn))));
            bench.held.values_mut().for_each(|held| held.released = true);
            bench.ask(now, call)
        }
        _ => reply,
    }
}

fn one_message(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_turn(bench.ask(now, call), |turn| turn.messages.truncate(1))
}

fn all_messages(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    let other = if is_fetch(call) { bench.peek(now, call, Pick::Oldest) } else { Reply::Done };
    with_turn(reply, |turn| {
        if let Reply::Turn(Some(other)) = other {
            turn.messages.extend(other.messages);
        }
    })
}

fn messages_by_text(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_turn(bench.ask(now, call), |turn| turn.messages.sort_by_key(|item| format!("{item:?}")))
}

fn initial_status_forgotten(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_turn(bench.ask(now, call), |turn| {
        for item in &mut turn.messages {
            if let WorkItem::ContinueAsNew { initial_custom_status, .. } = std::sync::Arc::make_mut(item) {
                *initial_custom_status = None;
            }
        }
    })
}

fn whole_history(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    let store = bench.store.clone();
    with_turn(reply, |turn| {
        let events = |execution| {
            let read = Call::ReadWithExecution { instance: turn.instance.clone(), execution };
            match store.clone().apply(now, &read, &Choice::new("", Pick::Nothing)) {
                Reply::Events(events) => events,
                _ => Vec::new(),
            }
        };
        if turn.execution < 50 {
            turn.history = (1..=turn.execution).flat_map(events).collect();
        }
    })
}

fn three_events(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_turn(bench.ask(now, call), |turn| turn.history.truncate(3))
}

fn history_backwards(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_turn(bench.ask(now, call), |turn| turn.history.reverse())
}

fn source_event_forgotten(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_turn(bench.ask(now, call), |turn| {
        turn.history.iter_mut().for_each(|event| std::sync::Arc::make_mut(event).source_event_id = None);
    })
}

/// What the last start in the batch says.
fn started(turn: &Turn) -> Option<(String, Option<String>)> {
    turn.messages.iter().rev().find_map(|item| match &**item {
        WorkItem::StartOrchestration { orchestration, version, .. } => Some((orchestration.clone(), version.clone())),
        _ => None,
    })
}

fn name_of_message(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_turn(bench.ask(now, call), |turn| {
        if let Some((name, _)) = started(turn) {
            turn.orchestration_name = name;
        }
    })
}

fn version_of_message(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_turn(bench.ask(now, call), |turn| {
        if let Some((_, Some(version))) = started(turn) {
            turn.version = version;
        }
    })
}

fn continuations_count(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_turn(bench.ask(now, call), |turn| {
        let continued = turn.messages.iter().filter(|item| matches!(***item, WorkItem::ContinueAsNew { .. }));
        turn.execution = turn.execution.saturating_add(continued.count() as u64);
    })
}

fn snapshot_with_delta(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    let store = bench.store.clone();
    with_turn(reply, |turn| {
        let read = Call::GetKvAllValues { instance: turn.instance.clone() };
        let Reply::Values(all) = store.clone().apply(now, &read, &Choice::new("", Pick::Nothing)) else { return };
        let entry = |value| duroxide_sim::call::KvEntry { value, last_updated_at_ms: 0 };
        all.into_iter().for_each(|(key, value)| {
            turn.kv_snapshot.entry(key).or_insert_with(|| entry(value));
        });
    })
}

fn values_dated_now(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_turn(bench.ask(now, call), |turn| {
        turn.kv_snapshot.values_mut().for_each(|entry| entry.last_updated_at_ms = now.0);
    })
}

fn attempts_stand_still(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_turn(bench.ask(now, call), |turn| turn.attempts = 1)
}

fn attempts_of_instance(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    let marks = &mut bench.marks;
    with_turn(reply, |turn| {
        let count = marks.entry(turn.instance.clone()).or_default();
        *count += 1;
        turn.attempts = *count as u32;
    })
}

fn token_is_instance(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let Call::FetchOrchestrationItem { versions, .. } = call else { return bench.ask(now, call) };
    let name = bench.store.eligible_turn(now, versions.as_deref()).unwrap_or_default().to_owned();
    bench.store.apply(now, call, &Choice::new(format!("lock-of-{name}"), Pick::Oldest))
}

fn early_dropped(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::EnqueueForOrchestrator { item, .. }
            if !duroxide_sim::call::is_job(item)
                && !is_start(item)
                && !bench.is_started(&duroxide_sim::call::instance_of(item)) =>
        {
            Reply::Done
        }
        _ => bench.ask(now, call),
    }
}

fn no_start_needed(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if let Call::EnqueueForOrchestrator { item, .. } = call {
        bench.notes.insert(duroxide_sim::call::instance_of(item).into_owned());
    }
    let reply = bench.ask(now, call);
    let orphan = |name: &&String| bench.store.bar_to_turn(now, name, None) == Some(Ineligible::NotStarted);
    let Some(name) = bench.notes.iter().find(orphan).cloned().filter(|_| is_fetch(call)) else { return reply };
    if reply != Reply::Turn(None) {
        return reply;
    }
    let mut store = bench.store.clone();
    let start = Call::EnqueueForOrchestrator { item: crate::start_item(&name, "Forced").into(), delay: None };
    store.apply(now, &start, &Choice::new("", Pick::Nothing));
    let reply = store.apply(now, &fetch(Duration::from_secs(1)), &Choice::new("forced", Pick::Instance(name)));
    with_turn(reply, |turn| turn.messages.retain(|item| !is_start(item)))
}

/// Messages that the right fetch drops come back when their instance starts.
fn orphans(bench: &mut Bench, now: Time, call: &Call, kept: fn(&Bench, &str) -> bool) -> Reply {
    let orphan = |call: &Call| match call {
        Call::EnqueueForOrchestrator { item, .. } => match &**item {
            WorkItem::QueueMessage { instance, .. } => Some(instance.clone()),
            _ => None,
        },
        _ => None,
    };
    let waiting = std::mem::take(&mut bench.calls);
    let reply = bench.ask(now, call);
    for call in waiting {
        let name = orphan(&call).unwrap_or_default();
        if !bench.is_started(&name) {
            bench.calls.push(call);
        } else if bench.notes.remove(&name) {
            bench.ask(now, &call);
        }
    }
    match (call, orphan(call)) {
        (_, Some(name)) if !bench.is_started(&name) => bench.calls.push(call.clone()),
        (Call::FetchOrchestrationItem { .. }, _) => {
            let names: Vec<String> = bench.calls.iter().filter_map(orphan).collect();
            let names: Vec<String> = names.into_iter().filter(|name| kept(bench, name)).collect();
            bench.notes.extend(names);
        }
        _ => {}
    }
    reply
}

fn orphans_kept(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    orphans(bench, now, call, |_, _| true)
}

fn orphans_kept_in_company(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    orphans(bench, now, call, |bench, name| {
        bench.store.bar_to_turn(Time::MAX, name, None) == Some(Ineligible::NotStarted)
    })
}

fn mail_needs_history(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_turn(bench.ask(now, call), |turn| {
        let mail = |item: &WorkItem| matches!(item, WorkItem::QueueMessage { .. });
        if turn.history.is_empty() && turn.messages.iter().any(|item| !mail(item)) {
            turn.messages.retain(|item| !mail(item));
        }
    })
}

fn busy_after_lock(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    bench.count += u64::from(matches!(reply, Reply::Turn(Some(_))));
    match reply {
        Reply::Turn(Some(_)) if bench.count == 1 => {
            Reply::Refused(Refusal::retryable(call.method().name(), "The database is busy."))
        }
        reply => reply,
    }
}

fn bad_history_fails(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match bench.ask(now, call) {
        Reply::Turn(Some(turn)) if turn.history_error.is_some() => refuse(Class::Corrupt, call),
        reply => reply,
    }
}

fn bad_history_is_empty(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_turn(bench.ask(now, call), |turn| turn.history_error = None)
}

fn bad_history_uncounted(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    debug_assert!(class(&reply) != Some(Class::Corrupt) || !is_fetch(call));
    with_turn(reply, |turn| {
        if turn.history_error.is_some() {
            turn.attempts = 1;
        }
    })
}

#[test]
fn saboteurs_of_turns_are_caught() {
    super::hunt::catch_all("turns", ALL);
}
