//! [`Storage`]: what a check can use of a provider beyond duroxide's own
//! [`ProviderFactory`], all of it optional.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;

use super::oracle::Reading;

/// How a provider reads time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// Find out: try to warp the clock, and use real time if locks do not
    /// follow.
    Detect,
    /// From tokio or std on the calling thread, so that it follows this crate's
    /// virtual time: an in-process provider like [`duroxide_sim::Memory`].
    Virtual,
    /// From this process's system clock (`SystemTime`), on whatever thread: it
    /// can be held still and moved by command.
    Warp,
    /// From this process's system clock and, here and there, a server's, the
    /// later of the two: the clock begins a day ahead of it, and stands still
    /// but for whole ticks, so that what a call takes on the server decides
    /// nothing. `tick` is twice as long as any call takes, and more; a second
    /// suits a local database.
    WarpAhead {
        /// The smallest step of time that a check counts on.
        tick: Duration,
    },
    /// From somewhere else, such as a server. Time passes as it does; `tick` is
    /// the smallest step of it that a check counts on.
    Real {
        /// Several times what a call takes; 100 ms suit a local database.
        tick: Duration,
    },
}

impl TimeSource {
    /// Whether the clock of the whole process is held still.
    pub(crate) fn is_warped(self) -> bool {
        matches!(self, TimeSource::Warp | TimeSource::WarpAhead { .. })
    }

    /// The step of time that counts, where not every millisecond does.
    pub(crate) fn tick(self) -> Option<Duration> {
        match self {
            TimeSource::Real { tick } | TimeSource::WarpAhead { tick } => Some(tick),
            TimeSource::Detect | TimeSource::Virtual | TimeSource::Warp => None,
        }
    }
}

/// What a check can use of a provider beyond [`ProviderFactory`]. Every method
/// has a default; a plain `ProviderFactory` is checked with those.
#[async_trait]
pub trait Storage: ProviderFactory {
    /// What to call the provider in a report.
    fn label(&self) -> String {
        "the provider".to_owned()
    }

    /// Rust code that makes a new, empty provider: the body of an
    /// `async fn() -> Arc<dyn Provider>`, for the programs in findings. Without
    /// it (the default) they leave that to be filled in.
    fn code(&self) -> Option<String> {
        None
    }

    /// Rust code that opens the storage of the provider that [`Storage::code`]
    /// makes once more, while that one is still there: the body of an
    /// `async fn() -> Arc<dyn Provider>`. For the programs of findings that take it.
    fn code_to_open(&self) -> Option<String> {
        None
    }

    /// Rust code that makes the stored history of the instance `instance: &str`
    /// unreadable, in the storage of the provider that [`Storage::code`] makes: the
    /// body of an `async fn`. For the programs of findings that take it.
    fn code_to_corrupt(&self) -> Option<String> {
        None
    }

    /// Why it cannot be checked here and now, such as a database that is not
    /// configured: every trial then shows as ignored, with this reason.
    fn unavailable(&self) -> Option<String> {
        None
    }

    /// How it reads time.
    fn time(&self) -> TimeSource {
        TimeSource::Detect
    }

    /// What it does where the contract leaves a choice that no answer shows.
    fn reading(&self) -> Reading {
        Reading::default()
    }

    /// Makes the storage behind `provider` as empty as a new one. Returns false
    /// where that is no cheaper than a new one (the default); then each script
    /// gets a new one from `create_provider`.
    async fn reset(&self, _provider: &Arc<dyn Provider>) -> bool {
        false
    }

    /// Gives back whatever `create_provider` took for `provider`: a file, a
    /// schema. Called once for each.
    async fn dispose(&self, _provider: Arc<dyn Provider>) {}

    /// Where the storage behind `provider` is, in words that [`Storage::open`]
    /// understands, in another process too. `None` (the default) for storage
    /// that does not outlive the provider.
    fn location(&self, _provider: &Arc<dyn Provider>) -> Option<String> {
        None
    }

    /// A further provider over the storage at `location`.
    async fn open(&self, _location: &str) -> Option<Arc<dyn Provider>> {
        None
    }

    /// Waits until the storage behind `provider` does nothing any more that
    /// nobody waits for: a call whose future was dropped, or whose process was
    /// killed, may still be on its way in a pool or a server. By default it is
    /// taken that nothing is.
    async fn settle(&self, _provider: &Arc<dyn Provider>) {}

    /// Whether `corrupt_instance_history` is implemented (duroxide's default
    /// panics).
    fn can_corrupt(&self) -> bool {
        false
    }
}

/// A factory that says nothing more, by whatever pointer.
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
