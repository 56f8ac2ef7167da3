//! Traces as JSON lines.
//!
//! Version 1 had no marks, and can still be read.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Trace;
use crate::clock::Time;
use crate::errors::Wrapped;
use crate::text::Line;

/// The version that is written.
const VERSION: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Head {
    trace: u32,
    started: Time,
    entries: usize,
    #[serde(default)]
    marks: usize,
}

impl Trace {
    /// Formats the trace as JSON lines: a header, then a line for each call, one for each mark, and
    /// one for the contents of the queues.
    pub fn json_lines(&self) -> String {
        fn line(value: &impl Serialize) -> String {
            serde_json::to_string(value).expect("plain data with text keys has a JSON form") + "\n"
        }
        let (entries, marks) = (self.entries.len(), self.marks.len());
        let head = Head { trace: VERSION, started: self.started, entries, marks };
        let calls = self.entries.iter().map(line);
        std::iter::once(line(&head))
            .chain(calls)
            .chain(self.marks.iter().map(line))
            .chain(self.remains.iter().map(line))
            .collect()
    }

    /// Reads the output of [`Trace::json_lines`], of this or an earlier version.
    ///
    /// # Errors
    ///
    /// If a line is invalid, with its number.
    pub fn from_json_lines(text: &str) -> Result<Trace, TraceError> {
        fn read<T: serde::de::DeserializeOwned>(line: usize, text: Option<&str>) -> Result<T, TraceError> {
            let text =
                text.ok_or(TraceError { line, reason: ": the text ends before this line".to_owned(), source: None })?;
            serde_json::from_str(text).map_err(|error| TraceError {
                line,
                reason: String::new(),
                source: Some(Wrapped::new(error)),
            })
        }
        let mut lines = text.lines();
        let head: Head = read(1, lines.next())?;
        if !(1..=VERSION).contains(&head.trace) {
            let reason = format!(": it has version {}, and this crate reads versions 1 to {VERSION}", head.trace);
            return Err(TraceError { line: 1, reason, source: None });
        }
        let entries = (0..head.entries).map(|n| read(n + 2, lines.next())).collect::<Result<_, _>>()?;
        let marks = (0..head.marks).map(|n| read(n + 2 + head.entries, lines.next())).collect::<Result<_, _>>()?;
        let remains = match lines.next() {
            None => None,
            some => Some(read(head.entries + head.marks + 2, some)?),
        };
        Ok(Trace { started: head.started, entries, marks, remains })
    }
}

/// The error for a text that is not a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    line: usize,
    /// What follows "cannot be read".
    reason: String,
    source: Option<Wrapped>,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line {} of the trace cannot be read{}. Record the trace again.", self.line, Line(&self.reason))
    }
}

impl std::error::Error for TraceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(Wrapped::source)
    }
}
