//! The timeline page as far as it can be judged without a browser: what it
//! holds, and that it holds nothing but text. `page-checks` opens it in one.

mod bounds;
mod model;
mod observed;
mod pictures;
mod texts;

use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, Either2, OrchestrationContext};
use duroxide_sim::sim::{Failure, Run};
use duroxide_sim::{Handle, Node, Sim};
use serde_json::Value;

const DAY: Duration = Duration::from_secs(86_400);

async fn order(ctx: OrchestrationContext, item: String) -> Result<String, String> {
    ctx.schedule_activity("Reserve", item.clone()).await?;
    ctx.schedule_sub_orchestration("Payment", item.clone()).await?;
    match ctx.select2(ctx.schedule_wait("approval"), ctx.schedule_timer(7 * DAY)).await {
        Either2::First(by) => ctx.schedule_activity("Ship", format!("{item} for {by}")).await,
        Either2::Second(()) => Err("nobody approved it".to_owned()),
    }
}

async fn payment(ctx: OrchestrationContext, item: String) -> Result<String, String> {
    ctx.schedule_timer(Duration::from_secs(60)).await;
    ctx.schedule_activity("Charge", item).await
}

fn shop(seed: u64) -> Sim {
    let slow = |seconds| {
        move |_: ActivityContext, what: String| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            if what.contains("broken") { Err("it is broken".to_owned()) } else { Ok(what) }
        }
    };
    let activities = ActivityRegistry::builder()
        .register("Reserve", slow(2))
        .register("Charge", slow(10))
        .register("Ship", slow(20))
        .build();
    let orchestrations = OrchestrationRegistry::builder().register("Order", order).register("Payment", payment).build();
    Sim::new(seed).node(Node::new("a", activities, orchestrations))
}

/// Orders one thing; its node crashes while it is paid for.
async fn buy(sim: Handle, item: &'static str) -> Result<(), ClientError> {
    let client = sim.client();
    client.start_orchestration("order-1", "Order", item).await?;
    sim.sleep(Duration::from_secs(65)).await;
    sim.crash("a").expect("node a is up");
    sim.sleep(Duration::from_secs(5)).await;
    sim.start("a").await.expect("node a is down");
    sim.sleep(DAY).await;
    client.raise_event("order-1", "approval", "Ada").await?;
    sim.sleep(DAY).await;
    Ok(())
}

fn bought(item: &'static str) -> Run<()> {
    shop(1).try_run(move |sim| buy(sim, item)).unwrap_or_else(|failure| panic!("{failure}"))
}

/// An order that waits for its approval when the run fails.
fn failed() -> Box<Failure> {
    let run = shop(1).try_run(|sim| async move {
        sim.client().start_orchestration("order-1", "Order", "a book").await.map_err(|error| error.to_string())?;
        sim.sleep(Duration::from_secs(100)).await;
        Err::<(), _>("the shop has closed".to_owned())
    });
    run.expect_err("its body fails")
}

/// What stands in the element with this id.
fn element<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, after) = page.split_once(&format!("id=\"{id}\">")).unwrap_or_else(|| panic!("there is no {id}"));
    after.split_once("</script>").expect("the element is closed").0
}

/// The page's data.
fn picture(page: &str) -> Value {
    serde_json::from_str(element(page, "picture")).expect("the data are JSON")
}

/// The page's calls of a run.
fn calls(page: &str, run: usize) -> Vec<Value> {
    let lines = element(page, &format!("calls-{run}")).lines().skip(1);
    lines.map(|line| serde_json::from_str(line).expect("a call is JSON")).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("it is a list")
}

fn index(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap_or_else(|| panic!("{value} is a number"))).expect("it is small")
}
