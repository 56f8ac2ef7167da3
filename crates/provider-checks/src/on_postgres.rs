//! Factories of providers that keep their storage in schemas of a PostgreSQL
//! database: all that they have in common.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_conformance::{Storage, TimeSource};
use tokio::sync::OnceCell;

use crate::leases::{Leases, UNREADABLE};
use crate::schemas::{InSchema, InSchemas};

/// The variable that names the database.
pub const DATABASE_VARIABLE: &str = "DATABASE_URL";

/// Makes providers, each in a schema of its own.
pub struct OnPostgres<P: InSchema> {
    /// The database; none, where none is named.
    url: Option<String>,
    /// Connected when it is first needed.
    leases: OnceCell<Leases<InSchemas<P>>>,
}

impl<P: InSchema> OnPostgres<P> {
    /// Connects to the database. Sweeps what crashed runs left behind.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached or does not let us make schemas.
    pub async fn connect(url: &str) -> Result<Self, String> {
        let postgres = Self { url: Some(url.to_owned()), leases: OnceCell::new() };
        postgres.leases().await?;
        Ok(postgres)
    }

    /// Of the database in `DATABASE_URL`, which it connects to at the first
    /// call. Unavailable where that is unset or empty.
    #[must_use]
    pub fn from_env() -> Self {
        let url = env::var(DATABASE_VARIABLE).ok().filter(|url| !url.trim().is_empty());
        Self { url, leases: OnceCell::new() }
    }

    async fn leases(&self) -> Result<&Leases<InSchemas<P>>, String> {
        let url = self.url.as_deref().ok_or_else(|| NO_DATABASE.to_owned())?;
        self.leases.get_or_try_init(|| InSchemas::connect(url, P::PREFIX)).await
    }

    fn in_use(&self) -> &Leases<InSchemas<P>> {
        self.leases.get().expect("a provider was made before its storage is asked about")
    }
}

const NO_DATABASE: &str = "DATABASE_URL is not set, and this provider needs a PostgreSQL database. Set it, as in \
                           DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres";

#[async_trait]
impl<P: InSchema> ProviderFactory for OnPostgres<P> {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        let lent = match self.leases().await {
            Ok(leases) => leases.lend().await,
            Err(reason) => Err(reason),
        };
        match lent {
            Ok(provider) => provider,
            Err(reason) => panic!("No {} provider: {reason}. Is DATABASE_URL right?", P::NAME),
        }
    }

    /// Ample: what is measured is whether a fetch waits, and not this machine.
    fn short_poll_threshold(&self) -> Duration {
        Duration::from_secs(2)
    }

    async fn corrupt_instance_history(&self, instance: &str) {
        self.in_use().corrupt_history(instance).await;
    }

    async fn get_max_attempt_count(&self, instance: &str) -> u32 {
        self.in_use().most_attempts(instance).await
    }
}

#[async_trait]
impl<P: InSchema> Storage for OnPostgres<P> {
    fn label(&self) -> String {
        P::NAME.to_owned()
    }

    fn code(&self) -> Option<String> {
        Some(P::CODE.to_owned())
    }

    /// In the same schema, which is there by then.
    fn code_to_open(&self) -> Option<String> {
        self.code()
    }

    fn code_to_corrupt(&self) -> Option<String> {
        Some(format!(
            "let url = std::env::var(\"DATABASE_URL\").expect(\"a PostgreSQL database\");
    let pool = sqlx::PgPool::connect(&url).await.expect(\"the database\");
    let schema = format!(\"finding_{{}}\", std::process::id());
    let spoil = format!(\"UPDATE {{schema}}.history SET event_data = $1 WHERE instance_id = $2\");
    let spoil = sqlx::query(&spoil).bind(r#\"{UNREADABLE}\"#).bind(instance);
    spoil.execute(&pool).await.expect(\"the history is spoilt\");"
        ))
    }

    fn unavailable(&self) -> Option<String> {
        self.url.is_none().then(|| NO_DATABASE.to_owned())
    }

    fn time(&self) -> TimeSource {
        P::TIME
    }

    fn location(&self, provider: &Arc<dyn Provider>) -> Option<String> {
        self.leases.get()?.address(provider)
    }

    async fn open(&self, location: &str) -> Option<Arc<dyn Provider>> {
        Some(self.leases().await.ok()?.open(location).await.ok()?)
    }

    async fn settle(&self, provider: &Arc<dyn Provider>) {
        if let Some(leases) = self.leases.get() {
            leases.settle(provider).await;
        }
    }

    fn can_corrupt(&self) -> bool {
        true
    }
}
