//! A test that started its own runtime before the shop had simulations; two lines of it are new.

use std::time::{Duration, Instant};

use duroxide_sim::duroxide::runtime::{OrchestrationStatus, Runtime};
use duroxide_sim::duroxide::{Client, EventKind};

use crate::app::{self, REFUND_REQUEST};
use crate::model::{Decision, Refund};
use crate::refund::DECISION;
use crate::world::World;

#[duroxide_sim::test] // was: #[tokio::test]
async fn a_decision_is_awaited() {
    let store = duroxide_sim::provider(); // was: Arc::new(SqliteProvider::new_in_memory().await.unwrap())
    let (activities, orchestrations) = app::registries(&World::default().services());
    let runtime = Runtime::start_with_store(store.clone(), activities, orchestrations).await;
    let client = Client::new(store.clone());

    let refund = Refund { customer: "Eve".into(), receipt: "receipt-7".into(), manager: "Max".into() };
    client.start_orchestration_typed("refund-1", REFUND_REQUEST, refund).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let history = store.read("refund-1").await.unwrap();
        if history.iter().any(|event| matches!(event.kind, EventKind::ExternalSubscribed { .. })) {
            break;
        }
        assert!(Instant::now() < deadline, "nothing waits for the decision");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let decision = Decision { by: "Max".into(), agreed: true };
    client.raise_event_typed("refund-1", DECISION, &decision).await.unwrap();

    match client.wait_for_orchestration("refund-1", Duration::from_secs(5)).await.unwrap() {
        OrchestrationStatus::Completed { output, .. } => assert_eq!(output, r#"{"Paid":{"by":"Max"}}"#),
        other => panic!("unexpected status: {other:?}"),
    }
    runtime.shutdown(None).await;
}
