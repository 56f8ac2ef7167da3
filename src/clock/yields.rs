//! [`Yields`]: how often a simulating thread calls `std::thread::yield_now`.
//!
//! A loop that only yields waits for another thread. On a simulating thread it waits without end:
//! everything else of the simulation runs on the same thread, and virtual time stands still.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

thread_local! {
    static YIELDS: RefCell<Option<Yields>> = const { RefCell::new(None) };
}

/// The yields of one thread. Clones share the same count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Yields(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    count: AtomicU64,
    abandoned: AtomicBool,
}

impl Yields {
    /// Counts the yields of this thread from now on.
    pub fn enter(&self) {
        YIELDS.set(Some(self.clone()));
    }

    /// Returns the number of yields so far.
    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }

    /// Makes the thread sleep for the rest of its life when it yields next, because nobody waits
    /// for it any more and its loop would take a processor from other tests.
    pub fn abandon(&self) {
        self.0.abandoned.store(true, Ordering::Relaxed);
    }
}

/// Records that this thread yields.
// Unused where `absent.rs` replaces the overrides.
#[allow(dead_code)]
pub(super) fn notice() {
    let yields = YIELDS.try_with(|yields| yields.try_borrow().ok().and_then(|yields| yields.clone())).ok().flatten();
    let Some(Yields(shared)) = yields else { return };
    shared.count.fetch_add(1, Ordering::Relaxed);
    while shared.abandoned.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_secs(3600));
    }
}
