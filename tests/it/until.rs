//! Waiting for conditions in the body.

use std::time::Duration;

use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::{ActivityContext, EventKind, OrchestrationContext};
use duroxide_sim::sim::Cause;
use duroxide_sim::{Handle, Node, Sim};

const HOUR: Duration = Duration::from_secs(3600);

/// "Approve" waits an hour, sets a status and a key, and waits for an event.
fn sim() -> Sim {
    let sim = Sim::new(3);
    let mailed = sim.effects();
    let activities = ActivityRegistry::builder().register("Mail", move |_: ActivityContext, to: String| {
        let mailed = mailed.clone();
        async move {
            mailed.add(format!("mail to {to}"));
            tokio::time::sleep(HOUR).await;
            Ok(String::new())
        }
    });
    let orchestrations =
        OrchestrationRegistry::builder().register("Approve", |ctx: OrchestrationContext, who: String| async move {
            ctx.schedule_timer(HOUR).await;
            ctx.set_custom_status("asking");
            ctx.set_kv_value("stage", "asked");
            ctx.schedule_activity("Mail", who).await?;
            Ok(ctx.schedule_wait("answer").await)
        });
    sim.node(Node::new("a", activities.build(), orchestrations.build()))
}

async fn started(sim: &Handle) -> Result<(), String> {
    sim.client().start_orchestration("i", "Approve", "Ann").await.map_err(|error| error.to_string())
}

#[test]
fn each_condition_is_noticed_at_the_moment_it_becomes_true() {
    let times = sim().run(|sim| async move {
        started(&sim).await?;
        let mut times = Vec::new();
        let fired = |event: &duroxide::Event| matches!(event.kind, EventKind::TimerFired { .. });
        sim.until_event("i", "the timer has fired", fired).await;
        times.push(sim.elapsed());
        sim.until_custom_status("i", "asking").await;
        sim.until_kv_value("i", "stage", "asked").await;
        sim.until_effect("mail to Ann").await;
        times.push(sim.elapsed());
        sim.until_subscribed("i", "answer").await;
        times.push(sim.elapsed());
        sim.until_quiet().await;
        sim.client().raise_event("i", "answer", "yes").await.map_err(|error| error.to_string())?;
        assert_eq!(sim.finished::<String>("i").await.map_err(|error| error.to_string())?, "yes");
        times.push(sim.elapsed());
        Ok::<_, String>(times)
    });
    assert_eq!(times, [HOUR, HOUR, 2 * HOUR, 2 * HOUR]);
}

#[test]
fn a_condition_over_the_tests_own_state_is_evaluated_when_something_happens() {
    let elapsed = sim().run(|sim| async move {
        started(&sim).await?;
        sim.until("the mail is under way", |sim| sim.activities("i").len() == 1).await;
        Ok::<_, String>(sim.elapsed())
    });
    assert_eq!(elapsed, HOUR);
}

#[test]
fn what_can_never_be_ends_as_a_stall_that_says_what_was_awaited() {
    let failure = sim()
        .try_run(|sim| async move {
            started(&sim).await?;
            sim.until_subscribed("i", "anwser").await;
            Ok::<_, String>(())
        })
        .map(drop)
        .expect_err("nobody waits for it");
    assert!(matches!(failure.cause, Cause::Stalled { .. }), "{failure}");
    assert_eq!(failure.awaited, ["instance \"i\" waits for the event \"anwser\""]);
    assert!(failure.to_string().contains("The body waits until:\n  instance \"i\" waits for"), "{failure}");
}

#[test]
fn quiet_is_after_the_last_timer() {
    let elapsed = sim().run(|sim| async move {
        started(&sim).await?;
        sim.until_quiet().await;
        Ok::<_, String>(sim.elapsed())
    });
    assert_eq!(elapsed, 2 * HOUR);
}

#[test]
fn an_instance_that_does_not_exist_is_named_as_that() {
    let failure = sim()
        .try_run(|sim| async move {
            started(&sim).await?;
            sim.finished::<String>("j").await.map_err(|error| error.to_string())
        })
        .expect_err("there is no such instance");
    let text = "instance \"j\" has ended, but there is no instance \"j\" at this moment; the nearest name is \"i\"";
    assert_eq!(failure.awaited, [text]);
}

#[test]
fn a_wait_says_what_for() {
    let failure = sim().try_run(|sim| async move { sim.until("", |_| false).await }).expect_err("no text");
    assert!(failure.to_string().contains("Say what the body waits for."), "{failure}");
}
