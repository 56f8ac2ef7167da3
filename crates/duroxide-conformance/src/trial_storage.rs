//! [`TrialStorage`]: the storage that a test binary checks.
//!
//! It detects the clock once for all trials, and implements [`ProviderFactory`]
//! as a sized type, which duroxide's validations need.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;
use parking_lot::Mutex;

use super::detect::{Found, detect};
use super::reading::Reading;
use super::storage::{Storage, TimeSource};

/// The storage that a test binary checks.
pub(crate) struct TrialStorage {
    storage: Arc<dyn Storage>,
    time: OnceLock<TimeSource>,
    /// Whether an optional factory method is being called.
    reaching: AtomicBool,
    /// Providers made by validations, which cannot dispose of them.
    lent: Mutex<Vec<Arc<dyn Provider>>>,
}

impl TrialStorage {
    pub fn new(storage: Arc<dyn Storage>) -> TrialStorage {
        let time = match storage.time() {
            TimeSource::Detect => OnceLock::new(),
            source => OnceLock::from(source),
        };
        TrialStorage { storage, time, reaching: AtomicBool::new(false), lent: Mutex::new(Vec::new()) }
    }

    /// The same storage, for one validation.
    pub fn for_one(&self) -> TrialStorage {
        let lent = Mutex::new(Vec::new());
        TrialStorage { storage: self.storage.clone(), time: self.time.clone(), reaching: AtomicBool::new(false), lent }
    }

    /// Determines the clock of the storage. Returns the evidence too, if the
    /// clock was detected by this call.
    pub async fn settle(&self) -> Result<(TimeSource, Option<String>), String> {
        match self.time.get() {
            Some(source) => Ok((*source, None)),
            None => {
                let Found { source, why } = detect(&*self.storage).await?;
                Ok((*self.time.get_or_init(|| source), Some(why)))
            }
        }
    }

    /// Creates a provider.
    pub async fn provider(&self) -> Arc<dyn Provider> {
        let provider = self.storage.create_provider().await;
        self.lent.lock().push(provider.clone());
        provider
    }

    /// Disposes of one provider.
    pub async fn give_back(&self, provider: Arc<dyn Provider>) {
        self.lent.lock().retain(|other| !Arc::ptr_eq(other, &provider));
        self.storage.dispose(provider).await;
    }

    /// Disposes of every provider created here.
    pub async fn give_all_back(&self) {
        let lent = std::mem::take(&mut *self.lent.lock());
        for provider in lent {
            self.storage.dispose(provider).await;
        }
    }

    /// Whether a panic came from an optional factory method.
    pub fn was_reaching(&self) -> bool {
        self.reaching.load(Ordering::SeqCst)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ProviderFactory for TrialStorage {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        self.provider().await
    }

    fn lock_timeout(&self) -> Duration {
        self.storage.lock_timeout()
    }

    fn short_poll_threshold(&self) -> Duration {
        self.storage.short_poll_threshold()
    }

    async fn corrupt_instance_history(&self, instance: &str) {
        self.reaching.store(true, Ordering::SeqCst);
        self.storage.corrupt_instance_history(instance).await;
        self.reaching.store(false, Ordering::SeqCst);
    }

    async fn get_max_attempt_count(&self, instance: &str) -> u32 {
        self.reaching.store(true, Ordering::SeqCst);
        let count = self.storage.get_max_attempt_count(instance).await;
        self.reaching.store(false, Ordering::SeqCst);
        count
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for TrialStorage {
    fn label(&self) -> String {
        self.storage.label()
    }

    fn code(&self) -> Option<String> {
        self.storage.code()
    }

    fn code_to_open(&self) -> Option<String> {
        self.storage.code_to_open()
    }

    fn code_to_corrupt(&self) -> Option<String> {
        self.storage.code_to_corrupt()
    }

    fn unavailable(&self) -> Option<String> {
        self.storage.unavailable()
    }

    fn time(&self) -> TimeSource {
        self.time.get().copied().unwrap_or(TimeSource::Detect)
    }

    fn reading(&self) -> Reading {
        self.storage.reading()
    }

    async fn reset(&self, provider: &Arc<dyn Provider>) -> bool {
        self.storage.reset(provider).await
    }

    async fn dispose(&self, provider: Arc<dyn Provider>) {
        self.give_back(provider).await;
    }

    async fn settle(&self, provider: &Arc<dyn Provider>) {
        self.storage.settle(provider).await;
    }

    fn location(&self, provider: &Arc<dyn Provider>) -> Option<String> {
        self.storage.location(provider)
    }

    async fn open(&self, location: &str) -> Option<Arc<dyn Provider>> {
        self.storage.open(location).await
    }

    fn can_corrupt(&self) -> bool {
        self.storage.can_corrupt()
    }
}
