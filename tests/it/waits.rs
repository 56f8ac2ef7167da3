//! What a failure says of what did not go on: handlers that nobody has, code that
//! duroxide does not drive, tags, sessions, events that went astray, busy threads.

use std::time::Duration;

use duroxide_sim::duroxide::providers::TagFilter;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::runtime::{Runtime, RuntimeOptions};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext, OrchestrationStatus};
use duroxide_sim::sim::{About, Cause, Code, Failure, Handle, Lack, Limits, Stuck, Wait};
use duroxide_sim::{Node, Sim, call::Tags};

mod astray;
mod sessions;
mod unknown;
mod unseen;

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);

fn activities() -> ActivityRegistry {
    ActivityRegistry::builder()
        .register("Charge", |_: ActivityContext, text: String| async move { Ok(text) })
        .register("Hour", |_: ActivityContext, text: String| async move {
            tokio::time::sleep(HOUR).await;
            Ok(text)
        })
        .register("Busy", |_: ActivityContext, ms: String| async move {
            // Virtual time stands still, so that this never ends by itself.
            let (began, ms) = (std::time::Instant::now(), ms.parse().unwrap_or(0));
            while began.elapsed() < Duration::from_millis(ms) && !unknown::over() {
                std::hint::spin_loop();
            }
            Ok(String::new())
        })
        .build()
}

fn orchestrations() -> OrchestrationRegistry {
    let call = |ctx: OrchestrationContext, name: String| async move { ctx.schedule_activity(name, "5").await };
    OrchestrationRegistry::builder()
        .register("Order", |_: OrchestrationContext, text: String| async move { Ok(text) })
        .register("Calls", call)
        .register("Parent", |ctx: OrchestrationContext, child: String| async move {
            ctx.schedule_sub_orchestration_with_id(child, "child", "").await
        })
        .register("Detaches", |ctx: OrchestrationContext, name: String| async move {
            ctx.schedule_orchestration(name, "detached", "");
            Ok(String::new())
        })
        .register("Fails", |_: OrchestrationContext, why: String| async move { Err(why) })
        .register("Waits", |ctx: OrchestrationContext, name: String| async move { Ok(ctx.schedule_wait(name).await) })
        .register("WaitsForGo", |ctx: OrchestrationContext, _: String| async move { Ok(ctx.schedule_wait("go").await) })
        .register("QueueForGo", |ctx: OrchestrationContext, _: String| async move { Ok(ctx.dequeue_event("go").await) })
        .register("ParentWaits", |ctx: OrchestrationContext, _: String| async move {
            let child = ctx.schedule_sub_orchestration_with_id("WaitsForStop", "child", "");
            ctx.schedule_wait("go").await;
            child.await
        })
        .register(
            "WaitsForStop",
            |ctx: OrchestrationContext, _: String| async move { Ok(ctx.schedule_wait("stop").await) },
        )
        .register("Spins", |_: OrchestrationContext, _: String| async move {
            while !unknown::over() {
                std::hint::spin_loop();
            }
            Ok(String::new())
        })
        .register("Tagged", |ctx: OrchestrationContext, tag: String| async move {
            ctx.schedule_activity("Charge", "").with_tag(tag).await
        })
        .register("Session", |ctx: OrchestrationContext, activity: String| async move {
            ctx.schedule_activity_on_session(activity, "", "s-1").await
        })
        .register("Sleeps", |_: OrchestrationContext, _: String| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(String::new())
        })
        .register("Channel", |_: OrchestrationContext, _: String| async move {
            let (send, receive) = tokio::sync::oneshot::channel::<()>();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                send.send(())
            });
            Ok(format!("{:?}", receive.await))
        })
        .register("JoinAll", |ctx: OrchestrationContext, count: String| async move {
            let all = (0..count.parse().unwrap_or(0u32)).map(|_| ctx.schedule_activity("Charge", ""));
            Ok(futures::future::join_all(all).await.len().to_string())
        })
        .register("Join", |ctx: OrchestrationContext, count: String| async move {
            let all = (0..count.parse().unwrap_or(0u32)).map(|_| ctx.schedule_activity("Charge", ""));
            Ok(ctx.join(all.collect()).await.len().to_string())
        })
        .build()
}

fn sim() -> Sim {
    Sim::new(3).node(Node::new("a", activities(), orchestrations()))
}

/// Starts instance `i-1` and waits for it for up to a month.
async fn one(
    sim: Handle,
    orchestration: &'static str,
    input: &'static str,
) -> Result<OrchestrationStatus, ClientError> {
    sim.client().start_orchestration("i-1", orchestration, input).await?;
    sim.client().wait_for_orchestration("i-1", 3 * 366 * DAY).await
}

#[track_caller]
fn fails(sim: Sim, orchestration: &'static str, input: &'static str) -> Box<Failure> {
    let failure = sim.try_run(move |sim| one(sim, orchestration, input)).map(drop).expect_err("it cannot go on");
    println!("{failure}\n");
    failure
}

/// The waits of an instance, as data.
fn waits_of<'a>(failure: &'a Failure, instance: &str) -> &'a [Wait] {
    let found = failure.waits.iter().find(|unfinished| unfinished.instance == instance);
    &found.unwrap_or_else(|| panic!("{instance} has not ended: {failure}")).waits
}
