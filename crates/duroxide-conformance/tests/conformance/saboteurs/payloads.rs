//! Saboteurs of what is stored: texts, numbers, many of something.

use std::sync::Arc;

use duroxide::providers::WorkItem;
use duroxide_sim::call::{Call, Class, Reply};
use duroxide_sim::clock::Time;
use serde_json::Value;

use super::bench::{refuse, with_turn};
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "an empty text is NULL", rule: "payload.empty", trick: empty_is_null },
    Saboteur { name: "texts in ASCII", rule: "payload.unicode", trick: |b, n, c| spoiled(b, n, c, ascii) },
    Saboteur { name: "quotes are doubled", rule: "payload.quotes", trick: |b, n, c| spoiled(b, n, c, doubled_quotes) },
    Saboteur { name: "texts end at NUL", rule: "payload.nul", trick: |b, n, c| spoiled(b, n, c, cut_at_nul) },
    Saboteur { name: "VARCHAR(2000)", rule: "payload.long", trick: |b, n, c| spoiled(b, n, c, cut_long) },
    Saboteur { name: "a hundred rows to an INSERT", rule: "payload.many", trick: a_hundred_rows },
    Saboteur { name: "numbers are doubles", rule: "payload.numbers-exact", trick: numbers_are_doubles },
    Saboteur { name: "BIGINT out of range", rule: "payload.numbers-accepted", trick: bigint_refuses },
    Saboteur { name: "taken, and never read again", rule: "payload.accepted-is-usable", trick: fetch_chokes },
    Saboteur { name: "queue messages are events", rule: "payload.every-variant", trick: mail_is_external },
];

fn empty_is_null(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_ack(now, call, |ack| {
        ack.metadata.output = ack.metadata.output.take().filter(|output| !output.is_empty());
    })
}

/// Stores the texts of messages as `spoil` leaves them.
fn spoiled(bench: &mut Bench, now: Time, call: &Call, spoil: fn(&str) -> String) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::EnqueueForOrchestrator { item, .. } = call {
            match Arc::make_mut(item) {
                WorkItem::StartOrchestration { input: text, .. }
                | WorkItem::ExternalRaised { data: text, .. }
                | WorkItem::QueueMessage { data: text, .. }
                | WorkItem::CancelInstance { reason: text, .. }
                | WorkItem::ActivityCompleted { result: text, .. } => *text = spoil(text),
                _ => {}
            }
        }
    })
}

fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
}

fn doubled_quotes(text: &str) -> String {
    text.replace('\'', "''")
}

fn cut_at_nul(text: &str) -> String {
    text.split('\0').next().unwrap_or_default().to_owned()
}

fn cut_long(text: &str) -> String {
    text.chars().take(2000).collect()
}

fn a_hundred_rows(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_ack(now, call, |ack| ack.messages.truncate(100))
}

fn walk(value: &mut Value, change: &dyn Fn(u64) -> u64) {
    match value {
        Value::Number(number) => {
            if let Some(n) = number.as_u64() {
                *number = change(n).into();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| walk(value, change)),
        Value::Object(fields) => fields.values_mut().for_each(|value| walk(value, change)),
        _ => {}
    }
}

fn numbers_are_doubles(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::EnqueueForOrchestrator { item, .. } = call
            && let Ok(mut value) = serde_json::to_value(&**item)
        {
            walk(&mut value, &|n| n as f64 as u64);
            *item = serde_json::from_value(value).map_or_else(|_| item.clone(), Arc::new);
        }
    })
}

/// Whether something in a message is no signed number.
fn is_huge(item: &WorkItem) -> bool {
    let huge = std::cell::Cell::new(false);
    if let Ok(mut value) = serde_json::to_value(item) {
        walk(&mut value, &|n| {
            huge.set(huge.get() || n > i64::MAX as u64);
            n
        });
    }
    huge.get()
}

fn bigint_refuses(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::EnqueueForOrchestrator { item, .. } if is_huge(item) => refuse(Class::Invalid, call),
        _ => bench.ask(now, call),
    }
}

fn fetch_chokes(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match bench.ask(now, call) {
        Reply::Turn(Some(turn)) if turn.messages.iter().any(|item| is_huge(item)) => refuse(Class::Invalid, call),
        reply => reply,
    }
}

fn mail_is_external(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_turn(bench.ask(now, call), |turn| {
        for item in &mut turn.messages {
            if let WorkItem::QueueMessage { instance, name, data } = &**item {
                let (instance, name, data) = (instance.clone(), name.clone(), data.clone());
                *item = Arc::new(WorkItem::ExternalRaised { instance, name, data });
            }
        }
    })
}

#[test]
fn saboteurs_of_payloads_are_caught() {
    super::hunt::catch_all("payloads", ALL);
}
