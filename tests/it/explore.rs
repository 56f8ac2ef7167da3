//! Exploring: many seeds, each in a process of its own.

mod apart;
mod asked;
mod bounds;
mod escapes;
mod everything;
mod inputs;
mod isolation;
mod large;
mod left;
mod shrinking;
mod twice;

use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext};
use duroxide_sim::explore::Explore;
use duroxide_sim::{Handle, Node, Sim};

/// A node that takes one payment for an order, and writes down each attempt.
fn shop(sim: Sim) -> Sim {
    let paid = sim.effects();
    let activities = ActivityRegistry::builder()
        .register("Pay", move |ctx: ActivityContext, _: String| {
            paid.add(ctx.instance_id());
            async { Ok("paid".to_owned()) }
        })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Order", |ctx: OrchestrationContext, _: String| async move { ctx.schedule_activity("Pay", "").await })
        .build();
    sim.node(Node::new("a", activities, orchestrations)).finish_within(Duration::from_secs(3600))
}

async fn order(sim: Handle) -> Result<(), ClientError> {
    sim.client().start_orchestration("order-1", "Order", "").await?;
    sim.client().wait_for_orchestration("order-1", Duration::from_secs(3600)).await?;
    Ok(())
}

fn explore() -> Explore {
    duroxide_sim::explore().quiet()
}

/// Whether the seed of a run is one of a few that are to fail.
fn is_unlucky(sim: &Handle) -> bool {
    sim.seed().0 % 10 == 7
}
