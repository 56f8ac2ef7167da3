//! [`Counter`]: a layer that counts calls.

use std::sync::Arc;

use super::pulse::Pulse;
use crate::call::{Answering, Call, Handler};

/// A layer that counts calls, and ends the run at the limit.
pub(super) struct Counter<H> {
    pub inner: H,
    pub pulse: Arc<Pulse>,
}

impl<H: Handler> Handler for Counter<H> {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        // A task whose calls are all answered at once never yields the thread, so the run
        // could not be ended.
        if !self.pulse.step() {
            return Answering::wait(std::future::pending());
        }
        self.inner.handle(call)
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn has_admin(&self) -> bool {
        self.inner.has_admin()
    }
}
