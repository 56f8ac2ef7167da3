//! The runs whose pages are looked at.

use std::sync::LazyLock;
use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, ClientError, Either2, OrchestrationContext};
use duroxide_sim::sim::{ClientCall, Double, Failure, Run, Storm};
use duroxide_sim::{Handle, Node, Sim};

const DAY: Duration = Duration::from_secs(86_400);

/// What a payload may try on a page.
pub const HOSTILE: &str =
    "</script><script>window.broken = 1</script><!--<script> & \"quoted\" '{{script}}' \u{2028}\u{202e}end";

async fn parcel(ctx: OrchestrationContext, input: String) -> Result<String, String> {
    ctx.schedule_activity("Pack", input.clone()).await?;
    if input.starts_with("nested") {
        ctx.schedule_sub_orchestration("Parcel", "inner").await?;
    }
    match ctx.select2(ctx.schedule_wait("go"), ctx.schedule_timer(30 * DAY)).await {
        Either2::First(what) => ctx.schedule_activity("Send", what).await,
        Either2::Second(()) => ctx.schedule_activity("Send", "after a month").await,
    }
}

fn post(seed: u64) -> Sim {
    let activities = ActivityRegistry::builder()
        .register("Pack", |_: ActivityContext, what: String| async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            Ok(what)
        })
        .register("Send", |_: ActivityContext, what: String| async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            if what == "lose" { Err("it was lost".to_owned()) } else { Ok(what) }
        })
        .build();
    let orchestrations = OrchestrationRegistry::builder().register("Parcel", parcel).build();
    Sim::new(seed).node(Node::new("a", activities.clone(), orchestrations.clone())).node(Node::new(
        "b",
        activities,
        orchestrations,
    ))
}

/// One instance that is there for a month: about ten events.
///
/// # Panics
///
/// When the simulation fails.
pub fn ten() -> Run<()> {
    let run = post(1).try_run(|sim| async move {
        sim.client().start_orchestration("parcel-1", "Parcel", "a vase").await?;
        sim.client().wait_for_orchestration("parcel-1", 40 * DAY).await?;
        Ok::<_, ClientError>(())
    });
    run.unwrap_or_else(|failure| panic!("{failure}"))
}

/// The page of so many instances in a storm that there are more than ten
/// thousand events; made once.
///
/// # Panics
///
/// When the simulation fails.
pub fn page_of_ten_thousand() -> &'static str {
    static PAGE: LazyLock<String> = LazyLock::new(|| {
        let storm = post(7).storm(Storm::new()).finish_within(90 * DAY);
        let run = storm.try_run(|sim| crowd(sim, 900));
        run.unwrap_or_else(|failure| panic!("{failure}")).timeline().html()
    });
    &PAGE
}

async fn crowd(sim: Handle, count: u32) -> Result<(), ClientError> {
    let client = sim.client();
    for n in 0..count {
        let input = if n % 4 == 0 { "nested" } else { "plain" };
        client.start_orchestration(&format!("parcel-{n:04}"), "Parcel", input).await?;
        sim.sleep(Duration::from_secs(u64::from(n % 7) * 20)).await;
        if n % 3 == 1 {
            let what = if n % 5 == 0 { "lose" } else { "at once" };
            client.raise_event(&format!("parcel-{n:04}"), "go", what).await?;
        }
    }
    for n in 0..count {
        // Without the client's reads, of which a page shows no more than the first.
        let _ = sim.output::<String>(&format!("parcel-{n:04}"), 60 * DAY).await;
    }
    Ok(())
}

/// A run that fails because a parcel is lost, and one in which it is not.
///
/// # Panics
///
/// When the simulations do not end as they are meant to.
pub fn pair() -> (Box<Failure>, Run<()>) {
    let one = |what: &'static str| {
        post(3).try_run(move |sim| async move {
            let client = sim.client();
            client.start_orchestration("parcel-1", "Parcel", "nested").await.map_err(|e| e.to_string())?;
            sim.sleep(Duration::from_secs(60)).await;
            sim.crash("a").expect("node a is up");
            sim.sleep(DAY).await;
            client.raise_event("parcel-1::sub::4", "go", "keep").await.map_err(|e| e.to_string())?;
            sim.sleep(DAY).await;
            client.raise_event("parcel-1", "go", what).await.map_err(|e| e.to_string())?;
            let status = client.wait_for_orchestration("parcel-1", DAY).await.map_err(|e| e.to_string())?;
            let text = format!("{status:?}");
            if text.contains("Completed") { Ok(()) } else { Err(text) }
        })
    };
    let failed = one("lose").expect_err("a lost parcel fails the run");
    (failed, one("keep").unwrap_or_else(|failure| panic!("{failure}")))
}

/// A letter that is not posted, which the body notices a day later: with log lines, an effect, an
/// input, a client call of the plan and a double.
///
/// # Panics
///
/// When the simulation does not fail.
pub fn observed() -> Box<Failure> {
    let sim = Sim::new(1);
    let effects = sim.effects();
    let activities = ActivityRegistry::builder()
        .register("Stamp", |_: ActivityContext, what: String| async move { Ok(what) })
        .register("Post", move |ctx: ActivityContext, what: String| {
            effects.add(format!("{what} in the box"));
            async move {
                ctx.trace_info("goes to the box");
                ctx.trace_warn("the box is full");
                Err("it fell out".to_owned())
            }
        })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register("Letter", |ctx: OrchestrationContext, what: String| async move {
            let what = ctx.schedule_activity("Stamp", what).await?;
            ctx.schedule_wait("go").await;
            ctx.schedule_activity("Post", what).await
        })
        .build();
    let sim = sim.node(Node::new("a", activities, orchestrations)).double("Stamp", Double::returns("a stamped letter"));
    let run = sim.try_run(|sim| async move {
        sim.at(Duration::from_secs(60), ClientCall::raise_event("letter-1", "go", "now"))?;
        sim.input("stamps", 2..=2);
        sim.client().start_orchestration("letter-1", "Letter", "a letter").await?;
        sim.sleep(DAY).await;
        Ok::<_, Box<dyn std::error::Error>>(sim.output::<String>("letter-1", DAY).await?)
    });
    run.expect_err("the letter is lost")
}

/// A run whose names and payloads try to break out of the page.
///
/// # Panics
///
/// When the simulation fails.
pub fn hostile() -> Run<()> {
    let run = post(1).try_run(|sim| async move {
        sim.client().start_orchestration(HOSTILE, "Parcel", HOSTILE).await?;
        sim.sleep(DAY).await;
        sim.client().raise_event(HOSTILE, "go", HOSTILE).await?;
        sim.client().wait_for_orchestration(HOSTILE, 40 * DAY).await?;
        Ok::<_, ClientError>(())
    });
    run.unwrap_or_else(|failure| panic!("{failure}"))
}
