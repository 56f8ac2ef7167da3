//! [`Effects`]: what activities do to the outside world.
//!
//! It counts; what must be true of the counts is the test's to say.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// What activities do to the outside world, as a set: an effect that is repeated
/// with the same key counts once, as with any service that takes an idempotency
/// key. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Effects(Arc<Mutex<BTreeMap<String, u64>>>);

impl Effects {
    /// An effect happens.
    pub fn add(&self, key: impl Into<String>) {
        *self.0.lock().entry(key.into()).or_default() += 1;
    }

    /// What has happened, and how often.
    pub fn all(&self) -> BTreeMap<String, u64> {
        self.0.lock().clone()
    }

    /// How often the effect with this key has happened.
    pub fn count(&self, key: &str) -> u64 {
        self.0.lock().get(key).copied().unwrap_or_default()
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.0.lock().keys().cloned().collect()
    }
}
