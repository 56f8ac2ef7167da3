//! Orchestration code that does not do the same again when it is replayed.

use std::collections::HashMap;
use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext};
use duroxide_sim::{Failure, Handle, Node, Sim};

const ADVICE: &str = "Inside orchestration code, take the time from ctx.utc_now()";

async fn books_in_the_order_of_a_hash_map(ctx: OrchestrationContext, _: String) -> Result<String, String> {
    let rooms: HashMap<u32, String> = (0..20).map(|room| (room, format!("room {room}"))).collect();
    for room in rooms.into_values() {
        ctx.schedule_activity("Book", room).await?;
    }
    Ok("booked".to_owned())
}

async fn gives_up(ctx: OrchestrationContext, _: String) -> Result<String, String> {
    ctx.schedule_activity("Book", "room 1").await?;
    Err("the hotel is closed".to_owned())
}

fn fails(orchestration: &'static str) -> Box<Failure> {
    let activities = ActivityRegistry::builder()
        .register("Book", |_: ActivityContext, room: String| async move { Ok(room) })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("InTheOrderOfAHashMap", books_in_the_order_of_a_hash_map)
        .register("GivesUp", gives_up)
        .build();
    let body = move |sim: Handle| async move {
        sim.client().start_orchestration("trip-1", orchestration, "").await.map_err(|error| error.to_string())?;
        sim.output::<String>("trip-1", Duration::from_secs(3600)).await.map_err(|error| error.to_string())
    };
    Sim::new(1).node(Node::new("a", activities, orchestrations)).try_run(body).expect_err("the trip fails")
}

#[test]
fn code_that_goes_by_the_order_of_a_hash_map_is_told_what_to_do_instead() {
    let text = fails("InTheOrderOfAHashMap").to_string();
    assert!(text.contains("nondeterministic") && text.contains(ADVICE), "{text}");
    assert!(text.contains("not over a HashMap"), "{text}");
}

#[test]
fn an_ordinary_failure_has_no_such_advice() {
    let text = fails("GivesUp").to_string();
    assert!(text.contains("the hotel is closed") && !text.contains(ADVICE), "{text}");
}
