use duroxide_sim::Sim;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext, OrchestrationStatus};
use std::time::Duration;

#[test]
fn smoke() {
    let activities = ActivityRegistry::builder()
        .register("Greet", |_: ActivityContext, name: String| async move { Ok(format!("hello {name}")) })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Later", |ctx: OrchestrationContext, name: String| async move {
            for _ in 0..30 {
            ctx.schedule_timer(Duration::from_secs(86_400)).await;
            ctx.schedule_activity("Greet", name.clone()).await?;
            }
            Ok(name)
        })
        .build();
    let t = std::time::Instant::now();
    let run = Sim::new(42).node("a", activities, orchestrations).try_run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("greeting", "Later", "you").await.unwrap();
        let status = client.wait_for_orchestration("greeting", Duration::from_secs(40 * 86_400)).await.unwrap();
        assert!(matches!(status, OrchestrationStatus::Completed { output, .. } if output == "you"));
        println!("{}", sim.history("greeting"));
    }).unwrap_or_else(|f| panic!("{f}"));
    println!("{:?} {} entries, virtual {:?}", t.elapsed(), run.trace.entries.len(), run.elapsed);
    for l in run.trace.text().lines().take(30) { println!("{l}"); }
}
