//! `duroxide-pg`: each storage a schema of the database in `DATABASE_URL`.

use std::time::Duration;

use async_trait::async_trait;
use duroxide_conformance::TimeSource;
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

    /// Leases of turns count from the server's clock too, and what a fetch
    /// takes there is added.
    const TIME: TimeSource = TimeSource::WarpAhead { tick: Duration::from_secs(1) };
    const CODE: &str = "let url = std::env::var(\"DATABASE_URL\").expect(\"a PostgreSQL database\");
    let mut config = duroxide_pg::ProviderConfig::url(&url);
    config.schema_name = Some(format!(\"finding_{}\", std::process::id()));
    Arc::new(duroxide_pg::PostgresProvider::new_with_config(config).await.expect(\"a new schema\"))";

    async fn open(url: &str, schema: &str) -> Result<Self, String> {
        let mut config = ProviderConfig::url(url);
        config.schema_name = Some(schema.to_owned());
        Self::new_with_config(config).await.map_err(|error| format!("no duroxide-pg provider in {schema}: {error:#}"))
    }

    fn connections(&self) -> &PgPool {
        self.pool()
    }
}
