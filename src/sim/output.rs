//! [`OutputError`]: why there is no output of an orchestration, and waiting for
//! one.
//!
//! It looks past the simulation's layers at what the provider keeps, and is
//! woken when the instance changes: nothing is polled, no fault reaches it, and
//! the trace holds none of it.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use duroxide::{ErrorDetails, EventKind};
use serde::de::DeserializeOwned;

use super::cluster::Cluster;
use crate::clock::{self, Time};
use crate::text::{Line, Lines, Quoted};
use crate::trace::{History, Span};

/// How many of the last lines of a history are told.
const LINES: usize = 12;

/// How many other instances are named.
const NAMES: usize = 10;

/// Why [`super::Handle::output`] has no output. `Debug` prints the same text as
/// `Display`, so that `unwrap` and `expect` show it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum OutputError {
    /// Nothing is known of the instance: nobody has started it, or it was
    /// deleted.
    NotFound {
        /// The instance.
        instance: String,
        /// How long was waited for it.
        waited: Duration,
        /// The instances that there are, the first few by name.
        others: Vec<String>,
    },
    /// The orchestration failed.
    Failed {
        /// The instance.
        instance: String,
        /// Why, as duroxide has it in the history.
        details: ErrorDetails,
        /// The last lines of the history.
        history: String,
    },
    /// It had not ended when the time was over.
    Running {
        /// The instance.
        instance: String,
        /// How long was waited for it.
        waited: Duration,
        /// A sentence that says what it waits for.
        waits: String,
        /// The last lines of the history.
        history: String,
    },
    /// It completed with an output that is not of the type asked for.
    Decode {
        /// The instance.
        instance: String,
        /// The output as it is stored.
        output: String,
        /// The name of the type asked for.
        wanted: String,
        /// What serde says.
        error: String,
    },
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let story = |f: &mut fmt::Formatter<'_>, history: &str| match history {
            "" => Ok(()),
            history => write!(f, "\nThe end of its history:\n{}", history.trim_end()),
        };
        match self {
            OutputError::NotFound { instance, waited, others } => {
                write!(
                    f,
                    "Instance {} was not found, and nobody started it within {}. ",
                    Quoted(instance),
                    Span(*waited)
                )?;
                match others.is_empty() {
                    true => f.write_str("There are no instances at all: start it with Client::start_orchestration."),
                    false => write!(f, "There are: {}.", Line(others.join(", "))),
                }
            }
            OutputError::Failed { instance, details, history } => {
                let said = details.display_message();
                write!(f, "Instance {} failed: {}.", Quoted(instance), Lines(said.trim_end_matches('.')))?;
                story(f, history)
            }
            OutputError::Running { instance, waited, waits, history } => {
                write!(f, "Instance {} did not end within {}. {}", Quoted(instance), Span(*waited), Lines(waits))?;
                story(f, history)
            }
            OutputError::Decode { instance, output, wanted, error } => write!(
                f,
                "Instance {} completed with the output {}, which is not a {wanted}: {}. Ask for the type that the \
                 orchestration returns; String takes any output.",
                Quoted(instance),
                Quoted(output),
                Line(error)
            ),
        }
    }
}

impl fmt::Debug for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for OutputError {}

/// What is known of an instance at one moment.
enum Seen {
    Ended(Result<String, ErrorDetails>),
    Runs,
    Nothing,
}

/// Waits for the output of `instance`, for at most `within`.
pub(super) async fn of<T: DeserializeOwned>(
    cluster: &Cluster,
    history: impl Fn() -> History,
    instance: &str,
    within: Duration,
) -> Result<T, OutputError> {
    let began = clock::now();
    let ended = wait(cluster, instance, began, began + within).await;
    let lines = || history().last_lines(LINES);
    let name = || instance.to_owned();
    match ended {
        Seen::Ended(Ok(output)) => decode(&output).map_err(|error| {
            let wanted = std::any::type_name::<T>().to_owned();
            OutputError::Decode { instance: name(), output, wanted, error }
        }),
        Seen::Ended(Err(details)) => Err(OutputError::Failed { instance: name(), details, history: lines() }),
        Seen::Runs => {
            let (waited, waits) = (clock::now() - began, cluster.what_it_waits_for(instance));
            Err(OutputError::Running { instance: name(), waited, waits, history: lines() })
        }
        Seen::Nothing => {
            let mut others = cluster.memory.inspect(|store| store.names());
            if others.len() > NAMES {
                let more = others.len() - NAMES;
                others.truncate(NAMES);
                others.push(format!("{more} more"));
            }
            Err(OutputError::NotFound { instance: name(), waited: clock::now() - began, others })
        }
    }
}

/// Waits from `began` until the instance has ended, or `until`.
async fn wait(cluster: &Cluster, instance: &str, began: Time, until: Time) -> Seen {
    let _waiter = cluster.waiters.one();
    let watch = cluster.memory.watch(instance);
    let mut over = pin!(clock::sleep_until(until));
    loop {
        let mut changed = pin!(watch.changed());
        changed.as_mut().enable();
        let (seen, now) = (look(cluster, instance), clock::now());
        if now >= until {
            cluster.log.note_wait(began, now);
        }
        if matches!(seen, Seen::Ended(_)) || now >= until {
            return seen;
        }
        tokio::select! {
            biased;
            () = changed => {}
            () = &mut over => {}
        }
    }
}

fn look(cluster: &Cluster, instance: &str) -> Seen {
    cluster.memory.inspect(|store| {
        if !store.has_ended(instance) {
            return if store.knows(instance) { Seen::Runs } else { Seen::Nothing };
        }
        let Some((_, status, output, events)) = store.executions_of(instance).pop() else { return Seen::Nothing };
        let output = output.unwrap_or_default();
        let details = events.iter().rev().find_map(|event| match &event.kind {
            EventKind::OrchestrationFailed { details } => Some(details.clone()),
            _ => None,
        });
        let unknown = |message: String| ErrorDetails::Infrastructure {
            operation: "output".to_owned(),
            message,
            retryable: false,
        };
        Seen::Ended(match status.as_str() {
            "Completed" => Ok(output),
            // What duroxide writes beside the event is the event's text.
            _ => Err(details.unwrap_or_else(|| unknown(output))),
        })
    })
}

/// An output as duroxide's typed client reads it: JSON, or else a plain string.
fn decode<T: DeserializeOwned>(output: &str) -> Result<T, String> {
    let plain = || serde_json::from_value(serde_json::Value::String(output.to_owned()));
    match serde_json::from_str(output) {
        Ok(value) => Ok(value),
        Err(error) => plain().map_err(|_| error.to_string()),
    }
}
