//! One seed gives one trace, byte for byte, in one process and in another;
//! another seed gives another.

mod order;
mod workloads;

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, BackoffStrategy, Either2, OrchestrationContext, RetryPolicy};
use duroxide_sim::{Node, Seed, Sim};

pub(crate) fn activities() -> ActivityRegistry {
    ActivityRegistry::builder()
        .register("Uuid", |_: ActivityContext, _: String| async move { Ok(uuid::Uuid::new_v4().to_string()) })
        .register("Map", |_: ActivityContext, _: String| async move {
            let map: HashMap<u32, u32> = (0..20).map(|n| (n, n)).collect();
            Ok(map.keys().map(u32::to_string).collect::<Vec<_>>().join(","))
        })
        .register("Slow", |_: ActivityContext, ms: String| async move {
            tokio::time::sleep(Duration::from_millis(ms.parse().unwrap_or(0))).await;
            Ok(ms)
        })
        .register("Flaky", |ctx: ActivityContext, _: String| async move {
            // Fails or not by the operating system's entropy, which is the seed's.
            let lucky = uuid::Uuid::new_v4().as_bytes()[0].is_multiple_of(3);
            if lucky { Ok(ctx.worker_id().to_owned()) } else { Err("unlucky".to_owned()) }
        })
        .build()
}

async fn everything(ctx: OrchestrationContext, round: String) -> Result<String, String> {
    let guid = ctx.new_guid().await?;
    ctx.set_kv_value("guid", &guid);
    ctx.set_custom_status(format!("round {round}"));
    let fan: Vec<_> = (0..5).map(|n| ctx.schedule_activity("Slow", (n * 7).to_string())).collect();
    ctx.join(fan).await;
    let session = ctx.schedule_activity_on_session("Uuid", "", "session-1").await?;
    let map = ctx.schedule_activity("Map", "").await?;
    let backoff = BackoffStrategy::Fixed { delay: Duration::from_millis(40) };
    let retried = ctx.schedule_activity_with_retry("Flaky", "", RetryPolicy::new(20).with_backoff(backoff)).await;
    let first = ctx.select2(ctx.schedule_activity("Slow", "30"), ctx.schedule_timer(Duration::from_millis(30))).await;
    let child = ctx.schedule_sub_orchestration("Child", guid.clone()).await?;
    let message = ctx.dequeue_event("inbox").await;
    if round != "2" {
        return ctx.continue_as_new((round.parse::<u32>().unwrap_or(0) + 1).to_string()).await;
    }
    let first = matches!(first, Either2::First(_));
    Ok(format!("{guid} {session} {map} {retried:?} {first} {child} {message}"))
}

pub(crate) fn orchestrations() -> OrchestrationRegistry {
    OrchestrationRegistry::builder()
        .register("Everything", everything)
        .register("Child", |ctx: OrchestrationContext, _: String| async move {
            ctx.schedule_timer(Duration::from_secs(3600)).await;
            ctx.schedule_activity("Uuid", "").await
        })
        .build()
}

/// The trace of a run that uses every feature, as JSON lines.
fn trace(seed: u64) -> String {
    let sim = Sim::new(seed).node(Node::new("a", activities(), orchestrations())).node(Node::new(
        "b",
        activities(),
        orchestrations(),
    ));
    let run = sim.try_run(|sim| async move {
        let client = sim.client();
        for n in 0..3 {
            let id = format!("all-{n}");
            client.start_orchestration(&id, "Everything", "0").await?;
        }
        sim.sleep(Duration::from_millis(1)).await;
        for n in 0..3 {
            for message in 0..3 {
                client.enqueue_event(format!("all-{n}"), "inbox", message.to_string()).await?;
            }
        }
        sim.sleep(Duration::from_secs(1800)).await;
        let _ = sim.crash("b");
        for n in 0..3 {
            let waiter = sim.client_named("waiter");
            let month = Duration::from_secs(30 * 86_400);
            waiter.wait_for_orchestration(&format!("all-{n}"), month).await?;
        }
        tokio::select! {
            biased;
            () = sim.sleep(Duration::from_secs(1)) => {}
            () = std::future::pending() => {}
        }
        Ok::<_, duroxide_sim::duroxide::ClientError>(())
    });
    run.unwrap_or_else(|failure| panic!("{failure}")).trace.json_lines()
}

/// Where two texts differ first: the line's number, and both lines.
fn difference(a: &str, b: &str) -> Option<String> {
    let pair = a.lines().zip(b.lines()).enumerate().find(|(_, (a, b))| a != b);
    match pair {
        Some((number, (a, b))) => Some(format!("line {}:\n{a}\n{b}", number + 1)),
        None => (a != b).then(|| format!("{} and {} lines", a.lines().count(), b.lines().count())),
    }
}

const FINGERPRINT: &str = "fingerprint of the trace: ";

fn fingerprint(text: &str) -> String {
    // FNV-1a, the same in every process.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    format!("{FINGERPRINT}{hash:016x} of {} bytes", text.len())
}

#[test]
fn the_same_seed_gives_the_same_trace_in_one_process() {
    let (first, second) = (trace(7), trace(7));
    assert!(first.lines().count() > 300, "{} lines", first.lines().count());
    assert_eq!(difference(&first, &second), None);
}

#[test]
fn another_seed_gives_another_trace() {
    assert_ne!(trace(7), trace(8));
}

/// Prints its fingerprint; the next test runs it in processes of their own.
#[test]
fn print_the_fingerprint() {
    let seed = Seed::from_env().ok().flatten().unwrap_or(Seed(7));
    println!("{}", fingerprint(&trace(seed.0)));
}

#[test]
fn the_same_seed_gives_the_same_trace_in_other_processes() {
    let program = std::env::current_exe().expect("a test knows its program");
    let run = || {
        let output = Command::new(&program)
            .args(["--exact", "determinism::print_the_fingerprint", "--nocapture"])
            .env(duroxide_sim::seed::SEED_VARIABLE, "7")
            .output()
            .expect("the program can be run");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find_map(|line| line.find(FINGERPRINT).map(|at| line[at..].to_owned()));
        line.unwrap_or_else(|| panic!("{text}"))
    };
    let here = fingerprint(&trace(7));
    assert_eq!(here, run());
    assert_eq!(here, run());
}
