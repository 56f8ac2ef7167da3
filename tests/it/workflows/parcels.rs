//! A parent with children: an order is sent in two parcels, each packed and then
//! handed over by a child. When they take too long, the customer is told. The
//! bug: the parent then returns, and the children it no longer waits for are
//! cancelled between the two steps.

use std::pin::pin;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, Either2, OrchestrationContext};
use duroxide_sim::sim::Effects;
use duroxide_sim::{Handle, Sim};

use super::{Code, SECOND, end_of, is_found, survives, two_nodes};

const PARCELS: [&str; 2] = ["parcel-1", "parcel-2"];

async fn order(ctx: OrchestrationContext, code: Code) -> Result<String, String> {
    let parcels = PARCELS.map(|parcel| ctx.schedule_sub_orchestration("Parcel", parcel)).into();
    let mut all = pin!(ctx.join(parcels));
    if let Either2::First(_) = ctx.select2(all.as_mut(), ctx.schedule_timer(20 * SECOND)).await {
        return Ok("in time".to_owned());
    }
    ctx.schedule_activity("Tell", "").await?;
    if code == Code::Right {
        all.await;
    }
    Ok("late".to_owned())
}

async fn parcel(ctx: OrchestrationContext, name: String) -> Result<String, String> {
    ctx.schedule_activity("Pack", &name).await?;
    ctx.schedule_timer(5 * SECOND).await;
    ctx.schedule_activity("Hand over", &name).await
}

fn activities(effects: Effects) -> ActivityRegistry {
    let (packed, handed) = (effects.clone(), effects);
    ActivityRegistry::builder()
        .register("Pack", move |_: ActivityContext, name: String| {
            packed.add(format!("packed {name}"));
            async { Ok(String::new()) }
        })
        .register("Hand over", move |_: ActivityContext, name: String| {
            handed.add(format!("handed over {name}"));
            async { Ok(String::new()) }
        })
        .register("Tell", |_: ActivityContext, _: String| async { Ok(String::new()) })
        .build()
}

const SENT: &str = "what is packed is handed over";

fn warehouse(sim: Sim, code: Code) -> Sim {
    let activities = activities(sim.effects());
    let orchestrations = OrchestrationRegistry::builder()
        .register("Order", move |ctx, _: String| order(ctx, code))
        .register("Parcel", parcel)
        .build();
    let late = |sim: &Handle| end_of(sim, "order-1").is_some_and(|(_, output)| output == "late");
    let sent = |sim: &Handle| {
        let done = |what: &str, parcel: &str| sim.effects().count(&format!("{what} {parcel}")) > 0;
        let stuck = PARCELS.into_iter().find(|parcel| done("packed", parcel) != done("handed over", parcel));
        stuck.map_or(Ok(()), |parcel| Err(format!("{parcel} is packed and not handed over")))
    };
    two_nodes(sim, activities, orchestrations).eventually(SENT, sent).sometimes("parcels are late", late)
}

async fn buy(sim: Handle) -> Result<(), ClientError> {
    sim.client().start_orchestration("order-1", "Order", "").await
}

#[test]
fn parcels_are_handed_over_whatever_goes_wrong() {
    survives(|sim| warehouse(sim, Code::Right), buy);
}

#[test]
fn cancelled_children_are_found() {
    is_found(SENT, |sim| warehouse(sim, Code::Wrong), buy);
}
