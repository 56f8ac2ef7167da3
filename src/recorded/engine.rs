//! One turn of duroxide's replay engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use duroxide::providers::KvEntry;
use duroxide::runtime::OrchestrationHandler;
use duroxide::runtime::replay_engine::{ReplayEngine, TurnResult};
use duroxide::{ConfigErrorKind, ErrorDetails, Event, EventKind};

use super::role::Role;

/// The code of an execution and what it is called with.
#[derive(Clone)]
pub(super) struct Code {
    pub handler: Arc<dyn OrchestrationHandler>,
    pub name: String,
    pub version: String,
    pub input: String,
    /// The key-value pairs at the start of the execution.
    pub kv: BTreeMap<String, KvEntry>,
}

/// What the code does after it was given some events.
pub(super) struct Turn {
    /// The actions that the given events do not contain yet.
    pub actions: Vec<EventKind>,
    pub result: TurnResult,
    /// What duroxide calls the difference, if the code did not do what the given events say.
    pub nondeterminism: Option<String>,
}

impl Code {
    /// Replays `events` and runs the turn that the last of them wake. The last `new` of them count
    /// as not seen by the code before.
    pub fn turn(&self, events: &[Event], new: usize) -> Turn {
        let (instance, execution) =
            events.first().map_or_else(Default::default, |first| (first.instance_id.clone(), first.execution_id));
        let kv = self.kv.iter().map(|(key, entry)| (key.clone(), entry.clone())).collect();
        let mut engine = ReplayEngine::new(instance, execution, events.to_vec())
            .with_persisted_history_len(events.len() - new)
            .with_kv_snapshot(kv);
        let result = engine.execute_orchestration(
            Arc::clone(&self.handler),
            self.input.clone(),
            self.name.clone(),
            self.version.clone(),
            "replay",
        );
        let done = engine.history_delta().iter().map(|event| event.kind.clone());
        let nondeterminism = match &result {
            TurnResult::Failed(ErrorDetails::Configuration {
                kind: ConfigErrorKind::Nondeterminism, message, ..
            }) => Some(message.clone().unwrap_or_default()),
            _ => None,
        };
        Turn { actions: done.filter(|kind| Role::of(kind) == Role::Action).collect(), result, nondeterminism }
    }
}
