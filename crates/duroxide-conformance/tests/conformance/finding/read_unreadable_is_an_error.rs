// Memory, passes over what it cannot read breaks read.unreadable-is-an-error (must).
// Source: guide, "History Deserialization Contract"; validations
// `test_read_corrupted_history_returns_error`
use std::sync::Arc;

use duroxide::providers::Provider;
use duroxide::{Event, EventKind};

/// A new, empty provider.
async fn provider() -> Arc<dyn Provider> {
    crate::finding::stored_under_test().await
}

/// Makes the stored history of an instance unreadable.
async fn corrupt_history(instance: &str) {
    crate::finding::corrupt_under_test(instance).await;
}

fn event(event_id: u64, instance: &str, execution_id: u64, kind: EventKind) -> Event {
    Event {
        event_id,
        source_event_id: None,
        instance_id: instance.to_owned(),
        execution_id,
        timestamp_ms: 0,
        duroxide_version: "1.0.0".to_owned(),
        kind,
    }
}

const RULE: &str = "\
    read.unreadable-is-an-error: Reading a history that cannot be read is an error, never a \
    shorter history.";

#[tokio::test]
async fn read_unreadable_is_an_error() {
    let provider = provider().await;
    provider
        .append_with_execution(
            "i1",
            1,
            vec![event(1, "i1", 1, EventKind::ExternalSubscribed { name: "a".to_owned() })],
        )
        .await
        .expect("step 1");
    corrupt_history("i1").await;
    let got = provider.read("i1").await;

    assert!(got.is_err(), "{RULE}");
}
