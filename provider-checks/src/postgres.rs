//! `duroxide-pg`: each storage a schema of the database in `DATABASE_URL`.

use async_trait::async_trait;
use duroxide_pg::{PostgresProvider, ProviderConfig};
use sqlx::PgPool;

use crate::on_postgres::OnPostgres;
use crate::schemas::InSchema;

/// Makes `duroxide-pg` providers.
pub type Postgres = OnPostgres<PostgresProvider>;

#[async_trait]
impl InSchema for PostgresProvider {
    const NAME: &str = "duroxide-pg";
    const PREFIX: &str = "duroxide_sim_pg";

    async fn open(url: &str, schema: &str) -> Result<Self, String> {
        let mut config = ProviderConfig::url(url);
        config.schema_name = Some(schema.to_owned());
        Self::new_with_config(config).await.map_err(|error| format!("no duroxide-pg provider in {schema}: {error:#}"))
    }

    fn connections(&self) -> &PgPool {
        self.pool()
    }
}
