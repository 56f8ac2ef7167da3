//! Orders under storms, from many seeds: whatever fails and crashes, nobody pays for what they do not get.

use duroxide_sim::sim::{Double, Storm};
use duroxide_sim::{Handle, Node, Sim};

use super::{Checked, HOUR, order_of_two_lamps};
use crate::activities::SHIP;
use crate::app::{self, ORDER};
use crate::model::OrderOutcome;
use crate::world::World;

/// Whoever paid gets the goods, and what is set aside is shipped.
fn settled(world: &World, orders: &[&str]) -> Result<(), String> {
    for order in orders {
        if world.is_paid(order) != world.is_shipped(order) {
            return Err(format!("{order}: paid {}, shipped {}", world.is_paid(order), world.is_shipped(order)));
        }
        if world.is_reserved(order) {
            return Err(format!("{order}: lamps are set aside for ever"));
        }
    }
    Ok(())
}

const ORDERS: [&str; 3] = ["order-1", "order-2", "order-3"];

/// Two nodes, stock for two of three orders, and the second parcel breaks.
fn stormy(sim: Sim) -> Sim {
    let world = World::with_stock("lamp", 4);
    let (activities, orchestrations) = app::registries(&world.services());
    sim.node(Node::new("a", activities.clone(), orchestrations.clone()))
        .node(Node::new("b", activities, orchestrations))
        .double(SHIP, Double::fails("broken").for_instance("order-2"))
        .storm(Storm::new().lasts(2 * HOUR))
        .finish_within(24 * HOUR)
        .eventually("every order is settled", move |_| settled(&world, &ORDERS))
        .sometimes("an activity was delivered twice", |sim| {
            ORDERS.iter().any(|order| sim.activities(order).iter().any(|call| call.delivery > 1))
        })
}

async fn three_orders(sim: Handle) -> Checked {
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
    duroxide_sim::explore().seeds(300).run(stormy, three_orders);
}
