//! Memory stays flat over many simulations in one process.
//!
//! A binary of its own, because its allocator counts, and one test, because what
//! another did meanwhile would count too.
#![allow(missing_docs)]

mod counting;

use std::time::Duration;

use counting::Counting;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext};
use duroxide_sim::sim::Cause;
use duroxide_sim::{Handle, Node, Sim};

#[global_allocator]
static MEMORY: Counting = Counting::new();

/// An activity, a timer, and a wait.
async fn body(sim: Handle) -> Result<(), ClientError> {
    let client = sim.client();
    client.start_orchestration("i", "Order", "").await?;
    client.wait_for_orchestration("i", Duration::from_secs(3600)).await?;
    Ok(())
}

fn sim(seed: u64) -> Sim {
    let activities = ActivityRegistry::builder()
        .register("Pay", |_: ActivityContext, _: String| async { Ok("paid".to_owned()) })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Order", |ctx: OrchestrationContext, _: String| async move {
            ctx.schedule_timer(Duration::from_secs(1)).await;
            ctx.schedule_activity("Pay", "").await
        })
        .build();
    Sim::new(seed).node(Node::new("a", activities, orchestrations))
}

/// What 10,000 simulations leave behind is bounded, whether they end well, fail,
/// or end with tasks and timers under way.
#[test]
fn ten_thousand_simulations_leave_nothing_behind() {
    let once = |seed: u64| match seed % 100 {
        // Most are short, so that this is.
        0 => drop(sim(seed).try_run(body).expect("it goes well")),
        1 => {
            let failure = sim(seed).try_run(|sim| async move {
                let _ = body(sim).await;
                Err::<(), _>("on purpose")
            });
            assert!(matches!(failure.expect_err("it fails").cause, Cause::Error(_)));
        }
        _ => {
            let run = Sim::new(seed).try_run(|sim| async move {
                tokio::spawn(std::future::pending::<()>());
                tokio::spawn(tokio::time::sleep(Duration::from_secs(60)));
                sim.sleep(Duration::from_secs(1)).await;
                Ok::<_, String>(())
            });
            drop(run.expect("it goes well"));
        }
    };
    // What is kept once for a process.
    (0..1000).for_each(once);
    let before = MEMORY.live();
    (0..10_000).for_each(once);
    let left = MEMORY.live() - before;
    assert!(left < 64 << 10, "{left} bytes are left of 10,000 simulations");
}
