//! duroxide's own SQLite provider: each storage a database of its own, in
//! memory or as a file in a temporary folder that goes with the factory.
//!
//! A crashed run leaves its folder behind; the next factory sweeps it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process};

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;
use duroxide::providers::sqlite::SqliteProvider;
use duroxide_conformance::{Storage, TimeSource};

use crate::leases::{Leases, Shelf, UNREADABLE, rests};

/// Counts databases and folders of this process, so that no two share a name.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

fn number() -> usize {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// Makes SQLite providers.
pub struct Sqlite(Leases<Databases>);

impl Sqlite {
    /// Databases in memory, without journal and sync.
    #[must_use]
    pub fn in_memory() -> Self {
        Self(Leases::new(Databases { folder: None }))
    }

    /// Databases in files. Sweeps what crashed runs left behind.
    ///
    /// # Errors
    ///
    /// When the temporary folder cannot be made.
    pub fn in_files() -> Result<Self, String> {
        Folder::sweep();
        Ok(Self(Leases::new(Databases { folder: Some(Folder::create()?) })))
    }

    fn is_in_files(&self) -> bool {
        self.0.shelf.folder.is_some()
    }
}

#[async_trait]
impl ProviderFactory for Sqlite {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        match self.0.lend().await {
            Ok(provider) => provider,
            Err(reason) => panic!("No SQLite provider: {reason}. Is there space in the temporary folder?"),
        }
    }

    async fn corrupt_instance_history(&self, instance: &str) {
        let (_, provider) = self.0.newest();
        let query = sqlx::query("UPDATE history SET event_data = ? WHERE instance_id = ?");
        let done = query.bind(UNREADABLE).bind(instance).execute(provider.get_pool()).await;
        done.expect("the history table of a live provider can be written");
    }

    async fn get_max_attempt_count(&self, instance: &str) -> u32 {
        let (_, provider) = self.0.newest();
        let sql = "SELECT COALESCE(MAX(attempt_count), 0) FROM orchestrator_queue WHERE instance_id = ?";
        let most: Result<i64, _> = sqlx::query_scalar(sql).bind(instance).fetch_one(provider.get_pool()).await;
        u32::try_from(most.expect("the queue table of a live provider can be read")).unwrap_or(u32::MAX)
    }
}

/// Where the program of a finding has its database.
const FOLDER: &str = "let folder = std::env::temp_dir().join(format!(\"finding-{}\", std::process::id()));";
const URL: &str = "let url = format!(\"sqlite:{}?mode=rwc\", folder.join(\"finding.db\").display());";
const CONNECT: &str = "let provider = duroxide::providers::sqlite::SqliteProvider::new(&url, None).await;
    Arc::new(provider.expect(\"a database\"))";

#[async_trait]
impl Storage for Sqlite {
    /// One name for both: they deviate alike.
    fn label(&self) -> String {
        "sqlite".to_owned()
    }

    /// In a file, so that it can be opened once more.
    fn code(&self) -> Option<String> {
        let remade = "let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect(\"a folder\");";
        Some([FOLDER, remade, URL, CONNECT].join("\n    "))
    }

    fn code_to_open(&self) -> Option<String> {
        Some([FOLDER, URL, CONNECT].join("\n    "))
    }

    fn code_to_corrupt(&self) -> Option<String> {
        let spoil = format!(
            "let pool = sqlx::SqlitePool::connect(&url).await.expect(\"the database\");
    let spoil = sqlx::query(\"UPDATE history SET event_data = ? WHERE instance_id = ?\");
    let spoil = spoil.bind(r#\"{UNREADABLE}\"#).bind(instance);
    spoil.execute(&pool).await.expect(\"the history is spoilt\");"
        );
        Some([FOLDER, URL, &spoil].join("\n    "))
    }

    fn time(&self) -> TimeSource {
        TimeSource::Warp
    }

    fn location(&self, provider: &Arc<dyn Provider>) -> Option<String> {
        self.0.address(provider).filter(|_| self.is_in_files())
    }

    async fn open(&self, location: &str) -> Option<Arc<dyn Provider>> {
        if !self.is_in_files() && !self.0.has(location) {
            return None;
        }
        Some(self.0.open(location).await.ok()?)
    }

    async fn settle(&self, provider: &Arc<dyn Provider>) {
        self.0.settle(provider).await;
    }

    fn can_corrupt(&self) -> bool {
        true
    }
}

/// Databases in a folder, or in memory.
struct Databases {
    folder: Option<Folder>,
}

#[async_trait]
impl Shelf for Databases {
    type Provider = SqliteProvider;

    async fn make(&self) -> Result<(String, SqliteProvider), String> {
        let address = match &self.folder {
            Some(folder) => folder.0.join(format!("{}.db", number())).display().to_string(),
            // Without "file:" every connection would have a database to itself.
            None => format!("file:duroxide-sim-checks-{}", number()),
        };
        let mode = if self.folder.is_some() { "rwc" } else { "memory" };
        let provider = connect(&address, mode).await?;
        Ok((address, provider))
    }

    async fn open(&self, address: &str) -> Result<SqliteProvider, String> {
        connect(address, if self.folder.is_some() { "rw" } else { "memory" }).await
    }

    fn is_idle(&self, provider: &SqliteProvider) -> bool {
        rests(provider.get_pool().num_idle(), 0, provider.get_pool().size())
    }

    /// A database in memory goes with its last connection.
    async fn empty(&self, address: &str, provider: &SqliteProvider, _thorough: bool) -> Result<bool, String> {
        empty(provider.get_pool()).await.map_err(|error| format!("{address} cannot be emptied: {error}"))
    }
}

async fn connect(address: &str, mode: &str) -> Result<SqliteProvider, String> {
    let url = format!("sqlite:{address}?mode={mode}");
    SqliteProvider::new(&url, None).await.map_err(|error| format!("{url} cannot be opened: {error}"))
}

/// Says whether there was any table.
async fn empty(pool: &sqlx::SqlitePool) -> Result<bool, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let tables =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_sqlx*'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut *transaction).await?;
    // One table refers to itself.
    let delete: Vec<String> = tables.iter().map(|table| format!("DELETE FROM {table};")).collect();
    let sql = format!("PRAGMA defer_foreign_keys = ON; {}", delete.concat());
    sqlx::query(&sql).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(!tables.is_empty())
}

/// A temporary folder, named after this process so that a later one can tell
/// whether it is still in use.
struct Folder(PathBuf);

impl Folder {
    fn parent() -> PathBuf {
        env::temp_dir().join("duroxide-sim-checks")
    }

    fn create() -> Result<Self, String> {
        let path = Self::parent().join(format!("{}-{}", process::id(), number()));
        fs::create_dir_all(&path).map_err(|error| format!("{} cannot be made: {error}", path.display()))?;
        Ok(Self(path))
    }

    fn sweep() {
        for entry in fs::read_dir(Self::parent()).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let owner = name.to_str().and_then(|name| name.split_once('-'));
            if owner.is_some_and(|(process, _)| is_gone(process)) {
                // Another sweeper may have been faster.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// Whether no process has this id. Where that cannot be seen, none is gone.
fn is_gone(process: &str) -> bool {
    let table = Path::new("/proc");
    table.join("self").exists() && !table.join(process).exists()
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now is swept by the next run.
        let _ = fs::remove_dir_all(&self.0);
    }
}
