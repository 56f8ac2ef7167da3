//! Workflows of the kinds that people write, each right and with a planted bug:
//! under storms the right one goes well from every seed, and exploring finds the
//! bug and shrinks it to a minimal plan. `DUROXIDE_SIM_SEEDS` sets from how many seeds the right
//! one is run, and `DUROXIDE_SIM_BASE` from where both are counted.

mod approval;
mod backoff;
mod chat;
mod fan;
mod meter;
mod minimal;
mod monitor;
mod parcels;
mod poller;
mod refresh;
mod replayed;
mod saga;
mod session;
mod signature;
mod till;
mod upgrade;
mod visitors;
mod votes;

use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{Client, ClientError, OrchestrationStatus};
use duroxide_sim::explore::{BASE_VARIABLE, CAPSULE_VARIABLE, Explore, Finding, Problem};
use duroxide_sim::seed::SEED_VARIABLE;
use duroxide_sim::sim::{Cause, Outcome, Storm};
use duroxide_sim::{Handle, Node, Seed, Sim};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// From how many seeds the right code has to go well.
const SURVIVED: u64 = 60;

/// Within how many seeds a bug has to be found.
const FOUND: u64 = 2_000;

/// How many entries of a plan may be left when the plan of a bug has been shrunk.
const SMALL: usize = 5;

/// How a workflow is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Code {
    Right,
    /// With the planted bug.
    Wrong,
}

fn explore() -> Explore {
    duroxide_sim::explore().quiet()
}

/// Two nodes, a and b, with the same code.
fn pair(sim: Sim, activities: ActivityRegistry, orchestrations: OrchestrationRegistry) -> Sim {
    replayed::note(&orchestrations);
    sim.node(Node::new("a", activities.clone(), orchestrations.clone())).node(Node::new(
        "b",
        activities,
        orchestrations,
    ))
}

/// The same in a storm of any kinds, after which everything ends.
fn two_nodes(sim: Sim, activities: ActivityRegistry, orchestrations: OrchestrationRegistry) -> Sim {
    in_a_storm(pair(sim, activities, orchestrations))
}

fn in_a_storm(sim: Sim) -> Sim {
    sim.storm(Storm::new()).finish_within(HOUR)
}

/// Nothing goes wrong with the right code, and it replays what it did.
#[track_caller]
fn survives<B, F, R>(build: impl Fn(Sim) -> Sim, body: B)
where
    B: Fn(Handle) -> F + Clone + Send + 'static,
    F: Future<Output = R> + 'static,
    R: Outcome,
{
    explore().seeds(SURVIVED).run(build, move |sim: Handle| {
        let body = body.clone();
        async move {
            let outcome = body(sim.clone()).await;
            replayed::check(&sim).await;
            outcome
        }
    });
}

/// The bug is found, breaks the property of this name, and its plan is minimal, but
/// not empty: without anything going wrong the bug does not show.
#[track_caller]
fn is_found<B, F, R>(property: &str, build: impl Fn(Sim) -> Sim, body: B) -> Finding
where
    B: Fn(Handle) -> F + Clone + Send + 'static,
    F: Future<Output = R> + 'static,
    R: Outcome,
{
    let base: Seed = std::env::var(BASE_VARIABLE).map_or(Seed(0), |base| base.parse().expect("a base is a seed"));
    let explore = explore().seeds(FOUND).without_environment().base(base).shrink_time_limit(MINUTE);
    let found = match explore.try_run(&build, body.clone()).map_err(|problem| *problem) {
        Err(Problem::Failed(found)) => *found,
        Err(problem) => panic!("{problem}"),
        Ok(report) => panic!("the bug is not found: {report}"),
    };
    let (Cause::Property { name, .. } | Cause::Eventually { name, .. }) = &found.failure.cause else {
        panic!("it fails for another reason: {found}")
    };
    assert_eq!(name, property, "{found}");
    if [CAPSULE_VARIABLE, SEED_VARIABLE].iter().any(|name| std::env::var_os(name).is_some()) {
        // Somebody repeats one run.
        return found;
    }
    let left = found.failure.plan.entries.len();
    assert!((1..=SMALL).contains(&left), "{left} entries are left: {found}");
    let shrunk = found.shrunk.as_ref().expect("there is time to shrink");
    assert!(shrunk.minimal && shrunk.left == left, "{found}");
    println!(
        "Found at seed {}, {left} entries of {} left, {} runs, without {:?}:\n{}",
        found.seed, found.entries, shrunk.runs, found.without, found.failure.plan
    );
    minimal::assert_repeats(&found, &build, &body);
    minimal::assert_minimal(&found, &build, &body);
    found
}

/// What an instance has come to, if it has ended: its status and its output.
fn end_of(sim: &Handle, instance: &str) -> Option<(String, String)> {
    let last = sim.history(instance).executions.pop()?;
    let ended = matches!(last.status.as_str(), "Completed" | "Failed");
    ended.then(|| (last.status, last.output.unwrap_or_default()))
}

/// Whether an instance has ended with this output.
fn comes_to(sim: &Handle, instance: &str, output: &str) -> Result<(), String> {
    match end_of(sim, instance) {
        Some((_, given)) if given == output => Ok(()),
        end => Err(format!("{instance} is to come to {output:?}, and has come to {end:?}")),
    }
}

/// Waits until an instance has begun: what is sent to it before is lost.
async fn running(sim: &Handle, client: &Client, instance: &str) -> Result<(), ClientError> {
    while client.get_orchestration_status(instance).await? == OrchestrationStatus::NotFound {
        sim.sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
