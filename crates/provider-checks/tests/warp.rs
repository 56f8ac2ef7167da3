//! A warp reaches the SQLite provider: its Rust, which reads `SystemTime`, and
//! SQLite's C, which reads `gettimeofday`.
#![allow(missing_docs)]

use std::time::Duration;

use duroxide::providers::sqlite::SqliteProvider;
use duroxide::providers::{ExecutionMetadata, Provider, ProviderAdmin, TagFilter, WorkItem};
use duroxide_sim::clock::{Time, Warp};

const MS: Duration = Duration::from_millis(1);
const LOCK: Duration = Duration::from_secs(3600);

/// Far from the time of any test: the year 2400.
const FAR: Time = Time(13_569_465_600_000);

fn activity(id: u64) -> WorkItem {
    WorkItem::ActivityExecute {
        instance: "i".to_owned(),
        execution_id: 1,
        id,
        name: "Activity".to_owned(),
        input: String::new(),
        session_id: None,
        tag: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locks_expire_exactly_when_a_warp_reaches_their_end() {
    let sqlite = SqliteProvider::new_in_memory().await.expect("an in-memory database can be opened");
    let warp = Warp::claim().await.and_then(|claim| claim.start(None)).expect("warps are supported");
    sqlite.enqueue_for_worker(activity(1)).await.expect("it is queued");
    let fetch = || sqlite.fetch_work_item(LOCK, Duration::ZERO, None, &TagFilter::DefaultOnly);
    for round in 1..10 {
        let (_, token, attempts) = fetch().await.expect("it answers").expect("the lock is over");
        assert_eq!(attempts, round);
        warp.advance(LOCK - MS).expect("far from the end");
        assert!(fetch().await.expect("it answers").is_none(), "locked for another millisecond");
        warp.advance(MS).expect("far from the end");
        sqlite.renew_work_item_lock(&token, LOCK).await.expect_err("the lock is over");
    }
}

/// Starts an instance and ends its first turn, which is when SQLite keeps it.
async fn create(sqlite: &SqliteProvider, instance: &str) {
    let item = WorkItem::StartOrchestration {
        instance: instance.to_owned(),
        orchestration: "Orchestration".to_owned(),
        input: String::new(),
        version: None,
        parent_instance: None,
        parent_id: None,
        parent_execution_id: None,
        execution_id: 1,
    };
    sqlite.enqueue_for_orchestrator(item, None).await.expect("it is queued");
    let fetched = sqlite.fetch_orchestration_item(LOCK, Duration::ZERO, None).await.expect("it answers");
    let (_, token, _) = fetched.expect("there is a turn");
    let metadata = ExecutionMetadata {
        orchestration_name: Some("Orchestration".to_owned()),
        orchestration_version: Some("1.0.0".to_owned()),
        ..ExecutionMetadata::default()
    };
    let ack = sqlite.ack_orchestration_item(&token, 1, Vec::new(), Vec::new(), Vec::new(), metadata, Vec::new());
    ack.await.expect("its lock holds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timestamps_that_sqlite_sets_are_the_warps() {
    let sqlite = SqliteProvider::new_in_memory().await.expect("an in-memory database can be opened");
    // Instances are listed by CURRENT_TIMESTAMP, the latest first.
    for (name, at) in [("b", FAR), ("c", FAR + LOCK), ("a", FAR.before(LOCK))] {
        let warp = Warp::claim().await.and_then(|claim| claim.start(Some(at))).expect("warps are supported");
        create(&sqlite, name).await;
        drop(warp);
    }
    assert_eq!(sqlite.list_instances().await.expect("it answers"), ["c", "b", "a"]);
}
