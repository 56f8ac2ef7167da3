//! Retries with backoff, and a deadline after which the payment is given up and
//! what was charged is given back. The bug: the orchestration asks the system for
//! the time, and what is decided with it is decided otherwise in a replay.

use std::time::SystemTime;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext};
use duroxide_sim::sim::Effects;
use duroxide_sim::{Handle, Sim};

use super::{Code, SECOND, end_of, is_found, survives, two_nodes};

async fn payment(ctx: OrchestrationContext, code: Code) -> Result<String, String> {
    let began = ctx.utc_now().await?;
    for attempt in 0..8 {
        let now = match code {
            Code::Right => ctx.utc_now().await?,
            Code::Wrong => SystemTime::now(),
        };
        if now.duration_since(began).unwrap_or_default() > 30 * SECOND {
            break;
        }
        if ctx.schedule_activity("Charge", "").await.is_ok() {
            return Ok("paid".to_owned());
        }
        ctx.schedule_timer(SECOND * 2_u32.pow(attempt)).await;
    }
    ctx.schedule_activity("Give back", "").await?;
    Ok("given up".to_owned())
}

/// A gateway that is busy at first.
fn activities(effects: Effects) -> ActivityRegistry {
    ActivityRegistry::builder()
        .register("Charge", move |_: ActivityContext, _: String| {
            effects.add("attempt");
            let busy = effects.count("attempt") <= 3;
            async move { if busy { Err("busy".to_owned()) } else { Ok(String::new()) } }
        })
        .register("Give back", |_: ActivityContext, _: String| async { Ok(String::new()) })
        .build()
}

const COMPLETED: &str = "no payment fails";

fn bank(sim: Sim, code: Code) -> Sim {
    let activities = activities(sim.effects());
    let orchestrations =
        OrchestrationRegistry::builder().register("Payment", move |ctx, _: String| payment(ctx, code)).build();
    two_nodes(sim, activities, orchestrations)
        .always(COMPLETED, |sim| match end_of(sim, "payment-1") {
            Some((status, why)) if status == "Failed" => Err(why),
            _ => Ok(()),
        })
        .sometimes("a payment is given up", |sim| end_of(sim, "payment-1").is_some_and(|(_, out)| out == "given up"))
}

async fn pay(sim: Handle) -> Result<(), ClientError> {
    sim.client().start_orchestration("payment-1", "Payment", "").await
}

#[test]
fn payments_end_whatever_goes_wrong() {
    survives(|sim| bank(sim, Code::Right), pay);
}

#[test]
fn branch_on_the_systems_time_is_found() {
    is_found(COMPLETED, |sim| bank(sim, Code::Wrong), pay);
}
