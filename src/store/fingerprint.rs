//! Fingerprints for comparing two stores that answered the same calls.
//!
//! The stores may have numbered their items, or ordered the messages of an instance, differently;
//! neither counts. Only state that can still affect an answer is compared.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::Store;
use super::instance::{Instance, Record};
use super::queue::Message;
use crate::call::Item;

/// A 128-bit fingerprint of a store's observable state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StateFingerprint(u64, u64);

impl Store {
    /// Returns a fingerprint of the store's observable state. Items and events are compared by
    /// address, so only stores that were cloned from one another and have answered the same calls
    /// have equal fingerprints, and a fingerprint is valid only while the items of those calls are
    /// alive.
    pub fn fingerprint(&self) -> StateFingerprint {
        let salted = |salt: u64| {
            let mut hasher = DefaultHasher::new();
            salt.hash(&mut hasher);
            self.feed(&mut hasher);
            hasher.finish()
        };
        StateFingerprint(salted(1), salted(2))
    }

    fn feed(&self, hasher: &mut DefaultHasher) {
        for (name, key) in &self.names {
            name.hash(hasher);
            self.instances[key].feed(hasher);
        }
        let jobs = self.jobs.each().map(|(item, ready_at, attempts, lease)| {
            print(|hasher| (address(item), ready_at, attempts, lease).hash(hasher))
        });
        sorted(jobs).hash(hasher);
        self.sessions.hash(hasher);
        // The children of each instance follow from the records.
    }
}

impl Instance {
    fn feed(&self, hasher: &mut DefaultHasher) {
        // Without `..`, so that a new field cannot be forgotten here. Those that are ignored follow
        // from the others.
        let Instance { name: _, record, executions, histories, events: _, kv, queue, lease, jobs: _, listed: _ } = self;
        if let Some(record) = record {
            record.feed(hasher);
        }
        for (id, execution) in executions.iter() {
            (id, &execution.status, &execution.output).hash(hasher);
            (execution.started_at, execution.completed_at, &execution.pinned).hash(hasher);
        }
        for (id, history) in histories.iter() {
            let events: Vec<usize> = history.events.iter().map(|event| Arc::as_ptr(event).addr()).collect();
            (id, events, history.corrupt).hash(hasher);
        }
        kv.hash(hasher);
        messages(queue.messages()).hash(hasher);
        if let Some((lease, batch)) = lease {
            (lease, messages(batch.iter())).hash(hasher);
        }
    }
}

impl Record {
    fn feed(&self, hasher: &mut DefaultHasher) {
        let Record {
            orchestration_name,
            orchestration_version,
            current,
            parent,
            created_at,
            // Only orders instances that were created at one moment.
            created_id: _,
            updated_at,
            custom_status,
            custom_status_version,
        } = self;
        (orchestration_name, orchestration_version, current, parent).hash(hasher);
        (created_at, updated_at).hash(hasher);
        (custom_status, custom_status_version).hash(hasher);
    }
}

fn messages<'a>(messages: impl Iterator<Item = &'a Message>) -> Vec<(usize, u64, u32)> {
    sorted(messages.map(|message| (address(&message.item), message.visible_at.0, message.attempts)))
}

fn address(item: &Item) -> usize {
    Arc::as_ptr(item).addr()
}

fn print(feed: impl FnOnce(&mut DefaultHasher)) -> u64 {
    let mut hasher = DefaultHasher::new();
    feed(&mut hasher);
    hasher.finish()
}

fn sorted<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_unstable();
    all
}
