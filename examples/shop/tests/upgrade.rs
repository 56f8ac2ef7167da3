//! A release rolls out while orders are under way.

use duroxide_sim::{Node, Sim};

use super::{Checked, HOUR, MINUTE, order_of_two_lamps};
use crate::activities::MAIL;
use crate::app::{self, ORDER};
use crate::model::OrderOutcome;
use crate::world::World;

#[test]
fn orders_end_as_the_version_that_began_them() {
    let world = World::with_stock("lamp", 8);
    let (old_activities, old) = app::previous_registries(&world.services());
    let (activities, new) = app::registries(&world.services());
    let node =
        |name| Node::new(name, old_activities.clone(), old.clone()).with_build("1.1", activities.clone(), new.clone());
    Sim::new(1).node(node("a")).node(node("b")).run(|sim| async move {
        let client = sim.client();
        client.start_orchestration_typed("before", ORDER, order_of_two_lamps()).await?;
        sim.sleep(10 * MINUTE).await;
        sim.upgrade("a", "1.1").await?;
        sim.sleep(10 * MINUTE).await;
        sim.upgrade("b", "1.1").await?;
        client.start_orchestration_typed("after", ORDER, order_of_two_lamps()).await?;

        for (order, version, mails) in [("before", "1.0.0", 1), ("after", "1.1.0", 2)] {
            sim.finished::<OrderOutcome>(order).await?;
            assert_eq!(client.get_instance_info(order).await?.orchestration_version, version);
            assert_eq!(sim.activities(order).of(MAIL).len(), mails, "{}", sim.activities(order));
        }
        assert!(sim.elapsed() < 2 * HOUR);
        Checked::Ok(())
    });
}
