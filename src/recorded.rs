//! Recorded histories: what instances of an earlier release did, as files, and whether today's
//! orchestrations replay them.
//!
//! duroxide resumes an instance by replaying its history: it runs the orchestration's code again
//! and compares what the code does with the recorded events. Code that does something else fails
//! the instance as nondeterministic. [`Recorded::of`] exports the history of an instance through
//! the [`Client`] of any provider, and [`Replay`] checks such files against the registry of a new
//! build, before that build is deployed.
//!
//! ```
//! use duroxide_sim::duroxide::OrchestrationContext;
//! use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
//! use duroxide_sim::recorded::{Recorded, Replay};
//! use duroxide_sim::{Node, Sim};
//! use std::time::Duration;
//!
//! fn last_release() -> OrchestrationRegistry {
//!     let greet = |ctx: OrchestrationContext, name: String| async move {
//!         ctx.schedule_timer(Duration::from_secs(60)).await;
//!         Ok(format!("Hello, {name}"))
//!     };
//!     OrchestrationRegistry::builder().register("Greet", greet).build()
//! }
//!
//! let recorded = Sim::new(1).node(Node::new("a", ActivityRegistry::builder().build(), last_release())).run(|sim| async move {
//!     sim.client().start_orchestration("greet-1", "Greet", "Ada").await?;
//!     sim.finished::<String>("greet-1").await?;
//!     Ok::<_, Box<dyn std::error::Error>>(Recorded::of(&sim.client(), "greet-1").await?)
//! });
//!
//! // The same code replays it. Code without the timer does not.
//! let checked = Replay::new(last_release()).check(&recorded);
//! assert!(checked.is_compatible(), "{checked}");
//! let next = |_: OrchestrationContext, name: String| async move { Ok(format!("Hello, {name}")) };
//! let next = OrchestrationRegistry::builder().register("Greet", next).build();
//! let checked = Replay::new(next).check(&recorded);
//! assert!(checked.to_string().contains("diverges at event 2"), "{checked}");
//! ```
//!
//! The replay is duroxide's own
//! [`ReplayEngine`](duroxide::runtime::replay_engine::ReplayEngine), once for each recorded turn.

mod end;
mod engine;
mod file;
mod replay;
mod report;
mod role;
mod shape;
mod verdict;
mod walk;

use std::collections::BTreeMap;
use std::fmt;

use duroxide::{Client, Event, EventKind};
use serde::{Deserialize, Serialize};

use crate::errors::Wrapped;
use crate::text::{Line, Quoted};

pub use replay::Replay;
pub use report::{Checked, CheckedExecution, Report};
pub use verdict::{Divergence, End, GoesOn, Verdict, Wanted};

/// The version of the file format that this crate writes and reads.
const FORMAT: u32 = 1;

/// The recorded history of an instance: all of its executions that the provider still has.
///
/// Its file is a JSON object with the fields of this type; `events` are duroxide's own
/// serialization of [`Event`]. Unknown fields are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Recorded {
    /// The version of the file format.
    pub recorded: u32,
    /// The instance.
    pub instance: String,
    /// The executions, in ascending order. Earlier ones may have been pruned.
    pub executions: Vec<Execution>,
    /// The key-value pairs of the instance when it was recorded.
    pub kv: BTreeMap<String, String>,
}

/// One execution of a recorded instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Execution {
    /// The id of the execution.
    pub execution: u64,
    /// Its events. There is at least one.
    pub events: Vec<Event>,
}

impl Execution {
    /// The name and the version of the orchestration, from the first event.
    pub fn orchestration(&self) -> Option<(&str, &str)> {
        match &self.events.first()?.kind {
            EventKind::OrchestrationStarted { name, version, .. } => Some((name, version)),
            _ => None,
        }
    }
}

impl Recorded {
    /// Reads the history of an instance through a client, of any provider that has duroxide's
    /// management capability. The instance may be running or ended.
    ///
    /// The instance should not make progress meanwhile: each execution is read by a call of its
    /// own.
    ///
    /// # Errors
    ///
    /// If a call fails, if the instance does not exist, or if it has no history yet.
    pub async fn of(client: &Client, instance: &str) -> Result<Recorded, RecordedError> {
        let failed = |what: &str, error: duroxide::ClientError| RecordedError {
            sentence: format!("The history of the instance {} cannot be read: {what} failed.", Quoted(instance)),
            source: Some(Wrapped::new(error)),
        };
        let mut ids = client.list_executions(instance).await.map_err(|error| failed("list_executions", error))?;
        ids.sort_unstable();
        let mut executions = Vec::new();
        for execution in ids {
            let events = client.read_execution_history(instance, execution).await;
            let events = events.map_err(|error| failed("read_execution_history", error))?;
            if !events.is_empty() {
                executions.push(Execution { execution, events });
            }
        }
        if executions.is_empty() {
            return Err(RecordedError::new(format!(
                "The instance {} has no history: it does not exist, or no node has run it yet.",
                Quoted(instance)
            )));
        }
        let kv = client.get_kv_all_values(instance).await.map_err(|error| failed("get_kv_all_values", error))?;
        Ok(Recorded { recorded: FORMAT, instance: instance.to_owned(), executions, kv: kv.into_iter().collect() })
    }

    /// Reads the histories of all instances, ordered by instance id. Instances that no node has
    /// run yet are left out.
    ///
    /// # Errors
    ///
    /// If a call fails.
    pub async fn all_of(client: &Client) -> Result<Vec<Recorded>, RecordedError> {
        let failed = |error: duroxide::ClientError| RecordedError {
            sentence: "The instances cannot be listed.".to_owned(),
            source: Some(Wrapped::new(error)),
        };
        let mut instances = client.list_all_instances().await.map_err(failed)?;
        instances.sort();
        let mut all = Vec::new();
        for instance in instances {
            let executions = client.list_executions(&instance).await.map_err(failed)?;
            if !executions.is_empty() {
                all.push(Recorded::of(client, &instance).await?);
            }
        }
        Ok(all)
    }
}

/// A history that cannot be read or written: a full sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedError {
    sentence: String,
    source: Option<Wrapped>,
}

impl RecordedError {
    fn new(sentence: String) -> RecordedError {
        RecordedError { sentence, source: None }
    }
}

impl fmt::Display for RecordedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Line(&self.sentence).fmt(f)
    }
}

impl std::error::Error for RecordedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(Wrapped::source)
    }
}
