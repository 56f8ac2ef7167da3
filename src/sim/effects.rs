//! [`Effects`]: a record of what activities do to the outside world.
//!
//! It only counts; the test decides what must be true of the counts.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::logs::{self, Place, RunLog};

/// An effect that happened in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DoneEffect {
    /// The virtual time since the start of the run.
    pub at: Duration,
    /// The key of the effect.
    pub key: String,
    /// The node whose code had it; `None` for the test's body and its tasks.
    pub node: Option<String>,
    /// The instance whose activity had it.
    pub instance: Option<String>,
    /// The activity.
    pub activity: Option<String>,
    /// The number of provider calls in the trace before it.
    pub calls: usize,
}

thread_local! {
    /// The effects of the run on this thread.
    static DONE: RefCell<VecDeque<DoneEffect>> = const { RefCell::new(VecDeque::new()) };
}

/// Takes the last effects of the run on this thread.
pub(super) fn take() -> Vec<DoneEffect> {
    DONE.take().into()
}

fn note(key: &str) {
    let Some(Place { at, calls, origin }) = logs::place() else { return };
    let node = origin.as_ref().map(|origin| origin.node.to_string());
    let (instance, activity) = origin.map(|origin| (origin.instance, origin.activity)).unwrap_or_default();
    DONE.with_borrow_mut(|done| {
        if done.len() == RunLog::MOST {
            done.pop_front();
        }
        done.push_back(DoneEffect { at, key: key.to_owned(), node, instance, activity, calls });
    });
}

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
        let key = key.into();
        note(&key);
        *self.0.counts.lock().entry(key).or_default() += 1;
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
