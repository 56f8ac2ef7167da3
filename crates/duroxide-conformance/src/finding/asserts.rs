//! Generates the assertions at the end of a program: the correct answer.
//!
//! They compare only the part of the answer that deviates.

use duroxide_sim::call::{Job, Reply, Turn};
use duroxide_sim::clock::Time;
use serde::Serialize;
use serde_json::Value;

use super::code::{Coded, events, items, moment};
use super::layout::{Code, repeated};
use crate::mismatch::{Aspect, JobPart, Mismatch, NamesPart, Part, StatusPart, TreePart, TurnPart};

/// The statements that check `got`, the result of the last call. `before` are
/// the tokens that were returned earlier.
pub(super) fn asserts(mismatch: &Mismatch, got: Option<&Reply>, base: Time, before: &[String]) -> Vec<Code> {
    match (&mismatch.aspect, &mismatch.expected) {
        (Aspect::Accepted, _) => vec![assert("got.is_err()")],
        (Aspect::Refused, _) => vec![Code::word("got.expect(RULE)")],
        (Aspect::Retryable, _) => vec![assert("!got.expect_err(RULE).is_retryable()")],
        (Aspect::Missed, _) => vec![assert("got.expect(RULE).is_some()")],
        (Aspect::Barred(_), _) => vec![assert("got.expect(RULE).is_none()")],
        (Aspect::Token, _) => {
            let mut all = vec![Code::word("let (_, token, _) = got.expect(RULE).expect(RULE)")];
            all.extend(before.iter().map(|name| compare("assert_ne!", "token", Code::word(name.clone()))));
            all
        }
        (Aspect::Panicked, Reply::Refused(_)) => vec![assert("got.is_err()")],
        (Aspect::Panicked | Aspect::Hung, _) => vec![Code::word("got.expect(RULE)")],
        (Aspect::Part(Part::Turn(part)), Reply::Turn(Some(expected))) => turn(*part, expected, base),
        (Aspect::Part(Part::Job(part)), Reply::Job(Some(expected))) => job(*part, expected, base),
        (Aspect::Part(part), expected) => answer(*part, expected, got, base),
    }
}

/// `macro!(left, right, "{RULE}")`.
fn compare(name: &str, left: &str, right: Code) -> Code {
    Code::call(name, vec![Code::word(left), right, Code::word("\"{RULE}\"")])
}

fn equal(left: &str, right: Code) -> Code {
    match &right {
        Code::List { parts, close: "]", .. } if parts.is_empty() => assert(&format!("{left}.is_empty()")),
        Code::None => assert(&format!("{left}.is_none()")),
        Code::Text(text) if repeated(text).is_none() => compare("assert_eq!", left, Code::str(text)),
        _ => compare("assert_eq!", left, right),
    }
}

fn assert(condition: &str) -> Code {
    Code::call("assert!", vec![Code::word(condition), Code::word("\"{RULE}\"")])
}

fn turn(part: TurnPart, expected: &Turn, base: Time) -> Vec<Code> {
    let judged = match part {
        TurnPart::Attempts => return attempts(expected.attempts),
        TurnPart::Instance => equal("turn.instance", expected.instance.code()),
        TurnPart::Messages | TurnPart::MessageOrder => equal("turn.messages", items(&expected.messages, base)),
        TurnPart::Execution => equal("turn.execution_id", expected.execution.code()),
        TurnPart::HistoryError if expected.history_error.is_some() => assert("turn.history_error.is_some()"),
        TurnPart::HistoryError => assert("turn.history_error.is_none()"),
        TurnPart::OrchestrationName => equal("turn.orchestration_name", expected.orchestration_name.code()),
        TurnPart::Version => equal("turn.version", expected.version.code()),
        TurnPart::KvSnapshot if expected.kv_snapshot.is_empty() => assert("turn.kv_snapshot.is_empty()"),
        TurnPart::KvSnapshot => equal("turn.kv_snapshot", expected.kv_snapshot.code()),
        TurnPart::History(_) => equal("turn.history", events(&expected.history)),
    };
    vec![Code::word("let (turn, _, _) = got.expect(RULE).expect(RULE)"), judged]
}

fn job(part: JobPart, expected: &Job, base: Time) -> Vec<Code> {
    match part {
        JobPart::Attempts => attempts(expected.attempts),
        JobPart::Item => vec![
            Code::word("let (item, _, _) = got.expect(RULE).expect(RULE)"),
            equal("item", super::code::item(&expected.item, base)),
        ],
    }
}

fn attempts(expected: u32) -> Vec<Code> {
    vec![Code::word("let (_, _, attempts) = got.expect(RULE).expect(RULE)"), equal("attempts", expected.code())]
}

fn answer(part: Part, expected: &Reply, got: Option<&Reply>, base: Time) -> Vec<Code> {
    let got_it = "got.expect(RULE)";
    match expected {
        Reply::Events(expected) => vec![equal(got_it, events(expected))],
        Reply::Names(names) if part == NamesPart::Order.into() => vec![equal(got_it, names.code())],
        Reply::Names(names) => sorted(got_it, names),
        Reply::Tree(tree) if part == TreePart::Root.into() => {
            vec![equal("got.expect(RULE).root_id", tree.root_id.code())]
        }
        Reply::Tree(tree) => sorted("got.expect(RULE).all_ids", &tree.all_ids),
        Reply::Count(count) => vec![equal(got_it, count.code())],
        Reply::Number(number) => vec![equal(got_it, number.code())],
        Reply::Numbers(numbers) => vec![equal(got_it, numbers.code())],
        Reply::Value(Some(value)) => vec![equal(got_it, Some(value.clone()).code())],
        Reply::Values(values) if values.is_empty() => vec![assert("got.expect(RULE).is_empty()")],
        Reply::Values(values) => vec![equal(got_it, values.code())],
        Reply::Value(None) | Reply::CustomStatus(None) | Reply::Stats(None) => {
            vec![assert("got.expect(RULE).is_none()")]
        }
        Reply::CustomStatus(Some(_)) | Reply::Stats(Some(_)) if none(got) => vec![assert("got.expect(RULE).is_some()")],
        Reply::CustomStatus(Some((_, version))) if part == StatusPart::Version.into() => {
            vec![Code::word("let (_, version) = got.expect(RULE).expect(RULE)"), equal("version", version.code())]
        }
        Reply::CustomStatus(Some((status, _))) => {
            vec![Code::word("let (status, _) = got.expect(RULE).expect(RULE)"), equal("status", status.code())]
        }
        Reply::Stats(Some(stats)) => field("got.expect(RULE).expect(RULE)", part, stats, base),
        Reply::Instance(instance) => field(got_it, part, instance, base),
        Reply::Execution(execution) => field(got_it, part, execution, base),
        Reply::Metrics(metrics) => field(got_it, part, metrics, base),
        Reply::QueueDepths(depths) => field(got_it, part, depths, base),
        Reply::Deleted(counts) => field(got_it, part, counts, base),
        Reply::Pruned(counts) => field(got_it, part, counts, base),
        Reply::Done | Reply::Turn(_) | Reply::Job(_) | Reply::Refused(_) => vec![Code::word(got_it)],
    }
}

fn none(got: Option<&Reply>) -> bool {
    matches!(got, Some(Reply::CustomStatus(None) | Reply::Stats(None)))
}

fn sorted(got: &str, names: &[String]) -> Vec<Code> {
    let mut names = names.to_vec();
    names.sort();
    vec![Code::word(format!("let mut names = {got}")), Code::word("names.sort()"), equal("names", names.code())]
}

/// The assertion on one field of a plain answer.
fn field(got: &str, part: Part, expected: &impl Serialize, base: Time) -> Vec<Code> {
    let Some(field) = part.field() else { return vec![Code::word(got)] };
    let value = serde_json::to_value(expected).ok().and_then(|value| value.get(field.name()).cloned());
    let left = format!("{got}.{field}");
    let right = match value.unwrap_or_default() {
        Value::Null => return vec![assert(&format!("{left}.is_none()"))],
        _ if part == Part::CompletedAtSet => return vec![assert(&format!("{left}.is_some()"))],
        Value::Number(number) if field.is_time() => moment(number.as_u64().unwrap_or(0), base),
        Value::Number(number) => Code::word(number.to_string()),
        Value::String(text) => text.code(),
        value => Code::word(value.to_string()),
    };
    vec![equal(&left, if field.is_optional() { Code::call("Some", vec![right]) } else { right })]
}
