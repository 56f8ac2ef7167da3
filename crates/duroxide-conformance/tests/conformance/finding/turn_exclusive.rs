// Memory, locks end 1 ms early breaks turn.exclusive (must).
// Source: `fetch_orchestration_item`, "Instance-Level Locking"; guide, "Peek-Lock Semantics"
use std::sync::Arc;
use std::time::Duration;

use duroxide::providers::{Provider, WorkItem};
use duroxide_sim::clock::Warp;

/// A new, empty provider.
async fn provider() -> Arc<dyn Provider> {
    crate::finding::under_test().await
}

fn start_of(instance: &str, orchestration: &str) -> WorkItem {
    WorkItem::StartOrchestration {
        instance: instance.to_owned(),
        orchestration: orchestration.to_owned(),
        input: String::new(),
        version: None,
        parent_instance: None,
        parent_id: None,
        parent_execution_id: None,
        execution_id: 1,
    }
}

const RULE: &str = "\
    turn.exclusive: While the lock on an instance holds, no fetch returns that instance again, \
    whatever arrives for it meanwhile.";

#[tokio::test]
async fn turn_exclusive() {
    // The wall clock of this process is stopped; the test moves it.
    let warp = Warp::claim().await.expect("a turn").start(None).expect("a clock that stops");
    let provider = provider().await;
    provider.enqueue_for_orchestrator(start_of("i1", "a"), None).await.expect("step 1");
    provider
        .fetch_orchestration_item(Duration::from_secs(1), Duration::ZERO, None)
        .await
        .expect("step 2")
        .expect("a turn");
    warp.advance(Duration::from_millis(999)).expect("time moves");
    let got = provider.fetch_orchestration_item(Duration::from_secs(1), Duration::ZERO, None).await;

    assert!(got.expect(RULE).is_none(), "{RULE}");
}
