//! [`Replay`]: checks recorded histories against a registry.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use duroxide::providers::KvEntry;
use duroxide::{Event, EventKind, OrchestrationRegistry};
use semver::Version;

use super::engine::Code;
use super::report::{Checked, CheckedExecution, Report};
use super::role::Role;
use super::verdict::Verdict;
use super::{Execution, Recorded, RecordedError, walk};
use crate::clock;

/// Checks recorded histories against the orchestrations of today's build.
///
/// ```no_run
/// # use duroxide_sim::duroxide::OrchestrationRegistry;
/// # fn orchestrations() -> OrchestrationRegistry { OrchestrationRegistry::builder().build() }
/// use duroxide_sim::recorded::Replay;
///
/// # fn main() -> Result<(), duroxide_sim::recorded::RecordedError> {
/// Replay::new(orchestrations()).check_all("tests/histories")?.assert_compatible();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Replay {
    orchestrations: Arc<OrchestrationRegistry>,
    at_most: Duration,
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("time_limit", &self.at_most).finish_non_exhaustive()
    }
}

impl Replay {
    /// A check against these orchestrations.
    pub fn new(orchestrations: OrchestrationRegistry) -> Replay {
        Replay { orchestrations: Arc::new(orchestrations), at_most: Duration::from_secs(10) }
    }

    /// Sets the real time that the code of one execution may take, 10 seconds by default. It does
    /// not apply inside a simulation, which has limits of its own.
    pub fn time_limit(mut self, time: Duration) -> Replay {
        self.at_most = time;
        self
    }

    /// Replays each execution of a history.
    pub fn check(&self, recorded: &Recorded) -> Checked {
        let mut executions = Vec::new();
        let mut before: Option<&Execution> = None;
        let mut kv = BTreeMap::new();
        for execution in &recorded.executions {
            let is_complete = match before {
                None => execution.execution == duroxide::INITIAL_EXECUTION_ID,
                Some(before) => before.execution.checked_add(1) == Some(execution.execution),
            };
            if !is_complete {
                kv = untouched(recorded, execution);
            }
            executions.push(self.execution(recorded, execution, kv.clone()));
            written(&mut kv, &execution.events);
            before = Some(execution);
        }
        Checked { file: None, instance: recorded.instance.clone(), executions }
    }

    /// Replays all histories in a folder: its files whose names end in `.json`, in the order of
    /// their names.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read, has no such file, or has one that is not a recorded history.
    pub fn check_all(&self, folder: impl AsRef<Path>) -> Result<Report, RecordedError> {
        let mut histories = Vec::new();
        for (file, recorded) in Recorded::read_all(folder)? {
            histories.push(Checked { file: Some(file), ..self.check(&recorded) });
        }
        Ok(Report { histories })
    }

    fn execution(&self, recorded: &Recorded, execution: &Execution, kv: BTreeMap<String, KvEntry>) -> CheckedExecution {
        let (name, version) = execution.orchestration().unwrap_or_default();
        CheckedExecution {
            execution: execution.execution,
            orchestration: name.to_owned(),
            version: version.to_owned(),
            verdict: self.verdict(recorded, execution, kv),
        }
    }

    fn verdict(&self, recorded: &Recorded, execution: &Execution, kv: BTreeMap<String, KvEntry>) -> Verdict {
        let Some(EventKind::OrchestrationStarted { name, version, input, .. }) =
            execution.events.first().map(|first| &first.kind)
        else {
            return Verdict::Unreadable("The first event is not OrchestrationStarted.".to_owned());
        };
        let is_of_another =
            |event: &&Event| event.instance_id != recorded.instance || event.execution_id != execution.execution;
        if let Some(event) = execution.events.iter().find(is_of_another) {
            return Verdict::Unreadable(format!("Event {} belongs to another instance or execution.", event.event_id));
        }
        if !execution.events.is_sorted_by(|one, next| one.event_id < next.event_id) {
            return Verdict::Unreadable("The ids of the events do not ascend.".to_owned());
        }
        let exact = Version::parse(version).ok();
        let handler = exact.and_then(|version| self.orchestrations.resolve_handler_exact(name, &version));
        let Some(handler) = handler else {
            let versions = self.orchestrations.list_versions(name).iter().map(ToString::to_string).collect();
            return Verdict::HandlerGone { versions };
        };
        let code = Code { handler, name: name.clone(), version: version.clone(), input: input.clone(), kv };
        self.within_limit(code, execution.events.clone())
    }

    /// Replays in a thread of its own, which is left behind if the code does not return.
    fn within_limit(&self, code: Code, events: Vec<Event>) -> Verdict {
        if clock::is_virtual() {
            return walk::verdict(&code, &events);
        }
        let (send, receive) = channel();
        let work = move || {
            // Code that uses tokio where duroxide forbids it waits here as it does on a node, and
            // does not panic because there is no runtime.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let _within = runtime.as_ref().ok().map(tokio::runtime::Runtime::enter);
            // If nobody listens, the time limit has passed.
            let _ = send.send(walk::verdict(&code, &events));
        };
        match std::thread::Builder::new().name("replay".to_owned()).spawn(work) {
            Ok(_) => receive.recv_timeout(self.at_most).unwrap_or(Verdict::NeverReturns),
            Err(error) => Verdict::Unreadable(format!("No thread could be started: {error}.")),
        }
    }
}

/// Adds what the events of an execution wrote.
fn written(kv: &mut BTreeMap<String, KvEntry>, events: &[Event]) {
    for event in events {
        match &event.kind {
            EventKind::KeyValueSet { key, value, last_updated_at_ms } => {
                kv.insert(key.clone(), KvEntry { value: value.clone(), last_updated_at_ms: *last_updated_at_ms });
            }
            EventKind::KeyValueCleared { key } => drop(kv.remove(key)),
            EventKind::KeyValuesCleared => kv.clear(),
            _ => {}
        }
    }
}

/// The pairs at the start of an execution whose predecessors are not recorded, as far as they are
/// known: those of today that neither it nor a later execution wrote.
fn untouched(recorded: &Recorded, from: &Execution) -> BTreeMap<String, KvEntry> {
    let later = recorded.executions.iter().filter(|other| other.execution >= from.execution);
    let events: Vec<&Event> = later.flat_map(|execution| &execution.events).collect();
    let is_written = |key: &str| {
        events.iter().any(|event| match &event.kind {
            EventKind::KeyValueSet { key: other, .. } | EventKind::KeyValueCleared { key: other } => key == other,
            EventKind::KeyValuesCleared => true,
            kind => Role::of(kind) == Role::Unknown,
        })
    };
    let entry = |value: &String| KvEntry { value: value.clone(), last_updated_at_ms: 0 };
    let known = recorded.kv.iter().filter(|(key, _)| !is_written(key));
    known.map(|(key, value)| (key.clone(), entry(value))).collect()
}
