//! Factories of providers that keep their storage in schemas of a PostgreSQL
//! database: all that they have in common.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;

use crate::leases::Leases;
use crate::schemas::{InSchema, InSchemas};
use crate::storage::Storage;

/// Makes providers, each in a schema of its own.
pub struct OnPostgres<P: InSchema>(Leases<InSchemas<P>>);

impl<P: InSchema> OnPostgres<P> {
    /// Connects to the database. Sweeps what crashed runs left behind.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached or does not let us make schemas.
    pub async fn connect(url: &str) -> Result<Self, String> {
        InSchemas::connect(url, P::PREFIX).await.map(Self)
    }
}

#[async_trait]
impl<P: InSchema> ProviderFactory for OnPostgres<P> {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        match self.0.lend().await {
            Ok(provider) => provider,
            Err(reason) => panic!("No {} provider: {reason}. Is DATABASE_URL right?", P::NAME),
        }
    }

    fn short_poll_threshold(&self) -> Duration {
        Duration::from_millis(500)
    }

    async fn corrupt_instance_history(&self, instance: &str) {
        self.0.corrupt_history(instance).await;
    }

    async fn get_max_attempt_count(&self, instance: &str) -> u32 {
        self.0.most_attempts(instance).await
    }
}

#[async_trait]
impl<P: InSchema> Storage for OnPostgres<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn outlives_the_process(&self) -> bool {
        true
    }

    fn address(&self, provider: &Arc<dyn Provider>) -> Option<String> {
        self.0.address(provider)
    }

    async fn open(&self, address: &str) -> Result<Arc<dyn Provider>, String> {
        Ok(self.0.open(address).await?)
    }
}
