//! [`History`]: the events of one instance in readable form.

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

    /// Returns the last lines of the formatted text, at most `most`, and how many lines precede
    /// them. Empty if there is no history.
    pub fn last_lines(&self, most: usize) -> String {
        if self.executions.is_empty() {
            return String::new();
        }
        let text = self.to_string();
        let lines: Vec<&str> = text.lines().collect();
        let left_out = lines.len().saturating_sub(most);
        let more = if left_out > 0 { format!("({left_out} earlier lines omitted)\n") } else { String::new() };
        format!("{more}{}\n", lines[left_out..].join("\n"))
    }
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
