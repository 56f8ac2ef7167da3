//! [`ScriptRunner`]: a storage and its clock; runs scripts in turn, each on an empty
//! provider.

use std::sync::Arc;
use std::time::Duration;

use duroxide::providers::Provider;
use duroxide_sim::clock::Time;

use super::drive::{Policy, Run, SkipPolicy, Stage, ignore_events, play};
use super::pace::{Late, Pace};
use super::script::Script;
use super::storage::Storage;

/// Runs scripts on a storage.
pub(crate) struct ScriptRunner<'a> {
    storage: &'a dyn Storage,
    pace: Pace,
    provider: Option<Arc<dyn Provider>>,
    /// The real time that one call may take.
    patience: Duration,
}

impl<'a> ScriptRunner<'a> {
    pub fn new(storage: &'a dyn Storage, pace: Pace, patience: Duration) -> ScriptRunner<'a> {
        ScriptRunner { storage, pace, provider: None, patience }
    }

    /// Runs a script on an empty provider.
    pub async fn run(&mut self, script: &Script, policy: Policy<'_>, skip: Option<SkipPolicy<'_>>) -> Run {
        let provider = self.empty().await;
        let (storage, pace, patience) = (self.storage, &mut self.pace, self.patience);
        let stage = Stage { provider, storage, pace, policy, skip, observer: &ignore_events, patience };
        play(script, stage).await
    }

    /// The smallest relevant difference in time, unless that is a millisecond.
    pub fn tick(&self) -> Option<Duration> {
        self.pace.tick()
    }

    /// The time at which a call made now is answered.
    pub fn now(&self) -> Time {
        self.pace.now()
    }

    /// Lets `ms` milliseconds pass.
    pub async fn wait(&mut self, ms: u64) -> Result<(), Late> {
        self.pace.wait(ms).await
    }

    /// An empty provider.
    pub async fn empty(&mut self) -> Arc<dyn Provider> {
        if let Some(provider) = self.provider.take() {
            if self.storage.reset(&provider).await {
                self.provider = Some(provider.clone());
                return provider;
            }
            self.storage.dispose(provider).await;
        }
        let provider = self.storage.create_provider().await;
        self.provider = Some(provider.clone());
        provider
    }

    /// Disposes of the provider.
    pub async fn close(mut self) {
        if let Some(provider) = self.provider.take() {
            self.storage.dispose(provider).await;
        }
    }
}
