//! Waiting until nothing else can run at the current instant.
//!
//! The simulation's runtime calls [`wake_idle`] just before it parks, which is when every task is
//! waiting. Tasks waiting in [`settle`] are then woken, before time moves.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

thread_local! {
    static WAITING: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
    /// The number of times this thread was idle.
    static IDLE: Cell<u64> = const { Cell::new(0) };
}

/// Returns a future that completes once nothing else on this thread can run at this instant of
/// virtual time. It completes at once on a thread that does not simulate.
pub fn settle() -> Settle {
    Settle { asked: None }
}

/// The future of [`settle`].
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct Settle {
    asked: Option<u64>,
}

impl Future for Settle {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let idle = IDLE.get();
        if !super::is_virtual() || self.asked.is_some_and(|asked| asked < idle) {
            return Poll::Ready(());
        }
        self.asked = Some(idle);
        WAITING.with_borrow_mut(|waiting| waiting.push(cx.waker().clone()));
        Poll::Pending
    }
}

/// Wakes the tasks that wait for the end of this instant, in the order of their requests.
pub(super) fn wake_idle() {
    IDLE.set(IDLE.get() + 1);
    // Taken out first, because a waker may run code that waits again.
    for waker in WAITING.take() {
        waker.wake();
    }
}

/// Forgets all waiting tasks.
pub(super) fn clear() {
    let _ = WAITING.take();
}
