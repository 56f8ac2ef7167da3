//! What checking costs beside the provider: a whole check with the default
//! budget, and how much of its time is the provider's own.
//!
//! `cargo bench -p provider-checks --bench checking [filter]`.
#![allow(missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_conformance::{Reading, Storage, TimeSource, Verdict};
use duroxide_sim::call::{Answering, Call, Handler};
use duroxide_sim::provider::{Port, Under};
use parking_lot::Mutex;
use provider_checks::config;
use provider_checks::postgres::Postgres;
use provider_checks::postgres_opt::PostgresOpt;
use provider_checks::sqlite::Sqlite;

/// How long something has taken altogether, and how often it was done.
#[derive(Clone, Default)]
struct Sum {
    nanos: Arc<AtomicU64>,
    times: Arc<AtomicU64>,
}

impl Sum {
    async fn of<T>(&self, work: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let done = work.await;
        self.nanos.fetch_add(began.elapsed().as_nanos() as u64, Ordering::Relaxed);
        self.times.fetch_add(1, Ordering::Relaxed);
        done
    }

    fn seconds(&self) -> f64 {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed)).as_secs_f64()
    }

    fn times(&self) -> u64 {
        self.times.load(Ordering::Relaxed)
    }
}

/// A storage whose calls are timed, and the work between scripts apart from them.
struct Timed<S> {
    storage: S,
    calls: Sum,
    between: Sum,
    /// The provider that is out, as the storage gave it.
    out: Mutex<Option<Arc<dyn Provider>>>,
}

/// Whose time it takes to answer.
struct Clocked {
    under: Under,
    calls: Sum,
}

impl Handler for Clocked {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        Answering::wait(self.calls.of(async move { self.under.handle(call).await }))
    }

    fn describe(&self) -> String {
        self.under.describe()
    }

    fn has_admin(&self) -> bool {
        self.under.has_admin()
    }
}

#[async_trait]
impl<S: Storage> ProviderFactory for Timed<S> {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        let provider = self.between.of(self.storage.create_provider()).await;
        *self.out.lock() = Some(provider.clone());
        Arc::new(Port::over(Clocked { under: Under::new(provider), calls: self.calls.clone() }))
    }
}

#[async_trait]
impl<S: Storage> Storage for Timed<S> {
    fn label(&self) -> String {
        self.storage.label()
    }

    fn time(&self) -> TimeSource {
        self.storage.time()
    }

    fn reading(&self) -> Reading {
        self.storage.reading()
    }

    fn unavailable(&self) -> Option<String> {
        self.storage.unavailable()
    }

    async fn reset(&self, _: &Arc<dyn Provider>) -> bool {
        let provider = self.out.lock().clone();
        match provider {
            Some(provider) => self.between.of(self.storage.reset(&provider)).await,
            None => false,
        }
    }

    async fn dispose(&self, _: Arc<dyn Provider>) {
        let provider = self.out.lock().take();
        if let Some(provider) = provider {
            self.between.of(self.storage.dispose(provider)).await;
        }
    }

    async fn settle(&self, _: &Arc<dyn Provider>) {
        let provider = self.out.lock().clone();
        if let Some(provider) = provider {
            self.between.of(self.storage.settle(&provider)).await;
        }
    }
}

fn main() {
    let filter: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| filter.is_empty() || filter.iter().any(|text| name.contains(text));
    println!("{:<16} {:>9} {:>10} {:>10} {:>10}", "provider", "whole", "in calls", "between", "the check");
    if wanted("sqlite-memory") {
        measure("sqlite-memory", Sqlite::in_memory());
    }
    if wanted("sqlite-file") {
        measure("sqlite-file", Sqlite::in_files().expect("a temporary folder can be made"));
    }
    if wanted("duroxide-pg") {
        measure("duroxide-pg", Postgres::from_env());
    }
    if wanted("duroxide-pg-opt") {
        measure("duroxide-pg-opt", PostgresOpt::from_env());
    }
}

fn measure(name: &str, storage: impl Storage) {
    if let Some(why) = storage.unavailable() {
        println!("{name:<16} {why}");
        return;
    }
    let timed = Timed { storage, calls: Sum::default(), between: Sum::default(), out: Mutex::default() };
    // The default budget, and what is known is waived.
    let config = config().calls(20_000).quiet();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be built");
    let began = Instant::now();
    let verdict = runtime.block_on(duroxide_conformance::unstable::check_storage(&timed, &config));
    let whole = began.elapsed().as_secs_f64();
    let (calls, between) = (timed.calls.seconds(), timed.between.seconds());
    let own = whole - calls - between;
    println!("{name:<16} {whole:>7.1} s {calls:>8.1} s {between:>8.1} s {:>8.1} %", 100.0 * own / calls);
    println!("{:<16} {}", "", of_what(&verdict, &timed.calls, &timed.between));
}

/// Shrinking makes calls of its own, and empties as often as it tries.
fn of_what(verdict: &Verdict, calls: &Sum, between: &Sum) -> String {
    let (made, scripts, findings) = (verdict.counts.calls, verdict.counts.scripts, verdict.findings.len());
    let (all, emptied) = (calls.times(), between.times());
    format!(
        "{made} calls in {scripts} scripts; with shrinking {all} calls, emptied {emptied} times; {findings} findings"
    )
}
