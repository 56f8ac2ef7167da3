//! The scenarios that are measured here and with other providers.
#![allow(missing_docs)]

use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, Client, OrchestrationContext, OrchestrationStatus};

/// How long a client waits for each instance: 40 days.
pub const WAIT: Duration = Duration::from_secs(40 * 86_400);

/// A workload: `instances` of one orchestration.
#[derive(Clone)]
pub struct Scenario {
    pub name: &'static str,
    pub instances: usize,
    pub orchestration: &'static str,
    pub input: String,
    pub activities: ActivityRegistry,
    pub orchestrations: OrchestrationRegistry,
}

/// All scenarios that terminate.
pub fn all() -> Vec<Scenario> {
    vec![
        scenario("hello 1,000", 1_000, "Hello", ""),
        scenario("hello 10,000", 10_000, "Hello", ""),
        scenario("sequential 1,000", 1, "Sequential", "1000"),
        scenario("fan-out 1,000", 1, "FanOut", "1000"),
        scenario("month of daily timers", 1, "Month", "30"),
    ]
}

pub fn scenario(name: &'static str, instances: usize, orchestration: &'static str, input: &str) -> Scenario {
    let activities = ActivityRegistry::builder()
        .register("Echo", |_: ActivityContext, input: String| async move { Ok(input) })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Hello", |ctx: OrchestrationContext, _: String| async move {
            ctx.schedule_activity("Echo", "hello").await
        })
        .register("Sequential", |ctx: OrchestrationContext, n: String| async move {
            for i in 0..number(&n) {
                ctx.schedule_activity("Echo", i.to_string()).await?;
            }
            Ok(n)
        })
        .register("FanOut", |ctx: OrchestrationContext, n: String| async move {
            let all = (0..number(&n)).map(|i| ctx.schedule_activity("Echo", i.to_string())).collect();
            let done = ctx.join(all).await;
            Ok(done.into_iter().filter(Result::is_ok).count().to_string())
        })
        .register("Month", |ctx: OrchestrationContext, n: String| async move {
            for day in 0..number(&n) {
                ctx.schedule_timer(Duration::from_secs(86_400)).await;
                ctx.schedule_activity("Echo", day.to_string()).await?;
            }
            Ok(n)
        })
        .build();
    Scenario { name, instances, orchestration, input: input.to_owned(), activities, orchestrations }
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or(0)
}

/// Starts all instances, waits for each in turn, and counts those that completed.
pub async fn drive(client: &Client, scenario: &Scenario, wait: Duration) -> usize {
    for n in 0..scenario.instances {
        let started = client.start_orchestration(format!("i-{n}"), scenario.orchestration, scenario.input.clone());
        started.await.expect("the start should be accepted");
    }
    let mut completed = 0;
    for n in 0..scenario.instances {
        let status = client.wait_for_orchestration(&format!("i-{n}"), wait).await;
        completed += usize::from(matches!(status, Ok(OrchestrationStatus::Completed { .. })));
    }
    completed
}
