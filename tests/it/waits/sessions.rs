//! duroxide 0.1.32 with fewer sessions than slots: two slots fetch work of two sessions at
//! one moment, the second gives its work back, and polls without sessions from then on.
//! The session is the second slot's, so that nobody takes the work before that poll, or
//! the session's lock, is over.

use super::*;

fn second() -> ActivityRegistry {
    ActivityRegistry::builder()
        .register("Second", |_: ActivityContext, text: String| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(text)
        })
        .build()
}

fn two_sessions() -> OrchestrationRegistry {
    OrchestrationRegistry::builder()
        .register("Two", |ctx: OrchestrationContext, _: String| async move {
            let both = ["s-1", "s-2"].map(|session| ctx.schedule_activity_on_session("Second", "", session));
            Ok(ctx.join(both.into()).await.len().to_string())
        })
        .build()
}

fn took(options: RuntimeOptions) -> Duration {
    let options = RuntimeOptions { max_sessions_per_runtime: 1, worker_concurrency: 2, ..options };
    Sim::new(1).node(Node::new("a", second(), two_sessions()).options(options)).run(|sim| async move {
        one(sim.clone(), "Two", "").await?;
        Ok::<_, ClientError>(sim.elapsed())
    })
}

#[test]
fn a_cap_on_sessions_delays_work_by_one_long_poll() {
    let by_duroxide = took(RuntimeOptions::default());
    assert!((30..35).contains(&by_duroxide.as_secs()), "{by_duroxide:?}");
    let by_default = took(Sim::default_options());
    assert!((15 * HOUR..18 * HOUR).contains(&by_default), "{by_default:?}");
    // What the documentation recommends: one owner for all slots, or short polls.
    let named = took(RuntimeOptions { worker_node_id: Some("node-a".to_owned()), ..Sim::default_options() });
    assert!(named.as_secs() < 5, "{named:?}");
    let short = Duration::from_secs(2);
    let polls = took(RuntimeOptions { dispatcher_long_poll_timeout: short, ..Sim::default_options() });
    assert!(polls.as_secs() < 5, "{polls:?}");
}
