//! Polls futures on one thread in an order determined by a seed.
//!
//! Between two awaits of one future, the others may advance by any number of
//! steps. The same seed gives the same order.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use duroxide_sim::seed::Stream;
use parking_lot::Mutex;

type Work<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Runs all futures to completion.
pub(super) async fn interleave(works: Vec<Work<'_>>, mut random: Stream) {
    let mut all: Vec<(Option<Work<'_>>, Arc<Bell>)> =
        works.into_iter().map(|work| (Some(work), Arc::new(Bell::default()))).collect();
    std::future::poll_fn(|cx| {
        all.iter().for_each(|(_, bell)| *bell.above.lock() = Some(cx.waker().clone()));
        let ready: Vec<usize> =
            (0..all.len()).filter(|i| all[*i].0.is_some() && all[*i].1.rung.load(Ordering::SeqCst)).collect();
        if let Some(chosen) = ready.get(random.below(ready.len() as u64) as usize) {
            let (work, bell) = &mut all[*chosen];
            bell.rung.store(false, Ordering::SeqCst);
            let waker = Waker::from(bell.clone());
            let polled = work.as_mut().map(|work| work.as_mut().poll(&mut Context::from_waker(&waker)));
            if polled.is_some_and(|poll| poll.is_ready()) {
                *work = None;
            }
            // Only one step at a time, so that futures woken by it are
            // available for the next choice.
            cx.waker().wake_by_ref();
        }
        if all.iter().all(|(work, _)| work.is_none()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Records that a future was woken.
struct Bell {
    rung: AtomicBool,
    above: Mutex<Option<Waker>>,
}

impl Default for Bell {
    fn default() -> Bell {
        Bell { rung: AtomicBool::new(true), above: Mutex::new(None) }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        if let Some(above) = &*self.above.lock() {
            above.wake_by_ref();
        }
    }
}
