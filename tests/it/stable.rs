//! Texts for snapshots change only with what an instance does, and not with what is beside it.

use std::time::Duration;

use duroxide::runtime::RuntimeOptions;
use duroxide::runtime::registry::{ActivityRegistry, ActivityRegistryBuilder, OrchestrationRegistry};
use duroxide::{ActivityContext, OrchestrationContext, RetryPolicy};
use duroxide_sim::{Handle, Node, Sim};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

type Add = fn(ActivityRegistryBuilder) -> ActivityRegistryBuilder;

fn pack(builder: ActivityRegistryBuilder) -> ActivityRegistryBuilder {
    builder.register("Pack", |ctx: ActivityContext, what: String| async move {
        ctx.trace_info(format!("packs {what}"));
        tokio::time::sleep(3 * SECOND).await;
        Ok(what)
    })
}

fn send(builder: ActivityRegistryBuilder) -> ActivityRegistryBuilder {
    builder.register("Send", |_: ActivityContext, _: String| async { Err("no stamps".to_owned()) })
}

fn other(builder: ActivityRegistryBuilder) -> ActivityRegistryBuilder {
    builder.register("Other", |_: ActivityContext, what: String| async { Ok(what) })
}

/// "Parcel" packs three things at once, has a child that waits a minute, and sends, which fails twice.
fn orchestrations() -> OrchestrationRegistry {
    OrchestrationRegistry::builder()
        .register("Parcel", |ctx: OrchestrationContext, _: String| async move {
            let things = ["book", "vase", "lamp"].map(|thing| ctx.schedule_activity("Pack", thing));
            ctx.join(things.into()).await;
            ctx.schedule_sub_orchestration("Pause", "").await?;
            ctx.schedule_activity_with_retry("Send", "all", RetryPolicy::new(2)).await
        })
        .register("Pause", |ctx: OrchestrationContext, _: String| async move {
            ctx.schedule_timer(60 * SECOND).await;
            Ok(String::new())
        })
        .build()
}

fn node(name: &str, adds: &[Add]) -> Node {
    let activities = adds.iter().fold(ActivityRegistry::builder(), |builder, add| add(builder));
    // With fewer slots than work, instances wait for each other.
    let options = RuntimeOptions { worker_concurrency: 50, orchestration_concurrency: 50, ..Sim::default_options() };
    Node::new(name, activities.build(), orchestrations()).options(options)
}

/// What else there is in a run.
#[derive(Clone, Copy, Default)]
struct Beside {
    after: Duration,
    instances: u32,
    longer: Duration,
}

async fn parcel(sim: Handle, beside: Beside) -> Result<[String; 2], Box<dyn std::error::Error>> {
    for n in 0..beside.instances {
        sim.client().start_orchestration(&format!("other-{n}"), "Parcel", "").await?;
    }
    sim.sleep(beside.after).await;
    sim.client().start_orchestration("parcel-1", "Parcel", "").await?;
    sim.finished::<String>("parcel-1").await.expect_err("there are no stamps");
    sim.sleep(beside.longer).await;
    Ok([sim.history("parcel-1").relative().to_string(), sim.activities("parcel-1").relative().to_string()])
}

/// The history, the calls, the log lines and the timeline of the parcel.
fn texts(sim: Sim, beside: Beside) -> [String; 4] {
    let run = sim.try_run(move |sim| parcel(sim, beside)).unwrap_or_else(|failure| panic!("{failure}"));
    let timeline = run.timeline().text_of("parcel-1").expect("there is a parcel");
    let log = run.log().relative("parcel-1").to_string();
    let [history, calls] = run.value;
    [history, calls, log, timeline]
}

const ALL: [Add; 2] = [pack, send];

#[track_caller]
fn same(sim: Sim, beside: Beside) {
    let plain = texts(Sim::new(1).node(node("a", &ALL)), Beside::default());
    for (plain, beside) in plain.iter().zip(texts(sim, beside)) {
        assert!(*plain == beside, "this text:\n{plain}\nbecame:\n{beside}");
    }
}

#[test]
fn the_texts_say_what_the_instance_did() {
    let [history, calls, log, timeline] = texts(Sim::new(1).node(node("a", &ALL)), Beside::default());
    crate::snapshot("stable", &format!("{history}\n{calls}\n{log}\n{timeline}"));
}

#[test]
fn other_instances_change_nothing() {
    same(Sim::new(1).node(node("a", &ALL)), Beside { instances: 3, ..Beside::default() });
}

#[test]
fn another_node_changes_nothing() {
    same(Sim::new(1).node(node("a", &ALL)).node(node("b", &ALL)), Beside::default());
    same(Sim::new(1).node(node("z", &ALL)), Beside::default());
}

#[test]
fn a_longer_run_or_a_later_start_changes_nothing() {
    let one = || Sim::new(1).node(node("a", &ALL));
    same(one(), Beside { longer: 40 * DAY, ..Beside::default() });
    same(one(), Beside { after: 3 * DAY + SECOND, ..Beside::default() });
    same(one().start_at(duroxide_sim::clock::Time(1_000_000_000_000)), Beside::default());
}

#[test]
fn another_order_of_registration_or_more_activities_change_nothing() {
    same(Sim::new(1).node(node("a", &[send, other, pack])), Beside::default());
}

#[test]
fn another_seed_changes_nothing_where_nothing_is_drawn() {
    same(Sim::new(99).node(node("a", &ALL)), Beside::default());
}

#[test]
fn everything_at_once_changes_nothing() {
    let sim = Sim::new(7).node(node("b", &[other, send, pack])).node(node("a", &ALL));
    same(sim, Beside { after: 2 * SECOND, instances: 5, longer: DAY });
}
