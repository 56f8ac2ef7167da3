//! A shop on duroxide, and its tests: how an application uses this crate.
//!
//! - `app`, `order`, `trial`, `refund`, `activities`, `services`, `model`: the application, as it would run
//!   in production on a runtime with a database.
//! - `world`: its services in memory.
//! - `tests`: what this crate is for. `cargo test --example shop` runs them.
//!
//! `cargo run --example shop` shows three workflows in a simulation of forty days.

mod activities;
mod app;
mod model;
mod order;
mod refund;
mod services;
mod subscription;
#[cfg(test)]
mod tests;
mod trial;
mod world;

use std::error::Error;
use std::time::Duration;

use duroxide_sim::sim::ClientCall;
use duroxide_sim::{Handle, Node, Sim};

use model::{Order, OrderOutcome, Refund, RefundOutcome, Trial, TrialOutcome};

const DAY: Duration = Duration::from_secs(86_400);

fn main() {
    let world = world::World::with_stock("lamp", 3);
    let (activities, orchestrations) = app::previous_registries(&world.services());
    let (next_activities, next_orchestrations) = app::registries(&world.services());
    let node = Node::new("shop", activities, orchestrations).with_build("1.1", next_activities, next_orchestrations);
    match Sim::new(1).node(node).try_run(demonstrate) {
        Ok(run) => println!("{}\n{}", run.value, account(&world)),
        Err(failure) => eprintln!("{failure}"),
    }
}

/// What the services did.
fn account(world: &world::World) -> String {
    let (paid, shipped, reserved) =
        (world.is_paid("order-1"), world.is_shipped("order-1"), world.is_reserved("order-1"));
    let (lamps, mails) = (world.stock("lamp"), world.mails());
    format!(
        "order-1 is paid: {paid}, shipped: {shipped}, set aside: {reserved}. {lamps} lamps are left, {mails} mails were \
         sent."
    )
}

/// An order during which the shop crashes, a release, a trial that ends in a subscription, a refund that nobody decides.
async fn demonstrate(sim: Handle) -> Result<String, Box<dyn Error>> {
    let client = sim.client();
    let order = Order { customer: "Ann".into(), card: "4711".into(), item: "lamp".into(), count: 2, cents: 5_000 };
    let trial = Trial { customer: "Bob".into(), days: 30, reminders: vec![7, 21, 28], cents: 900 };
    let refund = Refund { customer: "Eve".into(), receipt: "receipt-7".into(), manager: "Max".into() };
    client.start_orchestration_typed("order-1", app::ORDER, order).await?;
    client.start_orchestration_typed("trial-1", app::TRIAL, trial).await?;
    client.start_orchestration_typed("refund-1", app::REFUND_REQUEST, refund).await?;
    sim.at(25 * DAY, ClientCall::enqueue_event("trial-1", trial::SUBSCRIPTIONS, "4712"))?;

    sim.sleep(Duration::from_secs(20 * 60)).await; // The parcel is being packed.
    sim.crash("shop")?;
    sim.start("shop").await?;

    sim.sleep(DAY).await;
    sim.upgrade("shop", "1.1").await?;

    let order = sim.finished::<OrderOutcome>("order-1").await?;
    let refund = sim.finished::<RefundOutcome>("refund-1").await?;
    let trial = sim.finished::<TrialOutcome>("trial-1").await?;
    let calls = ["order-1", "refund-1", "trial-1"].map(|id| format!("\n{id}:\n{}", sim.activities(id)));
    Ok(format!("{order:?}\n{refund:?}\n{trial:?}\n{}", calls.concat()))
}
