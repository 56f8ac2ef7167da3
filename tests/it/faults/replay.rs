//! A storm's plan, written down and read back, repeats the run.

use duroxide_sim::sim::{Plan, Run, Storm};
use duroxide_sim::{Handle, Node, Sim};
use proptest::prelude::*;

use super::output;

async fn mixed(sim: Handle) -> Result<Vec<String>, duroxide_sim::duroxide::ClientError> {
    let client = sim.client();
    let names = ["m-0", "m-1", "m-2"];
    for name in names {
        client.start_orchestration(name, "Mix", name).await?;
    }
    let mut outputs = Vec::new();
    for name in names {
        outputs.push(output(&client, name).await?);
    }
    Ok(outputs)
}

fn run(sim: Sim) -> Run<Vec<String>> {
    sim.try_run(mixed).unwrap_or_else(|failure| panic!("{failure}\n{}", failure.trace.text()))
}

fn with_builds(seed: u64) -> Sim {
    let code = || (super::activities(), super::orchestrations());
    ["a", "b"].into_iter().fold(Sim::new(seed), |sim, name| {
        let ((activities, orchestrations), (next_activities, next_orchestrations)) = (code(), code());
        let node = Node::new(name, activities, orchestrations);
        sim.node(node.with_build("second", next_activities, next_orchestrations))
    })
}

/// Whether the run of a storm, and that of its plan, are the same.
fn repeats(seed: u64) -> Result<(), TestCaseError> {
    let stormy = run(with_builds(seed).storm(Storm::new()));
    prop_assert_eq!(&stormy.value, &["012 m-0 m-0", "012 m-1 m-1", "012 m-2 m-2"]);
    let written = serde_json::to_string(&stormy.plan).expect("a plan is plain data");
    let plan: Plan = serde_json::from_str(&written).expect("what was written can be read");
    prop_assert_eq!(&plan, &stormy.plan);
    let replayed = run(with_builds(seed).storm(Storm::new()).replay(plan));
    prop_assert_eq!(stormy.trace.json_lines(), replayed.trace.json_lines());
    prop_assert_eq!(stormy.plan, replayed.plan);
    prop_assert_eq!(stormy.unreached, replayed.unreached);
    Ok(())
}

#[test]
fn a_storms_plan_repeats_its_run() {
    crate::check(40, any::<u64>(), repeats);
}

/// Activities that end just when they are cancelled: after a stall, and after one
/// in a stall's last instant.
#[test]
fn an_activity_and_its_cancellation_do_not_race() {
    for seed in [15_856_761_387_453_268_479, 17_111_745_867_137_280_987, 69] {
        // It was a matter of luck.
        (0..6).for_each(|_| repeats(seed).expect("the runs are the same"));
    }
}
