//! `duroxide-pg-opt`: each storage a schema of the database in `DATABASE_URL`.

use async_trait::async_trait;
use duroxide_pg_opt::{PostgresProvider, ProviderConfig};
use sqlx::PgPool;

use crate::on_postgres::OnPostgres;
use crate::schemas::InSchema;

/// Makes `duroxide-pg-opt` providers. As published, they wait in long polls by `LISTEN`,
/// which holds one connection each.
pub type PostgresOpt = OnPostgres<PostgresProvider>;

#[async_trait]
impl InSchema for PostgresProvider {
    const NAME: &str = "duroxide-pg-opt";
    const PREFIX: &str = "duroxide_sim_pg_opt";

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
