//! `duroxide-pg-opt`: each storage a schema of the database in `DATABASE_URL`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_pg_opt::{PostgresProvider, ProviderConfig};
use sqlx::PgPool;

use crate::leases::Leases;
use crate::schemas::{InSchema, InSchemas};
use crate::storage::Storage;

/// Makes `duroxide-pg-opt` providers. As published, they wait in long polls by `LISTEN`,
/// which holds one connection each.
pub struct PostgresOpt(Leases<InSchemas<PostgresProvider>>);

impl PostgresOpt {
    /// Connects to the database. Sweeps what crashed runs left behind.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached or does not let us make schemas.
    pub async fn connect(url: &str) -> Result<Self, String> {
        InSchemas::connect(url, "duroxide_sim_pg_opt").await.map(Self)
    }
}

#[async_trait]
impl InSchema for PostgresProvider {
    async fn open(url: &str, schema: &str) -> Result<Self, String> {
        let mut config = ProviderConfig::default();
        config.schema_name = Some(schema.to_owned());
        let opened = Self::new_with_config(url, config).await;
        opened.map_err(|error| format!("no duroxide-pg-opt provider in {schema}: {error:#}"))
    }

    fn connections(&self) -> &PgPool {
        self.pool()
    }

    /// One listens.
    fn busy_at_rest(&self) -> usize {
        1
    }
}

#[async_trait]
impl ProviderFactory for PostgresOpt {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        match self.0.lend().await {
            Ok(provider) => provider,
            Err(reason) => panic!("No duroxide-pg-opt provider: {reason}. Is DATABASE_URL right?"),
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
impl Storage for PostgresOpt {
    fn name(&self) -> &'static str {
        "duroxide-pg-opt"
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
