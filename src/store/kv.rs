//! The key-value store of an instance.
//!
//! The writes of the current execution are kept separate until it ends: a turn's snapshot contains
//! only the values of earlier executions (the runtime replays the rest), while clients read both
//! together. Source: the official validations `test_kv_delta_*` and duroxide's
//! `docs/proposals/kv-delta-table.md`.

use std::collections::BTreeMap;

use duroxide::EventKind;

use super::Store;
use crate::call::{Event, KvEntry};

#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub(super) struct Kv {
    /// The values left by ended executions.
    kept: BTreeMap<String, KvEntry>,
    /// The writes of the current execution; `None` for a cleared key.
    delta: BTreeMap<String, Option<KvEntry>>,
}

impl Kv {
    /// Applies the key-value events of a turn, in order.
    pub fn write(&mut self, events: &[Event]) {
        for event in events {
            match &event.kind {
                EventKind::KeyValueSet { key, value, last_updated_at_ms } => {
                    let entry = KvEntry { value: value.clone(), last_updated_at_ms: *last_updated_at_ms };
                    self.delta.insert(key.clone(), Some(entry));
                }
                EventKind::KeyValueCleared { key } => {
                    self.delta.insert(key.clone(), None);
                }
                EventKind::KeyValuesCleared => {
                    let cleared = self.kept.keys().chain(self.delta.keys()).cloned();
                    self.delta = cleared.map(|key| (key, None)).collect();
                }
                _ => {}
            }
        }
    }

    /// Merges the writes of the execution, which has ended, into the kept values.
    pub fn merge(&mut self) {
        for (key, entry) in std::mem::take(&mut self.delta) {
            match entry {
                Some(entry) => self.kept.insert(key, entry),
                None => self.kept.remove(&key),
            };
        }
    }

    pub fn snapshot(&self) -> BTreeMap<String, KvEntry> {
        self.kept.clone()
    }

    pub fn value(&self, key: &str) -> Option<&str> {
        match self.delta.get(key) {
            Some(entry) => entry.as_ref(),
            None => self.kept.get(key),
        }
        .map(|entry| entry.value.as_str())
    }

    pub fn values(&self) -> BTreeMap<String, String> {
        let keys = self.kept.keys().chain(self.delta.keys());
        keys.filter_map(|key| Some((key.clone(), self.value(key)?.to_owned()))).collect()
    }
}

impl Store {
    pub(crate) fn kv_value(&self, instance: &str, key: &str) -> Option<String> {
        self.find(instance)?.kv.value(key).map(str::to_owned)
    }

    pub(super) fn kv_values(&self, instance: &str) -> BTreeMap<String, String> {
        self.find(instance).map_or_else(BTreeMap::new, |row| row.kv.values())
    }
}
