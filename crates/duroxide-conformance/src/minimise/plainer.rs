//! Proposes simpler values, the simplest first. A proposal may be invalid:
//! candidates that are not steps are not tried.

use std::time::Duration;

use serde_json::{Value, json};

use super::names::is_name;
use super::path::{Key, Path};
use crate::script::{Step, Token};

/// Numbers at which storage often changes its behaviour.
const BOUNDARIES: [u64; 12] = [
    2,
    10,
    100,
    1000,
    i16::MAX as u64,
    u16::MAX as u64,
    1_000_000,
    i32::MAX as u64,
    u32::MAX as u64,
    1 << 53,
    i64::MAX as u64,
    i64::MAX as u64 + 1,
];

/// Durations that are easy to read.
const ROUND_SECONDS: [u64; 6] = [1, 10, 60, 3600, 86_400, 1_000_000];

/// The step without its optional parts.
pub(super) fn emptied(mut value: Value) -> Option<Step> {
    let before = value.clone();
    let call = value.get_mut("Call")?.get_mut("call")?;
    // A variant without fields is serialized as a string.
    let fields = call.as_object_mut()?.values_mut().next()?.as_object_mut()?;
    for (field, value) in fields.iter_mut() {
        match value {
            Value::Array(values) if field != "instances" => values.clear(),
            Value::Object(fields) if field == "metadata" => fields.values_mut().for_each(|value| *value = Value::Null),
            _ => {}
        }
    }
    if value == before { None } else { serde_json::from_value(value).ok() }
}

/// A value that a wait may depend on: a duration, or a time relative to the
/// script's start.
pub(super) fn span_of(path: &Path, value: &Value) -> Option<Duration> {
    match path.last() {
        Some(Key::Field(field)) if field == "fire_at_ms" => value.as_u64().map(Duration::from_millis),
        _ => duration_of(value),
    }
}

/// A duration as serde writes it.
pub(super) fn duration_of(value: &Value) -> Option<Duration> {
    let fields = value.as_object().filter(|fields| fields.len() == 2)?;
    let nanos = u32::try_from(fields.get("nanos")?.as_u64()?).ok()?;
    Some(Duration::new(fields.get("secs")?.as_u64()?, nanos))
}

/// The candidates to replace `old`, which is at `path` in a step.
pub(super) fn plainer(step: &Value, path: &Path, old: &Value) -> Vec<Value> {
    let field = path.iter().rev().find_map(|key| match key {
        Key::Field(field) => Some(field.as_str()),
        Key::At(_) => None,
    });
    let field = field.unwrap_or_default();
    let mut found = Vec::new();
    if !old.is_null() && path.len() > 1 {
        found.push(Value::Null);
    }
    if let Some(duration) = duration_of(old) {
        found.extend(durations(field, duration));
        return found;
    }
    match old {
        Value::Bool(true) => found.push(json!(false)),
        Value::Number(number) => {
            let relative = step.pointer("/Call/relative") == Some(&Value::Bool(true));
            let numbers = numbers(field, number.as_u64().unwrap_or(0), relative);
            found.extend(numbers.into_iter().map(|number| json!(number)));
        }
        Value::String(text) if !is_name(field) => found.extend(texts(field, text).into_iter().map(Value::String)),
        Value::Array(values) => found.extend(lists(values)),
        Value::Object(_) => found.extend(kinds(field, old)),
        _ => {}
    }
    found
}

fn durations(field: &str, old: Duration) -> Vec<Value> {
    let of = |duration: Duration| json!({ "secs": duration.as_secs(), "nanos": duration.subsec_nanos() });
    let mut found = Vec::new();
    let shorter = |duration: &Duration| *duration < old;
    let round = ROUND_SECONDS.into_iter().map(Duration::from_secs);
    match field {
        // For delays, the simplest value is none at all.
        "poll_for" | "delay" if old > Duration::from_secs(1) => found.push(Duration::ZERO),
        "poll_for" | "delay" if old > Duration::ZERO => return vec![of(Duration::ZERO)],
        "poll_for" | "delay" => return Vec::new(),
        _ if old == Duration::from_secs(1) => return Vec::new(),
        _ if old < Duration::from_secs(1) => return vec![of(Duration::from_secs(1))],
        _ => {}
    }
    found.extend(round.chain([Duration::from_millis(i64::MAX as u64)]).filter(shorter));
    let ms = u64::try_from(old.as_millis()).unwrap_or(u64::MAX);
    let below = found.last().map_or(0, |round| u64::try_from(round.as_millis()).unwrap_or(u64::MAX));
    found.extend(between(below, ms).into_iter().map(Duration::from_millis));
    found.into_iter().map(of).collect()
}

fn numbers(field: &str, old: u64, relative: bool) -> Vec<u64> {
    let plainest: u64 = match field {
        "execution" | "execution_id" if relative => 0,
        "execution" | "execution_id" | "event_id" => 1,
        _ => 0,
    };
    if old == plainest {
        return Vec::new();
    }
    if old <= 1 {
        return vec![plainest];
    }
    let mut found = vec![plainest];
    // No execution has the number 0.
    if relative || !matches!(field, "execution" | "execution_id") {
        found.push(1 - plainest);
    }
    found.extend(BOUNDARIES.into_iter().filter(|number| *number < old));
    let below = found.last().copied().unwrap_or(0).max(1);
    found.extend(between(below, old));
    found
}

/// Larger numbers are replaced only by boundaries: where exactly storage
/// overflows often depends on the current time.
const MOST_EXACT: u64 = 1 << 53;

/// Numbers from the middle of both up to the higher one, in ever smaller
/// distance from it.
fn between(low: u64, high: u64) -> Vec<u64> {
    let mut found = Vec::new();
    if high > MOST_EXACT {
        return found;
    }
    let mut gap = high.saturating_sub(low) / 2;
    while gap > 0 {
        found.push(high - gap);
        gap /= 2;
    }
    found
}

fn texts(field: &str, old: &str) -> Vec<String> {
    let options: Vec<String> = match field {
        "token" => tokens(old),
        "type" => Vec::new(),
        "status" if matches!(old, "Running" | "Completed" | "Failed" | "ContinuedAsNew") => Vec::new(),
        "status" => vec!["Completed".to_owned(), "Running".to_owned()],
        "version" | "orchestration_version" | "duroxide_version" | "pinned_duroxide_version" | "min" | "max" => {
            if matches!(old, "1.0.0" | "0.0.0") { Vec::new() } else { vec!["1.0.0".to_owned(), "0.0.0".to_owned()] }
        }
        // An optional value is not replaced by an empty one, which has another
        // meaning.
        "output" | "value" | "initial_custom_status" if old.is_empty() => Vec::new(),
        "name"
        | "orchestration"
        | "orchestration_name"
        | "owner"
        | "owners"
        | "key"
        | "tag"
        | "session_id"
        | "DefaultAnd"
        | "Tags"
        | "output"
        | "value"
        | "initial_custom_status" => {
            if old == "a" {
                Vec::new()
            } else {
                [vec!["a".to_owned()], shorter(old)].concat()
            }
        }
        _ if old.is_empty() => Vec::new(),
        _ if old == "a" => vec![String::new()],
        _ => [vec![String::new(), "a".to_owned()], shorter(old)].concat(),
    };
    options.into_iter().filter(|option| option != old).collect()
}

fn tokens(old: &str) -> Vec<String> {
    let forged = std::iter::once("forged".to_owned());
    match Token::parse(old) {
        Token::Fetched { back: 0, .. } => Vec::new(),
        Token::Fetched { queue, back } => forged.chain((0..back.min(8)).map(|back| queue.nth_last(back))).collect(),
        Token::Forged(_) => forged.collect(),
    }
}

/// Texts of the same length in plain letters, halves, and ever longer prefixes.
fn shorter(old: &str) -> Vec<String> {
    let letters: Vec<char> = old.chars().collect();
    let length = letters.len();
    let mut found = vec!["a".repeat(length)];
    if length > 1 {
        found.push(letters[..length / 2].iter().collect());
        found.push(letters[length / 2..].iter().collect());
        let most = u64::try_from(length).unwrap_or(u64::MAX);
        let longer = between(most / 2, most).into_iter().filter_map(|length| usize::try_from(length).ok());
        found.extend(longer.map(|length| letters[..length].iter().collect()));
    }
    found
}

fn lists(old: &[Value]) -> Vec<Value> {
    if old.is_empty() {
        return Vec::new();
    }
    let half = old.len() / 2;
    let mut found = vec![Vec::new()];
    if half > 0 {
        found.extend([old[half..].to_vec(), old[..half].to_vec()]);
    }
    if old.len() > 2 {
        // Last elements first: later ones depend on earlier ones.
        found.extend((0..old.len()).rev().map(|gone| {
            let left = old.iter().enumerate().filter(|(at, _)| *at != gone);
            left.map(|(_, value)| value.clone()).collect::<Vec<_>>()
        }));
    }
    found.into_iter().map(Value::Array).collect()
}

/// Other variants of a message, event or filter, if simpler ones exist.
fn kinds(field: &str, old: &Value) -> Vec<Value> {
    match field {
        "tags" => vec![json!("Any"), json!("DefaultOnly")],
        "messages" | "item" | "completion" => {
            let Some((kind, body)) = old.as_object().and_then(|fields| fields.iter().next()) else { return Vec::new() };
            let plain = ["ExternalRaised", "StartOrchestration", "CancelInstance", "ActivityExecute"];
            let instance = body.get("instance").or(body.get("parent_instance"));
            match instance {
                Some(instance) if !plain.contains(&kind.as_str()) => {
                    vec![json!({ "ExternalRaised": { "instance": instance, "name": "a", "data": "" } })]
                }
                _ => Vec::new(),
            }
        }
        "history" | "events" => {
            if old.get("type").is_none_or(|kind| kind == "ExternalSubscribed") {
                return Vec::new();
            }
            let kept = ["event_id", "instance_id", "execution_id", "timestamp_ms", "duroxide_version"];
            let mut event = json!({ "type": "ExternalSubscribed", "name": "a", "source_event_id": null });
            kept.iter().for_each(|field| event[*field] = old[*field].clone());
            vec![event]
        }
        _ => Vec::new(),
    }
}
