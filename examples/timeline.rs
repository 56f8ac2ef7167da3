//! Writes HTML pages of two runs of a shop: one that succeeds despite a crash, and one that fails,
//! shown next to the first.
//!
//! `cargo run --example timeline [folder]`

use std::path::PathBuf;
use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, Either2, OrchestrationContext};
use duroxide_sim::{Handle, Node, Sim};

const DAY: Duration = Duration::from_secs(86_400);

/// Reserves, takes the payment in a sub-orchestration, waits up to a week for an approval, and
/// ships after a month.
async fn order(ctx: OrchestrationContext, item: String) -> Result<String, String> {
    ctx.schedule_activity("Reserve", item.clone()).await?;
    ctx.schedule_sub_orchestration("Payment", item.clone()).await?;
    ctx.set_custom_status("waiting for approval");
    match ctx.select2(ctx.schedule_wait("approval"), ctx.schedule_timer(7 * DAY)).await {
        Either2::First(by) => ctx.set_custom_status(format!("approved by {by}")),
        Either2::Second(()) => return Err("nobody approved it".to_owned()),
    }
    ctx.schedule_timer(30 * DAY).await;
    ctx.schedule_activity("Ship", item).await
}

/// Charges, with one retry.
async fn payment(ctx: OrchestrationContext, item: String) -> Result<String, String> {
    if ctx.schedule_activity("Charge", format!("first try, {item}")).await.is_ok() {
        return Ok("paid at once".to_owned());
    }
    ctx.schedule_timer(Duration::from_secs(60)).await;
    ctx.schedule_activity("Charge", format!("second try, {item}")).await
}

fn shop() -> Sim {
    let activities = ActivityRegistry::builder()
        .register("Reserve", |_: ActivityContext, item: String| async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            Ok(format!("reserved {item}"))
        })
        .register("Charge", |_: ActivityContext, what: String| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if what.starts_with("first") { Err("the bank is busy".to_owned()) } else { Ok(format!("charged: {what}")) }
        })
        .register("Ship", |_: ActivityContext, item: String| async move {
            tokio::time::sleep(Duration::from_secs(20)).await;
            Ok(format!("shipped {item}"))
        })
        .build();
    let orchestrations = OrchestrationRegistry::builder().register("Order", order).register("Payment", payment).build();
    Sim::new(42).node(Node::new("a", activities.clone(), orchestrations.clone())).node(Node::new(
        "b",
        activities,
        orchestrations,
    ))
}

/// Two orders; the second is approved only if `both` is set. Node b crashes.
async fn orders(sim: Handle, both: bool) -> Result<(), Box<dyn std::error::Error>> {
    let client = sim.client();
    client.start_orchestration("order-1", "Order", "a book").await?;
    client.start_orchestration("order-2", "Order", "a chair").await?;
    sim.sleep(Duration::from_millis(63_500)).await;
    sim.crash("b")?;
    sim.sleep(DAY).await;
    client.raise_event("order-1", "approval", "Ada").await?;
    if both {
        client.raise_event("order-2", "approval", "Ben").await?;
    }
    sim.sleep(DAY).await;
    sim.start("b").await?;
    for order in ["order-1", "order-2"] {
        sim.output::<String>(order, 40 * DAY).await?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).map_or_else(|| PathBuf::from("target/timeline"), PathBuf::from);
    let good = shop().try_run(|sim| orders(sim, true))?;
    let page = good.timeline().title("Two orders, and a crash").write(folder.join("good.html"))?;
    println!("Successful run:           {}", page.display());
    if let Err(failure) = shop().try_run(|sim| orders(sim, false)) {
        let pair = failure.timeline().named("nobody approves order-2").beside(good.timeline().named("both approved"));
        let page = pair.about("order-2").title("Why order-2 failed").write(folder.join("failed.html"))?;
        println!("Failed run next to it:    {}", page.display());
    }
    Ok(())
}
