//! Stories about the results of turns: values, custom status and pinned
//! versions; and about many messages and events.

use std::time::Duration;

use duroxide::EventKind;
use duroxide::providers::WorkItem;
use duroxide_sim::call::{Call, Event, Item};

use super::draft::Draft;
use super::numbers;
use super::turns::Outcome;
use crate::script::{HERE, Queue};

impl Draft {
    /// Values are set and cleared over several executions, and read in between.
    pub fn values_story(&mut self) {
        let rounds = 2 + self.random.below(4);
        for _ in 0..rounds {
            self.wake();
            self.take_turn();
            let events = self.value_events();
            let (execution, status) = match self.random.below(6) {
                0 => (0, Some("Completed")),
                1 => (0, Some("Failed")),
                2 | 3 => (0, Some("ContinuedAsNew")),
                4 => (1, None),
                _ => (0, None),
            };
            self.finish_with(execution, events, status);
            self.read_values_here();
        }
    }

    fn value_events(&mut self) -> Vec<Event> {
        let count = self.random.below(5);
        let one = |draft: &mut Draft, id: u64| {
            let kind = match draft.random.below(8) {
                0 | 1 => EventKind::KeyValueCleared { key: draft.key() },
                2 => EventKind::KeyValuesCleared,
                _ => draft.value_set(),
            };
            draft.event_of(id, kind)
        };
        (1..=count).map(|id| one(self, id)).collect()
    }

    fn read_values_here(&mut self) {
        let instance = HERE.to_owned();
        match self.random.below(4) {
            0 => self.call(Call::GetKvAllValues { instance }),
            1 => {
                let key = self.key();
                self.call(Call::GetKvValue { instance, key });
            }
            2 => self.call(Call::GetInstanceStats { instance }),
            _ => {}
        }
    }

    /// The custom status is set and cleared, and a client waits for changes.
    pub fn status_story(&mut self) {
        let rounds = 1 + self.random.below(4);
        for version in 0..rounds {
            self.wake();
            self.take_turn();
            let count = self.random.below(3);
            let events = (1..=count).map(|id| {
                let kind = self.status_set();
                self.event_of(id, kind)
            });
            let events = events.collect();
            let status = if self.random.one_in(8) { Some("ContinuedAsNew") } else { None };
            self.finish_with(0, events, status);
            let last_seen_version = (version + self.random.below(3)).saturating_sub(1);
            self.call(Call::GetCustomStatus { instance: HERE.to_owned(), last_seen_version });
        }
    }

    /// Executions are pinned to versions, and dispatchers that support other
    /// versions fetch.
    pub fn version_story(&mut self) {
        let rounds = 1 + self.random.below(3);
        for _ in 0..rounds {
            let instance = self.instance();
            let item = self.start(instance, None);
            self.enqueue(item, None);
            self.take_turn();
            let mut ack = self.turn(Queue::Turn.last(), Outcome::Runs);
            ack.metadata.pinned_duroxide_version = Some(numbers::version(&mut self.random, &self.swarm));
            self.relative(Call::AckOrchestrationItem(Box::new(ack)));
            self.wake();
        }
        for _ in 0..rounds + 1 {
            let lock_for = self.usual_span();
            let versions = Some(numbers::ranges(&mut self.random, &self.swarm));
            self.call(Call::FetchOrchestrationItem { lock_for, poll_for: Duration::ZERO, versions });
            if self.random.one_in(2) {
                self.finish_turn(Outcome::Any);
            }
        }
    }

    /// Some messages for one instance; hundreds in a script with crowds.
    pub fn crowd(&mut self) {
        let instance = self.instance();
        let crowded = std::mem::take(&mut self.swarm.crowded);
        let one_by_one = crowded && self.random.one_in(8);
        let count = if one_by_one { 100 + self.random.below(100) } else { 3 + self.random.below(6) };
        for number in 0..count {
            let item = self.numbered(number, instance.clone());
            self.call(Call::EnqueueForOrchestrator { item, delay: None });
        }
        self.begin_as(instance, None);
        if crowded {
            // In a single call they cost a slow provider less time.
            self.wake();
            self.take_turn();
            let mut ack = self.turn(Queue::Turn.last(), Outcome::Runs);
            let count = 100 + self.random.below(200);
            ack.messages.extend((0..count).map(|number| self.numbered(number, HERE.to_owned())));
            self.relative(Call::AckOrchestrationItem(Box::new(ack)));
        }
        self.take_turn();
        self.finish_turn(Outcome::Any);
    }

    fn numbered(&mut self, number: u64, instance: String) -> Item {
        let (name, data) = (self.event(), number.to_string());
        Item::new(match number % 3 {
            0 => WorkItem::QueueMessage { instance, name, data },
            _ => WorkItem::ExternalRaised { instance, name, data },
        })
    }
}
