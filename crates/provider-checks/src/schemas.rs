//! Schemas of a PostgreSQL database, one for each storage: names that belong
//! to this process, emptying, and clean-up after this and earlier runs.
//!
//! A schema belongs to whoever holds the advisory lock named after it. The
//! server frees the lock when the owner's connection ends, however it ended,
//! so what a crashed run left is found and dropped by the next one. It does
//! not know what tables a provider makes.
//!
//! Making a schema takes some 160 ms, emptying it 1 ms.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use duroxide::providers::Provider;
use duroxide_conformance::TimeSource;
use parking_lot::Mutex as Shared;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;

use crate::leases::{Leases, PATIENCE, Shelf, UNREADABLE, rests};

/// The first key of every advisory lock taken here ("dsim").
const LOCKS: i32 = 0x6473_696d;

/// The schemas of one factory, and the connection that owns them.
pub(crate) struct Schemas {
    /// Its own, so that the connection outlives the runtime of any one test.
    runtime: Option<Runtime>,
    connection: Arc<Mutex<PgConnection>>,
    url: String,
    prefix: &'static str,
    owned: Shared<Vec<String>>,
    /// Of each schema that was emptied.
    tables: Shared<BTreeMap<String, Vec<String>>>,
}

impl Schemas {
    /// Connects and drops what earlier runs left.
    pub(crate) async fn connect(url: &str, prefix: &'static str) -> Result<Self, String> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| format!("no thread for the connection: {error}"))?;
        let address = url.to_owned();
        let connected = runtime.spawn(async move { PgConnection::connect(&address).await }).await;
        let connection = connected.map_err(|error| error.to_string()).and_then(|done| done.map_err(|e| e.to_string()));
        let connection = match connection {
            Ok(connection) => connection,
            Err(error) => {
                // A runtime that is dropped here, among other tasks, panics.
                runtime.shutdown_background();
                return Err(format!("{} cannot be reached: {error}", without_password(url)));
            }
        };
        let schemas = Self {
            runtime: Some(runtime),
            connection: Arc::new(Mutex::new(connection)),
            url: url.to_owned(),
            prefix,
            owned: Shared::default(),
            tables: Shared::default(),
        };
        schemas.sweep().await?;
        Ok(schemas)
    }

    /// The connection string of a provider in this schema: its connections
    /// carry the schema's name, and no commit waits for the disk, which only
    /// a crash of the server itself could show. On this machine they are not
    /// encrypted, which makes connecting four times as fast.
    pub(crate) fn url(&self, schema: &str) -> String {
        let joint = if self.url.contains('?') { '&' } else { '?' };
        let near = ["@127.0.0.1", "@localhost", "@[::1]"].iter().any(|host| self.url.contains(host));
        let open = if near && !self.url.contains("sslmode=") { "&sslmode=disable" } else { "" };
        format!("{}{joint}application_name={schema}&options=-csynchronous_commit=off{open}", self.url)
    }

    /// A name that no other process uses. The schema does not exist yet.
    pub(crate) async fn take(&self) -> Result<String, String> {
        for number in 0.. {
            let name = format!("{}_{number}", self.prefix);
            if !self.reserve(&name) {
                continue;
            }
            match self.lock(&name).await {
                Ok(true) => {
                    self.execute(format!("DROP SCHEMA IF EXISTS {name} CASCADE")).await?;
                    return Ok(name);
                }
                other => {
                    self.owned.lock().retain(|owned| *owned != name);
                    other?;
                }
            }
        }
        unreachable!("the loop has no end")
    }

    /// Keeps a name from other takers here: to them the lock, which is the
    /// connection's, would be free. Says whether it was free.
    fn reserve(&self, name: &str) -> bool {
        let mut owned = self.owned.lock();
        let free = !owned.iter().any(|other| other == name);
        if free {
            owned.push(name.to_owned());
        }
        free
    }

    /// Deletes every row, once the server works for nobody in the schema any
    /// more. `thorough` also frees the space, which takes ten times as long.
    pub(crate) async fn empty(&self, schema: &str, thorough: bool) -> Result<(), String> {
        self.settle(schema).await?;
        let tables = self.tables(schema).await?;
        if tables.is_empty() {
            return Ok(());
        }
        if thorough {
            return self.execute(format!("TRUNCATE {}", tables.join(", "))).await;
        }
        // One statement, which the connection prepares once.
        let delete = |(number, table): (usize, &String)| format!("t{number} AS (DELETE FROM {table})");
        let deletes: Vec<String> = tables.iter().enumerate().map(delete).collect();
        self.execute(format!("WITH {} SELECT", deletes.join(", "))).await
    }

    /// The tables that hold what a provider stores.
    async fn tables(&self, schema: &str) -> Result<Vec<String>, String> {
        if let Some(tables) = self.tables.lock().get(schema) {
            return Ok(tables.clone());
        }
        let sql = format!(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
             WHERE schemaname = '{schema}' AND tablename <> '_duroxide_migrations' ORDER BY tablename"
        );
        let tables: Vec<String> = self
            .with(move |connection| Box::pin(async move { sqlx::query_scalar(&sql).fetch_all(connection).await }))
            .await?;
        self.tables.lock().insert(schema.to_owned(), tables.clone());
        Ok(tables)
    }

    /// Waits until the server works for nobody in the schema any more.
    pub(crate) async fn settle(&self, schema: &str) -> Result<(), String> {
        let since = Instant::now();
        while self.is_busy(schema).await? {
            if since.elapsed() > PATIENCE {
                return Err(format!("a call in {schema} has not ended for {} s", PATIENCE.as_secs()));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    async fn is_busy(&self, schema: &str) -> Result<bool, String> {
        let schema = schema.to_owned();
        let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle')";
        self.with(move |connection| {
            Box::pin(async move { sqlx::query_scalar(sql).bind(schema).fetch_one(connection).await })
        })
        .await
    }

    /// Drops every schema of this kind that nobody owns.
    async fn sweep(&self) -> Result<(), String> {
        let pattern = format!("^{}_[0-9]+$", self.prefix);
        let found: Vec<String> = self
            .with(move |connection| {
                Box::pin(async move {
                    let query = sqlx::query_scalar("SELECT nspname::text FROM pg_namespace WHERE nspname ~ $1");
                    query.bind(pattern).fetch_all(connection).await
                })
            })
            .await?;
        for name in found {
            if self.lock(&name).await? {
                self.execute(format!("DROP SCHEMA IF EXISTS {name} CASCADE")).await?;
                self.execute(format!("SELECT pg_advisory_unlock({LOCKS}, hashtext('{name}'))")).await?;
            }
        }
        Ok(())
    }

    async fn exists(&self, name: &str) -> Result<bool, String> {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = '{}')", name.replace('\'', "''"));
        self.with(move |connection| Box::pin(async move { sqlx::query_scalar(&sql).fetch_one(connection).await })).await
    }

    async fn lock(&self, name: &str) -> Result<bool, String> {
        let sql = format!("SELECT pg_try_advisory_lock({LOCKS}, hashtext('{name}'))");
        self.with(move |connection| Box::pin(async move { sqlx::query_scalar(&sql).fetch_one(connection).await })).await
    }

    async fn execute(&self, sql: String) -> Result<(), String> {
        let done = self
            .with(move |connection| Box::pin(async move { sqlx::query(&sql).execute(connection).await.map(|_| ()) }));
        done.await
    }

    /// Runs a piece of work with the connection, on the connection's runtime.
    async fn with<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut PgConnection) -> Work<'c, T> + Send + 'static,
    ) -> Result<T, String> {
        let connection = self.connection.clone();
        let runtime = self.runtime.as_ref().expect("the runtime is there until the drop");
        let done = runtime.spawn(async move { work(&mut *connection.lock().await).await }).await;
        let done =
            done.map_err(|error| format!("the work on {} was cut short: {error}", without_password(&self.url)))?;
        done.map_err(|error| format!("{}: {error}", without_password(&self.url)))
    }
}

/// The address as it may be shown.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "the database".to_owned() };
    match rest.rsplit_once('@') {
        Some((user, host)) => format!("{scheme}://{}@{host}", user.split(':').next().unwrap_or_default()),
        None => url.to_owned(),
    }
}

type Work<'c, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'c>>;

impl Drop for Schemas {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        let (connection, owned) = (self.connection.clone(), std::mem::take(&mut *self.owned.lock()));
        let (done, wait) = mpsc::channel();
        runtime.spawn(async move {
            let mut connection = connection.lock().await;
            // A provider still at work keeps its schema; the next run sweeps it.
            let _ = sqlx::query("SET lock_timeout = '1s'").execute(&mut *connection).await;
            for name in owned {
                let drop = format!("DROP SCHEMA IF EXISTS {name} CASCADE");
                let _ = sqlx::query(&drop).execute(&mut *connection).await;
            }
            let _ = done.send(());
        });
        let _ = wait.recv_timeout(PATIENCE);
        runtime.shutdown_background();
    }
}

/// A provider that keeps its storage in a schema.
#[async_trait]
pub trait InSchema: Provider + Sized + 'static {
    /// What the provider is called in reports.
    const NAME: &str;

    /// What the names of its schemas begin with.
    const PREFIX: &str;

    /// How it reads time.
    const TIME: TimeSource;

    /// Rust code that makes one in an empty schema of the database in
    /// `DATABASE_URL`.
    const CODE: &str;

    /// Makes the schema if it is not there, and connects.
    async fn open(url: &str, schema: &str) -> Result<Self, String>;

    /// The provider's own connections.
    fn connections(&self) -> &PgPool;

    /// How many of them it keeps busy when nobody calls it.
    fn busy_at_rest(&self) -> usize {
        0
    }
}

/// Storages of one kind of provider, each in a schema.
pub(crate) struct InSchemas<P> {
    schemas: Schemas,
    provider: PhantomData<fn() -> P>,
}

impl<P: InSchema> InSchemas<P> {
    pub(crate) async fn connect(url: &str, prefix: &'static str) -> Result<Leases<Self>, String> {
        let schemas = Schemas::connect(url, prefix).await?;
        Ok(Leases::new(Self { schemas, provider: PhantomData }))
    }
}

#[async_trait]
impl<P: InSchema> Shelf for InSchemas<P> {
    type Provider = P;

    async fn make(&self) -> Result<(String, P), String> {
        let schema = self.schemas.take().await?;
        let provider = P::open(&self.schemas.url(&schema), &schema).await?;
        Ok((schema, provider))
    }

    async fn open(&self, schema: &str) -> Result<P, String> {
        if !self.schemas.exists(schema).await? {
            return Err(format!("there is no schema {schema}; was it made by a factory that is gone?"));
        }
        P::open(&self.schemas.url(schema), schema).await
    }

    fn is_idle(&self, provider: &P) -> bool {
        let pool = provider.connections();
        rests(pool.num_idle(), provider.busy_at_rest(), pool.size())
    }

    async fn settle(&self, schema: &str) {
        // What cannot be waited for here, the next emptying reports.
        let _ = self.schemas.settle(schema).await;
    }

    async fn empty(&self, schema: &str, _provider: &P, thorough: bool) -> Result<bool, String> {
        self.schemas.empty(schema, thorough).await.map(|()| true)
    }
}

impl<P: InSchema> Leases<InSchemas<P>> {
    pub(crate) async fn corrupt_history(&self, instance: &str) {
        let (schema, provider) = self.newest();
        let sql = format!("UPDATE {schema}.history SET event_data = $1 WHERE instance_id = $2");
        let done = sqlx::query(&sql).bind(UNREADABLE).bind(instance).execute(provider.connections()).await;
        done.expect("the history table of a live provider can be written");
    }

    pub(crate) async fn most_attempts(&self, instance: &str) -> u32 {
        let (schema, provider) = self.newest();
        let sql = format!(
            "SELECT COALESCE(MAX(attempt_count), 0)::bigint FROM {schema}.orchestrator_queue WHERE instance_id = $1"
        );
        let most: Result<i64, _> = sqlx::query_scalar(&sql).bind(instance).fetch_one(provider.connections()).await;
        u32::try_from(most.expect("the queue table of a live provider can be read")).unwrap_or(u32::MAX)
    }
}
