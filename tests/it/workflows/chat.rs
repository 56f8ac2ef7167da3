//! A chat over event queues: a guest says one line after the other, and says a
//! line again when it is not known to have arrived; the room leaves out what it
//! hears again. The bug: the room compares with the last line alone, and a line
//! that was late may come after the next one.

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, Either2, OrchestrationContext};
use duroxide_sim::sim::{FaultKind, Storm};
use duroxide_sim::{Handle, Sim};

use super::{Code, SECOND, end_of, is_found, running, survives, two_nodes};

const LINES: u64 = 4;

async fn guest(ctx: OrchestrationContext) -> Result<String, String> {
    for line in 1..=LINES + 1 {
        loop {
            let said = ctx.schedule_activity("Say", line.to_string());
            if let Either2::First(Ok(_)) = ctx.select2(said, ctx.schedule_timer(10 * SECOND)).await {
                break;
            }
            ctx.schedule_timer(SECOND).await;
        }
        ctx.schedule_timer(3 * SECOND).await;
    }
    Ok(String::new())
}

/// Its output is what it heard. The line after the last closes the room.
async fn room(ctx: OrchestrationContext, code: Code) -> Result<String, String> {
    let mut heard: Vec<u64> = Vec::new();
    loop {
        let line = ctx.dequeue_event("lines").await.parse().map_err(|error| format!("{error}"))?;
        let again = match code {
            Code::Right => heard.contains(&line),
            Code::Wrong => heard.last() == Some(&line),
        };
        if line > LINES {
            return Ok(heard.iter().map(u64::to_string).collect::<Vec<_>>().join(" "));
        }
        if !again {
            heard.push(line);
        }
    }
}

const ORDER: &str = "lines are heard once and in order";

fn chat(sim: Sim, code: Code) -> Sim {
    let activities = ActivityRegistry::builder()
        .register("Say", |ctx: ActivityContext, line: String| async move {
            let said = ctx.get_client().enqueue_event("room", "lines", line).await;
            said.map(|()| String::new()).map_err(|error| error.to_string())
        })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Guest", |ctx, _: String| guest(ctx))
        .register("Room", move |ctx, _: String| room(ctx, code))
        .build();
    // While a clock is behind, timers fire at once, and the guest would repeat
    // itself as fast as it can.
    two_nodes(sim, activities, orchestrations).storm(Storm::new().without(&[FaultKind::Skew])).always(ORDER, |sim| {
        match end_of(sim, "room") {
            Some((_, heard)) if heard != "1 2 3 4" => Err(format!("it heard {heard}")),
            _ => Ok(()),
        }
    })
}

async fn talk(sim: Handle) -> Result<(), ClientError> {
    let client = sim.client();
    client.start_orchestration("room", "Room", "").await?;
    running(&sim, &client, "room").await?;
    client.start_orchestration("guest", "Guest", "").await
}

#[test]
fn lines_are_heard_in_order_whatever_goes_wrong() {
    survives(|sim| chat(sim, Code::Right), talk);
}

#[test]
fn late_repetition_is_found() {
    is_found(ORDER, |sim| chat(sim, Code::Wrong), talk);
}
