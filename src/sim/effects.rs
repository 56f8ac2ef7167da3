//! [`Effects`]: a record of what activities do to the outside world.
//!
//! It only counts; the test decides what must be true of the counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// The effects of activities on the outside world, as a map from keys to counts. A repeated
/// effect with the same key stays one entry, as in a service that takes an idempotency key.
/// Clones share the same record.
#[derive(Clone, Debug, Default)]
pub struct Effects(Arc<Inside>);

#[derive(Debug, Default)]
struct Inside {
    counts: Mutex<BTreeMap<String, u64>>,
    added: Notify,
}

impl Effects {
    /// Records an effect.
    pub fn add(&self, key: impl Into<String>) {
        *self.0.counts.lock().entry(key.into()).or_default() += 1;
        self.0.added.notify_waiters();
    }

    /// Returns all effects, with the number of times that each happened.
    pub fn all(&self) -> BTreeMap<String, u64> {
        self.0.counts.lock().clone()
    }

    /// Returns the number of times that the effect with this key happened.
    pub fn count(&self, key: &str) -> u64 {
        self.0.counts.lock().get(key).copied().unwrap_or_default()
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.0.counts.lock().keys().cloned().collect()
    }

    /// Is ready when an effect is recorded after this call.
    pub(super) fn added(&self) -> Notified<'_> {
        self.0.added.notified()
    }
}
