//! The calls of a run as a table: number, time, call, answer.

use std::fmt;

use duroxide_sim::call::{Call, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::trace::{Answer, describe_event};
use duroxide_sim::unstable::text;
use duroxide_sim::unstable::trace::{Span, Tokens, answer, quote, words};
use serde::Serialize;

use crate::calls::reads;
use crate::drive::{Observed, Run};
use crate::script::{Script, Step};

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The number of the step in the script, from 1.
    pub step: usize,
    /// The time of the call, in milliseconds since the script began.
    pub at_ms: u64,
    /// The call.
    pub call: String,
    /// The answer.
    pub answer: String,
    /// Whether this answer is the deviation.
    pub deviates: bool,
}

/// The lines of a run. Of the reads in one step only the last is shown: the
/// others were answered correctly.
pub(super) fn lines(script: &Script, run: &Run) -> Vec<Line> {
    let mut tokens = Tokens::default();
    let last = run.observed.len().saturating_sub(1);
    let mut found = Vec::new();
    let mut next = 0;
    for (at, observed) in run.observed.iter().enumerate() {
        found.extend(quiet(script, run, next..observed.step, observed.at));
        next = observed.step + 1;
        let line = line(run.base, observed, &mut tokens, at == last && run.deviates());
        let many = matches!(script.steps.get(observed.step), Some(Step::ReadBack));
        if !many || line.deviates {
            found.push(line);
        }
    }
    found
}

/// The lines of steps that make no call but matter.
fn quiet(script: &Script, run: &Run, steps: std::ops::Range<usize>, at: Time) -> Vec<Line> {
    let mut found = Vec::new();
    for step in steps {
        let call = match script.steps.get(step) {
            Some(Step::Wait(ms)) => format!("wait {ms} ms"),
            Some(Step::Corrupt(instance)) => format!("the stored history of {instance} becomes unreadable"),
            Some(Step::Reopen) => "the storage is reopened".to_owned(),
            Some(Step::Call(_) | Step::ReadBack | Step::Drain) | None => continue,
        };
        let at_ms = at.0.saturating_sub(run.base.0);
        found.push(Line { step: step + 1, at_ms, call, answer: String::new(), deviates: false });
    }
    // A wait is shown at the time at which it begins.
    let mut end = at.0.saturating_sub(run.base.0);
    for line in found.iter_mut().rev() {
        if let Some(Step::Wait(ms)) = script.steps.get(line.step - 1) {
            end = end.saturating_sub(*ms);
        }
        line.at_ms = end;
    }
    found
}

/// The line of one call.
pub(crate) fn line(base: Time, observed: &Observed, tokens: &mut Tokens, deviates: bool) -> Line {
    let answered = observed.reply.as_ref().map_or(Answer::Dropped, answer);
    let words = words(&observed.call, &answered, tokens, base);
    let call = [observed.call.method().name().to_owned(), words.asked, details(&observed.call)];
    let call: Vec<String> =
        call.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
    let answer = match (&observed.reply, words.answered) {
        (None, _) if deviates => "no answer".to_owned(),
        (Some(Reply::Names(names)), _) if names.is_empty() => "none".to_owned(),
        (Some(reply), answered) => fields(reply).or(answered).unwrap_or_else(|| "done".to_owned()),
        (None, answered) => answered.unwrap_or_default(),
    };
    let at_ms = observed.at.0.saturating_sub(base.0);
    Line { step: observed.step + 1, at_ms, call: call.join(" "), answer, deviates }
}

/// The fields of an answer that has many.
pub(super) fn fields(reply: &Reply) -> Option<String> {
    match reply {
        Reply::Instance(_) | Reply::Execution(_) | Reply::Metrics(_) | Reply::QueueDepths(_) => {}
        Reply::Tree(_) | Reply::Deleted(_) | Reply::Pruned(_) | Reply::Stats(Some(_)) | Reply::Values(_) => {}
        Reply::Done | Reply::Turn(_) | Reply::Job(_) | Reply::Events(_) | Reply::Count(_) => return None,
        Reply::CustomStatus(_) | Reply::Value(_) | Reply::Stats(None) | Reply::Names(_) => return None,
        Reply::Numbers(_) | Reply::Number(_) | Reply::Refused(_) => return None,
    }
    let value = serde_json::to_value(reply).ok()?;
    let body = value.as_object()?.values().next()?.as_object()?;
    let word = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => quote(text),
        serde_json::Value::Null => "none".to_owned(),
        other => other.to_string(),
    };
    let fields: Vec<String> = body.iter().map(|(field, value)| format!("{field} {}", word(value))).collect();
    Some(if fields.is_empty() { "nothing".to_owned() } else { fields.join(", ") })
}

/// The details that traces omit because a runtime always sends the same.
fn details(call: &Call) -> String {
    match call {
        Call::FetchOrchestrationItem { lock_for, poll_for, versions } => {
            let ranges = |ranges: &Vec<duroxide_sim::call::VersionRange>| {
                let ranges: Vec<String> =
                    ranges.iter().map(|range| format!("{} to {}", range.min, range.max)).collect();
                format!(", versions [{}]", ranges.join(", "))
            };
            let versions = versions.as_ref().map(ranges).unwrap_or_default();
            format!("for {}{}{versions}", Span(*lock_for), polling(*poll_for))
        }
        Call::FetchWorkItem { lock_for, poll_for, session, tags } => {
            let claim = |claim: &duroxide_sim::call::SessionClaim| {
                format!(", sessions of {} for {}", quote(&claim.owner), Span(claim.lock_for))
            };
            let session = session.as_ref().map(claim).unwrap_or_default();
            format!("for {}{}{session}, tags {tags:?}", Span(*lock_for), polling(*poll_for))
        }
        Call::AbandonOrchestrationItem { ignore_attempt: true, .. }
        | Call::AbandonWorkItem { ignore_attempt: true, .. } => "and the attempt does not count".to_owned(),
        Call::AppendWithExecution { events, .. } => {
            let events: Vec<String> =
                events.iter().map(|event| format!("{} {}", event.event_id, describe_event(event))).collect();
            format!("events [{}]", events.join(", "))
        }
        Call::AckOrchestrationItem(ack) => metadata(&ack.metadata),
        Call::RenewSessionLock { owners, extend_for, idle_for } => {
            format!("{owners:?} for {}, idle {}", Span(*extend_for), Span(*idle_for))
        }
        Call::CleanupOrphanedSessions { idle_for } => format!("idle {}", Span(*idle_for)),
        Call::EnqueueForWorker { item } => place(item),
        reads!()
        | Call::AbandonOrchestrationItem { .. }
        | Call::RenewOrchestrationItemLock { .. }
        | Call::AckWorkItem { .. }
        | Call::RenewWorkItemLock { .. }
        | Call::AbandonWorkItem { .. }
        | Call::EnqueueForOrchestrator { .. }
        | Call::DeleteInstancesAtomic { .. }
        | Call::DeleteInstance { .. }
        | Call::DeleteInstanceBulk { .. }
        | Call::PruneExecutions { .. }
        | Call::PruneExecutionsBulk { .. } => String::new(),
    }
}

fn polling(poll_for: std::time::Duration) -> String {
    if poll_for.is_zero() { String::new() } else { format!(", waiting {}", Span(poll_for)) }
}

fn metadata(metadata: &duroxide_sim::call::Metadata) -> String {
    let version = metadata.pinned_duroxide_version.as_ref().map(ToString::to_string);
    let parts = [
        ("name", &metadata.orchestration_name),
        ("version", &metadata.orchestration_version),
        ("parent", &metadata.parent_instance_id),
        ("pinned to", &version),
    ];
    // The output is already shown with a status.
    let output = if metadata.status.is_none() { &metadata.output } else { &None };
    let parts = parts.into_iter().chain([("output", output)]);
    parts.filter_map(|(what, value)| value.as_ref().map(|value| format!(", {what} {}", quote(value)))).collect()
}

fn place(item: &duroxide::providers::WorkItem) -> String {
    match item {
        duroxide::providers::WorkItem::ActivityExecute { instance, execution_id, session_id, tag, .. } => {
            let session = session_id.as_ref().map(|id| format!(", session {}", quote(id))).unwrap_or_default();
            let tag = tag.as_ref().map(|tag| format!(", tag {}", quote(tag))).unwrap_or_default();
            format!("of {instance} execution {execution_id}{session}{tag}")
        }
        _ => format!("of {}", duroxide_sim::call::instance_of(item)),
    }
}

/// The width of the table up to which an answer shares the line of its call.
const WIDTH: usize = 100;

/// Writes the table.
pub(super) fn write(f: &mut fmt::Formatter<'_>, lines: &[Line]) -> fmt::Result {
    let time = |line: &Line| format!("+{} ms", line.at_ms);
    let wide = lines.iter().map(|line| time(line).len()).max().unwrap_or(0);
    for line in lines {
        let mark = if line.deviates { ">" } else { " " };
        let head = format!("{mark} {:>3}  {:<wide$}  ", line.step, time(line));
        let (call, answer) = (text::line(&line.call), text::line(&line.answer));
        let short = head.chars().count() + call.chars().count() + answer.chars().count() < WIDTH;
        match (answer.is_empty(), short) {
            (true, _) => writeln!(f, "{head}{call}")?,
            (false, true) => writeln!(f, "{head}{call} -> {answer}")?,
            (false, false) => {
                writeln!(f, "{head}{call}")?;
                writeln!(f, "{mark}{}-> {answer}", " ".repeat(head.len()))?;
            }
        }
    }
    Ok(())
}
