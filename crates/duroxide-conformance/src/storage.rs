//! [`Storage`]: optional details that a check can use, beyond duroxide's own
//! [`ProviderFactory`].

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;

use super::reading::Reading;

/// How a provider reads time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// Find out by warping the clock; use real time if the provider's locks do
    /// not follow it.
    Detect,
    /// From tokio or std on the calling thread, so that the provider follows
    /// this crate's virtual clock. For in-process providers such as
    /// [`duroxide_sim::Memory`].
    Virtual,
    /// From this process's system clock (`SystemTime`), on any thread. The
    /// check stops that clock and moves it.
    Warp,
    /// From this process's system clock and, in places, a server's, whichever
    /// is later. The check sets the process's clock a day ahead and moves it in
    /// whole ticks, so that the duration of calls on the server has no
    /// influence. `tick` should be more than twice the duration of any call; a
    /// second suits a local database.
    WarpAhead {
        /// The smallest difference in time that a check relies on.
        tick: Duration,
    },
    /// From another source, such as a server. Time passes by itself; `tick` is
    /// the smallest difference in time that a check relies on.
    Real {
        /// Several times the duration of a call; 100 ms suit a local database.
        tick: Duration,
    },
}

impl TimeSource {
    /// Whether the clock of the whole process is controlled.
    pub(crate) fn is_warped(self) -> bool {
        matches!(self, TimeSource::Warp | TimeSource::WarpAhead { .. })
    }

    /// The smallest relevant difference in time, unless that is a millisecond.
    pub(crate) fn tick(self) -> Option<Duration> {
        match self {
            TimeSource::Real { tick } | TimeSource::WarpAhead { tick } => Some(tick),
            TimeSource::Detect | TimeSource::Virtual | TimeSource::Warp => None,
        }
    }
}

/// Details about a provider beyond [`ProviderFactory`]. Every method has a
/// default, which applies to a plain `ProviderFactory`.
#[async_trait]
pub trait Storage: ProviderFactory {
    /// The name of the provider in reports.
    fn label(&self) -> String {
        "the provider".to_owned()
    }

    /// Rust code that makes a new, empty provider: the body of an `async fn()
    /// -> Arc<dyn Provider>`, used by the programs in findings. Without it (the
    /// default) the programs leave a placeholder. The programs import `Arc` for
    /// it; other items it names by their paths.
    fn code(&self) -> Option<String> {
        None
    }

    /// Rust code that opens the storage of the provider made by
    /// [`Storage::code`] a second time, while the first is still open: the body
    /// of an `async fn() -> Arc<dyn Provider>`, used by the programs of
    /// findings that reopen the storage.
    fn code_to_open(&self) -> Option<String> {
        None
    }

    /// Rust code that makes the stored history of the instance `instance: &str`
    /// unreadable, in the storage of the provider made by [`Storage::code`]:
    /// the body of an `async fn`, used by the programs of findings that corrupt
    /// a history.
    fn code_to_corrupt(&self) -> Option<String> {
        None
    }

    /// Why the provider cannot be checked here, such as a database that is not
    /// configured. If set, every trial is ignored with this reason.
    fn unavailable(&self) -> Option<String> {
        None
    }

    /// How the provider reads time.
    fn time(&self) -> TimeSource {
        TimeSource::Detect
    }

    /// The provider's behaviour where the contract leaves a choice that its
    /// answers do not show.
    fn reading(&self) -> Reading {
        Reading::default()
    }

    /// Empties the storage behind `provider`. Returns false if that is no
    /// cheaper than making a new provider (the default); each script then gets
    /// a new one from `create_provider`.
    async fn reset(&self, _provider: &Arc<dyn Provider>) -> bool {
        false
    }

    /// Releases what `create_provider` allocated for `provider`, such as a file
    /// or a schema. Called once for each provider.
    async fn dispose(&self, _provider: Arc<dyn Provider>) {}

    /// The location of the storage behind `provider`, in a form that
    /// [`Storage::open`] accepts in any process. `None` (the default) for
    /// storage that does not outlive the provider.
    fn location(&self, _provider: &Arc<dyn Provider>) -> Option<String> {
        None
    }

    /// Opens another provider on the storage at `location`.
    async fn open(&self, _location: &str) -> Option<Arc<dyn Provider>> {
        None
    }

    /// Waits until the storage behind `provider` has finished work that has no
    /// caller any more: a call whose future was dropped, or whose process was
    /// killed, may still be running in a pool or a server. The default does not
    /// wait.
    async fn settle(&self, _provider: &Arc<dyn Provider>) {}

    /// Whether `corrupt_instance_history` is implemented (duroxide's default
    /// panics).
    fn can_corrupt(&self) -> bool {
        false
    }
}

/// Adapts a plain factory behind any pointer.
pub(crate) struct Plain<P>(pub P);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<'a, P> ProviderFactory for Plain<P>
where
    P: Deref<Target = dyn ProviderFactory + 'a> + Send + Sync,
{
    async fn create_provider(&self) -> Arc<dyn Provider> {
        self.0.create_provider().await
    }

    fn lock_timeout(&self) -> Duration {
        self.0.lock_timeout()
    }

    fn short_poll_threshold(&self) -> Duration {
        self.0.short_poll_threshold()
    }

    async fn corrupt_instance_history(&self, instance: &str) {
        self.0.corrupt_instance_history(instance).await;
    }

    async fn get_max_attempt_count(&self, instance: &str) -> u32 {
        self.0.get_max_attempt_count(instance).await
    }
}

impl<'a, P: Deref<Target = dyn ProviderFactory + 'a> + Send + Sync> Storage for Plain<P> {}
