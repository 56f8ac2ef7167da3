//! A layer that yields to other tasks before it passes a call on and before it
//! returns the answer, as often as a seed decides.

use std::sync::Arc;
use std::task::Poll;

use duroxide_sim::call::{Answering, Call, Handler};
use duroxide_sim::seed::Stream;
use parking_lot::Mutex;

/// A handler whose calls overlap even if `inner` answers immediately.
pub(super) struct YieldInjector<H> {
    inner: H,
    random: Mutex<Stream>,
}

impl<H: Handler> YieldInjector<H> {
    pub fn over(inner: H, random: Stream) -> YieldInjector<H> {
        YieldInjector { inner, random: Mutex::new(random) }
    }

    async fn wait(&self) {
        let times = self.random.lock().below(4);
        for _ in 0..times {
            step_back().await;
        }
    }
}

/// Yields once.
async fn step_back() {
    let mut stepped = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut stepped, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl<H: Handler> Handler for YieldInjector<H> {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        Answering::wait(async move {
            self.wait().await;
            let reply = self.inner.handle(call).await;
            self.wait().await;
            reply
        })
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn has_admin(&self) -> bool {
        self.inner.has_admin()
    }
}
