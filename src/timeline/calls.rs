//! The calls behind the items, as lines of JSON that the page reads when they
//! are asked for.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::call::Call;
use crate::text;
use crate::trace::{Answer, Tokens, Trace, describe_event, words};

/// A call as the page shows it.
#[derive(Serialize)]
struct Line<'a> {
    number: usize,
    by: String,
    method: &'static str,
    asked_at: u64,
    answered_at: u64,
    /// What was asked in words, without the method.
    asked: String,
    /// What was answered in words; `None` for what is only done.
    answered: Option<String>,
    /// The events that it adds to a history.
    events: Vec<EventLine>,
    /// The whole call.
    call: &'a Call,
    /// The whole answer.
    answer: &'a Answer,
}

#[derive(Serialize)]
struct EventLine {
    id: u64,
    text: String,
}

/// A line for each of the calls `wanted` of a trace, which have these numbers in
/// the whole run where it is a part of one, and the number of the line
/// of each.
pub(super) fn lines(
    trace: &Trace,
    numbers: &[usize],
    wanted: impl Iterator<Item = usize>,
) -> (String, BTreeMap<usize, usize>) {
    let mut places: BTreeMap<usize, usize> = wanted.map(|number| (number, 0)).collect();
    let mut tokens = Tokens::default();
    let mut text = String::new();
    for (place, (number, slot)) in places.iter_mut().enumerate() {
        *slot = place;
        let entry = &trace.entries[*number];
        let words = words(&entry.call, &entry.answer, &mut tokens, trace.started);
        let history = match &*entry.call {
            Call::AckOrchestrationItem(ack) => &ack.history[..],
            Call::AppendWithExecution { events, .. } => &events[..],
            _ => &[],
        };
        let event = |event: &crate::call::Event| EventLine { id: event.event_id, text: describe_event(event) };
        let line = Line {
            number: numbers.get(*number).copied().unwrap_or(*number),
            by: text::line(&entry.by),
            method: entry.call.method().name(),
            asked_at: entry.asked.0.saturating_sub(trace.started.0),
            answered_at: entry.answered.0.saturating_sub(trace.started.0),
            asked: words.asked,
            answered: words.answered,
            events: history.iter().map(event).collect(),
            call: &entry.call,
            answer: &entry.answer,
        };
        text.push_str(&serde_json::to_string(&line).expect("plain data with text keys has a JSON form"));
        text.push('\n');
    }
    (text, places)
}
