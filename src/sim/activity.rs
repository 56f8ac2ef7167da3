//! [`ActivityCall`]: one delivery of an activity to a node, with its result.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::handlers::Handlers;
use crate::text::{Line, Quoted};
use crate::trace::Span;

/// One delivery of an activity to a node ([`super::Handle::activities`]). Times count from
/// the start of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ActivityCall {
    /// The instance that scheduled the activity.
    pub instance: String,
    /// The execution of the instance.
    pub execution: u64,
    /// The id of the event that scheduled it.
    pub id: u64,
    /// The activity.
    pub name: String,
    /// Its input.
    pub input: String,
    /// The node that ran it.
    pub node: String,
    /// Counts from 1 how often the instance has called the activity with this input. A
    /// delivery that is repeated has the same number.
    pub attempt: u64,
    /// Counts the deliveries of the attempt from 1, as the provider does: a number above 1
    /// means that an earlier delivery was not acked.
    pub delivery: u32,
    /// When it began.
    pub began: Duration,
    /// When it ended; `None` if it runs, or was cut short by a cancellation or a crash.
    pub ended: Option<Duration>,
    /// Its result, once it has ended.
    pub result: Option<Result<String, String>>,
    /// Whether a double answered ([`super::Sim::double`]).
    pub double: bool,
}

/// A list of calls of activities, in the order in which they began. `Display` prints a line
/// for each, for snapshots.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActivityCalls {
    calls: Vec<ActivityCall>,
    /// The handlers of all nodes, unless others may run activities too.
    #[serde(skip)]
    handlers: Option<Arc<Handlers>>,
}

impl ActivityCalls {
    /// Returns the calls as lines for a snapshot that changes only with what the instances do:
    /// times count from the beginning of the first call, nodes do not appear, and calls that begin
    /// at one time are in the order in which they were scheduled.
    pub fn relative(&self) -> impl fmt::Display {
        let begins = self.calls.iter().map(|call| call.began).min().unwrap_or_default();
        let mut calls = self.calls.clone();
        calls.sort_by(|a, b| {
            let key = |call: &ActivityCall| (call.began, call.execution, call.id, call.delivery);
            key(a).cmp(&key(b)).then_with(|| a.instance.cmp(&b.instance))
        });
        for call in &mut calls {
            call.began -= begins;
            call.ended = call.ended.map(|ended| ended - begins);
            call.node.clear();
        }
        ActivityCalls { calls, handlers: self.handlers.clone() }
    }

    /// Returns the calls of one activity.
    ///
    /// # Panics
    ///
    /// If no node has an activity of this name: a test that finds no calls of a misspelt name
    /// would prove nothing. Where unknown handlers are allowed ([`crate::Sim::allow_unknown_handlers`]),
    /// the list is empty instead.
    #[track_caller]
    pub fn of(&self, name: &str) -> ActivityCalls {
        let calls: Vec<ActivityCall> = self.calls.iter().filter(|call| call.name == name).cloned().collect();
        if let Some(lack) = self.handlers.as_ref().and_then(|handlers| handlers.lack_activity(name)) {
            panic!("ActivityCalls::of was asked for calls that there cannot be: {lack}. Correct the name.");
        }
        ActivityCalls { calls, handlers: self.handlers.clone() }
    }

    /// Refuses names of activities that these handlers do not have.
    pub(super) fn knowing(self, handlers: Option<Arc<Handlers>>) -> ActivityCalls {
        ActivityCalls { handlers, ..self }
    }
}

impl PartialEq for ActivityCalls {
    fn eq(&self, other: &ActivityCalls) -> bool {
        self.calls == other.calls
    }
}

impl Eq for ActivityCalls {}

impl fmt::Debug for ActivityCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.calls.fmt(f)
    }
}

impl Deref for ActivityCalls {
    type Target = [ActivityCall];

    fn deref(&self) -> &[ActivityCall] {
        &self.calls
    }
}

impl fmt::Display for ActivityCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", Span(self.began))?;
        self.ended
            .iter()
            .filter(|ended| **ended != self.began)
            .try_for_each(|ended| write!(f, " to +{}", Span(*ended)))?;
        if !self.node.is_empty() {
            write!(f, " on {}", Line(&self.node))?;
        }
        write!(f, ": {}({})", Line(&self.name), Quoted(&self.input))?;
        match &self.result {
            Some(Ok(value)) => write!(f, " = {}", Quoted(value))?,
            Some(Err(error)) => write!(f, " failed with {}", Quoted(error))?,
            None => f.write_str(" did not end")?,
        }
        write!(f, ", attempt {}", self.attempt)?;
        if self.delivery > 1 {
            write!(f, ", delivery {}", self.delivery)?;
        }
        Ok(())
    }
}

impl fmt::Display for ActivityCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.calls.iter().try_for_each(|call| writeln!(f, "{call}"))
    }
}

/// The calls of a run. Clones share one list.
#[derive(Clone, Debug, Default)]
pub(super) struct ActivityLog(Arc<Mutex<Vec<ActivityCall>>>);

impl ActivityLog {
    /// Adds a call, and returns its index.
    pub fn begin(&self, call: ActivityCall) -> usize {
        let mut calls = self.0.lock();
        calls.push(call);
        calls.len() - 1
    }

    /// Records the end of a call.
    pub fn end(&self, index: usize, at: Duration, result: Result<String, String>) {
        let call = &mut self.0.lock()[index];
        (call.ended, call.result) = (Some(at), Some(result));
    }

    /// Returns the last calls, at most this many.
    pub fn last(&self, most: usize) -> ActivityCalls {
        let calls = self.0.lock();
        ActivityCalls { calls: calls[calls.len().saturating_sub(most)..].to_vec(), handlers: None }
    }

    /// Returns the calls of an instance.
    pub fn of(&self, instance: &str) -> ActivityCalls {
        let calls = self.0.lock().iter().filter(|call| call.instance == instance).cloned().collect();
        ActivityCalls { calls, handlers: None }
    }
}
