//! [`Script`]: a program of provider calls, as plain data.
//!
//! Every step is total: it can be run in any state, whatever came before it.
//! So a script can be cut anywhere and is still a script, which is what makes
//! it easy to shrink. Three conventions make that so:
//!
//! - A lock token is written `turn:N` or `job:N`, the N-th most recent one that
//!   a fetch of turns or of jobs has returned, from 0. Where there are not so
//!   many, it stands for a token that was never issued. Any other text is taken
//!   as it is, which is a forged token.
//! - The instance `@` is the one whose lock the call's token is for; where the
//!   call has no token, the one that was fetched last. `@::2` is the instance of
//!   that name with `::2` after it, as duroxide names children. The parent `@`
//!   in an ack's metadata is the one that the fetched start names.
//! - In a *relative* call the numbers of executions, events and activities
//!   count from what that fetch has shown: execution 0 is the fetched one,
//!   event 1 the first after its history, activity 0 of a completion the
//!   activity that was fetched.
//!
//! Times in calls (`fire_at_ms`, `completed_before`) count from the script's
//! start. This module runs nothing.

use std::fmt;

use duroxide_sim::call::Call;
use duroxide_sim::unstable::call::is_fetch;
use duroxide_sim::unstable::text::{Json, Line};
use serde::{Deserialize, Serialize};

/// A program of provider calls. Prints as one line of JSON for each step, and
/// parses from that; lines that begin with `#` are comments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Script {
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// One step of a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// Time passes, in milliseconds.
    Wait(u64),
    /// A call.
    Call(Act),
    /// Everything that can be read is read.
    ReadBack,
    /// Time passes until every lock has ended and everything is visible, and
    /// everything is fetched and acknowledged.
    Drain,
    /// The stored history of an instance becomes unreadable. Nothing, where the
    /// factory cannot do that, or there is no history.
    Corrupt(String),
    /// The storage is opened a second time, and used through that from here on.
    /// Nothing, where the subject does not say how.
    Reopen,
}

/// A call in a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Act {
    /// What is asked, in the conventions of a script.
    pub call: Call,
    /// Whether numbers count from what was fetched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub relative: bool,
    /// Drop the call's future after it was polled so many times, if it is not
    /// done by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped_after: Option<u32>,
}

impl Step {
    /// A call whose numbers are taken as they are.
    pub fn call(call: Call) -> Step {
        Step::Call(Act { call, relative: false, dropped_after: None })
    }

    /// A call whose numbers count from what was fetched.
    pub fn relative(call: Call) -> Step {
        Step::Call(Act { call, relative: true, dropped_after: None })
    }
}

impl Script {
    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The same without the calls whose futures are dropped.
    pub(crate) fn without_dropped(&self) -> Script {
        self.steps.iter().filter(|step| !is_dropped(step)).cloned().collect::<Vec<Step>>().into()
    }

    /// The same with the calls whose futures are dropped made whole, but for
    /// fetches: the tokens of others count from them.
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
            // Each line is read by itself; its number in the file is the one to name.
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
