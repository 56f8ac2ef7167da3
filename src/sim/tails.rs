//! [`Tail`]: the last events of the instances that a failure is about.

use serde::{Deserialize, Serialize};

use super::stall_report;
use super::waits::UnconsumedEvent;
use crate::call::Event;
use crate::clock::Time;
use crate::provider::Memory;
use crate::trace::{Span, describe_event};

/// How many instances are shown, how many events of each, and how many characters of
/// an event.
const INSTANCES: usize = 3;
const EVENTS: usize = 6;
const WIDTH: usize = 110;

/// The last events of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tail {
    /// The instance.
    pub instance: String,
    /// Its status.
    pub status: String,
    /// The execution that the events are of.
    pub execution: u64,
    /// How many events the execution has that are not shown.
    pub before: usize,
    /// The last events, each as a line.
    pub events: Vec<String>,
    /// Events that came to it and that its code has not taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untaken: Vec<UnconsumedEvent>,
}

impl Tail {
    /// What a person is shown of it.
    pub(super) fn lines(&self) -> Vec<String> {
        let Tail { instance, status, execution, before, events, untaken } = self;
        let mut lines = vec![format!("{instance}, execution {execution}, {status}:")];
        if *before > 0 {
            lines.push(format!("  {before} events, and then"));
        }
        lines.extend(events.iter().map(|event| format!("  {event}")));
        lines.extend(untaken.iter().map(|event| format!("  {event}")));
        lines.iter().map(crate::text::line).collect()
    }
}

/// The instances that a failure of the body with this text is about: those it names,
/// else those that have failed, else those that have not ended, else those that ended
/// last.
pub(super) fn about(memory: &Memory, text: &str, start: Time) -> Vec<Tail> {
    let mut names = memory.inspect(|store| store.names());
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    // The name of a longer one may hold that of a shorter one.
    let mut left = text.to_owned();
    let mut named: Vec<(usize, String)> = Vec::new();
    for name in names {
        if let Some(at) = position(&left, &name) {
            named.push((at, name.clone()));
            left = left.replace(&name, &"\u{0}".repeat(name.len()));
        }
    }
    named.sort();
    let mut chosen: Vec<String> = named.into_iter().map(|(_, name)| name).collect();
    if chosen.is_empty() {
        chosen = memory.inspect(|store| store.failed());
    }
    if chosen.is_empty() {
        chosen = memory.inspect(|store| store.unfinished());
    }
    if chosen.is_empty() {
        chosen = memory.inspect(|store| store.latest_ended());
    }
    let tails = chosen.iter().filter_map(|name| tail(memory, name, start));
    // Some errors hold the history already.
    tails.filter(|(_, last)| !text.contains(last)).map(|(tail, _)| tail).take(INSTANCES).collect()
}

/// Where `name` stands in `text` as a word of its own.
fn position(text: &str, name: &str) -> Option<usize> {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let alone = |(at, _): &(usize, &str)| {
        !text[..*at].chars().next_back().is_some_and(part) && !text[at + name.len()..].chars().next().is_some_and(part)
    };
    if name.is_empty() {
        return None;
    }
    text.match_indices(name).find(alone).map(|(at, _)| at)
}

/// The tail of an instance, and its last event.
fn tail(memory: &Memory, name: &str, start: Time) -> Option<(Tail, String)> {
    let (execution, status, _, events) = memory.inspect(|store| store.executions_of(name)).pop()?;
    let before = events.len().saturating_sub(EVENTS);
    let lines = events[before..].iter().map(|event| line(event, start)).collect();
    let last = describe_event(events.last()?);
    // Of those that have not ended it is told with what they wait for.
    let has_ended = memory.inspect(|store| store.has_ended(name));
    let untaken = if has_ended { stall_report::untaken(&events, start) } else { Vec::new() };
    Some((Tail { instance: name.to_owned(), status, execution, before, events: lines, untaken }, last))
}

fn line(event: &Event, start: Time) -> String {
    let whole = describe_event(event);
    let text = match whole.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}…", &whole[..at]),
        None => whole,
    };
    format!("{:>4}  +{}  {text}", event.event_id, Span(Time(event.timestamp_ms) - start))
}
