//! Detection of tasks spawned by the test's code.
//!
//! When a tokio task will continue is not visible from outside: it may be in a timer. So it
//! matters whether the body or an activity has spawned any. That is detected by comparing
//! the number of live tasks before and after each poll of its code; a poll ends no task.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// The number of tasks that the simulation itself has spawned on this thread.
    static OURS: Cell<usize> = const { Cell::new(0) };
}

/// Whether the test's code has spawned a task. Clones share the same state.
#[derive(Clone, Debug, Default)]
pub(super) struct Spawns(Arc<AtomicBool>);

impl Spawns {
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Detects the tasks that `code` spawns.
    pub fn notice<T>(&self, code: impl FnOnce() -> T) -> T {
        let (before, ours) = (alive(), OURS.get());
        let value = code();
        if alive() - before > OURS.get() - ours {
            self.0.store(true, Ordering::Relaxed);
        }
        value
    }

    /// Detects the tasks that a future spawns.
    pub async fn notice_all<T>(&self, code: impl Future<Output = T>) -> T {
        let mut code = pin!(code);
        poll_fn(|cx| self.notice(|| code.as_mut().poll(cx))).await
    }
}

/// Spawns tasks that belong to the simulation or to duroxide, not to the test.
pub(super) fn ours<T>(start: impl FnOnce() -> T) -> T {
    let (before, ours) = (alive(), OURS.get());
    let value = start();
    OURS.set(ours + (alive() - before));
    value
}

fn alive() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}
