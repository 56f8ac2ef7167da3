//! [`Sleepers`]: the tasks of the body that wait.

use std::sync::atomic::{AtomicU64, Ordering};

use super::codes::Codes;

/// Counts tasks that wait: in the handle's `sleep`, or for an output.
#[derive(Debug, Default)]
pub(super) struct Sleepers {
    count: AtomicU64,
    /// Is notified when a task stops waiting.
    codes: Codes,
}

impl Sleepers {
    pub fn new(codes: &Codes) -> Sleepers {
        Sleepers { count: AtomicU64::new(0), codes: codes.clone() }
    }

    /// Counts one waiting task until the returned guard is dropped.
    pub fn one(&self) -> impl Drop + '_ {
        struct One<'a>(&'a Sleepers);
        impl Drop for One<'_> {
            fn drop(&mut self) {
                self.0.count.fetch_sub(1, Ordering::Relaxed);
                self.0.codes.stir();
            }
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        One(self)
    }

    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub fn any(&self) -> bool {
        self.count() > 0
    }
}
