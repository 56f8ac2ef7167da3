//! Faults, nodes, plans and storms: what goes wrong on purpose.

mod replay;

use std::time::Duration;

use duroxide_sim::Sim;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, Client, ClientError, OrchestrationContext, OrchestrationStatus};

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

/// Orchestrations: one activity, one slow activity, and a bit of everything.
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

/// Two nodes, a and b, with the same code.
fn two_nodes(seed: u64) -> Sim {
    Sim::new(seed).node("a", activities(), orchestrations()).node("b", activities(), orchestrations())
}

/// Waits for an instance, and says what it returned.
async fn output(client: &Client, instance: &str) -> Result<String, ClientError> {
    match client.wait_for_orchestration(instance, DAY).await? {
        OrchestrationStatus::Completed { output, .. } => Ok(output),
        other => Ok(format!("{other:?}")),
    }
}
