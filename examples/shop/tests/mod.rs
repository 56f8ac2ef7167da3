//! Tests of the shop, in simulations.

mod doubles;
mod housekeeping;
mod moved;
mod order;
mod planted;
mod properties;
mod refund;
mod snapshots;
mod storms;
mod trial;
mod upgrade;

use std::time::Duration;

use duroxide_sim::{Node, Sim};

use crate::app;
use crate::model::Order;
use crate::world::World;

pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(86_400);

type Checked = Result<(), Box<dyn std::error::Error>>;

/// A simulation of the shop on one node.
fn shop(world: &World) -> Sim {
    let (activities, orchestrations) = app::registries(&world.services());
    Sim::new(1).node(Node::new("shop", activities, orchestrations))
}

fn order_of_two_lamps() -> Order {
    Order { customer: "Ann".into(), card: "4711".into(), item: "lamp".into(), count: 2, cents: 5_000 }
}
