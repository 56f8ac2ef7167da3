// Memory, 255 bytes of data breaks payload.long (must).
// Source: docs/provider-testing-guide.md, "Large Payload"; validation `test_kv_large_value`
use std::sync::Arc;
use std::time::Duration;

use duroxide::providers::{Provider, WorkItem};

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

const RULE: &str = "payload.long: Long texts come out whole: inputs, results, outputs, values.";

#[tokio::test]
async fn payload_long() {
    let provider = provider().await;
    provider.enqueue_for_orchestrator(start_of("i1", "a"), None).await.expect("step 1");
    provider
        .enqueue_for_orchestrator(
            WorkItem::ExternalRaised {
                instance: "i1".to_owned(),
                name: "a".to_owned(),
                data: "a".repeat(256),
            },
            None,
        )
        .await
        .expect("step 2");
    let got = provider.fetch_orchestration_item(Duration::from_secs(1), Duration::ZERO, None).await;

    let (turn, _, _) = got.expect(RULE).expect(RULE);
    assert_eq!(
        turn.messages,
        vec![
            start_of("i1", "a"),
            WorkItem::ExternalRaised {
                instance: "i1".to_owned(),
                name: "a".to_owned(),
                data: "a".repeat(256),
            },
        ],
        "{RULE}",
    );
}
