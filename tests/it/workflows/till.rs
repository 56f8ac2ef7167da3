//! A till whose count a new release writes in another form, while nodes may still
//! be put back to the release before: it continues as new with the newest version
//! that the node has. The bug: it continues as new without naming the version,
//! and the release before cannot read what it finds.

use std::error::Error;

use duroxide_sim::duroxide::OrchestrationContext;
use duroxide_sim::duroxide::runtime::RuntimeOptions;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::{Handle, Node, Sim};

use super::{Code, SECOND, comes_to, in_a_storm, is_found, running, survives};

const COINS: u64 = 12;
const NODES: [&str; 2] = ["a", "b"];

#[derive(Clone, Copy)]
struct Version {
    number: &'static str,
    /// What stands behind the count.
    unit: &'static str,
}

const OLD: Version = Version { number: "1.0.0", unit: "" };
const NEW: Version = Version { number: "1.1.0", unit: " coins" };

/// Counts two coins and continues as new, until all have come.
async fn till(
    ctx: OrchestrationContext,
    count: String,
    [this, newest]: [Version; 2],
    code: Code,
) -> Result<String, String> {
    let number = count.strip_suffix(this.unit).ok_or_else(|| format!("{count:?} is no count"))?;
    let mut count: u64 = number.parse().map_err(|_| format!("{count:?} is no count"))?;
    for _ in 0..2 {
        ctx.dequeue_event("coins").await;
        count += 1;
        if count == COINS {
            return Ok(count.to_string());
        }
    }
    let next = format!("{count}{}", newest.unit);
    match code {
        Code::Right => ctx.continue_as_new_versioned(newest.number, next).await,
        Code::Wrong => ctx.continue_as_new(next).await,
    }
}

/// A release with these versions, the newest last.
fn release(versions: &[Version], code: Code) -> OrchestrationRegistry {
    let newest = versions[versions.len() - 1];
    let builder = versions.iter().fold(OrchestrationRegistry::builder(), |builder, &this| {
        builder.register_versioned("Till", this.number, move |ctx, count| till(ctx, count, [this, newest], code))
    });
    builder.build()
}

const COUNTED: &str = "every coin is counted";

/// The nodes begin with the new release. While both are put back, nobody knows
/// the version that the till has continued with, and it must not be given up.
fn shop(sim: Sim, code: Code) -> Sim {
    let patient = || RuntimeOptions { max_attempts: 100, ..Sim::default_options() };
    let none = || ActivityRegistry::builder().build();
    let (new, before) = (release(&[OLD, NEW], code), release(&[OLD], code));
    let sim = NODES.into_iter().fold(sim, |sim, node| {
        let node = Node::new(node, none(), new.clone()).options(patient());
        sim.node(node.with_build("the release before", none(), before.clone()))
    });
    in_a_storm(sim).eventually(COUNTED, |sim| comes_to(sim, "till", &COINS.to_string()))
}

/// A coin every five seconds; and when the storm is over, all nodes get the new
/// release for good.
async fn coins(sim: Handle) -> Result<(), Box<dyn Error>> {
    let client = sim.client();
    client.start_orchestration_versioned("till", "Till", OLD.number, "0").await?;
    running(&sim, &client, "till").await?;
    for _ in 0..COINS {
        client.enqueue_event("till", "coins", "").await?;
        sim.sleep(5 * SECOND).await;
    }
    sim.sleep(600 * SECOND).await;
    for node in NODES {
        sim.upgrade(node, "first").await?;
    }
    Ok(())
}

#[test]
fn coins_are_counted_whatever_is_put_back() {
    survives(|sim| shop(sim, Code::Right), coins);
}

#[test]
fn state_that_the_release_before_cannot_read_is_found() {
    is_found(COUNTED, |sim| shop(sim, Code::Wrong), coins);
}
