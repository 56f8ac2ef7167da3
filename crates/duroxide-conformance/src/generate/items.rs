//! Generates work items of every kind.

use std::sync::Arc;

use duroxide::providers::WorkItem;
use duroxide::{AppErrorKind, ConfigErrorKind, ErrorDetails, PoisonMessageType};
use duroxide_sim::call::Item;

use super::draft::Draft;

/// The number of kinds of messages.
const MESSAGES: u64 = 10;

impl Draft {
    /// A message of any kind for `instance`; occasionally one that belongs in
    /// the other queue.
    pub fn message(&mut self, instance: String) -> Item {
        if self.hostile() && self.random.one_in(3) {
            return self.job(instance, 0);
        }
        let kind = self.random.below(MESSAGES);
        // Kinds that this script does not use become external events.
        let kind = if self.swarm.messages >> kind & 1 == 1 { kind } else { 5 };
        self.message_of(kind, instance)
    }

    fn message_of(&mut self, kind: u64, instance: String) -> Item {
        let item = match kind {
            0 => return self.start(instance, None),
            1 => return self.completion(instance, false),
            2 => return self.completion(instance, true),
            3 => return self.timer(instance, 0),
            4 => WorkItem::CancelInstance { instance, reason: self.payload() },
            6 => WorkItem::QueueMessage { instance, name: self.event(), data: self.payload() },
            7 => WorkItem::SubOrchCompleted {
                parent_instance: instance,
                parent_execution_id: self.number(2),
                parent_id: self.number(4),
                result: self.payload(),
            },
            8 => WorkItem::SubOrchFailed {
                parent_instance: instance,
                parent_execution_id: self.number(2),
                parent_id: self.number(4),
                details: self.details(),
            },
            9 => return self.continuation(instance),
            _ => WorkItem::ExternalRaised { instance, name: self.event(), data: self.payload() },
        };
        Arc::new(item)
    }

    /// A message that starts an instance.
    pub fn start(&mut self, instance: String, parent: Option<String>) -> Item {
        let child = parent.is_some();
        Arc::new(WorkItem::StartOrchestration {
            instance,
            orchestration: self.orchestration(),
            input: self.payload(),
            version: if self.random.one_in(3) { None } else { Some(self.release()) },
            parent_instance: parent,
            parent_id: if child { Some(self.number(4)) } else { None },
            parent_execution_id: if child && self.random.one_in(2) { Some(self.number(3)) } else { None },
            execution_id: self.number(2),
        })
    }

    /// A message that continues an instance in a new execution.
    pub fn continuation(&mut self, instance: String) -> Item {
        let carried = self.random.below(3);
        Arc::new(WorkItem::ContinueAsNew {
            instance,
            orchestration: self.orchestration(),
            input: self.payload(),
            version: if self.random.one_in(3) { None } else { Some(self.release()) },
            parent_instance: None,
            parent_id: if self.random.one_in(8) { Some(self.number(4)) } else { None },
            parent_execution_id: None,
            carry_forward_events: (0..carried).map(|_| (self.event(), self.payload())).collect(),
            initial_custom_status: if self.random.one_in(4) { Some(self.payload()) } else { None },
        })
    }

    /// A message that completes an activity.
    pub fn completion(&mut self, instance: String, failed: bool) -> Item {
        let (execution_id, id) = (self.number(1), self.number(2));
        Arc::new(if failed {
            WorkItem::ActivityFailed { instance, execution_id, id, details: self.details() }
        } else {
            WorkItem::ActivityCompleted { instance, execution_id, id, result: self.payload() }
        })
    }

    pub fn timer(&mut self, instance: String, id: u64) -> Item {
        let fire_at_ms = self.fire_at();
        Arc::new(WorkItem::TimerFired { instance, execution_id: self.number(1), id, fire_at_ms })
    }

    /// An activity.
    pub fn job(&mut self, instance: String, id: u64) -> Item {
        let (bound, tagged) = (self.swarm.bound, self.swarm.tagged);
        Arc::new(WorkItem::ActivityExecute {
            instance,
            execution_id: self.number(1),
            id,
            name: self.orchestration(),
            input: self.payload(),
            session_id: if self.chance(bound, 16) { Some(self.session()) } else { None },
            tag: if self.chance(tagged, 16) { Some(self.tag()) } else { None },
        })
    }

    /// An activity with a session.
    pub fn bound_job(&mut self, instance: String, session: String) -> Item {
        let tag = if self.random.one_in(4) { Some(self.tag()) } else { None };
        let (id, name, input) = (self.number(8), self.orchestration(), self.payload());
        let session_id = Some(session);
        Arc::new(WorkItem::ActivityExecute { instance, execution_id: 0, id, name, input, session_id, tag })
    }

    /// The version of an orchestration, which providers treat as an arbitrary
    /// text.
    pub fn release(&mut self) -> String {
        let awkward = self.swarm.awkward;
        match self.random.below(4) {
            0 if self.chance(awkward, 16) => self.awkward(),
            0 => "2.0.0-rc.1+5".to_owned(),
            1 => "1.10.0".to_owned(),
            _ => "1.0.0".to_owned(),
        }
    }

    /// Error details of every kind.
    pub fn details(&mut self) -> ErrorDetails {
        let retryable = self.random.one_in(2);
        match self.random.below(8) {
            0 => ErrorDetails::Infrastructure { operation: self.payload(), message: self.payload(), retryable },
            1 => ErrorDetails::Configuration {
                kind: ConfigErrorKind::Nondeterminism,
                resource: self.payload(),
                message: if retryable { Some(self.payload()) } else { None },
            },
            2 => {
                let (instance, execution_id) = (self.instance(), self.number(3));
                let message_type = match self.random.below(3) {
                    0 => PoisonMessageType::Orchestration { instance, execution_id },
                    1 => PoisonMessageType::Activity {
                        instance,
                        execution_id,
                        activity_name: self.orchestration(),
                        activity_id: self.number(9),
                    },
                    _ => PoisonMessageType::FailedDeserialization { instance, execution_id, error: self.payload() },
                };
                ErrorDetails::Poison { attempt_count: u32::MAX, max_attempts: 0, message_type, message: self.payload() }
            }
            kind => ErrorDetails::Application {
                kind: match kind {
                    3 => AppErrorKind::OrchestrationFailed,
                    4 => AppErrorKind::Panicked,
                    5 => AppErrorKind::Cancelled { reason: self.payload() },
                    _ => AppErrorKind::ActivityFailed,
                },
                message: self.payload(),
                retryable,
            },
        }
    }
}
