//! [`OutputError`], and waiting for the output of an orchestration.
//!
//! The wait observes the provider's state directly, below the simulation's layers, and is
//! woken when the instance changes: it does not poll, meets no fault, and does not appear
//! in the trace.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use duroxide::{ErrorDetails, EventKind};
use serde::de::DeserializeOwned;

use super::cluster::Cluster;
use super::typed::decode;
use crate::clock::{self, Time};
use crate::text::{Line, Lines, Quoted};
use crate::trace::{History, Span};

/// The number of history lines shown.
const LINES: usize = 12;

/// The number of other instances named.
const NAMES: usize = 10;

/// Why [`super::Handle::output`] has no output. `Debug` prints the same text as `Display`,
/// so that `unwrap` and `expect` show it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum OutputError {
    /// The instance is unknown: it was never started, or was deleted.
    NotFound {
        /// The instance.
        instance: String,
        /// How long the call waited for the instance.
        waited: Duration,
        /// Names of existing instances, at most the first ten.
        others: Vec<String>,
    },
    /// The orchestration failed.
    Failed {
        /// The instance.
        instance: String,
        /// The error, as duroxide records it in the history.
        details: ErrorDetails,
        /// The last lines of the history.
        history: String,
    },
    /// The instance had not ended when the time was up.
    Running {
        /// The instance.
        instance: String,
        /// How long the call waited for the instance.
        waited: Duration,
        /// A sentence about what the instance waits for.
        waits: String,
        /// The last lines of the history.
        history: String,
    },
    /// The orchestration completed with an output that is not of the requested type.
    Decode {
        /// The instance.
        instance: String,
        /// The stored output.
        output: String,
        /// The name of the requested type.
        wanted: String,
        /// The error from serde.
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
                    "Instance {} was not found within {}: it was never started, or was deleted. ",
                    Quoted(instance),
                    Span(*waited)
                )?;
                match others.is_empty() {
                    true => f.write_str("No instances exist: start one with Client::start_orchestration."),
                    false => write!(f, "Existing instances: {}.", Line(others.join(", "))),
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
                 orchestration returns; String accepts any output.",
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

/// The state of an instance at one moment.
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
            // The status text that duroxide stores next to the event is the event's text.
            _ => Err(details.unwrap_or_else(|| unknown(output))),
        })
    })
}
