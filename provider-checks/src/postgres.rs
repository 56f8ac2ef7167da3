//! `duroxide-pg`: each storage a schema of the database in `DATABASE_URL`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_pg::{PostgresProvider, ProviderConfig};
use sqlx::PgPool;

use crate::leases::Leases;
use crate::schemas::{InSchema, InSchemas};
use crate::storage::Storage;

/// Makes `duroxide-pg` providers.
pub struct Postgres(Leases<InSchemas<PostgresProvider>>);

impl Postgres {
    /// Connects to the database. Sweeps what crashed runs left behind.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached or does not let us make schemas.
    pub async fn connect(url: &str) -> Result<Self, String> {
        InSchemas::connect(url, "duroxide_sim_pg").await.map(Self)
    }
}

#[async_trait]
impl InSchema for PostgresProvider {
    async fn open(url: &str, schema: &str) -> Result<Self, String> {
        let mut config = ProviderConfig::url(url);
        config.schema_name = Some(schema.to_owned());
        Self::new_with_config(config).await.map_err(|error| format!("no duroxide-pg provider in {schema}: {error:#}"))
    }

    fn connections(&self) -> &PgPool {
        self.pool()
    }
}

#[async_trait]
impl ProviderFactory for Postgres {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        match self.0.lend().await {
            Ok(provider) => provider,
            Err(reason) => panic!("No duroxide-pg provider: {reason}. Is DATABASE_URL right?"),
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
impl Storage for Postgres {
    fn name(&self) -> &'static str {
        "duroxide-pg"
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
