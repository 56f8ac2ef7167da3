//! Key-value aggregation: voters of instances of their own vote in a poll, whose
//! count is a value of the poll's. The bug: a voter reads the count, adds one and
//! sends the sum, and another has voted meanwhile.

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext, OrchestrationStatus};
use duroxide_sim::{Handle, Sim};

use super::{Code, HOUR, SECOND, end_of, is_found, running, survives, two_nodes};

const VOTERS: u64 = 4;

async fn poll(ctx: OrchestrationContext, code: Code) -> Result<String, String> {
    ctx.set_kv_value("count", "0");
    loop {
        let vote = ctx.dequeue_event("votes").await;
        if vote == "close" {
            return Ok(ctx.get_kv_value("count").unwrap_or_default());
        }
        if code == Code::Wrong {
            ctx.set_kv_value("count", vote);
            continue;
        }
        ctx.set_kv_value(format!("vote of {vote}"), "1");
        // All but the count itself.
        let count = ctx.get_kv_length() - 1;
        ctx.set_kv_value("count", count.to_string());
    }
}

async fn voter(ctx: OrchestrationContext, code: Code) -> Result<String, String> {
    let vote = match code {
        Code::Right => ctx.instance_id(),
        Code::Wrong => {
            let count = ctx.get_kv_value_from_instance("poll", "count").await?.unwrap_or_default();
            (count.parse::<u64>().map_err(|error| error.to_string())? + 1).to_string()
        }
    };
    while ctx.schedule_activity("Send", &vote).await.is_err() {
        ctx.schedule_timer(SECOND).await;
    }
    Ok(String::new())
}

const COUNTED: &str = "every vote is counted";

fn election(sim: Sim, code: Code) -> Sim {
    let activities = ActivityRegistry::builder()
        .register("Send", |ctx: ActivityContext, vote: String| async move {
            let sent = ctx.get_client().enqueue_event("poll", "votes", vote).await;
            sent.map(|()| String::new()).map_err(|error| error.to_string())
        })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Poll", move |ctx, _: String| poll(ctx, code))
        .register("Voter", move |ctx, _: String| voter(ctx, code))
        .build();
    two_nodes(sim, activities, orchestrations).always(COUNTED, |sim| match end_of(sim, "poll") {
        Some((_, count)) if count != VOTERS.to_string() => Err(format!("of {VOTERS} votes {count} are counted")),
        _ => Ok(()),
    })
}

/// Somebody votes every five seconds, and when all have, the poll is closed.
async fn vote(sim: Handle) -> Result<(), ClientError> {
    let client = sim.client();
    client.start_orchestration("poll", "Poll", "").await?;
    running(&sim, &client, "poll").await?;
    for voter in 0..VOTERS {
        client.start_orchestration(format!("voter-{voter}"), "Voter", "").await?;
        sim.sleep(5 * SECOND).await;
    }
    for voter in 0..VOTERS {
        let status = client.wait_for_orchestration(&format!("voter-{voter}"), HOUR).await?;
        assert!(matches!(status, OrchestrationStatus::Completed { .. }), "{status:?}");
    }
    client.enqueue_event("poll", "votes", "close").await
}

#[test]
fn votes_are_counted_whatever_goes_wrong() {
    survives(|sim| election(sim, Code::Right), vote);
}

#[test]
fn race_of_two_voters_is_found() {
    is_found(COUNTED, |sim| election(sim, Code::Wrong), vote);
}
