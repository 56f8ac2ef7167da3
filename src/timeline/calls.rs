//! The calls behind the items, as JSON lines that the page reads on demand.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::call::Call;
use crate::text;
use crate::trace::{Answer, Tokens, Trace, describe_event, words};

/// A call in the form that the page shows.
#[derive(Serialize)]
struct Line<'a> {
    number: usize,
    by: String,
    method: &'static str,
    asked_at: u64,
    answered_at: u64,
    /// The arguments in words, without the method.
    asked: String,
    /// The answer in words; `None` for a call that returns no value.
    answered: Option<String>,
    /// The events that the call adds to a history.
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

/// The JSON lines of the calls `wanted` from a trace, and the line index of each. `numbers` holds
/// the calls' indices in the whole run, if the trace is a part of it.
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
        let history = entry.call.added().events;
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
