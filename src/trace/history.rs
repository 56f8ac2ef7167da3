//! [`History`]: the events of one instance, for people to read.

use std::fmt;

use duroxide::Event;

use super::text::{Since, describe_event, quote};
use crate::clock::Time;
use crate::text::Line;

/// The histories of one instance, all its executions. Prints with times since
/// the run's start, so that it is the same in every run of one seed and can be
/// a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The instance.
    pub instance: String,
    /// The times are printed from here.
    pub started: Time,
    /// Oldest first.
    pub executions: Vec<ExecutionHistory>,
}

/// The history of one execution.
#[derive(Clone, Debug, PartialEq)]
pub struct ExecutionHistory {
    /// The execution's number.
    pub execution: u64,
    /// Its status as the provider has it; empty for events without an execution.
    pub status: String,
    /// Its output.
    pub output: Option<String>,
    /// Its events in order.
    pub events: Vec<Event>,
}

impl History {
    /// The events of the last execution.
    pub fn events(&self) -> &[Event] {
        self.executions.last().map_or(&[], |execution| &execution.events)
    }

    /// The last lines of its text, at most so many; empty where there is no
    /// history. Says how many there are before them.
    pub fn last_lines(&self, most: usize) -> String {
        if self.executions.is_empty() {
            return String::new();
        }
        let text = self.to_string();
        let lines: Vec<&str> = text.lines().collect();
        let left_out = lines.len().saturating_sub(most);
        let more = if left_out > 0 { format!("({left_out} lines before)\n") } else { String::new() };
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
