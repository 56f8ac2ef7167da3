//! What runs in the tests of determinism: each workload meets what could let
//! something besides the seed decide.

use std::time::Duration;

use duroxide_sim::duroxide::runtime::RuntimeOptions;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext};
use duroxide_sim::sim::{FaultKind, Storm};
use duroxide_sim::{Handle, Node, Seed, Sim};

const SECOND: Duration = Duration::from_secs(1);

/// Which workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// duroxide's own activities, some of them cancelled, while nodes stand still.
    BuiltIns,
    /// Activities that take time and are cancelled, while nodes stand still and
    /// are cut off.
    Stalls,
    /// Sessions, under storms of every kind.
    Sessions,
}

pub const WORKLOADS: [Workload; 3] = [Workload::BuiltIns, Workload::Stalls, Workload::Sessions];

/// Two things that are there together: an unbiased `select!` between them.
async fn toss() -> bool {
    tokio::select! {
        () = std::future::ready(()) => true,
        () = std::future::ready(()) => false,
    }
}

fn activities() -> ActivityRegistry {
    ActivityRegistry::builder()
        .register("Slow", |_: ActivityContext, ms: String| async move {
            tokio::time::sleep(Duration::from_millis(ms.parse().unwrap_or(0))).await;
            Ok(format!("{ms} {}", toss().await))
        })
        .register("Guid", |ctx: ActivityContext, _: String| async move {
            Ok(format!("{} on {}", uuid::Uuid::new_v4(), ctx.worker_id()))
        })
        .build()
}

async fn built_ins(ctx: OrchestrationContext, number: String) -> Result<String, String> {
    ctx.set_kv_value("number", &number);
    let guids: Vec<_> = (0..3).map(|_| ctx.new_guid()).collect();
    for guid in guids {
        guid.await?;
    }
    // Whoever loses is cancelled.
    ctx.select2(ctx.new_guid(), ctx.utc_now()).await;
    ctx.select2(ctx.schedule_timer(Duration::from_millis(2)), ctx.new_guid()).await;
    let value = ctx.get_kv_value_from_instance("i-0", "number").await;
    ctx.schedule_timer(SECOND).await;
    Ok(format!("{value:?} {:?}", ctx.utc_now().await))
}

async fn cancels(ctx: OrchestrationContext, _: String) -> Result<String, String> {
    for round in 1..4_u64 {
        let timer = ctx.schedule_timer(Duration::from_millis(round * 20));
        ctx.select2(ctx.schedule_activity("Slow", (round * 20).to_string()), timer).await;
        ctx.select2(ctx.schedule_activity("Slow", "5"), ctx.schedule_activity("Slow", "5")).await;
    }
    ctx.schedule_activity("Guid", "").await
}

async fn session(ctx: OrchestrationContext, _: String) -> Result<String, String> {
    let mut all = Vec::new();
    for round in 0..3 {
        let id = format!("{}-{}", ctx.instance_id(), round % 2);
        all.push(ctx.schedule_activity_on_session("Guid", "", &id).await?);
        ctx.schedule_activity_on_session("Slow", "10", &id).await?;
    }
    Ok(all.join(" "))
}

fn orchestrations() -> OrchestrationRegistry {
    OrchestrationRegistry::builder()
        .register("BuiltIns", built_ins)
        .register("Stalls", cancels)
        .register("Sessions", session)
        .build()
}

fn sim(workload: Workload, seed: Seed) -> Sim {
    let options = RuntimeOptions { session_lock_timeout: 30 * SECOND, ..Sim::default_options() };
    let options = RuntimeOptions { session_lock_renewal_buffer: 5 * SECOND, ..options };
    let sim = Sim::new(seed)
        .node(Node::new("a", activities(), orchestrations()).options(options.clone()))
        .node(Node::new("b", activities(), orchestrations()).options(options))
        .latencies();
    let storm = Storm::new().lasts(20 * SECOND);
    sim.storm(match workload {
        Workload::BuiltIns => storm.only(&[FaultKind::Stall, FaultKind::Latency, FaultKind::Slowness]),
        Workload::Stalls => storm.only(&[FaultKind::Stall, FaultKind::Partition]),
        Workload::Sessions => storm,
    })
}

async fn body(sim: Handle, workload: Workload) -> Result<String, ClientError> {
    let client = sim.client();
    let name = format!("{workload:?}");
    for number in 0..3 {
        client.start_orchestration(format!("i-{number}"), &name, number.to_string()).await?;
    }
    let mut ends = Vec::new();
    sim.sleep(Duration::from_millis(50)).await;
    client.cancel_instance("i-2", "on purpose").await?;
    for number in 0..3 {
        ends.push(format!("{:?}", client.wait_for_orchestration(&format!("i-{number}"), 3600 * SECOND).await));
    }
    Ok(format!("{} {ends:?}", toss().await))
}

/// All that a run shows.
pub fn story(workload: Workload, seed: u64) -> String {
    match sim(workload, Seed(seed)).try_run(move |sim| body(sim, workload)) {
        Ok(run) => format!("{}\n{}\n{:?}", run.value, run.trace.json_lines(), run.plan),
        Err(failure) => format!("{failure}\n{}", failure.trace.json_lines()),
    }
}
