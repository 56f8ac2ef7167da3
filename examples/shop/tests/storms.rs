//! Orders under storms, from many seeds: whatever fails and crashes, nobody pays for what they do not get.

use duroxide_sim::duroxide::OrchestrationRegistry;
use duroxide_sim::duroxide::runtime::registry::ActivityRegistry;
use duroxide_sim::sim::{Double, Storm};
use duroxide_sim::{Handle, Node, Sim};

use super::{Checked, HOUR, order_of_two_lamps};
use crate::activities::SHIP;
use crate::app::{self, ORDER};
use crate::model::OrderOutcome;
use crate::world::World;

const ORDERS: [&str; 3] = ["order-1", "order-2", "order-3"];

/// Stock for two of three orders.
pub fn world() -> World {
    World::with_stock("lamp", 4)
}

/// Whoever paid gets the goods, and nothing stays set aside.
fn settled(world: &World) -> Result<(), String> {
    for order in ORDERS {
        if world.is_paid(order) != world.is_shipped(order) {
            return Err(format!("{order}: paid {}, shipped {}", world.is_paid(order), world.is_shipped(order)));
        }
        if world.is_reserved(order) {
            return Err(format!("{order}: lamps are set aside for ever"));
        }
    }
    Ok(())
}

fn charged_once(world: &World) -> Result<(), String> {
    match ORDERS.iter().find(|order| world.charges(order) > 1) {
        Some(order) => Err(format!("{order} was charged {} times", world.charges(order))),
        None => Ok(()),
    }
}

/// Two nodes with these registries; the second parcel breaks.
pub fn stormy(sim: Sim, world: World, registries: (ActivityRegistry, OrchestrationRegistry)) -> Sim {
    let (activities, orchestrations) = registries;
    let paying = world.clone();
    sim.node(Node::new("a", activities.clone(), orchestrations.clone()))
        .node(Node::new("b", activities, orchestrations))
        .double(SHIP, Double::fails("broken").for_instance("order-2"))
        .storm(Storm::new().lasts(2 * HOUR))
        .finish_within(24 * HOUR)
        .always("nobody is charged twice", move |_| charged_once(&paying))
        .eventually("every order is settled", move |_| settled(&world))
        .sometimes("an activity was delivered twice", |sim| {
            ORDERS.iter().any(|order| sim.activities(order).iter().any(|call| call.delivery > 1))
        })
}

pub async fn three_orders(sim: Handle) -> Checked {
    for order in ORDERS {
        sim.client().start_orchestration_typed(order, ORDER, order_of_two_lamps()).await?;
    }
    for order in ORDERS {
        sim.finished::<OrderOutcome>(order).await?;
    }
    Ok(())
}

#[test]
fn orders_are_settled() {
    let build = |sim| {
        let world = world();
        let registries = app::registries(&world.services());
        stormy(sim, world, registries)
    };
    duroxide_sim::explore().seeds(300).run(build, three_orders);
}
