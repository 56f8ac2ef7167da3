//! Starting instances.

use std::sync::Arc;

use duroxide::{Client, OrchestrationStatus};
use duroxide_sim::Memory;

use super::{HOUR, Sum, sim};

#[test]
fn a_new_client_sees_what_is_in_its_provider() {
    sim().run(|sim| async move {
        sim.client().start_orchestration("one", "Echo", "x").await.unwrap();
        sim.client().wait_for_orchestration("one", HOUR).await.unwrap();

        let status = Client::new(sim.memory()).get_orchestration_status("one").await.unwrap();
        assert!(matches!(status, OrchestrationStatus::Completed { output, .. } if output == "2.0.0 x"));
        let status = Client::new(Arc::new(Memory::new())).get_orchestration_status("one").await.unwrap();
        assert_eq!(status, OrchestrationStatus::NotFound);
    });
}

#[test]
fn a_start_takes_the_latest_version_unless_it_names_one() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("latest", "Echo", "in").await.unwrap();
        client.start_orchestration_versioned("first", "Echo", "1.0.0", "in").await.unwrap();
        for (instance, expected) in [("latest", "2.0.0 in"), ("first", "1.0.0 in")] {
            let status = client.wait_for_orchestration(instance, HOUR).await.unwrap();
            let OrchestrationStatus::Completed { output, .. } = status else { panic!("{status:?}") };
            assert_eq!(output, expected);
        }
    });
}

#[test]
fn typed_starts_and_outcomes_keep_their_types() {
    sim().run(|sim| async move {
        let client = sim.client();
        client.start_orchestration_typed("latest", "Add", (2, 3)).await.unwrap();
        client.start_orchestration_versioned_typed("first", "Add", "1.0.0", (4, -5)).await.unwrap();
        let latest = client.wait_for_orchestration_typed::<Sum>("latest", HOUR).await.unwrap();
        assert_eq!(latest, Ok(Sum { version: "2.0.0".into(), sum: 5 }));
        let first = client.wait_for_orchestration_typed::<Sum>("first", HOUR).await.unwrap();
        assert_eq!(first, Ok(Sum { version: "1.0.0".into(), sum: -1 }));
    });
}

/// The marker `sub::` belongs to the names that the runtime gives to children.
#[test]
fn reserved_names_are_refused_before_they_reach_the_provider() {
    let run = sim().try_run(|sim| async move {
        let client = sim.client();
        for name in ["sub::1", "a::sub::2"] {
            let refusals = [
                client.start_orchestration(name, "Echo", "").await,
                client.start_orchestration_versioned(name, "Echo", "1.0.0", "").await,
                client.start_orchestration_typed(name, "Add", (1, 1)).await,
                client.start_orchestration_versioned_typed(name, "Add", "1.0.0", (1, 1)).await,
            ];
            for refusal in refusals {
                assert!(
                    matches!(refusal, Err(duroxide::ClientError::InvalidInput { message }) if message.contains(name))
                );
            }
        }
        client.start_orchestration("tenant::1", "Echo", "").await.unwrap();
    });
    let trace = run.unwrap().trace;
    let asked: Vec<_> = trace.entries.iter().filter(|entry| &*entry.by == "client").collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
}
