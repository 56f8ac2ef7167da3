//! Which tasks a test's code starts.
//!
//! Nobody can see from outside when a task of tokio's will go on: it may be in a
//! timer. So it is noticed whether the body or an activity has started any, by the
//! number of live tasks before and after each poll of its code; a poll ends no
//! task.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// How many tasks the simulation itself has started on this thread.
    static OURS: Cell<usize> = const { Cell::new(0) };
}

/// Whether code of the test's has started a task. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Spawns(Arc<AtomicBool>);

impl Spawns {
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Notices the tasks that `code` starts.
    pub fn notice<T>(&self, code: impl FnOnce() -> T) -> T {
        let (before, ours) = (alive(), OURS.get());
        let value = code();
        if alive() - before > OURS.get() - ours {
            self.0.store(true, Ordering::Relaxed);
        }
        value
    }

    /// Notices the tasks that a future starts.
    pub async fn notice_all<T>(&self, code: impl Future<Output = T>) -> T {
        let mut code = pin!(code);
        poll_fn(|cx| self.notice(|| code.as_mut().poll(cx))).await
    }
}

/// Starts tasks that are the simulation's or duroxide's, and not the test's.
pub(super) fn ours<T>(start: impl FnOnce() -> T) -> T {
    let (before, ours) = (alive(), OURS.get());
    let value = start();
    OURS.set(ours + (alive() - before));
    value
}

fn alive() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}
