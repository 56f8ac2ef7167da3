//! Runtimes that a test starts by itself.

use std::sync::Arc;
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
    let run = Sim::new(1).try_run(|sim| async move {
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

/// Whoever reads the wall clock twice at one instant may take that for ids.
#[test]
fn the_wall_clock_never_answers_the_same_twice_nor_leaves_its_millisecond() {
    let run = Sim::new(1).try_run(|sim| async move {
        for _ in 0..3 {
            sim.sleep(Duration::from_millis(7)).await;
            let began = std::time::Instant::now();
            let reads: Vec<SystemTime> = (0..1000).map(|_| SystemTime::now()).collect();
            let since = |time: &SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            if since(&reads[0]) != Duration::from_millis(sim.now().0) {
                return Err("the first read of an instant is not exact".to_owned());
            }
            if reads.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err("two reads are not in order".to_owned());
            }
            if since(&reads[999]).as_millis() != u128::from(sim.now().0) || began.elapsed() != Duration::ZERO {
                return Err("time has passed".to_owned());
            }
        }
        Ok(Arc::new(()))
    });
    run.unwrap_or_else(|failure| panic!("{failure}"));
}
