//! A meter's readings, added up by the minute: when a minute is over, the meter
//! continues as new with the sum. The bug: a minute without a reading is taken
//! for the last.

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ClientError, Either2, OrchestrationContext};
use duroxide_sim::{Handle, Sim};

use super::{Code, MINUTE, SECOND, comes_to, is_found, running, survives, two_nodes};

const READINGS: u64 = 12;

/// The next reading is awaited across the loop, and still is when the minute ends.
async fn meter(ctx: OrchestrationContext, sum: String, code: Code) -> Result<String, String> {
    let before: u64 = sum.parse().map_err(|error| format!("{error}"))?;
    let mut sum = before;
    let mut over = ctx.schedule_timer(MINUTE);
    let mut next = ctx.dequeue_event("readings");
    while let Either2::First(reading) = ctx.select2(&mut next, &mut over).await {
        if reading == "close" {
            return Ok(sum.to_string());
        }
        sum += reading.parse::<u64>().map_err(|error| format!("{error}"))?;
        next = ctx.dequeue_event("readings");
    }
    if code == Code::Wrong && sum == before {
        return Ok(sum.to_string());
    }
    ctx.continue_as_new(sum.to_string()).await
}

const ADDED: &str = "every reading is added";

fn house(sim: Sim, code: Code) -> Sim {
    let orchestrations =
        OrchestrationRegistry::builder().register("Meter", move |ctx, sum| meter(ctx, sum, code)).build();
    // Each is of one.
    two_nodes(sim, ActivityRegistry::builder().build(), orchestrations)
        .eventually(ADDED, |sim| comes_to(sim, "meter", &READINGS.to_string()))
}

async fn readings(sim: Handle) -> Result<(), ClientError> {
    let client = sim.client();
    client.start_orchestration("meter", "Meter", "0").await?;
    running(&sim, &client, "meter").await?;
    for _ in 0..READINGS {
        sim.sleep(47 * SECOND).await;
        client.enqueue_event("meter", "readings", "1").await?;
    }
    sim.sleep(47 * SECOND).await;
    client.enqueue_event("meter", "readings", "close").await
}

#[test]
fn readings_are_added_whatever_goes_wrong() {
    survives(|sim| house(sim, Code::Right), readings);
}

#[test]
fn minute_without_a_reading_is_found() {
    is_found(ADDED, |sim| house(sim, Code::Wrong), readings);
}
