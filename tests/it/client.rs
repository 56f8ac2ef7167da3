//! Duroxide's client over the simulated provider: what each method does.

use std::collections::BTreeSet;
use std::time::Duration;

use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::{ActivityContext, Event, EventKind, OrchestrationContext};
use duroxide_sim::sim::Handle;
use duroxide_sim::{Node, Sim};
use serde::{Deserialize, Serialize};

use crate::source;

mod admin;
mod errors;
mod events;
mod kv;
mod removal;
mod start;
mod status;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// The longest that the client sleeps between two looks at an instance.
const POLL: Duration = Duration::from_millis(100);

/// How long the client waits for something that never comes when it is told to
/// wait 10 s: it sleeps 5, 10, 20, 40 and 80 ms, then 100 ms at a time, and
/// looks at the clock before each.
const TEN_SECONDS_IN_VAIN: Duration = Duration::from_millis(5 + 10 + 20 + 40 + 80 + 99 * 100);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Sum {
    version: String,
    sum: i64,
}

/// A simulation with one node that knows everything below.
fn sim() -> Sim {
    Sim::new(1).node(Node::new("a", activities(), orchestrations()))
}

fn activities() -> ActivityRegistry {
    ActivityRegistry::builder()
        .register("Slow", |_: ActivityContext, input: String| async move {
            tokio::time::sleep(MINUTE).await;
            Ok(input)
        })
        .build()
}

fn orchestrations() -> OrchestrationRegistry {
    OrchestrationRegistry::builder()
        .register("Echo", echo)
        .register_versioned("Echo", "2.0.0", echo)
        .register_typed("Add", add)
        .register_versioned_typed("Add", "2.0.0", add)
        .register("Fail", |_: OrchestrationContext, why: String| async move { Err(why) })
        .register("Sleep", sleep)
        .register("Parent", parent)
        .register("Again", again)
        .register("Slow", slow)
        .register("Approve", approve)
        .register("Drain", drain)
        .register("Progress", progress)
        .register("Keep", keep)
        .build()
}

/// Its version and its input.
async fn echo(ctx: OrchestrationContext, input: String) -> Result<String, String> {
    Ok(format!("{} {input}", ctx.orchestration_version()))
}

async fn add(ctx: OrchestrationContext, (a, b): (i64, i64)) -> Result<Sum, String> {
    Ok(Sum { version: ctx.orchestration_version(), sum: a + b })
}

/// Ends an hour from its start.
async fn sleep(ctx: OrchestrationContext, input: String) -> Result<String, String> {
    ctx.schedule_timer(HOUR).await;
    Ok(input)
}

/// Has a sleeper of the name it is given as its child.
async fn parent(ctx: OrchestrationContext, child: String) -> Result<String, String> {
    ctx.schedule_sub_orchestration_with_id("Sleep", child, "slept").await
}

/// Goes on for as many executions as its input says, a minute each.
async fn again(ctx: OrchestrationContext, more: String) -> Result<String, String> {
    ctx.schedule_timer(MINUTE).await;
    match more.parse::<u32>().map_err(|error| error.to_string())? {
        0 | 1 => Ok("over".to_owned()),
        more => ctx.continue_as_new((more - 1).to_string()).await,
    }
}

/// Three slow activities at once.
async fn slow(ctx: OrchestrationContext, input: String) -> Result<String, String> {
    let all = (0..3).map(|_| ctx.schedule_activity("Slow", input.clone())).collect();
    ctx.join(all).await.into_iter().collect()
}

/// Waits for `text` and then for `sum`.
async fn approve(ctx: OrchestrationContext, _: String) -> Result<String, String> {
    let text = ctx.schedule_wait("text").await;
    let sum: Sum = ctx.schedule_wait_typed("sum").await;
    Ok(format!("{text} {} {}", sum.version, sum.sum))
}

/// Lets messages come for a minute before it takes three.
async fn drain(ctx: OrchestrationContext, queue: String) -> Result<String, String> {
    ctx.schedule_timer(MINUTE).await;
    let mut taken = Vec::new();
    for _ in 0..3 {
        taken.push(ctx.dequeue_event(queue.as_str()).await);
    }
    Ok(taken.join(" "))
}

/// Has the status `one` for a minute, then `two` for a minute.
async fn progress(ctx: OrchestrationContext, _: String) -> Result<String, String> {
    ctx.set_custom_status("one");
    ctx.schedule_timer(MINUTE).await;
    ctx.set_custom_status("two");
    ctx.schedule_timer(MINUTE).await;
    Ok("done".to_owned())
}

/// Keeps `text` and `list` at once, `late` after a minute, and ends after an
/// hour more.
async fn keep(ctx: OrchestrationContext, _: String) -> Result<String, String> {
    ctx.set_kv_value("text", "not JSON");
    ctx.set_kv_value_typed("list", &[1, 2]);
    ctx.schedule_timer(MINUTE).await;
    ctx.set_kv_value("late", "7");
    ctx.schedule_timer(HOUR).await;
    Ok("kept".to_owned())
}

/// The events of an execution, from the provider itself.
fn events_of(sim: &Handle, instance: &str, execution: u64) -> Vec<Event> {
    let executions = sim.history(instance).executions;
    executions.into_iter().find(|one| one.execution == execution).map(|one| one.events).unwrap_or_default()
}

fn count(sim: &Handle, instance: &str, execution: u64) -> u64 {
    events_of(sim, instance, execution).len() as u64
}

/// The names of the events' kinds.
fn kinds(events: &[Event]) -> Vec<&'static str> {
    let name = |event: &Event| match &event.kind {
        EventKind::OrchestrationStarted { .. } => "started",
        EventKind::OrchestrationCompleted { .. } => "completed",
        EventKind::OrchestrationContinuedAsNew { .. } => "continued",
        EventKind::TimerCreated { .. } => "timer",
        EventKind::TimerFired { .. } => "fired",
        other => panic!("{other:?} was not expected"),
    };
    events.iter().map(name).collect()
}

/// The public methods of duroxide's client. Those behind a feature that only
/// duroxide's own tests turn on are left out.
fn methods() -> BTreeSet<String> {
    let path = source::folder().join("src/client/mod.rs");
    let text = std::fs::read_to_string(path).expect("duroxide has a client");
    let (_, rest) = text.split_once("\nimpl Client {\n").expect("the client has methods");
    let (body, _) = rest.split_once("\n}\n").expect("the methods end");
    let gated = "#[cfg(feature = \"replay-version-test\")]\n    pub async fn";
    source::names_after(&["pub async fn ", "pub fn "], &body.replace(gated, "// "))
}

/// Every method, in a test that checks what it does: those in `errors`, which
/// only fail, do not count.
#[test]
fn every_method_of_the_client_is_called_by_a_test_of_its_effect() {
    let methods = methods();
    assert!(methods.len() > 30, "the source was not understood: {methods:?}");
    let tests = [
        include_str!("client/admin.rs"),
        include_str!("client/events.rs"),
        include_str!("client/kv.rs"),
        include_str!("client/removal.rs"),
        include_str!("client/start.rs"),
        include_str!("client/status.rs"),
    ];
    let tests: String = tests.concat().split_whitespace().collect();
    let called = |name: &&String| {
        let calls = [format!("client.{name}("), format!("client.{name}::<"), format!("Client::{name}(")];
        calls.iter().any(|call| tests.contains(call))
    };
    let missing: Vec<&String> = methods.iter().filter(|name| !called(name)).collect();
    assert!(missing.is_empty(), "Write tests of these methods: {missing:?}");
}
