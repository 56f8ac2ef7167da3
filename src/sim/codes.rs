//! [`Codes`]: the running activities, and the notification that something has happened.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::tasks::Spawns;
use crate::clock::Time;

/// The running activities, with the notification of any change in the run. Clones share the
/// same state.
#[derive(Clone, Debug, Default)]
pub(super) struct Codes(Arc<Inside>);

#[derive(Debug, Default)]
struct Inside {
    codes: Mutex<(u64, BTreeMap<u64, Code>)>,
    lives: AtomicU64,
    spawns: Spawns,
    stirred: Notify,
}

/// A running activity.
#[derive(Clone, Debug)]
pub(super) struct Code {
    /// The number of the process run to which it belongs.
    pub life: u64,
    pub node: String,
    pub activity: String,
    pub instance: String,
    pub since: Time,
}

impl Codes {
    /// Registers an activity until the returned guard is dropped.
    pub fn one(&self, code: Code) -> impl Drop + use<> {
        struct One(Codes, u64);
        impl Drop for One {
            fn drop(&mut self) {
                let gone = self.0.0.codes.lock().1.remove(&self.1).is_some();
                if gone {
                    self.0.stir();
                }
            }
        }
        let mut codes = self.0.codes.lock();
        codes.0 += 1;
        let number = codes.0;
        codes.1.insert(number, code);
        One(self.clone(), number)
    }

    /// Returns the number of the next process run.
    pub fn next_life(&self) -> u64 {
        self.0.lives.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the record of tasks spawned by the test's code.
    pub fn spawns(&self) -> &Spawns {
        &self.0.spawns
    }

    /// Removes the activities of a process that has crashed.
    pub fn forget(&self, life: u64) {
        self.0.codes.lock().1.retain(|_, code| code.life != life);
        self.stir();
    }

    pub fn any(&self) -> bool {
        !self.0.codes.lock().1.is_empty()
    }

    pub fn each(&self) -> Vec<Code> {
        self.0.codes.lock().1.values().cloned().collect()
    }

    /// Signals that something has happened.
    pub fn stir(&self) {
        self.0.stirred.notify_waiters();
    }

    /// Is ready when something happens after this call.
    pub fn stirred(&self) -> Notified<'_> {
        self.0.stirred.notified()
    }
}
