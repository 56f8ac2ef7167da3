//! Who is on a site, as values that are pruned: each visit is noted with the
//! visitor's name, names not seen for a while are cleared, how many are there is
//! shown, and the site continues as new. The bug: it takes it that no more than
//! one goes as one comes, and after a delay several go at once.

use std::time::{SystemTime, UNIX_EPOCH};

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext};
use duroxide_sim::{Handle, Sim};

use super::{Code, SECOND, comes_to, is_found, running, survives, two_nodes};

const VISITORS: u64 = 12;

/// For how long a visitor counts as there.
const STAYS_MS: u64 = 105_000;

/// `gone` is how many visitors have come and gone.
async fn site(ctx: OrchestrationContext, gone: String, code: Code) -> Result<String, String> {
    let gone: usize = gone.parse().map_err(|error| format!("{error}"))?;
    let visitor = ctx.dequeue_event("visits").await;
    if visitor == "close" {
        return Ok((gone + ctx.get_kv_length()).to_string());
    }
    ctx.set_kv_value(visitor, "");
    let now: u64 = ctx.schedule_activity("Now", "").await?.parse().map_err(|error| format!("{error}"))?;
    let left = ctx.prune_kv_values_updated_before(now - STAYS_MS);
    let left = if code == Code::Right { left } else { left.min(1) };
    ctx.schedule_activity("Show", ctx.get_kv_length().to_string()).await?;
    ctx.continue_as_new((gone + left).to_string()).await
}

const COUNTED: &str = "every visitor is counted";

fn web(sim: Sim, code: Code) -> Sim {
    let activities = ActivityRegistry::builder()
        .register("Now", |_: ActivityContext, _: String| async {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
            Ok(now.as_millis().to_string())
        })
        .register("Show", |_: ActivityContext, _: String| async { Ok(String::new()) })
        .build();
    let orchestrations =
        OrchestrationRegistry::builder().register("Site", move |ctx, gone| site(ctx, gone, code)).build();
    two_nodes(sim, activities, orchestrations).eventually(COUNTED, |sim| comes_to(sim, "site", &VISITORS.to_string()))
}

async fn visits(sim: Handle) -> Result<(), ClientError> {
    let client = sim.client();
    client.start_orchestration("site", "Site", "0").await?;
    running(&sim, &client, "site").await?;
    for visitor in 0..VISITORS {
        client.enqueue_event("site", "visits", visitor.to_string()).await?;
        sim.sleep(30 * SECOND).await;
    }
    client.enqueue_event("site", "visits", "close").await
}

#[test]
fn visitors_are_counted_whatever_goes_wrong() {
    survives(|sim| web(sim, Code::Right), visits);
}

#[test]
fn several_that_go_at_once_are_found() {
    is_found(COUNTED, |sim| web(sim, Code::Wrong), visits);
}
