//! A workload with everything on, from many seeds, each run twice without a
//! difference. `DUROXIDE_SIM_SEEDS` sets how many.

use std::time::Duration;

use duroxide_sim::duroxide::ClientError;
use duroxide_sim::sim::Storm;
use duroxide_sim::{Handle, Node, Sim};

use super::explore;
use crate::determinism::{activities, orchestrations};

/// Two nodes with two builds each, a storm of any kinds, and orchestrations that
/// use all that duroxide has.
fn everything(sim: Sim) -> Sim {
    let sim = ["a", "b"].into_iter().fold(sim, |sim, node| {
        let first = Node::new(node, activities(), orchestrations());
        sim.node(first.with_build("second", activities(), orchestrations()))
    });
    sim.storm(Storm::new()).finish_within(Duration::from_secs(86_400))
}

async fn several(sim: Handle) -> Result<(), ClientError> {
    let client = sim.client();
    let names = ["all-0", "all-1", "all-2"];
    for name in names {
        client.start_orchestration(name, "Everything", "0").await?;
    }
    let mut random = sim.random("messages");
    for message in 0..3 {
        for name in names {
            sim.sleep(Duration::from_millis(random.below(5_000))).await;
            client.enqueue_event(name, "inbox", message.to_string()).await?;
        }
    }
    for name in names {
        client.wait_for_orchestration(name, Duration::from_secs(30 * 86_400)).await?;
    }
    Ok(())
}

#[test]
fn every_seed_runs_twice_without_a_difference() {
    let report = explore().seeds(12).check_determinism_every(1).run(everything, several);
    assert_eq!(report.twice, report.seeds);
    assert!(report.escapes.is_empty(), "{report}");
}
