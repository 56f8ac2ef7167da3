//! Faults, nodes, plans and storms: what goes wrong on purpose.

mod crashes;
mod kinds;
mod layer;
mod missed;
mod nodes;
mod plans;
mod replay;
mod saboteurs;
mod stalls;
mod storms;
mod verdicts;

use std::time::Duration;

use duroxide_sim::call::Method;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, Client, ClientError, OrchestrationContext, OrchestrationStatus};
use duroxide_sim::sim::{CallSite, Run};
use duroxide_sim::{Handle, Node, Sim};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Activities: one that answers at once, one that takes ten seconds.
fn activities() -> ActivityRegistry {
    ActivityRegistry::builder()
        .register("Echo", |_: ActivityContext, text: String| async move { Ok(text) })
        .register("Slow", |_: ActivityContext, text: String| async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Ok(text)
        })
        .build()
}

/// Orchestrations: one activity, one slow activity, an hour, a question, and a
/// bit of everything.
fn orchestrations() -> OrchestrationRegistry {
    OrchestrationRegistry::builder()
        .register(
            "Echo",
            |ctx: OrchestrationContext, text: String| async move { ctx.schedule_activity("Echo", text).await },
        )
        .register(
            "Slow",
            |ctx: OrchestrationContext, text: String| async move { ctx.schedule_activity("Slow", text).await },
        )
        .register("Hour", |ctx: OrchestrationContext, text: String| async move {
            ctx.schedule_timer(Duration::from_secs(3600)).await;
            Ok(text)
        })
        .register("Ask", |ctx: OrchestrationContext, _: String| async move { Ok(ctx.schedule_wait("answer").await) })
        .register("Mix", |ctx: OrchestrationContext, text: String| async move {
            let fan: Vec<_> = (0..3).map(|n| ctx.schedule_activity("Echo", n.to_string())).collect();
            let fan: Result<Vec<_>, _> = ctx.join(fan).await.into_iter().collect();
            ctx.schedule_timer(Duration::from_secs(3)).await;
            let slow = ctx.schedule_activity("Slow", text.clone()).await?;
            let child = ctx.schedule_sub_orchestration("Echo", text).await?;
            Ok(format!("{} {slow} {child}", fan?.join("")))
        })
        .build()
}

fn one_node(seed: u64) -> Sim {
    Sim::new(seed).node(Node::new("a", activities(), orchestrations()))
}

/// Two nodes, a and b, with the same code.
fn two_nodes(seed: u64) -> Sim {
    one_node(seed).node(Node::new("b", activities(), orchestrations()))
}

/// A node "a" that runs one orchestration `Work` with one activity `Do`.
fn work<A, O, FA, FO>(activity: A, orchestration: O) -> Sim
where
    A: Fn(ActivityContext, String) -> FA + Send + Sync + 'static,
    FA: Future<Output = Result<String, String>> + Send + 'static,
    O: Fn(OrchestrationContext, String) -> FO + Send + Sync + 'static,
    FO: Future<Output = Result<String, String>> + Send + 'static,
{
    let activities = ActivityRegistry::builder().register("Do", activity).build();
    let orchestrations = OrchestrationRegistry::builder().register("Work", orchestration).build();
    let a = Node::new("a", activities.clone(), orchestrations.clone());
    Sim::new(1).node(a).node(Node::new("b", activities, orchestrations))
}

/// Starts one instance of an orchestration, and says what it returned.
async fn once(sim: Handle, orchestration: &'static str) -> Result<String, ClientError> {
    let client = sim.client();
    client.start_orchestration("i", orchestration, "x").await?;
    output(&client, "i").await
}

/// Runs one instance of an orchestration of [`orchestrations`] or [`work`].
#[track_caller]
fn run_one(sim: Sim, orchestration: &'static str) -> Run<String> {
    sim.try_run(move |sim| once(sim, orchestration)).unwrap_or_else(|failure| panic!("{failure}"))
}

/// Waits for an instance, and says what it returned.
async fn output(client: &Client, instance: &str) -> Result<String, ClientError> {
    match client.wait_for_orchestration(instance, DAY / 2).await? {
        OrchestrationStatus::Completed { output, .. } => Ok(output),
        OrchestrationStatus::Failed { details, .. } => Ok(format!("failed: {}", details.display_message())),
        other => Ok(format!("{other:?}")),
    }
}

fn point(node: &str, method: Method, nth: u64) -> CallSite {
    CallSite::new(node, method, nth)
}
