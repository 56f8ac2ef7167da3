//! What unfinished instances wait for, read from their histories and queues.

use std::collections::BTreeSet;

use duroxide::EventKind;
use duroxide::providers::WorkItem;

use crate::call::Event;
use crate::clock::Time;
use crate::provider::Memory;
use crate::trace::{Span, describe_event, describe_item};

/// How many instances are told of one by one.
const MOST: usize = 20;

/// A sentence for each instance that has not ended.
pub(super) fn unfinished(memory: &Memory, start: Time) -> Vec<String> {
    let names = memory.inspect(|store| store.unfinished());
    if names.is_empty() {
        return vec!["none: every instance that was started has ended.".to_owned()];
    }
    let mut lines: Vec<String> = names.iter().take(MOST).map(|name| one(memory, name, start)).collect();
    if names.len() > MOST {
        lines.push(format!("and {} more instances.", names.len() - MOST));
    }
    lines
}

fn one(memory: &Memory, name: &str, start: Time) -> String {
    let executions = memory.inspect(|store| store.executions_of(name));
    let mut waits: Vec<String> = match executions.last() {
        Some((_, _, _, events)) => open(events).into_iter().map(|event| wait(event, start)).collect(),
        None => vec!["its start".to_owned()],
    };
    let messages = memory.inspect(|store| {
        // A timer's message says no more than the timer in the history.
        let all = store.messages_of(name).into_iter();
        let all = all.filter(|(item, ..)| !matches!(item, WorkItem::TimerFired { .. }));
        all.map(|(item, at, attempts)| message(describe_item(item), at, attempts, start)).collect::<Vec<_>>()
    });
    waits.extend(messages);
    let waits = if waits.is_empty() { "nothing that its history shows".to_owned() } else { waits.join("; ") };
    format!("{name} waits for {waits}.")
}

/// The scheduled things of a history that have no outcome in it.
fn open(events: &[Event]) -> Vec<&Event> {
    let closed: BTreeSet<u64> = events.iter().filter_map(|event| event.source_event_id).collect();
    let delivered = |wanted: &str, positional: bool| {
        let matches = |event: &&Event| match &event.kind {
            EventKind::ExternalEvent { name, .. } => positional && name == wanted,
            EventKind::QueueEventDelivered { name, .. } => !positional && name == wanted,
            _ => false,
        };
        events.iter().filter(matches).count()
    };
    let mut counted = std::collections::BTreeMap::<(String, bool), usize>::new();
    let mut waits = |event: &&Event| match &event.kind {
        EventKind::ActivityScheduled { .. }
        | EventKind::TimerCreated { .. }
        | EventKind::SubOrchestrationScheduled { .. } => !closed.contains(&event.event_id),
        EventKind::ExternalSubscribed { name } | EventKind::QueueSubscribed { name } => {
            let positional = matches!(event.kind, EventKind::ExternalSubscribed { .. });
            let nth = counted.entry((name.clone(), positional)).or_default();
            if closed.contains(&event.event_id) {
                return false; // Cancelled.
            }
            *nth += 1;
            *nth > delivered(name, positional)
        }
        _ => false,
    };
    events.iter().filter(|event| waits(event)).collect()
}

fn wait(event: &Event, start: Time) -> String {
    let since = Span(Time(event.timestamp_ms) - start);
    format!("{} (event {}, since +{since})", describe_event(event), event.event_id)
}

fn message(item: String, at: Time, attempts: u32, start: Time) -> String {
    let when = if at == Time::MAX { "never".to_owned() } else { format!("from +{}", Span(at - start)) };
    format!("its message {item} to be taken (fetched {attempts} times, visible {when})")
}
