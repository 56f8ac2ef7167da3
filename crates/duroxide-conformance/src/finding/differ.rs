//! Describes the differences between the expected and the actual answer.

use std::sync::Arc;

use duroxide_sim::call::{Event, Item, Reply, Turn};
use duroxide_sim::clock::Time;
use duroxide_sim::store::Ineligible;
use duroxide_sim::trace::describe_event;
use duroxide_sim::unstable::trace::{Tokens, answer, item_text, quote, words as trace_words};
use serde::Serialize;
use serde_json::Value;

use super::table::fields;
use crate::drive::{Deviation, Run};
use crate::mismatch::{Aspect, Field, NamesPart, Part};

/// The lines about the expected answer, and those about the actual one.
type Sides = (Vec<String>, Vec<String>);

/// Describes a deviation.
pub(super) fn words(run: &Run, deviation: &Deviation) -> Sides {
    let Some(observed) = run.observed.get(deviation.observed) else { return Sides::default() };
    let expected = &deviation.mismatch.expected;
    let whole = |reply: &Reply| reply_words(reply, &observed.call, run.base);
    let got = observed.reply.as_ref().map_or_else(|| "no answer".to_owned(), whole);
    let one = |expected: String, got: String| (vec![expected], vec![got]);
    match (&deviation.mismatch.aspect, expected, &observed.reply) {
        (Aspect::Part(part), expected, Some(reply)) => {
            let mut differences = Differences::default();
            differences.replies(expected, reply, *part, run.base);
            if differences.0.is_empty() {
                return one(whole(expected), got);
            }
            differences.0.into_iter().unzip()
        }
        (Aspect::Barred(bar), ..) => one(format!("nothing: {}", barred(bar, run.base)), got),
        (Aspect::Token, ..) => one("a token that no earlier fetch returned".to_owned(), got),
        (Aspect::Retryable, ..) => one("an error that is not retryable".to_owned(), format!("{got}, retryable")),
        (Aspect::Panicked, expected, _) => one(whole(expected), panicked(observed.panic.as_deref())),
        (Aspect::Hung, expected, _) => one(whole(expected), "no answer".to_owned()),
        (Aspect::Part(_) | Aspect::Accepted | Aspect::Refused | Aspect::Missed, expected, _) => {
            one(whole(expected), got)
        }
    }
}

fn panicked(said: Option<&str>) -> String {
    said.map_or_else(|| "a panic".to_owned(), |said| format!("a panic: {said}"))
}

fn barred(bar: &Ineligible, base: Time) -> String {
    let at = |time: &Time| match *time {
        Time::MAX => "forever".to_owned(),
        time if time < base => "until before the start".to_owned(),
        time => format!("until +{} ms", time.0 - base.0),
    };
    match bar {
        Ineligible::Absent => "it is not in the queue".to_owned(),
        Ineligible::Locked(until) => format!("it is locked {}", at(until)),
        Ineligible::Invisible(until) => format!("it is not visible {}", at(until)),
        Ineligible::NotStarted => "the instance was not started".to_owned(),
        Ineligible::Version => "the version filter excludes it".to_owned(),
        Ineligible::Tag => "the tag filter excludes it".to_owned(),
        Ineligible::Session => "its session belongs to another owner, or the fetch claims no session".to_owned(),
    }
}

/// A whole answer, without its token.
fn reply_words(reply: &Reply, call: &duroxide_sim::call::Call, base: Time) -> String {
    let list = |items: &[Item]| items.iter().map(|item| item_text(item, base)).collect::<Vec<_>>().join(", ");
    match reply {
        Reply::Done => "done".to_owned(),
        Reply::Turn(Some(turn)) => format!(
            "a turn of {}: execution {}, attempt {}, messages [{}]",
            turn.instance,
            turn.execution,
            turn.attempts,
            list(&turn.messages)
        ),
        Reply::Job(Some(job)) => format!("a job: {}, attempt {}", item_text(&job.item, base), job.attempts),
        Reply::Refused(refusal) => format!("an error: {}", refusal.message),
        Reply::Names(names) if names.is_empty() => "no names".to_owned(),
        Reply::Events(events) if events.is_empty() => "no events".to_owned(),
        other if fields(other).is_some() => fields(other).unwrap_or_default(),
        other => trace_words(call, &answer(other), &mut Tokens::default(), base).answered.unwrap_or_default(),
    }
}

/// Pairs of an expected and an actual value.
#[derive(Default)]
struct Differences(Vec<(String, String)>);

impl Differences {
    fn push(&mut self, expected: impl Into<String>, got: impl Into<String>) {
        self.0.push((expected.into(), got.into()));
    }

    fn replies(&mut self, expected: &Reply, got: &Reply, part: Part, base: Time) {
        match (expected, got) {
            (Reply::Turn(Some(expected)), Reply::Turn(Some(got))) => self.turns(expected, got, base),
            (Reply::Job(Some(expected)), Reply::Job(Some(got))) => {
                self.values("", &json(&expected.item), &json(&got.item));
                self.numbers("attempts", expected.attempts.into(), got.attempts.into());
            }
            (Reply::Events(expected), Reply::Events(got)) => self.histories(expected, got),
            (Reply::Names(expected), Reply::Names(got)) if part == NamesPart::Order.into() => {
                self.push(expected.join(", "), got.join(", "));
            }
            (Reply::Names(expected), Reply::Names(got)) => self.sets("", expected, got),
            (Reply::Tree(expected), Reply::Tree(got)) => {
                self.values("root_id", &json(&expected.root_id), &json(&got.root_id));
                self.sets("members", &expected.all_ids, &got.all_ids);
            }
            (Reply::Value(expected), Reply::Value(got)) => self.values("", &json(expected), &json(got)),
            (Reply::Values(expected), Reply::Values(got)) => self.values("key", &json(expected), &json(got)),
            (Reply::CustomStatus(Some(expected)), Reply::CustomStatus(Some(got))) => {
                self.values("custom status", &json(&expected.0), &json(&got.0));
                self.numbers("version", expected.1, got.1);
            }
            (Reply::Instance(_) | Reply::Execution(_) | Reply::Metrics(_) | Reply::QueueDepths(_), _)
            | (Reply::Deleted(_) | Reply::Pruned(_) | Reply::Stats(Some(_)), _) => self.fields(expected, got, part),
            _ => {}
        }
    }

    /// The fields of a plain answer. Other times than the deviating one are
    /// skipped: they need not follow the clock.
    fn fields(&mut self, expected: &Reply, got: &Reply, part: Part) {
        let body = |reply: &Reply| json(reply).as_object().and_then(|fields| fields.values().next().cloned());
        let (Some(Value::Object(expected)), Some(Value::Object(got))) = (body(expected), body(got)) else { return };
        let part = part.field().map(Field::name);
        for (field, expected) in expected {
            if (field.ends_with("_at") && Some(&*field) != part) || field == "timer_queue" {
                continue;
            }
            self.values(&field, &expected, got.get(&field).unwrap_or(&Value::Null));
        }
    }

    fn turns(&mut self, expected: &Turn, got: &Turn, base: Time) {
        self.values("instance", &json(&expected.instance), &json(&got.instance));
        self.numbers("execution", expected.execution, got.execution);
        self.numbers("attempts", expected.attempts.into(), got.attempts.into());
        self.values("orchestration", &json(&expected.orchestration_name), &json(&got.orchestration_name));
        self.values("version", &json(&expected.version), &json(&got.version));
        self.sequences("message", &expected.messages, &got.messages, |item| item_text(item, base));
        match (&expected.history_error, &got.history_error) {
            (None, Some(error)) => self.push("a readable history", format!("history error {}", quote(error))),
            (Some(_), None) => self.push("a history error", "a readable history"),
            (None, None) => self.histories(&expected.history, &got.history),
            (Some(_), Some(_)) => return,
        }
        self.values("key", &json(&expected.kv_snapshot), &json(&got.kv_snapshot));
    }

    fn histories(&mut self, expected: &[Event], got: &[Event]) {
        let describe = |event: &duroxide::Event| format!("#{} {}", event.event_id, describe_event(event));
        self.sequences("event", expected, got, describe);
    }

    /// The first place at which two lists differ.
    fn sequences<T: PartialEq + Serialize>(
        &mut self,
        what: &str,
        expected: &[Arc<T>],
        got: &[Arc<T>],
        describe: impl Fn(&T) -> String,
    ) {
        let most = expected.len().max(got.len());
        let Some(at) = (0..most).find(|at| expected.get(*at) != got.get(*at)) else { return };
        let place = format!("{what} {} of", at + 1);
        let whole = |item: &Arc<T>, all: usize| format!("{place} {all}: {}", describe(item));
        match (expected.get(at), got.get(at)) {
            (Some(one), Some(other)) if describe(one) == describe(other) => {
                self.values(&format!("{what} {}", at + 1), &json(one), &json(other));
            }
            (Some(one), Some(other)) => self.push(whole(one, expected.len()), whole(other, got.len())),
            (Some(one), None) => self.push(whole(one, expected.len()), only(what, got.len())),
            (None, Some(other)) => self.push(only(what, expected.len()), whole(other, got.len())),
            (None, None) => {}
        }
    }

    fn sets(&mut self, what: &str, expected: &[String], got: &[String]) {
        let less = |names: &[String], others: &[String]| {
            let names: Vec<String> =
                names.iter().filter(|name| !others.contains(name)).map(|name| quote(name)).collect();
            names.join(", ")
        };
        let what = if what.is_empty() { String::new() } else { format!("{what} ") };
        let (missing, extra) = (less(expected, got), less(got, expected));
        if !missing.is_empty() {
            self.push(format!("{what}{missing}"), format!("{what}without {missing}"));
        }
        if !extra.is_empty() {
            self.push(format!("{what}without {extra}"), format!("{what}{extra}"));
        }
        if missing.is_empty() && extra.is_empty() && expected.len() != got.len() {
            self.push(format!("{what}{} in all", expected.len()), format!("{what}{} in all, some twice", got.len()));
        }
    }

    fn numbers(&mut self, what: &str, expected: u64, got: u64) {
        if expected != got {
            self.push(format!("{what} {expected}"), format!("{what} {got}"));
        }
    }

    /// The differences of two values, place by place.
    fn values(&mut self, what: &str, expected: &Value, got: &Value) {
        let inner = |key: &str| if what.is_empty() { key.to_owned() } else { format!("{what} {key}") };
        match (expected, got) {
            _ if expected == got => {}
            (Value::Object(expected), Value::Object(got)) => {
                for key in expected.keys().chain(got.keys().filter(|key| !expected.contains_key(*key))) {
                    let of = |fields: &serde_json::Map<String, Value>| fields.get(key).cloned().unwrap_or_default();
                    self.values(&inner(key), &of(expected), &of(got));
                }
            }
            (Value::String(expected), Value::String(got)) => {
                let (expected, got) = texts(expected, got);
                self.push(inner(&expected), inner(&got));
            }
            _ => self.push(inner(&plain(expected)), inner(&plain(got))),
        }
    }
}

fn only(what: &str, count: usize) -> String {
    match count {
        0 => format!("no {what}"),
        1 => format!("only 1 {what}"),
        more => format!("only {more} {what}s"),
    }
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => quote(text),
        other => other.to_string(),
    }
}

/// The number of characters up to which a text is shown whole.
const SHORT: usize = 60;

/// Two different texts; long ones are shown from their first difference.
fn texts(expected: &str, got: &str) -> (String, String) {
    if expected.chars().count().max(got.chars().count()) <= SHORT {
        return (quote(expected), quote(got));
    }
    let same: usize = expected.chars().zip(got.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let rest = |text: &str| match &text[same..] {
        "" => format!("{} bytes, and ends there", text.len()),
        rest => {
            let beginning: String = rest.chars().take(20).collect();
            let more = if beginning.len() < rest.len() { "…" } else { "" };
            format!("{} bytes, from byte {same} on {beginning:?}{more}", text.len())
        }
    };
    (rest(expected), rest(got))
}
