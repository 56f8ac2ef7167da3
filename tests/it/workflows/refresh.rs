//! Reports that need today's data: each asks for it by the one name, and to whom
//! it is refused, because somebody has asked before, does with what is there. The
//! bug: they do not see to it that the first has begun, and of two that ask
//! before it does one is never answered (by duroxide 0.1.32: RACES.md in
//! crates/provider-checks).

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext};
use duroxide_sim::sim::Storm;
use duroxide_sim::{Handle, Sim};

use super::{Code, SECOND, end_of, is_found, pair, running, survives};

const REPORTS: u64 = 4;
const TODAY: &str = "refresh-of-today";

async fn report(ctx: OrchestrationContext) -> Result<String, String> {
    let fresh = ctx.schedule_sub_orchestration_with_id("Refresh", TODAY, "").await;
    Ok(if fresh.is_ok() { "fresh" } else { "what is there" }.to_owned())
}

async fn refresh(ctx: OrchestrationContext) -> Result<String, String> {
    ctx.schedule_activity("Load", "").await?;
    ctx.schedule_timer(2 * SECOND).await;
    ctx.schedule_activity("Load", "").await
}

const WRITTEN: &str = "every report is written";

fn office(sim: Sim) -> Sim {
    let activities = ActivityRegistry::builder()
        .register("Load", |_: ActivityContext, _: String| async { Ok(String::new()) })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Report", |ctx, _: String| report(ctx))
        .register("Refresh", |ctx, _: String| refresh(ctx))
        .build();
    let sim = pair(sim, activities, orchestrations);
    // That all end in time is the property's to say.
    sim.storm(Storm::new()).eventually(WRITTEN, |sim| {
        let missing = (0..REPORTS).find(|report| end_of(sim, &format!("report-{report}")).is_none());
        missing.map_or(Ok(()), |report| Err(format!("report {report} is not written")))
    })
}

async fn readers(sim: Handle, code: Code) -> Result<(), ClientError> {
    let client = sim.client();
    for report in 0..REPORTS {
        client.start_orchestration(format!("report-{report}"), "Report", "").await?;
        if code == Code::Right {
            running(&sim, &client, TODAY).await?;
        }
        sim.sleep(10 * SECOND).await;
    }
    Ok(())
}

#[test]
fn reports_are_written_whatever_goes_wrong() {
    survives(office, |sim| readers(sim, Code::Right));
}

#[test]
fn two_that_ask_at_once_are_found() {
    is_found(WRITTEN, office, |sim| readers(sim, Code::Wrong));
}
