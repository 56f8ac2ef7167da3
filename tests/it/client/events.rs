//! Sending things to instances: events, queue messages, cancellations.

use duroxide::{AppErrorKind, ErrorDetails, OrchestrationStatus};

use super::{HOUR, MINUTE, POLL, SECOND, Sum, sim};

#[test]
fn raised_events_reach_the_waits_of_their_names_when_they_are_raised() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("order", "Approve", "").await.unwrap();
        sim.sleep(MINUTE).await;
        // Nobody waits for this one.
        client.raise_event("order", "other", "ignored").await.unwrap();
        sim.sleep(MINUTE).await;
        client.raise_event("order", "text", "yes").await.unwrap();
        sim.sleep(MINUTE).await;
        let status = client.get_orchestration_status("order").await.unwrap();
        assert!(matches!(status, OrchestrationStatus::Running { .. }), "{status:?}");

        client.raise_event_typed("order", "sum", &Sum { version: "v".into(), sum: 3 }).await.unwrap();
        let status = client.wait_for_orchestration("order", HOUR).await.unwrap();
        assert!(matches!(&status, OrchestrationStatus::Completed { output, .. } if output == "yes v 3"), "{status:?}");
        assert!(sim.elapsed() >= 3 * MINUTE && sim.elapsed() <= 3 * MINUTE + POLL, "{:?}", sim.elapsed());
    });
}

#[test]
#[allow(deprecated)] // raise_event_persistent is, and still works.
fn queue_messages_wait_for_their_taker_in_order() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("sink", "Drain", "drops").await.unwrap();
        sim.sleep(SECOND).await;
        client.enqueue_event("sink", "drops", "first").await.unwrap();
        client.enqueue_event("sink", "others", "not this").await.unwrap();
        client.enqueue_event_typed("sink", "drops", &("second", 2)).await.unwrap();
        client.raise_event_persistent("sink", "drops", "third").await.unwrap();
        client.enqueue_event("sink", "drops", "one too many").await.unwrap();
        let status = client.wait_for_orchestration("sink", HOUR).await.unwrap();
        let OrchestrationStatus::Completed { output, .. } = status else { panic!("{status:?}") };
        assert_eq!(output, r#"first ["second",2] third"#);
    });
}

#[test]
fn cancelling_fails_the_instance_and_its_children_with_the_reason() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("root", "Parent", "child").await.unwrap();
        client.start_orchestration("bystander", "Sleep", "slept").await.unwrap();
        sim.sleep(SECOND).await;
        client.cancel_instance("root", "no longer wanted").await.unwrap();
        let status = client.wait_for_orchestration("root", MINUTE).await.unwrap();
        let OrchestrationStatus::Failed { details: ErrorDetails::Application { kind, .. }, .. } = status else {
            panic!("{status:?}")
        };
        assert_eq!(kind, AppErrorKind::Cancelled { reason: "no longer wanted".into() });
        assert!(sim.elapsed() <= SECOND + POLL, "{:?}", sim.elapsed());

        let status = client.wait_for_orchestration("child", MINUTE).await.unwrap();
        let OrchestrationStatus::Failed { details: ErrorDetails::Application { kind, .. }, .. } = status else {
            panic!("{status:?}")
        };
        assert!(matches!(kind, AppErrorKind::Cancelled { .. }), "{kind:?}");
        let status = client.get_orchestration_status("bystander").await.unwrap();
        assert!(matches!(status, OrchestrationStatus::Running { .. }), "{status:?}");
    });
}
