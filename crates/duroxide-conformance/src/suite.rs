//! [`Suite`]: every check of one provider.

use std::sync::Arc;

use duroxide::provider_validations::ProviderFactory;

use crate::check::check_storage;
use crate::concurrent::{check_concurrent, check_concurrent_tasks};
use crate::config::Config;
use crate::storage::{Plain, Storage};
use crate::trials::main_from;
use crate::verdict::Verdict;

/// Checks of a provider against the whole contract: from a test of your own
/// ([`Suite::check`]), or as a test binary ([`Suite::main`]).
///
/// ```no_run
/// # use std::sync::Arc;
/// # use duroxide_sim::Memory;
/// # use duroxide_sim::duroxide::{provider_validations::ProviderFactory, providers::Provider};
/// # struct MyFactory;
/// # #[async_trait::async_trait]
/// # impl ProviderFactory for MyFactory {
/// #     async fn create_provider(&self) -> Arc<dyn Provider> { Arc::new(Memory::new()) }
/// # }
/// use duroxide_conformance::{Config, Suite};
///
/// # async fn test() {
/// let suite = Suite::new(MyFactory).config(Config::default().seed(7));
/// suite.check().await.assert_clean();
/// # }
/// ```
#[must_use = "a suite checks nothing until it is run"]
pub struct Suite<'a> {
    storage: Arc<dyn Storage + 'a>,
    config: Config,
    on_threads: bool,
}

impl<'a> Suite<'a> {
    /// A suite for the providers of duroxide's `ProviderFactory`, with the default
    /// configuration.
    pub fn new(factory: impl ProviderFactory + 'a) -> Suite<'a> {
        let factory: Box<dyn ProviderFactory + 'a> = Box::new(factory);
        Suite::with_storage(Plain(factory))
    }

    /// A suite for a factory that also implements [`Storage`].
    pub fn with_storage(storage: impl Storage + 'a) -> Suite<'a> {
        Suite { storage: Arc::new(storage), config: Config::default(), on_threads: false }
    }

    /// Sets the configuration.
    pub fn config(mut self, config: Config) -> Suite<'a> {
        self.config = config;
        self
    }

    /// Lets [`Suite::check_concurrent`] run its callers as tasks in every case: a
    /// provider that could be interleaved on one thread then runs on as many threads
    /// as the runtime has, with the process's clock stopped.
    pub fn on_threads(mut self) -> Suite<'a> {
        self.on_threads = true;
        self
    }

    /// Checks the provider with one caller.
    ///
    /// Blocks the thread where the provider uses virtual time. Deviations are
    /// reported in the returned [`Verdict`] rather than by a panic; only
    /// [`Verdict::assert_clean`] and the factory itself panic.
    pub async fn check(&self) -> Verdict {
        check_storage(&*self.storage, &self.config).await
    }

    /// Checks the provider with several concurrent callers, for the configured number
    /// of calls. Deviations are reported as the verdict's races.
    ///
    /// Blocks the thread where the provider follows virtual time. Otherwise the callers
    /// are tasks of the runtime that awaits this function; use one with several threads.
    pub async fn check_concurrent(&self) -> Verdict {
        match self.on_threads {
            true => check_concurrent_tasks(&*self.storage, &self.config).await,
            false => check_concurrent(&*self.storage, &self.config).await,
        }
    }
}

impl Suite<'static> {
    /// Runs a test binary that checks the provider. Call it as the `main` of a test
    /// target with `harness = false`.
    ///
    /// | Trials | Fail if |
    /// |---|---|
    /// | `rule::<area>::<id>` | scripts aimed at that rule break it; a `may` rule never fails |
    /// | `generated::<profile>` | generated scripts of that profile break any rule |
    /// | `regression::<file>` | a kept script breaks any rule |
    /// | `concurrent::<theme>` | concurrent callers get answers that no sequential order explains |
    /// | `crash::killed` | data is lost or incomplete after the process was killed |
    /// | `official::<module>::<name>` | that validation of duroxide fails |
    /// | `waivers::<line>::<rule>` | that waiver is no longer needed |
    ///
    /// Accepts libtest's arguments (`--list`, filters, `--exact`, `--skip`,
    /// `--test-threads`, ...) and `--report text|json|junit|markdown=FILE`. The
    /// environment overrides the [`Config`]. Under `cargo nextest` no report is
    /// written here; nextest writes its own.
    pub fn main(self) -> ! {
        self.main_from(std::env::args())
    }

    /// Like [`Suite::main`], with arguments in place of the process's own; the first is
    /// the program's name.
    pub fn main_from(self, arguments: impl IntoIterator<Item = String>) -> ! {
        main_from(self.storage, self.config, arguments)
    }
}

impl std::fmt::Debug for Suite<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suite").field("storage", &self.storage.label()).field("config", &self.config).finish()
    }
}
