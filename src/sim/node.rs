//! Nodes: real runtimes over the simulation's provider.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::runtime::{Runtime, RuntimeOptions};

use crate::call::{Answering, Call, Handler};
use crate::clock;
use crate::provider::Port;

/// What a node is made of.
#[derive(Clone)]
pub(super) struct Spec {
    pub name: String,
    pub activities: ActivityRegistry,
    pub orchestrations: OrchestrationRegistry,
    pub options: RuntimeOptions,
}

/// A node that is up.
pub(super) struct Up {
    pub runtime: Arc<Runtime>,
    open: Arc<AtomicBool>,
}

impl Up {
    /// Starts a runtime over `storage`. `incarnation` counts all starts in the
    /// simulation: duroxide makes a runtime's id of the last digits of the
    /// clock, and on a virtual clock two nodes would get the same one.
    pub async fn start(spec: Spec, storage: impl Handler + 'static, incarnation: u64) -> Up {
        let open = Arc::new(AtomicBool::new(true));
        let provider = Arc::new(Port::over(Gate { inner: storage, open: open.clone() }));
        let start = Runtime::start_with_options(provider, spec.activities, spec.orchestrations, spec.options);
        let runtime = clock::with_wall_shift(incarnation, start).await;
        Up { runtime, open }
    }

    /// Ends the node as a power cut would: nothing reaches the storage from
    /// this instant on.
    pub fn crash(self) {
        self.open.store(false, Ordering::Relaxed);
        tokio::spawn(self.runtime.shutdown(Some(0)));
    }
}

/// A layer that lets nothing through once it is closed, not even a call that
/// waits behind it already.
struct Gate<H> {
    inner: H,
    open: Arc<AtomicBool>,
}

impl<H: Handler> Handler for Gate<H> {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        let open = || self.open.load(Ordering::Relaxed);
        if !open() {
            return Answering::wait(std::future::pending());
        }
        match self.inner.handle(call).try_now() {
            Ok(reply) => Answering::ready(reply),
            Err(mut inner) => Answering::wait(std::future::poll_fn(move |cx| {
                if open() { Pin::new(&mut inner).poll(cx) } else { Poll::Pending }
            })),
        }
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn has_admin(&self) -> bool {
        self.inner.has_admin()
    }
}
