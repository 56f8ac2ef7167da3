// Memory, nothing queued is stored breaks durable.reopen-sees-all (must).
// Source: `ProviderFactory::create_provider`, "connected to the same backend"; `Provider`, "prevent
// other processes"
use std::sync::Arc;

use duroxide::providers::{Provider, WorkItem};

/// A new, empty provider.
async fn provider() -> Arc<dyn Provider> {
    crate::finding::stored_under_test().await
}

/// Another provider on the same storage.
async fn open() -> Arc<dyn Provider> {
    crate::finding::open_under_test().await
}

const RULE: &str = "\
    durable.reopen-sees-all: A second provider over the same storage sees everything, and its \
    locks count.";

#[tokio::test]
async fn durable_reopen_sees_all() {
    let provider = provider().await;
    provider
        .enqueue_for_orchestrator(
            WorkItem::ExternalRaised {
                instance: "i1".to_owned(),
                name: "a".to_owned(),
                data: String::new(),
            },
            None,
        )
        .await
        .expect("step 1");
    let provider = open().await;
    let admin = provider.as_management_capability().expect("a provider that can be managed");
    let got = admin.get_queue_depths().await;

    assert_eq!(got.expect(RULE).orchestrator_queue, 1, "{RULE}");
}
