//! Measures how fast seeds are explored, and the cost of tracing, laws and storms.
//!
//! `cargo bench --bench explore [filter]`. It asserts only that nothing fails.
#![allow(missing_docs)]

use std::time::{Duration, Instant};

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext};
use duroxide_sim::sim::{Limits, Storm};
use duroxide_sim::{Handle, Node, Sim};

fn main() {
    let filter: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| filter.is_empty() || filter.iter().any(|text| name.contains(text));
    if wanted("seeds") {
        seeds();
    }
    // Measured only once, and not in every worker.
    if wanted("cost") {
        cost();
    }
    if wanted("instances") {
        instances();
    }
}

/// One node and ten activities in sequence.
fn small(sim: Sim) -> Sim {
    let activities = ActivityRegistry::builder()
        .register("Echo", |_: ActivityContext, text: String| async move { Ok(text) })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Ten", |ctx: OrchestrationContext, _: String| async move {
            for n in 0..10 {
                ctx.schedule_activity("Echo", n.to_string()).await?;
            }
            Ok(String::new())
        })
        .register(
            "One",
            |ctx: OrchestrationContext, text: String| async move { ctx.schedule_activity("Echo", text).await },
        )
        .build();
    sim.node(Node::new("a", activities, orchestrations))
}

async fn ten(sim: Handle) -> Result<(), ClientError> {
    sim.client().start_orchestration("i", "Ten", "").await?;
    sim.client().wait_for_orchestration("i", Duration::from_secs(3600)).await?;
    Ok(())
}

/// Seeds per second, each seed in its own process.
fn seeds() {
    let all = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    for (label, workers) in [("one worker", 1), ("one worker per core", all)] {
        let plain = duroxide_sim::explore().seeds(4_000).workers(workers).check_determinism_every(0).quiet();
        let report = plain.clone().without_latencies().run(small, ten);
        println!("  {label}, as it is: {:.0} seeds per second", rate(&report));
        let report = plain.clone().run(small, ten);
        println!("  {label}, with latencies: {:.0} seeds per second", rate(&report));
        let report = plain.run(|sim| small(sim).storm(Storm::new()), ten);
        println!("  {label}, with latencies and storms: {:.0} seeds per second", rate(&report));
    }
}

fn rate(report: &duroxide_sim::explore::ExplorationReport) -> f64 {
    report.seeds as f64 / report.took.as_secs_f64()
}

async fn many(sim: Handle, count: usize) -> Result<(), ClientError> {
    let client = sim.client();
    for n in 0..count {
        client.start_orchestration(&format!("i-{n}"), "One", "x").await?;
    }
    for n in 0..count {
        client.wait_for_orchestration(&format!("i-{n}"), Duration::from_secs(86_400)).await?;
    }
    Ok(())
}

fn time(sim: Sim, count: usize) -> Duration {
    let began = Instant::now();
    let run = sim.try_run(move |sim| many(sim, count)).unwrap_or_else(|failure| panic!("{failure}"));
    let took = began.elapsed();
    drop(run);
    took
}

/// The overhead of tracing and the laws: the best of many runs, interleaved so that other load on
/// the machine affects all variants alike.
fn cost() {
    let sim = || small(Sim::new(1));
    let mut best = [Duration::MAX; 3];
    for _ in 0..30 {
        let round = [sim().without_trace(), sim().without_laws(), sim()];
        for (best, sim) in best.iter_mut().zip(round) {
            *best = time(sim, 1_000).min(*best);
        }
    }
    let more = |time: Duration| 100.0 * (time.as_secs_f64() / best[0].as_secs_f64() - 1.0);
    println!("1,000 instances: {:.1?}; with tracing {:.1?} ({:+.0} %)", best[0], best[1], more(best[1]));
    println!("  with tracing and laws {:.1?} ({:+.0} %)", best[2], more(best[2]));
}

/// How the cost of a run grows with its instances, with storms.
fn instances() {
    for count in [1_250, 2_500, 5_000, 10_000] {
        let sim = || {
            let limits = Limits { real_time: Duration::from_secs(3_600), ..Limits::default() };
            let second = small(Sim::new(1)).limits(limits);
            second.storm(Storm::new().every_kind().lasts(Duration::from_secs(600))).latencies()
        };
        let began = Instant::now();
        let run = sim().try_run(move |sim| many(sim, count)).unwrap_or_else(|failure| panic!("{failure}"));
        let took = began.elapsed();
        let each = took.as_secs_f64() * 1e6 / count as f64;
        println!(
            "{count} instances in a storm: {took:.2?}, {each:.0} us each, {} calls, {} entries in the plan",
            run.trace.entries.len(),
            run.plan.entries.len()
        );
    }
}
