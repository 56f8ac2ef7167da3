//! The simulation that runs on this thread.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use duroxide::providers::Provider;

use super::cluster::Cluster;
use super::handle::Handle;
use super::storages::Storages;
use crate::provider::{Memory, Port};

thread_local! {
    static CURRENT: RefCell<Weak<Cluster>> = const { RefCell::new(Weak::new()) };
}

/// Makes `cluster` the simulation of this thread until the returned guard is dropped.
pub(super) fn enter(cluster: &Arc<Cluster>) -> impl Drop + use<> {
    struct Left;
    impl Drop for Left {
        fn drop(&mut self) {
            CURRENT.with_borrow_mut(|current| *current = Weak::new());
        }
    }
    CURRENT.with_borrow_mut(|current| *current = Arc::downgrade(cluster));
    Left
}

impl Handle {
    /// Returns the simulation that runs on this thread, or `None` outside of one: for helpers of
    /// a suite whose bodies do not hand them a [`Handle`].
    ///
    /// ```
    /// use duroxide_sim::{Handle, Sim};
    ///
    /// assert!(Handle::current().is_none());
    /// Sim::new(7).run(|sim| async move {
    ///     let same = Handle::current().expect("a simulation runs");
    ///     assert_eq!(same.seed(), sim.seed());
    /// });
    /// ```
    pub fn current() -> Option<Handle> {
        CURRENT.with_borrow(Weak::upgrade).map(Handle::new)
    }
}

/// Returns the provider to test on: inside a simulation its own, outside of one a new
/// [`Memory`]. A test suite whose tests get their storage from one function moves to
/// simulations by this line and [`macro@crate::test`].
///
/// The simulation's provider comes with all its layers: calls are recorded and judged by the
/// laws, and rules over calls and faults of nodes apply to them. Each call of this function
/// gives access to the same storage under a name of its own, `provider`, `provider-2` and so
/// on, under which [`super::Handle::crash`], [`super::Handle::partition`] and others know the
/// runtime that the body starts on it. Handlers that no node has are allowed from then on.
///
/// ```
/// use duroxide_sim::duroxide::runtime::Runtime;
/// use duroxide_sim::duroxide::runtime::registry::ActivityRegistry;
/// use duroxide_sim::duroxide::{Client, OrchestrationContext, OrchestrationRegistry};
/// use std::time::Duration;
///
/// async fn a_month_passes() {
///     let store = duroxide_sim::provider();
///     let orchestrations = OrchestrationRegistry::builder()
///         .register("Month", |ctx: OrchestrationContext, _: String| async move {
///             ctx.schedule_timer(Duration::from_secs(30 * 86_400)).await;
///             Ok("over".to_owned())
///         })
///         .build();
///     let runtime = Runtime::start_with_store(store.clone(), ActivityRegistry::builder().build(), orchestrations).await;
///     let client = Client::new(store);
///     client.start_orchestration("i", "Month", "").await.unwrap();
///     client.wait_for_orchestration("i", Duration::from_secs(40 * 86_400)).await.unwrap();
///     runtime.shutdown(None).await;
/// }
///
/// duroxide_sim::Sim::new(1).run(|_| a_month_passes()); // Or with #[duroxide_sim::test] on it.
/// ```
pub fn provider() -> Arc<dyn Provider> {
    match CURRENT.with_borrow(Weak::upgrade) {
        Some(cluster) => Arc::new(Port::over(cluster.provider(|storages, _| storages.main()))),
        None => Arc::new(Memory::new()),
    }
}

/// Returns a provider whose storage is empty: for a test that makes several storages, such as
/// one that calls `SqliteProvider::new_in_memory()` in a loop.
///
/// The first call returns the simulation's own storage, as [`provider`] does, unless something
/// had access to it before; every further call returns a further storage. Its calls are recorded
/// in the same trace under the provider's name, and judged by the laws apart from those to other
/// storages. The methods of [`Handle`] that look at instances, such as [`Handle::history`] and
/// [`Handle::output`], know the simulation's own storage alone; so do properties. Outside of a
/// simulation this is a new [`Memory`].
///
/// ```
/// use duroxide_sim::duroxide::Client;
/// use duroxide_sim::fresh_provider;
///
/// duroxide_sim::Sim::new(1).run(|_| async {
///     let (first, second) = (Client::new(fresh_provider()), Client::new(fresh_provider()));
///     first.start_orchestration("i", "Day", "").await.unwrap();
///     assert_eq!(first.get_queue_depths().await.unwrap().orchestrator_queue, 1);
///     assert_eq!(second.get_queue_depths().await.unwrap().orchestrator_queue, 0);
/// });
/// ```
pub fn fresh_provider() -> Arc<dyn Provider> {
    match CURRENT.with_borrow(Weak::upgrade) {
        Some(cluster) => Arc::new(Port::over(cluster.provider(Storages::unused))),
        None => Arc::new(Memory::new()),
    }
}
