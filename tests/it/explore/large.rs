//! Explorations and runs that are large: what is kept of them has a bound.

use std::collections::BTreeSet;
use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ClientError, OrchestrationContext};
use duroxide_sim::explore::{Capsule, Problem};
use duroxide_sim::{Handle, Node, Sim};

use super::explore;

const SEEDS: u64 = 16;
const INSTANCES: u64 = 32;
const TURNS: u64 = 24;

/// What an instance does turn by turn, as the bits of its number are.
fn bits(number: u64) -> u64 {
    (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn bit(bits: u64, turn: u64) -> bool {
    (bits >> (40 + turn)) & 1 == 1
}

fn walkers(sim: Sim) -> Sim {
    let walk = |ctx: OrchestrationContext, bits: String| async move {
        let bits: u64 = bits.parse().map_err(|_| "it is no number".to_owned())?;
        for turn in 0..TURNS {
            match bit(bits, turn) {
                true => ctx.set_custom_status("one"),
                false => ctx.set_kv_value("bit", "none"),
            }
            ctx.schedule_timer(Duration::from_secs(1)).await;
        }
        Ok(String::new())
    };
    let orchestrations = OrchestrationRegistry::builder().register("Walk", walk).build();
    sim.node(Node::new("a", ActivityRegistry::builder().build(), orchestrations))
        .finish_within(Duration::from_secs(3600))
}

async fn walk(sim: Handle) -> Result<(), ClientError> {
    for number in 0..INSTANCES {
        let bits = bits(sim.seed().0 * INSTANCES + number);
        sim.client().start_orchestration(format!("walk-{number}"), "Walk", bits.to_string()).await?;
    }
    Ok(())
}

#[test]
fn many_states_are_estimated_and_few_are_counted() {
    let expected = |seeds: u64| {
        let prefix =
            |number: u64, length: u64| (length, (0..length).map(|turn| bit(bits(number), turn)).collect::<Vec<_>>());
        let all = (0..seeds * INSTANCES).flat_map(|number| (1..=TURNS).map(move |length| prefix(number, length)));
        // The last turn only ends what its bits have told apart before.
        all.collect::<BTreeSet<_>>().len() + usize::try_from(seeds * INSTANCES).unwrap()
    };
    let few = explore().seeds(2).check_determinism_every(0).run(walkers, walk);
    assert_eq!((few.states, few.states_are_estimated), (expected(2) as u64, false), "{few}");
    let many = explore().seeds(SEEDS).check_determinism_every(0).run(walkers, walk);
    assert!(many.states_are_estimated && many.to_string().contains(" about "), "{many}");
    let (found, expected) = (many.states as f64, expected(SEEDS) as f64);
    assert!((found - expected).abs() < expected / 12.0, "{found} are about {expected}");
}

const MESSAGES: usize = 40;
/// So long that no capsule has all of them.
const LONG: usize = 1 << 20;

#[test]
fn a_capsule_of_a_long_run_has_a_bound_and_comes_before_the_page() {
    let found = explore()
        .seeds(1)
        .seed_time_limit(Duration::from_secs(600))
        .shrink_time_limit(Duration::ZERO)
        .without_latencies()
        .try_run(
            |sim| {
                sim.node(Node::new("a", ActivityRegistry::builder().build(), OrchestrationRegistry::builder().build()))
            },
            |sim| async move {
                for _ in 0..MESSAGES {
                    sim.client()
                        .raise_event("nobody", "e", "x".repeat(LONG))
                        .await
                        .map_err(|error| error.to_string())?;
                }
                Err::<(), _>("it has sent them all".to_owned())
            },
        );
    let Err(problem) = found else { panic!("it fails") };
    let Problem::Failed(finding) = *problem else { panic!("{problem}") };
    let (path, page) = (finding.capsule.as_ref().expect("there is one"), finding.page.as_ref().expect("there is one"));
    let capsule = Capsule::read(path).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(capsule.calls, finding.failure.trace.entries.len());
    assert!(capsule.calls >= MESSAGES && capsule.numbers.len() == capsule.trace.entries.len());
    assert!(capsule.trace.entries.len() <= 32 && capsule.numbers.last() == Some(&(capsule.calls - 1)));
    let left_out = capsule.left_out().expect("it leaves something out");
    assert!(finding.to_string().contains(&left_out), "{finding}");
    assert_eq!(capsule.plan, finding.failure.plan);
    let written =
        |path: &std::path::Path| std::fs::metadata(path).and_then(|file| file.modified()).expect("it is there");
    assert!(written(path) <= written(page), "the capsule comes first");
}
