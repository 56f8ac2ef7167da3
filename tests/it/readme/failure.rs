//! The failure that README shows: a charge that cannot be repeated.

use std::path::Path;
use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::ActivityRegistry;
use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext, OrchestrationRegistry};
use duroxide_sim::sim::{Effects, FaultKind, Storm};
use duroxide_sim::{Handle, Node, Sim};

use super::README;

const TEST: &str = "readme::failure::readme_shows_a_failure_as_it_is_printed";

async fn order(ctx: OrchestrationContext, id: String) -> Result<String, String> {
    ctx.schedule_activity("Charge", &id).await?;
    ctx.schedule_activity("Ship", &id).await
}

fn activities(effects: Effects) -> ActivityRegistry {
    let (charged, shipped) = (effects.clone(), effects);
    ActivityRegistry::builder()
        .register("Charge", move |_: ActivityContext, id: String| {
            // The planted bug: an attempt that is repeated after a crash fails.
            let charge = format!("charge {id}");
            let is_first = charged.count(&charge) == 0;
            if is_first {
                charged.add(charge);
            }
            async move { if is_first { Ok(String::new()) } else { Err(format!("{id} is charged already")) } }
        })
        .register("Ship", move |_: ActivityContext, id: String| {
            shipped.add(format!("ship {id}"));
            async { Ok("shipped".to_owned()) }
        })
        .build()
}

fn settled(sim: &Handle) -> Result<(), String> {
    let done = |what: &str, id: &str| sim.effects().count(&format!("{what} {id}")) > 0;
    let unsettled = ["order-1", "order-2"].into_iter().find(|id| done("charge", id) && !done("ship", id));
    unsettled.map_or(Ok(()), |id| Err(format!("{id} was paid for, and is not shipped")))
}

fn failure() -> String {
    let found = duroxide_sim::explore().seeds(500).without_environment().workers(1).quiet().try_run(
        |sim: Sim| {
            let activities = activities(sim.effects());
            let orchestrations = OrchestrationRegistry::builder().register("Order", order).build();
            sim.node(Node::new("a", activities.clone(), orchestrations.clone()))
                .node(Node::new("b", activities, orchestrations))
                .storm(Storm::new().only(&[FaultKind::Latency, FaultKind::Crash]))
                .eventually("every order is settled", settled)
        },
        |sim| async move {
            for id in ["order-1", "order-2"] {
                sim.client().start_orchestration(id, "Order", id).await?;
                sim.sleep(Duration::from_secs(1)).await;
            }
            Ok::<_, Box<dyn std::error::Error>>(())
        },
    );
    found.expect_err("the bug is found").to_string()
}

/// README shows paths below the package, and the test as if it were a user's. How many seeds
/// were tried until the worker learned of the failure depends on how fast it is.
fn as_shown(text: &str) -> String {
    let package = format!("{}/", env!("CARGO_MANIFEST_DIR"));
    let (before, after) = text.split_once(", after ").expect("it counts the seeds");
    let (_, after) = after.split_once(" seeds.").expect("it counts the seeds");
    let text = format!("{before}, after 62 seeds.{after}");
    let text = text.replace(&package, "").replace(TEST, "orders_are_settled");
    text.replace(&TEST.replace("::", "."), "orders_are_settled").replace(" -p duroxide-sim --test it", "")
}

/// With `UPDATE_README=1` it is written there.
#[test]
fn readme_shows_a_failure_as_it_is_printed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let (begin, end) = ("## A failure\n\n```text\n", "\n```\n");
    let (head, rest) = README.split_once(begin).expect("README has that section");
    let (_, tail) = rest.split_once(end).expect("the block ends");
    let wanted = format!("{head}{begin}{}{end}{tail}", as_shown(&failure()));
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(path, wanted).expect("README.md can be written");
        return;
    }
    assert!(
        README == wanted,
        "README shows another failure: update it with UPDATE_README=1 cargo test --test it readme\n{wanted}"
    );
}
