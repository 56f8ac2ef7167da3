use duroxide_sim::{Node, Sim, duroxide::*};
use std::time::Duration;

#[test]
fn reminder_comes_after_a_week() {
    let activities = runtime::registry::ActivityRegistry::builder()
        .register("Remind", |_: ActivityContext, who: String| async move { Ok(format!("reminded {who}")) });
    let orchestrations =
        OrchestrationRegistry::builder().register("Reminder", |ctx: OrchestrationContext, who: String| async move {
            ctx.schedule_timer(Duration::from_secs(7 * 86_400)).await;
            ctx.schedule_activity("Remind", who).await
        });
    Sim::new(42).node(Node::new("a", activities.build(), orchestrations.build())).run(|sim| async move {
        sim.client().start_orchestration("r-1", "Reminder", "Ann").await?;
        assert_eq!(sim.output::<String>("r-1", Duration::from_secs(30 * 86_400)).await?, "reminded Ann");
        assert!(sim.elapsed() >= Duration::from_secs(7 * 86_400), "{}", sim.history("r-1"));
        Ok::<_, Box<dyn std::error::Error>>(())
    });
}
