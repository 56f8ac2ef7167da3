//! The workflow of these tests: five days of work, one activity each, with an approval on the
//! third.

use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext};
use duroxide_sim::{Handle, Node, Sim};

pub const DAY: Duration = Duration::from_secs(86_400);

pub fn activities() -> ActivityRegistry {
    ActivityRegistry::builder()
        .register("Work", |ctx: ActivityContext, day: String| async move {
            ctx.trace_info(format!("day {day}"));
            tokio::time::sleep(Duration::from_secs(3600)).await;
            Ok(format!("work of day {day}"))
        })
        .build()
}

pub fn orchestrations() -> OrchestrationRegistry {
    OrchestrationRegistry::builder()
        .register("Week", |ctx: OrchestrationContext, items: String| async move {
            let mut done = Vec::new();
            for day in 1..=5 {
                done.push(ctx.schedule_activity("Work", format!("{day} of {items}")).await?);
                if day == 3 {
                    done.push(ctx.dequeue_event("approval").await);
                }
                ctx.schedule_timer(DAY).await;
            }
            Ok(done.len().to_string())
        })
        .build()
}

pub fn sim(seed: u64) -> Sim {
    Sim::new(seed).node(Node::new("a", activities(), orchestrations()))
}

/// Runs one week, approved at this time after its start.
pub async fn week(sim: Handle, items: u32, approved: Duration) -> Result<String, Box<dyn std::error::Error>> {
    let client = sim.client();
    client.start_orchestration("week-1", "Week", items.to_string()).await?;
    sim.sleep(approved).await;
    client.enqueue_event("week-1", "approval", "yes").await?;
    Ok(sim.output("week-1", 60 * DAY).await?)
}
