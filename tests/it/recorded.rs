//! Recorded histories: what replays, what does not and how it is told, and their files.

mod corpus;
mod files;
mod verdicts;

use std::time::Duration;

use duroxide_sim::duroxide::OrchestrationContext;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::recorded::{Checked, Recorded, Replay};
use duroxide_sim::{Handle, Node, Sim};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// The instance of these tests.
const ONE: &str = "one";

fn activities() -> ActivityRegistry {
    ActivityRegistry::builder()
        .register("Double", |_, number: String| async move {
            let number: u64 = number.parse().map_err(|_| format!("{number:?} is not a number"))?;
            Ok((number * 2).to_string())
        })
        .build()
}

/// A registry with `code` as the orchestration `Work`.
fn work<F, R>(code: F) -> OrchestrationRegistry
where
    F: Fn(OrchestrationContext, String) -> R + Send + Sync + 'static,
    R: Future<Output = Result<String, String>> + Send + 'static,
{
    OrchestrationRegistry::builder().register("Work", code).build()
}

/// Starts `Work` as [`ONE`], lets `inputs` do what it does, and records the instance after `for_time`.
fn recorded<I, F>(orchestrations: OrchestrationRegistry, for_time: Duration, inputs: I) -> Recorded
where
    I: FnOnce(Handle) -> F + Send + 'static,
    F: Future<Output = ()> + 'static,
{
    let sim = Sim::new(1).node(Node::new("a", activities(), orchestrations));
    sim.run(move |sim| async move {
        sim.client().start_orchestration(ONE, "Work", "3").await?;
        sim.sleep(SECOND).await;
        inputs(sim.clone()).await;
        sim.sleep(for_time).await;
        Ok::<_, Box<dyn std::error::Error>>(Recorded::of(&sim.client(), ONE).await?)
    })
}

async fn nothing(_: Handle) {}

/// Whether `code` replays what `before` did within `for_time`.
fn check(before: OrchestrationRegistry, for_time: Duration, code: OrchestrationRegistry) -> Checked {
    Replay::new(code).check(&recorded(before, for_time, nothing))
}
