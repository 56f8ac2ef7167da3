//! An approval with a time-out: when nobody has answered within a minute, the
//! request is escalated, and the answer awaited further. The bug: it waits with
//! an event instead of a queue, and while it escalates there is no wait for an
//! answer to be given to.

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, Either2, OrchestrationContext};
use duroxide_sim::sim::Storm;
use duroxide_sim::{Handle, Sim};

use super::{Code, MINUTE, SECOND, comes_to, is_found, pair, running, survives};

async fn expense(ctx: OrchestrationContext, code: Code) -> Result<String, String> {
    let answer = || match code {
        Code::Right => ctx.dequeue_event("answer"),
        Code::Wrong => ctx.schedule_wait("answer"),
    };
    if let Either2::First(answer) = ctx.select2(answer(), ctx.schedule_timer(MINUTE)).await {
        return Ok(answer);
    }
    ctx.schedule_activity("Escalate", "").await?;
    Ok(answer().await)
}

const COUNTS: &str = "an answer counts";

fn office(sim: Sim, code: Code) -> Sim {
    let escalated = sim.effects();
    let activities = ActivityRegistry::builder()
        .register("Escalate", move |_: ActivityContext, _: String| {
            escalated.add("escalated");
            async { Ok(String::new()) }
        })
        .build();
    let orchestrations =
        OrchestrationRegistry::builder().register("Expense", move |ctx, _: String| expense(ctx, code)).build();
    // It may take as long as people do to answer, so nothing says when it ends.
    let sim = pair(sim, activities, orchestrations).storm(Storm::new());
    sim.eventually(COUNTS, |sim| comes_to(sim, "expense-1", "approved"))
}

/// The boss answers ten seconds after the request has come to her.
async fn boss(sim: Handle, code: Code) -> Result<(), ClientError> {
    let client = sim.client();
    client.start_orchestration("expense-1", "Expense", "").await?;
    running(&sim, &client, "expense-1").await?;
    while sim.effects().count("escalated") == 0 {
        sim.sleep(SECOND).await;
    }
    sim.sleep(10 * SECOND).await;
    match code {
        Code::Right => client.enqueue_event("expense-1", "answer", "approved").await,
        Code::Wrong => client.raise_event("expense-1", "answer", "approved").await,
    }
}

#[test]
fn answers_count_whatever_goes_wrong() {
    survives(|sim| office(sim, Code::Right), |sim| boss(sim, Code::Right));
}

#[test]
fn answer_between_two_waits_is_found() {
    let found = is_found(COUNTS, |sim| office(sim, Code::Wrong), |sim| boss(sim, Code::Wrong));
    assert!(found.to_string().contains("one arrived while the instance did not wait for it, and was lost"), "{found}");
}
