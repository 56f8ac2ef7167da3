//! Attributes altered values: unusual values in calls, and what was stored of
//! them.

use duroxide_sim::call::Call;
use serde::Serialize;
use serde_json::Value;

use crate::contract::{Rule, rule};

/// The rule about the most unusual value in `calls`, if there is one.
pub(super) fn odd<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Option<&'static Rule> {
    let mut worst = None;
    for call in calls {
        if let Ok(value) = serde_json::to_value(call) {
            walk(&value, &mut worst);
        }
    }
    worst.map(|(_, rule)| rule)
}

/// The rule about a value that was returned altered, if it is an unusual one.
pub(super) fn spoiled(expected: &impl Serialize, got: &impl Serialize) -> Option<&'static Rule> {
    differ(&serde_json::to_value(expected).ok()?, &serde_json::to_value(got).ok()?)
}

fn differ(expected: &Value, got: &Value) -> Option<&'static Rule> {
    match (expected, got) {
        (Value::String(text), Value::Null) if text.is_empty() => Some(rule!("payload.empty")),
        (Value::Null, Value::String(text)) if text.is_empty() => Some(rule!("payload.empty")),
        (Value::String(text), Value::String(other)) if text != other => {
            let mut worst = None;
            walk_text(text, &mut worst);
            // Part of it is missing, whatever the encoding.
            let cut = other.len() > 100 && text.starts_with(other.as_str());
            if cut { Some(rule!("payload.long")) } else { worst.map(|(_, rule)| rule) }
        }
        (Value::Number(a), Value::Number(b)) if a != b => {
            a.as_u64().filter(|a| *a > 1 << 31).map(|_| rule!("payload.numbers-exact"))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a.iter().zip(b).find_map(|(a, b)| differ(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            // Times are large numbers, and have rules of their own.
            let others = a.iter().filter(|(key, _)| !key.ends_with("_at"));
            others.filter_map(|(key, a)| Some((a, b.get(key)?))).find_map(|(a, b)| differ(a, b))
        }
        _ => None,
    }
}

type Worst = Option<(u8, &'static Rule)>;

fn raise(worst: &mut Worst, rank: u8, rule: &'static Rule) {
    if worst.is_none_or(|(known, _)| known < rank) {
        *worst = Some((rank, rule));
    }
}

fn walk(value: &Value, worst: &mut Worst) {
    match value {
        Value::String(text) => walk_text(text, worst),
        Value::Number(number) if number.as_u64().is_some_and(|n| n > i64::MAX as u64) => {
            raise(worst, 5, rule!("payload.numbers-accepted"));
        }
        Value::Number(number) if number.as_u64().is_some_and(|n| n > 1 << 53) => {
            raise(worst, 4, rule!("payload.numbers-exact"));
        }
        Value::Array(values) => values.iter().for_each(|value| walk(value, worst)),
        Value::Object(fields) => fields.values().for_each(|value| walk(value, worst)),
        _ => {}
    }
}

fn walk_text(text: &str, worst: &mut Worst) {
    if text.contains('\0') {
        raise(worst, 6, rule!("payload.nul"));
    } else if text.len() > 1000 {
        raise(worst, 3, rule!("payload.long"));
    } else if !text.is_ascii() {
        raise(worst, 2, rule!("payload.unicode"));
    } else if text.contains(['\'', '"', '\\', '%', '\n', ';', '{']) {
        raise(worst, 1, rule!("payload.quotes"));
    }
}
