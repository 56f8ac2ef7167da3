//! What scenarios look like: a history and a trace as text.

use std::time::Duration;

use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::{Either2, OrchestrationContext};
use duroxide_sim::sim::Handle;
use duroxide_sim::{Node, Sim};

/// Waits for an approval, reads orders in two executions, and waits for a sign
/// that never comes.
async fn desk(ctx: OrchestrationContext, shift: String) -> Result<String, String> {
    if shift == "morning" {
        let approval = ctx.schedule_wait("approval").await;
        let hasty = ctx.select2(ctx.dequeue_event("orders"), ctx.schedule_timer(Duration::from_secs(60))).await;
        if matches!(hasty, Either2::Second(())) {
            ctx.set_custom_status(format!("approved by {approval}, no order yet"));
        }
        ctx.schedule_timer(Duration::from_secs(1800)).await;
        return ctx.continue_as_new("evening").await;
    }
    let order = ctx.dequeue_event("orders").await;
    match ctx.select2(ctx.schedule_wait("sign"), ctx.schedule_timer(Duration::from_secs(3600))).await {
        Either2::First(sign) => Ok(format!("{order}, {sign}")),
        Either2::Second(()) => Ok(format!("{order}, no sign")),
    }
}

fn desks() -> Sim {
    let orchestrations = OrchestrationRegistry::builder().register("Desk", desk).build();
    Sim::new(1).node(Node::new("a", ActivityRegistry::builder().build(), orchestrations))
}

async fn morning(sim: &Handle, instance: &str) -> Result<duroxide::Client, duroxide::ClientError> {
    let client = sim.client();
    client.start_orchestration(instance, "Desk", "morning").await?;
    sim.sleep(Duration::from_secs(5)).await;
    Ok(client)
}

#[test]
fn history_of_a_desk_reads_well() {
    let text = desks().run(|sim| async move {
        let client = morning(&sim, "desk").await?;
        client.raise_event("desk", "approval", "Ada").await?;
        sim.sleep(Duration::from_secs(600)).await;
        client.enqueue_event("desk", "orders", "two chairs").await?;
        client.enqueue_event("desk", "orders", "a table").await?;
        client.raise_event("desk", "sign", "too early").await?;
        sim.sleep(Duration::from_secs(7200)).await;
        Ok::<_, duroxide::ClientError>(sim.history("desk").to_string())
    });
    crate::snapshot("events_history", &text);
}

#[test]
fn trace_of_a_cancelled_desk_reads_well() {
    let run = desks().try_run(|sim| async move {
        let client = morning(&sim, "desk").await?;
        client.enqueue_event("desk", "orders", "two chairs").await?;
        sim.sleep(Duration::from_secs(5)).await;
        client.cancel_instance("desk", "closed").await?;
        sim.sleep(Duration::from_secs(5)).await;
        Ok::<_, duroxide::ClientError>(())
    });
    crate::snapshot("events_trace", &run.unwrap_or_else(|failure| panic!("{failure}")).trace.text());
}
