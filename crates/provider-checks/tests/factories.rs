//! The factories set up, isolate, reopen and clean up the storage of every
//! published provider.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::{ExecutionMetadata, Provider, TagFilter, WorkItem};
use duroxide::{Event, EventKind};
use duroxide_conformance::Storage;
use provider_checks::postgres::Postgres;
use provider_checks::postgres_opt::PostgresOpt;
use provider_checks::sqlite::Sqlite;

const LOCK_FOR: Duration = Duration::from_secs(60);

/// The database the tests may use. Says so where there is none.
fn database(test: &str) -> Option<String> {
    let url = env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
    if url.is_none() {
        println!("{test}: skipped: DATABASE_URL is not set, and this provider needs a PostgreSQL database");
    }
    url
}

async fn enqueue(provider: &Arc<dyn Provider>, id: u64) {
    let item = WorkItem::ActivityExecute {
        instance: "order-1".into(),
        execution_id: 1,
        id,
        name: "Charge".into(),
        input: "{}".into(),
        session_id: None,
        tag: None,
    };
    provider.enqueue_for_worker(item).await.expect("a job can be enqueued");
}

/// The ids of the jobs that can be fetched.
async fn drain(provider: &Arc<dyn Provider>) -> Vec<u64> {
    let mut found = Vec::new();
    loop {
        let fetched = provider.fetch_work_item(LOCK_FOR, Duration::ZERO, None, &TagFilter::Any).await;
        match fetched.expect("a fetch works") {
            Some((WorkItem::ActivityExecute { id, .. }, ..)) => found.push(id),
            Some((other, ..)) => panic!("a job came back as {other:?}"),
            None => return found,
        }
    }
}

/// What every factory promises.
async fn keeps_its_promises(storage: &dyn Storage) {
    let (first, second) = (storage.create_provider().await, storage.create_provider().await);
    enqueue(&first, 1).await;
    enqueue(&first, 2).await;
    enqueue(&second, 3).await;
    let again = match storage.location(&first) {
        Some(location) => storage.open(&location).await.expect("storage in use can be opened again"),
        None => first.clone(),
    };
    assert_eq!(storage.location(&again), storage.location(&first));
    assert_eq!(drain(&again).await, [1, 2], "{}: the second provider sees the first one's storage", storage.label());
    assert_eq!(drain(&second).await, [3], "{}: storages are apart", storage.label());
    drop((first, second, again));

    for turn in 0..3 {
        let provider = storage.create_provider().await;
        assert_eq!(drain(&provider).await, [0; 0], "{}: every provider begins empty", storage.label());
        enqueue(&provider, turn).await;
    }
}

/// The two calls that duroxide's own validations need.
async fn reaches_into_its_storage(storage: &dyn Storage) {
    let provider = storage.create_provider().await;
    let start = WorkItem::StartOrchestration {
        instance: "order-1".into(),
        orchestration: "Order".into(),
        input: "{}".into(),
        version: Some("1.0.0".into()),
        parent_instance: None,
        parent_id: None,
        parent_execution_id: None,
        execution_id: 1,
    };
    provider.enqueue_for_orchestrator(start, None).await.expect("a start can be enqueued");
    assert_eq!(storage.get_max_attempt_count("order-1").await, 0);
    let fetched = provider.fetch_orchestration_item(LOCK_FOR, Duration::ZERO, None).await;
    let (_, token, _) = fetched.expect("a fetch works").expect("the start can be fetched");
    assert_eq!(storage.get_max_attempt_count("order-1").await, 1);

    let event = EventKind::OrchestrationCancelRequested { reason: "no stock".into() };
    let event = Event::with_event_id(1, "order-1", 1, None, event);
    let metadata = ExecutionMetadata {
        orchestration_name: Some("Order".into()),
        orchestration_version: Some("1.0.0".into()),
        ..ExecutionMetadata::default()
    };
    let acked = provider.ack_orchestration_item(&token, 1, vec![event], vec![], vec![], metadata, vec![]).await;
    acked.expect("a turn can be acknowledged");
    assert!(provider.read_with_execution("order-1", 1).await.is_ok());
    storage.corrupt_instance_history("order-1").await;
    assert!(provider.read_with_execution("order-1", 1).await.is_err(), "{}: corrupted history reads", storage.label());
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_in_memory() {
    let storage = Sqlite::in_memory();
    keeps_its_promises(&storage).await;
    reaches_into_its_storage(&storage).await;
    let provider = storage.create_provider().await;
    assert_eq!(storage.location(&provider), None, "storage in memory goes with its factory");
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_in_files() {
    let storage = Sqlite::in_files().expect("a temporary folder can be made");
    keeps_its_promises(&storage).await;
    reaches_into_its_storage(&storage).await;

    let provider = storage.create_provider().await;
    enqueue(&provider, 1).await;
    let address = storage.location(&provider).expect("an own provider has an address");
    drop(provider);
    let other_process = Sqlite::in_files().expect("a temporary folder can be made");
    let reopened = other_process.open(&address).await.expect("a file can be opened after its provider is gone");
    assert_eq!(drain(&reopened).await, [1]);
    drop((reopened, storage));
    assert!(!std::path::Path::new(&address).exists(), "the files go with their factory");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    let Some(url) = database("postgres") else { return };
    let storage = Postgres::connect(&url).await.expect("the database can be reached");
    keeps_its_promises(&storage).await;
    reaches_into_its_storage(&storage).await;
    is_cleaned_up(&url, storage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_opt() {
    let Some(url) = database("postgres_opt") else { return };
    let storage = PostgresOpt::connect(&url).await.expect("the database can be reached");
    keeps_its_promises(&storage).await;
    reaches_into_its_storage(&storage).await;
    is_cleaned_up(&url, storage).await;
}

async fn is_cleaned_up(url: &str, storage: impl Storage) {
    let schema = {
        let provider = storage.create_provider().await;
        storage.location(&provider).expect("an own provider has an address")
    };
    let database = sqlx::PgPool::connect(url).await.expect("the database can be reached");
    let count = "SELECT COUNT(*) FROM pg_namespace WHERE nspname = $1";
    let count = || sqlx::query_scalar::<_, i64>(count).bind(&schema).fetch_one(&database);
    assert_eq!(count().await.expect("schemas can be counted"), 1);
    drop(storage);
    assert_eq!(count().await.expect("schemas can be counted"), 0, "{schema} goes with its factory");
}

/// The call goes on where the provider keeps its storage, after its future is gone.
async fn gives_up_calls(storage: &dyn Storage) {
    for turn in 0..12 {
        let provider = storage.create_provider().await;
        assert_eq!(drain(&provider).await, [0; 0], "{}: every provider begins empty", storage.label());
        for id in 0..8 {
            let _ = tokio::time::timeout(Duration::from_micros(150 * turn), enqueue(&provider, id)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_given_up_does_not_leak_into_the_next_use() {
    gives_up_calls(&Sqlite::in_memory()).await;
    gives_up_calls(&Sqlite::in_files().expect("a temporary folder can be made")).await;
    let Some(url) = database("a_call_given_up_does_not_leak_into_the_next_use") else { return };
    gives_up_calls(&Postgres::connect(&url).await.expect("the database can be reached")).await;
    gives_up_calls(&PostgresOpt::connect(&url).await.expect("the database can be reached")).await;
}

#[test]
fn storage_is_used_again_in_another_runtime() {
    let storage = Sqlite::in_memory();
    for _ in 0..3 {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime can be built");
        runtime.block_on(keeps_its_promises(&storage));
    }
    let Some(url) = database("storage_is_used_again_in_another_runtime") else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be built");
    let storage = runtime.block_on(PostgresOpt::connect(&url)).expect("the database can be reached");
    drop(runtime);
    for _ in 0..3 {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime can be built");
        runtime.block_on(keeps_its_promises(&storage));
    }
}

#[tokio::test]
async fn a_database_out_of_reach_is_an_error_and_no_panic() {
    // Nothing listens on this port.
    let url = "postgres://nobody@127.0.0.1:1/none";
    let pg = Postgres::connect(url).await.err().expect("there is no database");
    assert!(pg.contains("cannot be reached"), "{pg}");
    let opt = PostgresOpt::connect(url).await.err().expect("there is no database");
    assert!(opt.contains("cannot be reached"), "{opt}");
}
