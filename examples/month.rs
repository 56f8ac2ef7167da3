//! A month-long orchestration with a crash and a restart halfway through, and how long the run
//! took.
//!
//! `cargo run --example month`

use std::time::{Duration, Instant};

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext};
use duroxide_sim::{Node, Sim};

const DAY: Duration = Duration::from_secs(86_400);

fn main() {
    let activities = ActivityRegistry::builder()
        .register("Remind", |_: ActivityContext, day: String| async move { Ok(format!("reminded on day {day}")) })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Month", |ctx: OrchestrationContext, days: String| async move {
            let mut last = String::new();
            for day in 1..=days.parse::<u32>().unwrap_or(0) {
                ctx.schedule_timer(DAY).await;
                last = ctx.schedule_activity("Remind", day.to_string()).await?;
            }
            Ok(last)
        })
        .build();

    let began = Instant::now();
    let run = Sim::new(42).node(Node::new("a", activities, orchestrations)).try_run(|sim| async move {
        sim.client().start_orchestration("reminders", "Month", "30").await?;
        sim.sleep(15 * DAY + DAY / 2).await;
        println!("{}  node a crashes", sim.now());
        sim.crash("a")?;
        sim.sleep(2 * DAY).await;
        println!("{}  node a starts again", sim.now());
        sim.start("a").await?;
        let output: String = sim.output("reminders", 40 * DAY).await?;
        println!("{}  completed: {output}", sim.now());
        Ok::<_, Box<dyn std::error::Error>>(())
    });
    match run {
        Ok(run) => {
            let real = began.elapsed();
            println!();
            println!("virtual time: {:.1} days", run.elapsed.as_secs_f64() / DAY.as_secs_f64());
            println!("real time:    {:.1} ms", real.as_secs_f64() * 1e3);
            println!("calls:        {}, every law checked over them", run.trace.entries.len());
        }
        Err(failure) => {
            eprintln!("{failure}");
            std::process::exit(1);
        }
    }
}
