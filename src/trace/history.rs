//! [`History`]: the events of one instance in readable form.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;

use duroxide::Event;

use super::text::{Since, describe_event, quote};
use crate::clock::Time;
use crate::text::Line;

/// The histories of all executions of one instance. Formats with times relative to the run's start,
/// so the text is the same in every run of one seed and can be used as a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The instance.
    pub instance: String,
    /// The start of the run, to which displayed times are relative.
    pub started: Time,
    /// The executions, oldest first.
    pub executions: Vec<ExecutionHistory>,
}

/// The history of one execution.
#[derive(Clone, Debug, PartialEq)]
pub struct ExecutionHistory {
    /// The number of the execution.
    pub execution: u64,
    /// The status that the provider reports; empty for events without an execution.
    pub status: String,
    /// The output of the execution.
    pub output: Option<String>,
    /// The events in order.
    pub events: Vec<Event>,
}

impl History {
    /// The events of the last execution.
    pub fn events(&self) -> &[Event] {
        self.executions.last().map_or(&[], |execution| &execution.events)
    }

    /// Returns the history with times that count from its own first event instead of the start of
    /// the run, for a snapshot that does not change with the time at which the instance is started.
    pub fn relative(self) -> History {
        let first = self.executions.iter().flat_map(|execution| &execution.events).next();
        let started = first.map_or(self.started, |event| Time(event.timestamp_ms));
        History { started, ..self }
    }

    /// Returns the last `most` lines of the formatted text, after the beginning of the last
    /// execution and the earlier events that they refer to. Says where lines are left out, and
    /// how many. Empty if there is no history.
    pub fn last_lines(&self, most: usize) -> String {
        let Some(last) = self.executions.last() else { return String::new() };
        let text = self.to_string();
        let lines: Vec<&str> = text.lines().collect();
        let title = lines.len().saturating_sub(last.events.len() + 1);
        let mut shown: BTreeSet<usize> = (lines.len().saturating_sub(most)..lines.len()).collect();
        shown.insert(title);
        shown.extend(worth_showing(&last.events, most).into_iter().map(|event| title + 1 + event));
        let mut shown: Vec<String> = with_gaps(&shown, lines.len(), "line", |line| lines[line].to_owned());
        shown.push(String::new());
        shown.join("\n")
    }
}

/// Returns the indices of the events of an execution that explain its end: the first one, the
/// `last` ones, and those that these refer to.
pub(crate) fn worth_showing<E: Borrow<Event>>(events: &[E], last: usize) -> BTreeSet<usize> {
    let from = events.len().saturating_sub(last);
    let mut shown: BTreeSet<usize> = (from..events.len()).chain((!events.is_empty()).then_some(0)).collect();
    let sources: BTreeSet<u64> = events[from..].iter().filter_map(|event| event.borrow().source_event_id).collect();
    shown.extend((0..from).filter(|at| sources.contains(&events[*at].borrow().event_id)));
    shown
}

/// Returns the lines with these indices out of `all`, and where lines are left out, how many. A
/// single line is not worth leaving out.
pub(crate) fn with_gaps(
    shown: &BTreeSet<usize>,
    all: usize,
    what: &str,
    line: impl Fn(usize) -> String,
) -> Vec<String> {
    let (mut lines, mut next) = (Vec::new(), 0);
    for at in shown.iter().copied().chain([all]) {
        match at - next {
            0 => {}
            1 => lines.push(line(next)),
            gap => lines.push(format!("      … {gap} {what}s are left out")),
        }
        lines.extend((at < all).then(|| line(at)));
        next = at + 1;
    }
    lines
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.executions.is_empty() {
            return writeln!(f, "{}: no history", Line(&self.instance));
        }
        for ExecutionHistory { execution, status, output, events } in &self.executions {
            write!(f, "{} execution {execution}: {}", Line(&self.instance), Line(status))?;
            if let Some(output) = output {
                write!(f, " {}", quote(output))?;
            }
            writeln!(f)?;
            for event in events {
                let at = Since(Time(event.timestamp_ms), self.started);
                writeln!(f, "{:>4}  {at:>17}  {}", event.event_id, describe_event(event))?;
            }
        }
        Ok(())
    }
}
