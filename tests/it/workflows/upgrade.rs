//! A rolling upgrade: the second release charges before it reserves. The bug: it
//! does so under the version that orders under way were started with, instead of
//! a new one.

use duroxide_sim::duroxide::runtime::registry::{
    ActivityRegistry, OrchestrationRegistry, OrchestrationRegistryBuilder, VersionPolicy,
};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext};
use duroxide_sim::{Handle, Node, Sim};

use super::{Code, SECOND, end_of, in_a_storm, is_found, survives};

const ORDERS: [&str; 3] = ["order-1", "order-2", "order-3"];

async fn order(ctx: OrchestrationContext, steps: [&'static str; 2]) -> Result<String, String> {
    ctx.schedule_activity(steps[0], "").await?;
    ctx.schedule_timer(20 * SECOND).await;
    ctx.schedule_activity(steps[1], "").await
}

fn steps(
    builder: OrchestrationRegistryBuilder,
    version: &str,
    steps: [&'static str; 2],
) -> OrchestrationRegistryBuilder {
    builder.register_versioned("Order", version, move |ctx, _: String| order(ctx, steps))
}

fn old(builder: OrchestrationRegistryBuilder) -> OrchestrationRegistryBuilder {
    steps(builder, "1.0.0", ["Reserve", "Charge"])
}

/// Both releases know both versions, so that one can be rolled back; only the
/// second starts new orders with the new one.
fn releases(code: Code) -> [OrchestrationRegistry; 2] {
    const NEW: [&str; 2] = ["Charge", "Reserve"];
    let builder = OrchestrationRegistry::builder;
    match code {
        Code::Right => {
            let first = VersionPolicy::Exact(semver::Version::new(1, 0, 0));
            let both = || steps(old(builder()), "1.1.0", NEW);
            [both().set_policy("Order", first).build(), both().build()]
        }
        Code::Wrong => [old(builder()).build(), steps(builder(), "1.0.0", NEW).build()],
    }
}

const COMPLETED: &str = "no order fails";

fn shop(sim: Sim, code: Code) -> Sim {
    let step = |_: ActivityContext, _: String| async { Ok(String::new()) };
    let activities = ActivityRegistry::builder().register("Reserve", step).register("Charge", step).build();
    let [first, second] = releases(code);
    let sim = ["a", "b"].into_iter().fold(sim, |sim, node| {
        let node = Node::new(node, activities.clone(), first.clone());
        sim.node(node.with_build("second", activities.clone(), second.clone()))
    });
    in_a_storm(sim).always(COMPLETED, |sim| {
        let end = |order: &&str| end_of(sim, order).is_some_and(|(status, _)| status == "Failed");
        ORDERS.iter().find(|order| end(order)).map_or(Ok(()), |order| Err(sim.history(order).to_string()))
    })
}

/// Whoever has not heard of an order gives it again.
async fn customers(sim: Handle) -> Result<(), ClientError> {
    for order in ORDERS {
        for _ in 0..2 {
            sim.client().start_orchestration(order, "Order", "").await?;
            sim.sleep(15 * SECOND).await;
        }
    }
    Ok(())
}

#[test]
fn orders_survive_upgrades_and_downgrades() {
    survives(|sim| shop(sim, Code::Right), customers);
}

#[test]
fn change_without_a_version_is_found() {
    is_found(COMPLETED, |sim| shop(sim, Code::Wrong), customers);
}
