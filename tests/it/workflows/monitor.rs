//! A monitor that never ends: it reports alarms as they come, measures from time
//! to time, and continues as new after each measurement. The bug: alarms that
//! come while it measures are noted, and not taken along into the next execution.

use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, Either2, OrchestrationContext};
use duroxide_sim::sim::Effects;
use duroxide_sim::{Handle, Sim};

use super::{Code, SECOND, is_found, running, survives, two_nodes};

const ALARMS: u64 = 8;

/// `noted` are alarms that are not yet reported, with blanks between them.
async fn monitor(ctx: OrchestrationContext, noted: String, code: Code) -> Result<String, String> {
    let mut noted: Vec<String> = noted.split_whitespace().map(str::to_owned).collect();
    let mut tick = ctx.schedule_timer(90 * SECOND);
    loop {
        for alarm in noted.drain(..) {
            if alarm == "stop" {
                return Ok(String::new());
            }
            ctx.schedule_activity("Report", alarm).await?;
        }
        match ctx.select2(ctx.dequeue_event("alarms"), &mut tick).await {
            Either2::First(alarm) => noted.push(alarm),
            Either2::Second(()) => break,
        }
    }
    let mut measured = ctx.schedule_activity("Measure", "");
    while let Either2::First(alarm) = ctx.select2(ctx.dequeue_event("alarms"), &mut measured).await {
        noted.push(alarm);
    }
    let next = if code == Code::Right { noted.join(" ") } else { String::new() };
    ctx.continue_as_new(next).await
}

fn activities(effects: Effects) -> ActivityRegistry {
    ActivityRegistry::builder()
        .register("Report", move |_: ActivityContext, alarm: String| {
            effects.add(format!("reported {alarm}"));
            async { Ok(String::new()) }
        })
        .register("Measure", |_: ActivityContext, _: String| async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            Ok(String::new())
        })
        .build()
}

const REPORTED: &str = "every alarm is reported";

fn plant(sim: Sim, code: Code) -> Sim {
    let activities = activities(sim.effects());
    let orchestrations =
        OrchestrationRegistry::builder().register("Monitor", move |ctx, noted| monitor(ctx, noted, code)).build();
    two_nodes(sim, activities, orchestrations).eventually(REPORTED, |sim| {
        let lost = (0..ALARMS).find(|alarm| sim.effects().count(&format!("reported {alarm}")) == 0);
        lost.map_or(Ok(()), |alarm| Err(format!("alarm {alarm} is not reported")))
    })
}

async fn alarms(sim: Handle) -> Result<(), ClientError> {
    let client = sim.client();
    client.start_orchestration("monitor-1", "Monitor", "").await?;
    running(&sim, &client, "monitor-1").await?;
    for alarm in 0..ALARMS {
        sim.sleep(47 * SECOND).await;
        client.enqueue_event("monitor-1", "alarms", alarm.to_string()).await?;
    }
    sim.sleep(600 * SECOND).await;
    client.enqueue_event("monitor-1", "alarms", "stop").await
}

#[test]
fn alarms_are_reported_whatever_goes_wrong() {
    survives(|sim| plant(sim, Code::Right), alarms);
}

#[test]
fn state_that_is_not_taken_along_is_found() {
    is_found(REPORTED, |sim| plant(sim, Code::Wrong), alarms);
}
