//! `crash_everywhere`: what stands a crash at every call, and what does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, OrchestrationContext};
use duroxide_sim::sim::{Action, Cause, Effects, Incidents, crash_everywhere, try_crash_everywhere};
use duroxide_sim::{Handle, Node, Sim};

use super::{SECOND, output};

/// Two payments and a timer between; `key` makes a payment's idempotency key.
fn shop(effects: Effects, key: impl Fn(&ActivityContext, &str) -> String + Send + Sync + 'static) -> Sim {
    let activities = ActivityRegistry::builder()
        .register("Pay", move |ctx: ActivityContext, what: String| {
            effects.add(key(&ctx, &what));
            async move { Ok(format!("paid {what}")) }
        })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Order", |ctx: OrchestrationContext, _: String| async move {
            let goods = ctx.schedule_activity("Pay", "goods").await?;
            ctx.schedule_timer(2 * SECOND).await;
            let postage = ctx.schedule_activity("Pay", "postage").await?;
            Ok(format!("{goods}, {postage}"))
        })
        .build();
    Sim::new(5).node(Node::new("a", activities.clone(), orchestrations.clone())).node(Node::new(
        "b",
        activities,
        orchestrations,
    ))
}

async fn order(sim: Handle) -> Result<String, ClientError> {
    sim.client().start_orchestration("order-1", "Order", "").await?;
    output(&sim.client(), "order-1").await
}

fn by_order(ctx: &ActivityContext, what: &str) -> String {
    format!("{} {what}", ctx.instance_id())
}

#[test]
fn a_sound_workflow_stands_a_crash_everywhere() {
    let survey = crash_everywhere(|effects| shop(effects, by_order), order);
    let acks = survey.tried.iter().filter(|entry| entry.to_string().contains("ack_")).count();
    // Four turns and two activities, on both sides.
    assert_eq!(acks, 12, "{survey}");
    assert!(survey.tried.iter().all(|entry| matches!(entry.what, Action::Crash { .. })));
    assert!(survey.to_string().starts_with("Crashed before and after each of "), "{survey}");
    assert!(survey.unreached.iter().all(|entry| entry.to_string().contains("fetch_")), "{survey}");
}

/// The saboteur: a key of its own for every attempt.
#[test]
fn an_effect_that_is_not_idempotent_is_found() {
    let found = try_crash_everywhere(
        |effects| {
            let attempts = AtomicU64::new(0);
            shop(effects, move |_, what| format!("{what} {}", attempts.fetch_add(1, Ordering::Relaxed)))
        },
        order,
    );
    let Err(Incidents::Found { survey, incidents }) = found else { panic!("{found:?}") };
    assert!(incidents.len() < survey.tried.len());
    assert!(incidents.iter().any(|incident| incident.crash.to_string().starts_with("before ack_work_item #1 by ")));
    let text = Incidents::Found { survey, incidents }.to_string();
    assert!(text.contains("The effect \"postage 2\" happened, but does not happen without the crash."), "{text}");
}

/// The saboteur: an outcome that hangs on what is kept in memory only.
#[test]
fn an_outcome_that_hangs_on_memory_is_found() {
    let found = try_crash_everywhere(
        |effects| {
            let seen = Arc::new(AtomicU64::new(0));
            let activities = ActivityRegistry::builder().register("Count", move |_: ActivityContext, _: String| {
                effects.add("counted");
                let count = seen.fetch_add(1, Ordering::Relaxed);
                async move { Ok(count.to_string()) }
            });
            let orchestrations = OrchestrationRegistry::builder()
                .register("Order", |ctx: OrchestrationContext, _: String| async move {
                    ctx.schedule_activity("Count", "").await
                });
            Sim::new(5).node(Node::new("a", activities.build(), orchestrations.build()))
        },
        order,
    );
    let Err(incidents) = found else { panic!("it was not found") };
    assert!(incidents.to_string().contains("The outcome is \"1\"; without the crash it is \"0\"."), "{incidents}");
}

#[test]
fn a_scenario_that_fails_by_itself_says_so() {
    let found = try_crash_everywhere(
        |effects| shop(effects, by_order),
        |sim| async move {
            order(sim).await.map_err(|error| error.to_string())?;
            Err::<(), _>("no".to_owned())
        },
    );
    let Err(Incidents::Without(failure)) = &found else { panic!("{found:?}") };
    assert_eq!(failure.cause, Cause::Error("no".to_owned()));
}
