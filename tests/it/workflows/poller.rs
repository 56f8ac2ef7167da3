//! A poller of one page after the other, a service of which there is to be one:
//! whoever needs it starts it, under the one name. The bug: it gives up a page
//! that takes long, and that page is never read.

use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext};
use duroxide_sim::{Handle, Sim};

use super::{Code, SECOND, is_found, survives, two_nodes};

const PAGES: u64 = 8;

async fn poller(ctx: OrchestrationContext, page: String, code: Code) -> Result<String, String> {
    let number: u64 = page.parse().map_err(|error| format!("{error}"))?;
    let read = ctx.schedule_activity("Read", page);
    match code {
        Code::Right => drop(read.await?),
        Code::Wrong => drop(ctx.select2(read, ctx.schedule_timer(20 * SECOND)).await),
    }
    if number == PAGES {
        return Ok(String::new());
    }
    ctx.schedule_timer(30 * SECOND).await;
    ctx.continue_as_new((number + 1).to_string()).await
}

const READ: &str = "every page is read";

fn service(sim: Sim, code: Code) -> Sim {
    let effects = sim.effects();
    let activities = ActivityRegistry::builder()
        .register("Read", move |_: ActivityContext, page: String| {
            let effects = effects.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(200)).await;
                effects.add(format!("read {page}"));
                Ok(String::new())
            }
        })
        .build();
    let orchestrations =
        OrchestrationRegistry::builder().register("Poller", move |ctx, page| poller(ctx, page, code)).build();
    two_nodes(sim, activities, orchestrations).eventually(READ, |sim| {
        let skipped = (1..=PAGES).find(|page| sim.effects().count(&format!("read {page}")) == 0);
        skipped.map_or(Ok(()), |page| Err(format!("page {page} is not read")))
    })
}

/// Starts the poller whether or not somebody else has.
async fn users(sim: Handle) -> Result<(), ClientError> {
    for _ in 0..10 {
        sim.client().start_orchestration("poller", "Poller", "1").await?;
        sim.sleep(17 * SECOND).await;
    }
    Ok(())
}

#[test]
fn pages_are_read_whatever_goes_wrong() {
    survives(|sim| service(sim, Code::Right), users);
}

#[test]
fn page_that_is_given_up_is_found() {
    is_found(READ, |sim| service(sim, Code::Wrong), users);
}
