//! `duroxide-pg-opt`: each storage a schema of the database in `DATABASE_URL`.

use async_trait::async_trait;
use duroxide_conformance::TimeSource;
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

    const TIME: TimeSource = TimeSource::Warp;
    const CODE: &str = "let url = std::env::var(\"DATABASE_URL\").expect(\"a PostgreSQL database\");
    let mut config = duroxide_pg_opt::ProviderConfig::default();
    config.schema_name = Some(format!(\"finding_{}\", std::process::id()));
    Arc::new(duroxide_pg_opt::PostgresProvider::new_with_config(&url, config).await.expect(\"a new schema\"))";

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
