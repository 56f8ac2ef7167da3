//! An instance: its record, executions and histories, and how they are read.

use std::collections::BTreeSet;

use duroxide::{EventKind, INITIAL_EXECUTION_ID, SystemStats};
use semver::Version;

use super::chain::Chain;
use super::kv::Kv;
use super::queue::{Lease, Message, Queue};
use super::{Key, Leeway, Store, invalid};
use crate::call::{Class, Event, Refusal, Reply};
use crate::clock::Time;

/// The state of one instance. It may have no record yet: messages, jobs and appended histories can
/// come first.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Instance {
    pub name: String,
    pub record: Option<Record>,
    pub executions: Chain<Execution>,
    pub histories: Chain<History>,
    /// The total number of events in its histories.
    pub events: u64,
    pub kv: Kv,
    pub queue: Queue,
    /// The lock on the instance, with the messages that were fetched under it.
    pub lease: Option<(Lease, Vec<Message>)>,
    /// The number of its jobs.
    pub jobs: usize,
    /// Its entry in the store's index of fetchable instances.
    pub listed: Option<(Option<Version>, (Time, u64, Key))>,
}

/// What `ack_orchestration_item` has recorded about an instance.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub orchestration_name: String,
    pub orchestration_version: Option<String>,
    pub current: u64,
    pub parent: Option<String>,
    pub created_at: Time,
    pub created_id: u64,
    pub updated_at: Time,
    pub custom_status: Option<String>,
    pub custom_status_version: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Execution {
    pub status: String,
    pub output: Option<String>,
    pub started_at: Time,
    pub completed_at: Option<Time>,
    pub pinned: Option<Version>,
}

/// The events of one execution, ordered by event id.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct History {
    pub events: Vec<Event>,
    /// Whether the stored history can no longer be read.
    pub corrupt: bool,
}

pub(super) const RUNNING: &str = "Running";

impl Instance {
    pub fn new(name: &str) -> Instance {
        Instance {
            name: name.to_owned(),
            record: None,
            executions: Chain::default(),
            histories: Chain::default(),
            events: 0,
            kv: Kv::default(),
            queue: Queue::default(),
            lease: None,
            jobs: 0,
            listed: None,
        }
    }

    /// Whether an orchestration was started under this name. Messages for an instance that was
    /// never started are only delivered together with one that starts it.
    pub fn is_known(&self) -> bool {
        self.record.is_some() || !self.histories.is_empty()
    }

    pub fn is_empty(&self) -> bool {
        !self.is_known()
            && self.executions.is_empty()
            && self.queue.len() == 0
            && self.lease.is_none()
            && self.jobs == 0
    }

    /// The latest execution with any data.
    pub fn latest(&self) -> u64 {
        self.executions.last_id().max(self.histories.last_id()).unwrap_or(INITIAL_EXECUTION_ID)
    }

    /// The execution to which new turns belong.
    pub fn current(&self) -> u64 {
        self.record.as_ref().map_or_else(|| self.latest(), |record| record.current)
    }

    pub fn current_execution(&self) -> Option<&Execution> {
        self.executions.get(self.current())
    }

    /// The status of the current execution.
    pub fn status(&self) -> Option<&str> {
        self.current_execution().map(|execution| execution.status.as_str())
    }

    /// Appends events that [`History::refusal`] has accepted.
    pub fn append(&mut self, execution: u64, events: &[Event]) {
        if !events.is_empty() {
            self.histories.or_insert_with(execution, History::default).append(events);
            self.events += events.len() as u64;
        }
    }

    /// The waiting messages, followed by the fetched ones.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.queue.messages().chain(self.lease.iter().flat_map(|(_, batch)| batch))
    }

    /// The name, version and execution for a turn: from the record, else from the history's start
    /// event, else from the message that starts the instance.
    pub fn identity(&self, messages: &[Message]) -> (String, String) {
        use duroxide::providers::WorkItem;
        let unknown = || "unknown".to_owned();
        if let Some(record) = &self.record {
            let version = record.orchestration_version.clone().unwrap_or_else(unknown);
            return (record.orchestration_name.clone(), version);
        }
        let events = self.histories.get(self.current()).map_or(&[][..], |history| &history.events);
        let started = events.iter().find_map(|event| match &event.kind {
            EventKind::OrchestrationStarted { name, version, .. } => Some((name.clone(), version.clone())),
            _ => None,
        });
        let message = || {
            messages.iter().find_map(|message| match &*message.item {
                WorkItem::StartOrchestration { orchestration, version, .. }
                | WorkItem::ContinueAsNew { orchestration, version, .. } => {
                    Some((orchestration.clone(), version.clone().unwrap_or_else(unknown)))
                }
                _ => None,
            })
        };
        started.or_else(message).unwrap_or_else(|| (unknown(), unknown()))
    }
}

impl History {
    /// Returns why `events` cannot be appended, if they cannot: "Events with duplicate
    /// (instance_id, execution_id, event_id) should either reject with error […] never overwrite"
    /// (`append_with_execution`).
    pub fn refusal(&self, operation: &str, events: &[Event]) -> Option<Refusal> {
        let mut ids: Vec<u64> = events.iter().map(|event| event.event_id).collect();
        ids.sort_unstable();
        if ids.first() == Some(&0) {
            let message = "An event has the id 0; the runtime assigns event ids, starting from 1.";
            return Some(invalid(operation, message));
        }
        let twice = ids.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        let there = twice.or_else(|| ids.iter().copied().find(|id| self.position(*id).is_ok()));
        there.map(|id| {
            let message = format!("Event {id} is already in the history; a history is append-only.");
            Refusal::permanent(Class::DuplicateEvent, operation, message)
        })
    }

    /// Those of `events` whose ids are new, each id once.
    fn fresh(&self, events: &[Event]) -> Vec<Event> {
        let mut seen = BTreeSet::new();
        let new = |event: &&Event| self.position(event.event_id).is_err() && seen.insert(event.event_id);
        events.iter().filter(new).cloned().collect()
    }

    fn append(&mut self, events: &[Event]) {
        for event in events {
            let at = self.position(event.event_id).unwrap_or_else(|at| at);
            self.events.insert(at, event.clone());
        }
    }

    /// The position of the event with this id, or where it would be inserted. That is usually the
    /// end, which is checked first.
    fn position(&self, event_id: u64) -> Result<usize, usize> {
        match self.events.last() {
            Some(last) if last.event_id < event_id => Err(self.events.len()),
            _ => self.events.binary_search_by_key(&event_id, |event| event.event_id),
        }
    }

    pub fn error(&self) -> Option<String> {
        self.corrupt.then(|| "The stored history cannot be deserialized.".to_owned())
    }
}

impl Store {
    pub(super) fn read(&self, operation: &str, instance: &str, execution: Option<u64>) -> Result<Reply, Refusal> {
        let Some(row) = self.find(instance) else { return Ok(Reply::Events(Vec::new())) };
        let execution = execution.unwrap_or_else(|| row.latest());
        match row.histories.get(execution) {
            Some(history) => match history.error() {
                Some(error) => Err(Refusal::permanent(Class::Corrupt, operation, error)),
                None => Ok(Reply::Events(history.events.clone())),
            },
            None => Ok(Reply::Events(Vec::new())),
        }
    }

    pub(super) fn append(
        &mut self,
        instance: &str,
        execution: u64,
        events: &[Event],
        leeway: Leeway,
    ) -> Result<Reply, Refusal> {
        let empty = History::default();
        let history = self.find(instance).and_then(|row| row.histories.get(execution)).unwrap_or(&empty);
        let fresh;
        let events = match leeway {
            Leeway::IgnoreDuplicates => {
                fresh = history.fresh(events);
                &fresh[..]
            }
            Leeway::None | Leeway::RefuseExpired | Leeway::KeepSessions => events,
        };
        if let Some(refusal) = history.refusal("append_with_execution", events) {
            return Err(refusal);
        }
        if !events.is_empty() {
            let key = self.intern(instance);
            self.row(key).append(execution, events);
            self.totals.total_events += events.len() as u64;
            self.relist(key);
        }
        Ok(Reply::Done)
    }

    pub(super) fn latest_execution(&self, instance: &str) -> u64 {
        self.find(instance).map_or(INITIAL_EXECUTION_ID, Instance::latest)
    }

    pub(crate) fn custom_status(&self, instance: &str, last_seen: u64) -> Option<(Option<String>, u64)> {
        let record = self.find(instance)?.record.as_ref()?;
        let version = record.custom_status_version;
        (version > last_seen).then(|| (record.custom_status.clone(), version))
    }

    pub(super) fn stats(&self, instance: &str) -> Result<Reply, Refusal> {
        let Some(row) = self.find(instance).filter(|row| row.record.is_some()) else {
            return Ok(Reply::Stats(None));
        };
        let empty = History::default();
        let history = row.histories.get(row.current()).unwrap_or(&empty);
        if let Some(error) = history.error() {
            return Err(Refusal::permanent(Class::Corrupt, "get_instance_stats", error));
        }
        let bytes = |event: &Event| serde_json::to_vec(event).map_or(0, |json| json.len() as u64);
        let carried = history.events.first().map_or(0, |event| match &event.kind {
            EventKind::OrchestrationStarted { carry_forward_events: Some(events), .. } => events.len() as u64,
            _ => 0,
        });
        let values = row.kv.values();
        Ok(Reply::Stats(Some(SystemStats {
            history_event_count: history.events.len() as u64,
            history_size_bytes: history.events.iter().map(bytes).sum(),
            queue_pending_count: carried,
            kv_user_key_count: values.len() as u64,
            kv_total_value_bytes: values.values().map(|value| value.len() as u64).sum(),
        })))
    }

    /// Makes the stored histories of an instance unreadable, like a damaged disk or an event from a
    /// newer duroxide. Returns whether there were any.
    pub fn corrupt_history(&mut self, instance: &str) -> bool {
        let Some(key) = self.names.get(instance).copied() else { return false };
        let histories = &mut self.row(key).histories;
        histories.values_mut().for_each(|history| history.corrupt = true);
        !histories.is_empty()
    }
}
