// Memory, ack keeps messages breaks ack-turn.messages-removed (must).
// Source: `ack_orchestration_item`, "Remove acknowledged messages"
use std::sync::Arc;
use std::time::Duration;

use duroxide::providers::{ExecutionMetadata, Provider, WorkItem};

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

const RULE: &str = "ack-turn.messages-removed: An ack removes every message of its batch.";

#[tokio::test]
async fn ack_turn_messages_removed() {
    let provider = provider().await;
    let admin = provider.as_management_capability().expect("a provider that can be managed");
    provider.enqueue_for_orchestrator(start_of("i1", "a"), None).await.expect("step 1");
    let (_, turn_1, _) = provider
        .fetch_orchestration_item(Duration::from_secs(1), Duration::ZERO, None)
        .await
        .expect("step 2")
        .expect("a turn");
    provider
        .ack_orchestration_item(
            &turn_1,
            1,
            vec![],
            vec![],
            vec![],
            ExecutionMetadata::default(),
            vec![],
        )
        .await
        .expect("step 3");
    let got = admin.get_queue_depths().await;

    assert_eq!(got.expect(RULE).orchestrator_queue, 0, "{RULE}");
}
