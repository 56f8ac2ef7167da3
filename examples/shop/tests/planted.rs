//! Three bugs of the kinds that shops have, and whether the tests find them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use duroxide_sim::duroxide::OrchestrationContext;
use duroxide_sim::duroxide::OrchestrationRegistry;
use duroxide_sim::duroxide::runtime::registry::ActivityRegistry;
use duroxide_sim::explore::{Finding, Problem};
use duroxide_sim::sim::Cause;

use super::storms;
use crate::activities::{self, CHARGE, RELEASE, RESERVE, SHIP};
use crate::app::{self, ORDER};
use crate::model::{Charge, Order, OrderOutcome, Reservation};
use crate::services::{Payments, Services};
use crate::world::World;

/// No money back where the parcel breaks.
async fn forgets_the_refund(ctx: OrchestrationContext, order: Order) -> Result<OrderOutcome, String> {
    let key = ctx.instance_id();
    let reservation = Reservation { key: key.clone(), item: order.item, count: order.count };
    if !ctx.schedule_activity_typed::<_, bool>(RESERVE, &reservation).await? {
        return Ok(OrderOutcome::OutOfStock);
    }
    let charge = Charge { key: key.clone(), card: order.card, cents: order.cents };
    ctx.schedule_activity_typed::<_, String>(CHARGE, &charge).await?;
    match ctx.schedule_activity_typed::<_, String>(SHIP, &key).await {
        Ok(parcel) => Ok(OrderOutcome::Shipped { parcel }),
        Err(_) => {
            ctx.schedule_activity_typed::<_, ()>(RELEASE, &key).await?;
            Ok(OrderOutcome::Refunded)
        }
    }
}

/// Whether an order is urgent depends on the time at which the code runs.
async fn reads_a_clock(ctx: OrchestrationContext, order: Order) -> Result<OrderOutcome, String> {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().map_err(|error| error.to_string())?;
    if now.as_secs() % 2 == 0 {
        return crate::order::order(ctx, order).await;
    }
    crate::order::order_with_welcome(ctx, order).await
}

/// Takes the money first, and looks whether it was taken before afterwards.
struct Hasty {
    world: World,
    charged: Mutex<BTreeSet<String>>,
}

#[async_trait]
impl Payments for Hasty {
    async fn charge(&self, charge: &Charge) -> Result<String, String> {
        self.world.take(charge);
        tokio::time::sleep(Duration::from_secs(1)).await;
        if !self.charged.lock().unwrap().insert(charge.key.clone()) {
            return Err(format!("{} was charged before", charge.key));
        }
        Ok(format!("receipt-{}", charge.key))
    }

    async fn refund(&self, receipt: &str) -> Result<(), String> {
        self.world.refund(receipt).await
    }
}

/// The registries with another `Order`.
fn with_order<F, Fut>(services: &Services, order: F) -> (ActivityRegistry, OrchestrationRegistry)
where
    F: Fn(OrchestrationContext, Order) -> Fut + Send + Sync + Clone + 'static,
    Fut: Future<Output = Result<OrderOutcome, String>> + Send + 'static,
{
    let orchestrations = OrchestrationRegistry::builder().register_typed(ORDER, order).build();
    (activities::activities(services), orchestrations)
}

/// Explores the shop with these registries, which have to fail.
fn find(registries: impl Fn(&World) -> (ActivityRegistry, OrchestrationRegistry)) -> Box<Finding> {
    let build = |sim| {
        let world = storms::world();
        let registries = registries(&world);
        storms::stormy(sim, world, registries)
    };
    // Shrinking is left out, because these tests look at the cause alone.
    let explore = duroxide_sim::explore().without_environment().shrink_time_limit(Duration::ZERO);
    match explore.try_run(build, storms::three_orders) {
        Err(problem) => match *problem {
            Problem::Failed(finding) => finding,
            other => panic!("{other}"),
        },
        Ok(report) => panic!("the bug was not found: {report}"),
    }
}

#[test]
fn a_forgotten_refund_is_found() {
    let found = find(|world| with_order(&world.services(), forgets_the_refund));
    assert!(
        matches!(&found.failure.cause, Cause::Eventually { what, .. } if what == "order-2: paid true, shipped false")
    );
}

#[test]
fn a_clock_in_a_workflow_is_found() {
    let found = find(|world| with_order(&world.services(), reads_a_clock));
    assert!(matches!(&found.failure.cause, Cause::Error(text) if text.contains("nondeterministic")), "{found}");
}

#[test]
fn money_that_is_taken_twice_is_found() {
    let found = find(|world| {
        let hasty = Arc::new(Hasty { world: world.clone(), charged: Mutex::default() });
        app::registries(&Services { payments: hasty, ..world.services() })
    });
    assert!(
        matches!(&found.failure.cause, Cause::Property { name, .. } if name == "nobody is charged twice"),
        "{found}"
    );
}
