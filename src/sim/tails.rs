//! [`Tail`]: the last events of an instance that a failure concerns.

use serde::{Deserialize, Serialize};

use super::stall_report;
use super::waits::UnconsumedEvent;
use crate::call::Event;
use crate::clock::Time;
use crate::provider::Memory;
use crate::text::position_of;
use crate::trace::{Span, describe_event, with_gaps, worth_showing};

/// The number of instances shown, of last events of each, and of characters of an event.
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
    /// The execution to which the events belong.
    pub execution: u64,
    /// Its first event, its last ones and those that these refer to, one line each, and lines
    /// that say how many are left out between them.
    pub events: Vec<String>,
    /// Events that the instance received and its code has not consumed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unconsumed: Vec<UnconsumedEvent>,
}

impl Tail {
    /// Returns the lines that a failure prints.
    pub(super) fn lines(&self) -> Vec<String> {
        let Tail { instance, status, execution, events, unconsumed } = self;
        let mut lines = vec![format!("{instance}, execution {execution}, {status}:")];
        lines.extend(events.iter().map(|event| format!("  {event}")));
        lines.extend(unconsumed.iter().map(|event| format!("  {event}")));
        lines.iter().map(crate::text::line).collect()
    }
}

/// Returns the tails of the instances that a failure of the body with this text concerns:
/// those that the text names; otherwise those that failed; otherwise those that have not
/// ended; otherwise those that ended last.
pub(super) fn about(memory: &Memory, text: &str, start: Time) -> Vec<Tail> {
    let mut names = memory.inspect(|store| store.names());
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    // A longer name may contain a shorter one, so longer names are matched first.
    let mut left = text.to_owned();
    let mut named: Vec<(usize, String)> = Vec::new();
    for name in names {
        if let Some(at) = position_of(&name, &left) {
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
    // Some errors already contain the history.
    tails.filter(|(_, last)| !text.contains(last)).map(|(tail, _)| tail).take(INSTANCES).collect()
}

/// Returns the tails of the first of these instances.
pub(super) fn of<'a>(memory: &Memory, instances: impl Iterator<Item = &'a str>, start: Time) -> Vec<Tail> {
    instances.filter_map(|name| tail(memory, name, start)).map(|(tail, _)| tail).take(INSTANCES).collect()
}

/// Returns the tail of an instance, and its last event.
fn tail(memory: &Memory, name: &str, start: Time) -> Option<(Tail, String)> {
    let (execution, status, _, events) = memory.inspect(|store| store.executions_of(name)).pop()?;
    let lines = with_gaps(&worth_showing(&events, EVENTS), events.len(), "event", |at| line(&events[at], start));
    let last = describe_event(events.last()?);
    // For instances that have not ended, the unconsumed events are listed with what they
    // wait for.
    let has_ended = memory.inspect(|store| store.has_ended(name));
    let unconsumed = if has_ended { stall_report::unconsumed(&events, start) } else { Vec::new() };
    Some((Tail { instance: name.to_owned(), status, execution, events: lines, unconsumed }, last))
}

fn line(event: &Event, start: Time) -> String {
    let whole = describe_event(event);
    let text = match whole.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}…", &whole[..at]),
        None => whole,
    };
    format!("{:>4}  +{}  {text}", event.event_id, Span(Time(event.timestamp_ms) - start))
}
