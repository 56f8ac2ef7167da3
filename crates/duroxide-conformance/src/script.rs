//! [`Script`]: a sequence of provider calls, as plain data.
//!
//! Every step can run in any state. So any part of a script is a script, which
//! makes scripts easy to shrink. Three conventions make that possible:
//!
//! - A lock token is written `turn:N` or `job:N`: the N-th most recent token that a
//!   fetch of orchestration items or work items returned, from 0. If there are not
//!   so many, it stands for a token that was never issued. Any other text is used
//!   literally, as a forged token.
//! - The instance `@` is the one locked by the call's token or, for a call without a
//!   token, the one fetched last. `@::2` is the instance of that name followed by
//!   `::2`, as duroxide names sub-orchestrations. The parent `@` in an ack's metadata
//!   is the one named in the fetched start message.
//! - In a *relative* call the numbers of executions, events and activities are
//!   relative to that fetch: execution 0 is the fetched one, event 1 the first after
//!   its history, activity 0 of a completion the fetched activity.
//!
//! Times in calls (`fire_at_ms`, `completed_before`) are relative to the
//! script's start.

mod token;

use std::fmt;

use duroxide_sim::call::Call;
use duroxide_sim::unstable::call::is_fetch;
use duroxide_sim::unstable::text::{Json, Line};
use serde::{Deserialize, Serialize};

pub(crate) use token::{CHILD, HERE, Queue, Token, after_here};

/// The environment variable that names a script file; only that script is run.
pub const SCRIPT_VARIABLE: &str = "DUROXIDE_SIM_SCRIPT";

/// A sequence of provider calls. Displays as one line of JSON for each step and
/// parses from that; lines that begin with `#` are comments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Script {
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// One step of a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// Lets this many milliseconds pass.
    Wait(u64),
    /// Makes a call.
    Call(Act),
    /// Makes every read call.
    ReadBack,
    /// Waits until every lock has expired and every message is visible, then
    /// fetches and acknowledges everything.
    Drain,
    /// Makes the stored history of an instance unreadable. Does nothing if the
    /// factory cannot do that or there is no history.
    Corrupt(String),
    /// Opens the storage a second time and uses the new provider from then on.
    /// Does nothing if the storage cannot be reopened.
    Reopen,
}

/// A call in a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Act {
    /// The call, in the conventions of scripts.
    pub call: Call,
    /// Whether numbers are relative to the fetch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub relative: bool,
    /// Drops the call's future after this many polls, unless it has completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped_after: Option<u32>,
}

impl Step {
    /// A call with absolute numbers.
    pub fn call(call: Call) -> Step {
        Step::Call(Act { call, relative: false, dropped_after: None })
    }

    /// A call with numbers relative to the fetch.
    pub fn relative(call: Call) -> Step {
        Step::Call(Act { call, relative: true, dropped_after: None })
    }
}

impl Script {
    /// The number of steps.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are no steps.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The name of the file that keeps the script, which breaks this rule.
    pub(crate) fn file_name(&self, rule: &str) -> String {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() || ".-_".contains(letter) { letter } else { '-' };
        let rule: String = rule.chars().map(plain).collect();
        let hash = duroxide_sim::Seed(0).child(&self.to_string()).0;
        format!("{rule}-{:08x}.script", hash >> 32)
    }

    /// The script without the calls whose futures are dropped.
    pub(crate) fn without_dropped(&self) -> Script {
        self.steps.iter().filter(|step| !is_dropped(step)).cloned().collect::<Vec<Step>>().into()
    }

    /// The script with the dropped calls completed. Dropped fetches are
    /// removed, because they would shift the numbers of later tokens.
    pub(crate) fn with_dropped_made(&self) -> Script {
        let made = |step: &Step| match step {
            Step::Call(act) if is_dropped(step) => {
                (!is_fetch(&act.call)).then(|| Step::Call(Act { dropped_after: None, ..act.clone() }))
            }
            step => Some(step.clone()),
        };
        self.steps.iter().filter_map(made).collect::<Vec<Step>>().into()
    }
}

fn is_dropped(step: &Step) -> bool {
    matches!(step, Step::Call(act) if act.dropped_after.is_some())
}

impl From<Vec<Step>> for Script {
    fn from(steps: Vec<Step>) -> Script {
        Script { steps }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| {
            let line = serde_json::to_string(step).map_err(|_| fmt::Error)?;
            writeln!(f, "{}", Json(line))
        })
    }
}

impl std::str::FromStr for Script {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Script, ScriptError> {
        let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
        let steps = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let read = |(line, text): (usize, &str)| {
            // Each line is parsed by itself; the error names its number in the
            // file.
            let reason = |error: serde_json::Error| error.to_string().replace(" at line 1 column ", " at column ");
            serde_json::from_str(text).map_err(|error| ScriptError { line, reason: reason(error) })
        };
        Ok(Script { steps: steps.map(read).collect::<Result<_, _>>()? })
    }
}

/// A text that is not a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    line: usize,
    reason: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Line {} is not a step of a script: {}. A step is one line of JSON, as a finding prints it; comments begin \
             with #.",
            self.line,
            Line(&self.reason)
        )
    }
}

impl std::error::Error for ScriptError {}
