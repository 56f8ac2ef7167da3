//! [`Lab`]: a storage with its clock, on which scripts are run one after the
//! other, each on an empty provider.

use std::sync::Arc;
use std::time::Duration;

use duroxide::providers::Provider;
use duroxide_sim::clock::Time;

use super::drive::{Avoid, Policy, Run, Stage, nobody, play};
use super::pace::{Late, Pace};
use super::script::Script;
use super::storage::Storage;

/// Where scripts are run.
pub(crate) struct Lab<'a> {
    storage: &'a dyn Storage,
    pace: Pace,
    provider: Option<Arc<dyn Provider>>,
    /// How much real time one call may take.
    patience: Duration,
}

impl<'a> Lab<'a> {
    pub fn new(storage: &'a dyn Storage, pace: Pace, patience: Duration) -> Lab<'a> {
        Lab { storage, pace, provider: None, patience }
    }

    /// Runs a script on an empty provider.
    pub async fn run(&mut self, script: &Script, policy: Policy<'_>, avoid: Option<Avoid<'_>>) -> Run {
        let provider = self.empty().await;
        let (storage, pace, patience) = (self.storage, &mut self.pace, self.patience);
        let stage = Stage { provider, storage, pace, policy, avoid, witness: &nobody, patience };
        play(script, stage).await
    }

    /// The step of time that counts, where it passes by itself.
    pub fn tick(&self) -> Option<Duration> {
        self.pace.tick()
    }

    /// The time that a call made now is answered at.
    pub fn now(&self) -> Time {
        self.pace.now()
    }

    /// Lets `ms` milliseconds pass.
    pub async fn wait(&mut self, ms: u64) -> Result<(), Late> {
        self.pace.wait(ms).await
    }

    /// A provider with nothing in it.
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

    /// Gives back what it holds.
    pub async fn close(mut self) {
        if let Some(provider) = self.provider.take() {
            self.storage.dispose(provider).await;
        }
    }
}
