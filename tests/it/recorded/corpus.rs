//! A corpus of histories that exploring writes, and a next release that is checked against it.

use std::path::Path;
use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::OrchestrationRegistry;
use duroxide_sim::duroxide::{Either2, OrchestrationContext};
use duroxide_sim::recorded::Replay;
use duroxide_sim::{Handle, Node};

use super::{DAY, activities};
use crate::scratch;

#[derive(Clone, Copy, PartialEq)]
enum Release {
    First,
    /// Warns before it gives up; on the rare branch alone.
    Next,
}

async fn approval(ctx: OrchestrationContext, release: Release) -> Result<String, String> {
    for round in 0..3 {
        let (answer, timer) = (ctx.schedule_wait("answer"), ctx.schedule_timer(DAY));
        match ctx.select2(answer, timer).await {
            Either2::First(answer) => return ctx.schedule_activity("Double", answer).await,
            Either2::Second(()) => ctx.set_custom_status(format!("reminded {round}")),
        }
    }
    if release == Release::Next {
        ctx.schedule_activity("Double", "0").await?;
    }
    ctx.schedule_activity("Double", "9").await
}

fn orchestrations(release: Release) -> OrchestrationRegistry {
    OrchestrationRegistry::builder().register("Approval", move |ctx, _: String| approval(ctx, release)).build()
}

async fn explored(sim: Handle) -> Result<(), Box<dyn std::error::Error>> {
    sim.client().start_orchestration("a", "Approval", "").await?;
    let hours = sim.input("answered after hours", 1..=90);
    sim.sleep(Duration::from_secs(3600 * hours)).await;
    // Nobody may wait any more.
    sim.client().raise_event("a", "answer", "4").await?;
    sim.sleep(4 * DAY).await;
    Ok(())
}

fn explore(folder: &Path) {
    duroxide_sim::explore()
        .quiet()
        .without_environment()
        .seeds(40)
        .record_histories(folder)
        .run(|sim| sim.node(Node::new("a", activities(), orchestrations(Release::First))), explored);
}

#[test]
fn the_next_release_is_checked_against_every_branch_that_exploring_saw() {
    // A process that runs seeds is to write where this one reads.
    let folder = scratch::shared_folder("recorded-corpus");
    explore(&folder);
    let report = Replay::new(orchestrations(Release::First)).check_all(&folder).expect("they are read");
    report.assert_compatible();
    assert!(report.histories.len() >= 4, "{report}");
    let report = Replay::new(orchestrations(Release::Next)).check_all(&folder).expect("they are read");
    let broken = report.histories.iter().filter(|checked| !checked.is_compatible()).count();
    assert!(0 < broken && broken < report.histories.len(), "{report}");
    let text = report.to_string();
    assert!(text.contains("do not replay") && text.contains("The code: ActivityScheduled Double \"0\""), "{text}");
    let panicked = std::panic::catch_unwind(|| report.assert_compatible()).expect_err("it is not compatible");
    assert!(panicked.downcast_ref::<String>().is_some_and(|text| text.contains("diverges at event")));
}
