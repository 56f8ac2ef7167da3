//! The calls of concurrent callers, in the conventions of scripts.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use duroxide::EventKind;
use duroxide::providers::WorkItem;
use duroxide_sim::call::{AckTurn, ActivityId, Call, Event, Item, Metadata, SessionClaim, Tags};

use crate::script::{Act, HERE, Queue};

pub(super) fn plain(call: Call) -> Act {
    Act { call, relative: false, dropped_after: None }
}

fn relative(call: Call) -> Act {
    Act { call, relative: true, dropped_after: None }
}

pub(super) fn start(instance: &str, parent: Option<&str>) -> Act {
    send(start_item(instance, parent))
}

fn start_item(instance: &str, parent: Option<&str>) -> WorkItem {
    WorkItem::StartOrchestration {
        instance: instance.to_owned(),
        orchestration: "order".to_owned(),
        input: String::new(),
        version: Some("1.0.0".to_owned()),
        parent_instance: parent.map(str::to_owned),
        parent_id: parent.map(|_| 1),
        parent_execution_id: parent.map(|_| 1),
        execution_id: 1,
    }
}

pub(super) fn raise(instance: &str, data: u64) -> Act {
    send(raised(instance, data))
}

fn raised(instance: &str, data: u64) -> WorkItem {
    WorkItem::ExternalRaised { instance: instance.to_owned(), name: "news".to_owned(), data: data.to_string() }
}

fn send(item: WorkItem) -> Act {
    plain(Call::EnqueueForOrchestrator { item: Arc::new(item), delay: None })
}

pub(super) fn fetch(lock_for_ms: u64) -> Act {
    let lock_for = Duration::from_millis(lock_for_ms);
    plain(Call::FetchOrchestrationItem { lock_for, poll_for: Duration::ZERO, versions: None })
}

pub(super) fn renew(lock_for_ms: u64) -> Act {
    let token = Queue::Turn.last();
    plain(Call::RenewOrchestrationItemLock { token, extend_for: Duration::from_millis(lock_for_ms) })
}

pub(super) fn abandon() -> Act {
    plain(Call::AbandonOrchestrationItem { token: Queue::Turn.last(), delay: None, ignore_attempt: false })
}

/// The changes of an ack, apart from its terminal event.
pub(super) struct Outcome {
    kinds: Vec<EventKind>,
    jobs: Vec<Item>,
    messages: Vec<Item>,
    cancelled: Vec<ActivityId>,
    metadata: Metadata,
    /// Relative to the fetched execution.
    execution: u64,
}

impl Outcome {
    pub fn new(kinds: Vec<EventKind>) -> Outcome {
        let metadata = Metadata {
            status: Some("Running".to_owned()),
            orchestration_name: Some("order".to_owned()),
            orchestration_version: Some("1.0.0".to_owned()),
            ..Metadata::default()
        };
        Outcome { kinds, jobs: Vec::new(), messages: Vec::new(), cancelled: Vec::new(), metadata, execution: 0 }
    }

    fn ended(mut self, status: &str, output: u64) -> Outcome {
        self.metadata.status = Some(status.to_owned());
        self.metadata.output = Some(output.to_string());
        self
    }

    pub fn ack(self) -> Act {
        let event = |(number, kind): (usize, EventKind)| -> Event {
            Arc::new(duroxide::Event {
                event_id: number as u64 + 1,
                source_event_id: None,
                instance_id: HERE.to_owned(),
                execution_id: 0,
                timestamp_ms: 0,
                duroxide_version: "0.1.32".to_owned(),
                kind,
            })
        };
        relative(Call::AckOrchestrationItem(Box::new(AckTurn {
            token: Queue::Turn.last(),
            execution: self.execution,
            history: self.kinds.into_iter().enumerate().map(event).collect(),
            jobs: self.jobs,
            messages: self.messages,
            metadata: self.metadata,
            cancelled: self.cancelled,
        })))
    }
}

/// An ack that writes a custom status and a value.
pub(super) fn progress(data: u64) -> Act {
    let status = EventKind::CustomStatusUpdated { status: Some(data.to_string()) };
    let value = EventKind::KeyValueSet { key: "key".to_owned(), value: data.to_string(), last_updated_at_ms: data };
    Outcome::new(vec![status, value]).ack()
}

/// An ack of a sub-orchestration's turn.
pub(super) fn progress_of_child(parent: &str, data: u64) -> Act {
    let mut outcome = Outcome::new(vec![EventKind::CustomStatusUpdated { status: Some(data.to_string()) }]);
    outcome.metadata.parent_instance_id = Some(parent.to_owned());
    outcome.ack()
}

/// An ack that schedules activities.
pub(super) fn schedule(count: u64, session: Option<&str>, tag: Option<&str>, data: u64) -> Act {
    let kind = || EventKind::ActivityScheduled {
        name: "work".to_owned(),
        input: data.to_string(),
        session_id: session.map(str::to_owned),
        tag: tag.map(str::to_owned),
    };
    let mut outcome = Outcome::new((0..count).map(|_| kind()).collect());
    outcome.jobs = (1..=count).map(|id| Arc::new(work(HERE, id, 0, session, tag, data))).collect();
    outcome.ack()
}

fn work(instance: &str, id: u64, execution: u64, session: Option<&str>, tag: Option<&str>, data: u64) -> WorkItem {
    WorkItem::ActivityExecute {
        instance: instance.to_owned(),
        execution_id: execution,
        id,
        name: "work".to_owned(),
        input: data.to_string(),
        session_id: session.map(str::to_owned),
        tag: tag.map(str::to_owned),
    }
}

/// A work item that no turn has scheduled.
pub(super) fn enqueue_job(instance: &str, session: Option<&str>, data: u64) -> Act {
    plain(Call::EnqueueForWorker { item: Arc::new(work(instance, 1_000 + data, 1, session, None, data)) })
}

pub(super) fn complete(data: u64) -> Act {
    Outcome::new(vec![EventKind::OrchestrationCompleted { output: data.to_string() }]).ended("Completed", data).ack()
}

/// An ack that continues as new.
pub(super) fn go_on(data: u64) -> Act {
    let input = data.to_string();
    let kind = EventKind::OrchestrationContinuedAsNew { input: input.clone() };
    let mut outcome = Outcome::new(vec![kind]).ended("ContinuedAsNew", data);
    outcome.messages.push(Arc::new(WorkItem::ContinueAsNew {
        instance: HERE.to_owned(),
        orchestration: "order".to_owned(),
        input,
        version: Some("1.0.0".to_owned()),
        parent_instance: None,
        parent_id: None,
        parent_execution_id: None,
        carry_forward_events: Vec::new(),
        initial_custom_status: None,
    }));
    outcome.ack()
}

/// An ack of the first turn of the next execution.
pub(super) fn next_execution(data: u64) -> Act {
    let mut outcome = Outcome::new(vec![EventKind::CustomStatusUpdated { status: Some(data.to_string()) }]);
    outcome.execution = 1;
    outcome.ack()
}

/// An ack that sends messages to other instances.
pub(super) fn tell(others: &[String], data: u64) -> Act {
    let mut outcome = Outcome::new(vec![EventKind::ExternalSubscribed { name: data.to_string() }]);
    outcome.messages = others.iter().map(|other| Arc::new(raised(other, data))).collect();
    outcome.ack()
}

/// An ack that starts a sub-orchestration.
pub(super) fn beget(child: &str, data: u64) -> Act {
    let (name, instance, input) = ("order".to_owned(), child.to_owned(), data.to_string());
    let mut outcome = Outcome::new(vec![EventKind::SubOrchestrationScheduled { name, instance, input }]);
    outcome.messages.push(Arc::new(start_item(child, Some(HERE))));
    outcome.ack()
}

/// An ack that cancels the most recently scheduled activities.
pub(super) fn cancel(count: u64, data: u64) -> Act {
    let mut outcome = Outcome::new(vec![EventKind::CustomStatusUpdated { status: Some(data.to_string()) }]);
    let id = |activity| ActivityId { instance: HERE.to_owned(), execution: 0, activity };
    outcome.cancelled = (0..count).map(id).collect();
    outcome.ack()
}

pub(super) fn fetch_job(lock_for_ms: u64, owner: Option<&str>, tag: Option<&str>) -> Act {
    let lock_for = Duration::from_millis(lock_for_ms);
    let session = owner.map(|owner| SessionClaim { owner: owner.to_owned(), lock_for });
    let tags = tag.map_or(Tags::Any, |tag| Tags::DefaultAnd(BTreeSet::from([tag.to_owned()])));
    plain(Call::FetchWorkItem { lock_for, poll_for: Duration::ZERO, session, tags })
}

pub(super) fn ack_job(result: Option<u64>) -> Act {
    let completion = result.map(|result| {
        let (instance, result) = (HERE.to_owned(), result.to_string());
        Arc::new(WorkItem::ActivityCompleted { instance, execution_id: 0, id: 0, result })
    });
    relative(Call::AckWorkItem { token: Queue::Job.last(), completion })
}

pub(super) fn renew_job(lock_for_ms: u64) -> Act {
    let extend_for = Duration::from_millis(lock_for_ms);
    plain(Call::RenewWorkItemLock { token: Queue::Job.last(), extend_for })
}

pub(super) fn abandon_job() -> Act {
    plain(Call::AbandonWorkItem { token: Queue::Job.last(), delay: None, ignore_attempt: false })
}
