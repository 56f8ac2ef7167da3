//! Runtimes that a test starts by itself.

use std::time::{Duration, SystemTime};

use duroxide_sim::Sim;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::runtime::{Runtime, RuntimeOptions};
use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext, OrchestrationStatus};

/// Says which of the runtimes it is, as which worker.
fn activities(runtime: &'static str) -> ActivityRegistry {
    let who = move |ctx: ActivityContext, _: String| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(format!("{runtime} as {}", ctx.worker_id()))
    };
    ActivityRegistry::builder().register("Who", who).build()
}

fn orchestrations() -> OrchestrationRegistry {
    let fan = |ctx: OrchestrationContext, _: String| async move {
        let all = (0..6).map(|_| ctx.schedule_activity_on_session("Who", "", "session")).collect();
        let all: Result<Vec<String>, String> = ctx.join(all).await.into_iter().collect();
        Ok(all?.join(", "))
    };
    OrchestrationRegistry::builder().register("Fan", fan).build()
}

/// A session belongs to one worker: what is done in it is done there.
#[test]
fn two_that_are_started_at_one_instant_do_not_share_sessions() {
    // What reaches the storage without the simulation's layers is not in the trace.
    let run = Sim::new(1).without_laws().try_run(|sim| async move {
        let options = RuntimeOptions { worker_concurrency: 1, ..Sim::default_options() };
        let store = sim.memory();
        let start =
            |name| Runtime::start_with_options(store.clone(), activities(name), orchestrations(), options.clone());
        let both = [start("one").await, start("two").await];
        let client = sim.client();
        client.start_orchestration("i", "Fan", "").await.map_err(|error| error.to_string())?;
        let status = client.wait_for_orchestration("i", Duration::from_secs(60)).await;
        for runtime in both {
            runtime.shutdown(Some(0)).await;
        }
        status.map_err(|error| error.to_string())
    });
    let status = run.unwrap_or_else(|failure| panic!("{failure}")).value;
    let OrchestrationStatus::Completed { output, .. } = status else { panic!("{status:?}") };
    let all: Vec<&str> = output.split(", ").collect();
    assert_eq!(all, vec![all[0]; 6], "all by the one that owns the session");
}

/// They are told apart by nanoseconds, which no time of duroxide's shows.
#[test]
fn the_wall_clock_is_exact_again_when_time_moves() {
    let run = Sim::new(1).without_laws().try_run(|sim| async move {
        let ahead = || {
            let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            wall.saturating_sub(Duration::from_millis(sim.now().0))
        };
        let mut seen = vec![ahead()];
        for name in ["one", "two"] {
            let runtime = Runtime::start_with_store(sim.memory(), activities(name), orchestrations()).await;
            seen.push(ahead());
            runtime.shutdown(Some(0)).await;
        }
        sim.sleep(Duration::from_millis(1)).await;
        seen.push(ahead());
        Ok::<_, String>(seen)
    });
    let seen = run.unwrap_or_else(|failure| panic!("{failure}")).value;
    assert!(seen[0].is_zero() && seen[3].is_zero(), "{seen:?}");
    assert!(Duration::ZERO < seen[1] && seen[1] < seen[2] && seen[2] < Duration::from_millis(1), "{seen:?}");
}
