//! Generates history events of every kind, and batches of them.

use std::sync::Arc;

use duroxide::EventKind;
use duroxide_sim::call::Event;

use super::draft::Draft;
use super::profile::Area;
use crate::script::HERE;

/// The number of kinds of events.
const KINDS: u64 = 28;

/// The kind about the custom status; those about values follow it.
const STATUS: u64 = 24;
const VALUES: [u64; 3] = [25, 26, 27];

impl Draft {
    /// The events of a turn: usually a few with ascending ids from 1; sometimes
    /// none, hundreds, with gaps, or in any order.
    pub fn history(&mut self) -> Vec<Event> {
        let count = match self.random.below(32) {
            0..=3 => 0,
            4 if self.swarm.crowded => 100 + self.random.below(200),
            5 if self.focused(Area::Histories) => 10 + self.random.below(30),
            _ => 1 + self.random.below(4),
        };
        let mut events: Vec<Event> = (1..=count).map(|id| self.any_event(id)).collect();
        if count > 0 {
            self.disorder(&mut events);
        }
        events
    }

    /// Introduces gaps, disorder, the largest ids, duplicates or the id 0.
    fn disorder(&mut self, events: &mut Vec<Event>) {
        let rate = if self.focused(Area::Histories) { 3 } else { 12 };
        let last = events.len() as u64 - 1;
        if self.random.one_in(rate) {
            let at = self.random.below(last + 1) as usize;
            let gap = self.number(3).saturating_add(1);
            events[at..].iter_mut().for_each(|event| {
                let event = Arc::make_mut(event);
                event.event_id = event.event_id.saturating_add(gap);
            });
        }
        if self.random.one_in(rate) {
            events.reverse();
        }
        if self.random.one_in(rate) && last > 0 {
            let (a, b) = (self.random.below(last + 1) as usize, self.random.below(last + 1) as usize);
            events.swap(a, b);
        }
        if self.hostile() {
            let at = self.random.below(last + 1) as usize;
            if self.random.one_in(2) {
                let again = events[at].clone();
                events.push(again);
            } else {
                // Relative id 0 is the last event of the history, so it exists
                // already.
                Arc::make_mut(&mut events[at]).event_id = 0;
            }
        }
    }

    /// An event of the fetched instance.
    pub fn event_of(&mut self, id: u64, kind: EventKind) -> Event {
        let source = self.random.one_in(4);
        Arc::new(duroxide::Event {
            event_id: id,
            source_event_id: if source { Some(self.number(5)) } else { None },
            instance_id: HERE.to_owned(),
            execution_id: 1,
            timestamp_ms: self.number(1000),
            duroxide_version: "0.1.32".to_owned(),
            kind,
        })
    }

    fn any_event(&mut self, id: u64) -> Event {
        let kind = match self.random.below(12) {
            0..=5 if self.focused(Area::Kv) => self.value_kind(),
            0..=5 if self.focused(Area::Status) => STATUS,
            0 | 1 => self.value_kind(),
            2 => STATUS,
            _ => self.random.below(KINDS),
        };
        // Kinds that this script does not use become markers without content.
        let kind = if self.swarm.events >> kind & 1 == 1 { kind } else { STATUS };
        let kind = if kind < 12 { self.event_kind(kind) } else { self.later_event_kind(kind) };
        self.event_of(id, kind)
    }

    /// Values are set more often than cleared.
    fn value_kind(&mut self) -> u64 {
        VALUES[[0, 0, 0, 0, 1, 1, 2, 0][self.random.below(8) as usize]]
    }

    fn event_kind(&mut self, kind: u64) -> EventKind {
        match kind {
            0 => self.started(),
            1 => EventKind::OrchestrationCompleted { output: self.payload() },
            2 => EventKind::OrchestrationFailed { details: self.details() },
            3 => EventKind::ActivityScheduled {
                name: self.orchestration(),
                input: self.payload(),
                session_id: if self.random.one_in(2) { Some(self.session()) } else { None },
                tag: if self.random.one_in(2) { Some(self.tag()) } else { None },
            },
            4 => EventKind::ActivityCompleted { result: self.payload() },
            5 => EventKind::ActivityFailed { details: self.details() },
            6 => EventKind::ActivityCancelRequested { reason: self.payload() },
            7 => EventKind::TimerCreated { fire_at_ms: self.number(5000) },
            8 => EventKind::TimerFired { fire_at_ms: self.number(5000) },
            9 => EventKind::ExternalSubscribed { name: self.event() },
            10 => EventKind::ExternalEvent { name: self.event(), data: self.payload() },
            _ => EventKind::OrchestrationChained {
                name: self.orchestration(),
                instance: self.instance(),
                input: self.payload(),
            },
        }
    }

    fn later_event_kind(&mut self, kind: u64) -> EventKind {
        match kind {
            12 => EventKind::SubOrchestrationScheduled {
                name: self.orchestration(),
                instance: self.instance(),
                input: self.payload(),
            },
            13 => EventKind::SubOrchestrationCompleted { result: self.payload() },
            14 => EventKind::SubOrchestrationFailed { details: self.details() },
            15 => EventKind::SubOrchestrationCancelRequested { reason: self.payload() },
            16 => EventKind::OrchestrationContinuedAsNew { input: self.payload() },
            17 => EventKind::OrchestrationCancelRequested { reason: self.payload() },
            18 => EventKind::ExternalSubscribedCancelled { reason: self.payload() },
            19 => EventKind::QueueSubscribed { name: self.event() },
            20 => EventKind::QueueEventDelivered { name: self.event(), data: self.payload() },
            21 => EventKind::QueueSubscriptionCancelled { reason: self.payload() },
            22 => self.started(),
            25 => self.value_set(),
            26 => EventKind::KeyValueCleared { key: self.key() },
            27 => EventKind::KeyValuesCleared,
            _ => self.status_set(),
        }
    }

    pub fn started(&mut self) -> EventKind {
        let carried = self.random.below(4);
        EventKind::OrchestrationStarted {
            name: self.orchestration(),
            version: self.release(),
            input: self.payload(),
            parent_instance: None,
            parent_id: None,
            parent_execution_id: None,
            carry_forward_events: if carried > 1 {
                Some((1..carried).map(|_| (self.event(), self.payload())).collect())
            } else {
                None
            },
            initial_custom_status: if self.random.one_in(4) { Some(self.payload()) } else { None },
        }
    }

    pub fn value_set(&mut self) -> EventKind {
        EventKind::KeyValueSet { key: self.key(), value: self.payload(), last_updated_at_ms: self.number(1000) }
    }

    pub fn status_set(&mut self) -> EventKind {
        EventKind::CustomStatusUpdated { status: if self.random.one_in(4) { None } else { Some(self.payload()) } }
    }
}
