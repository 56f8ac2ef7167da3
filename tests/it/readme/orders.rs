//! An order, under storms, from thousands of seeds.

use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::ActivityRegistry;
use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext, OrchestrationRegistry};
use duroxide_sim::sim::{Effects, Storm};
use duroxide_sim::{Handle, Node, Sim};

async fn order(ctx: OrchestrationContext, id: String) -> Result<String, String> {
    ctx.schedule_activity("Charge", &id).await?;
    if ctx.schedule_activity("Ship", &id).await.is_err() {
        ctx.schedule_activity("Refund", &id).await?;
        return Ok("refunded".to_owned());
    }
    Ok("shipped".to_owned())
}

fn activities(effects: Effects) -> ActivityRegistry {
    let (charged, shipped, refunded) = (effects.clone(), effects.clone(), effects);
    ActivityRegistry::builder()
        .register("Charge", move |_: ActivityContext, id: String| {
            charged.add(format!("charge {id}")); // The key makes it count once.
            async { Ok(String::new()) }
        })
        .register("Ship", move |_: ActivityContext, id: String| {
            let in_stock = id != "order-2";
            if in_stock {
                shipped.add(format!("ship {id}"));
            }
            async move { if in_stock { Ok(String::new()) } else { Err("out of stock".to_owned()) } }
        })
        .register("Refund", move |_: ActivityContext, id: String| {
            refunded.add(format!("refund {id}"));
            async { Ok(String::new()) }
        })
        .build()
}

/// Whoever paid has the goods or the money.
fn settled(sim: &Handle) -> Result<(), String> {
    let done = |what: &str, id: &str| sim.effects().count(&format!("{what} {id}")) > 0;
    for id in ["order-1", "order-2"] {
        if done("charge", id) && done("ship", id) == done("refund", id) {
            return Err(format!("{id} was paid for, and is neither shipped nor refunded"));
        }
    }
    Ok(())
}

#[test]
fn orders_are_settled() {
    duroxide_sim::explore().seeds(500).run(
        |sim: Sim| {
            let (activities, effects) = (activities(sim.effects()), sim.effects());
            let orchestrations = OrchestrationRegistry::builder().register("Order", order).build();
            sim.node(Node::new("a", activities.clone(), orchestrations.clone()))
                .node(Node::new("b", activities, orchestrations))
                .storm(Storm::new())
                .finish_within(Duration::from_secs(3600))
                .eventually("every order is settled", settled)
                .sometimes("a card was charged twice", move |_| effects.count("charge order-1") > 1)
        },
        |sim| async move {
            let client = sim.client();
            for id in ["order-1", "order-2"] {
                client.start_orchestration(id, "Order", id).await?;
            }
            for id in ["order-1", "order-2"] {
                sim.output::<String>(id, Duration::from_secs(3600)).await?;
            }
            Ok::<_, Box<dyn std::error::Error>>(())
        },
    );
}
