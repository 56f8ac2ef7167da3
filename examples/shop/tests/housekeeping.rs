//! Old executions are pruned, and ended instances deleted.

use duroxide_sim::duroxide::{OrchestrationStatus, PruneOptions};
use duroxide_sim::sim::ClientCall;

use super::{Checked, DAY, shop};
use crate::app::SUBSCRIPTION;
use crate::model::Subscription;
use crate::subscription::CANCELLATIONS;
use crate::world::World;

#[test]
fn a_year_of_executions_is_pruned_and_the_ended_instance_deleted() {
    shop(&World::default()).run(|sim| async move {
        let client = sim.client();
        let subscription = Subscription { card: "4711".into(), cents: 900, months: 0 };
        client.start_orchestration_typed("sub-1", SUBSCRIPTION, subscription).await?;
        sim.at(345 * DAY, ClientCall::prune("sub-1", 3))?;
        sim.at(350 * DAY, ClientCall::enqueue_event("sub-1", CANCELLATIONS, ""))?;
        sim.sleep(344 * DAY).await;
        assert_eq!(client.list_executions("sub-1").await?.len(), 12);
        sim.sleep(2 * DAY).await;
        assert_eq!(client.list_executions("sub-1").await?, [10, 11, 12]);

        assert_eq!(sim.finished::<u32>("sub-1").await?, 12);
        let options = PruneOptions { keep_last: Some(1), ..PruneOptions::default() };
        assert_eq!(client.prune_executions("sub-1", options).await?.executions_deleted, 2);
        client.delete_instance("sub-1", false).await?;
        assert_eq!(client.get_orchestration_status("sub-1").await?, OrchestrationStatus::NotFound);
        Checked::Ok(())
    });
}

#[test]
fn a_running_subscription_is_deleted_by_force() {
    shop(&World::default()).run(|sim| async move {
        let subscription = Subscription { card: "4711".into(), cents: 900, months: 0 };
        sim.client().start_orchestration_typed("sub-1", SUBSCRIPTION, subscription).await?;
        sim.at(40 * DAY, ClientCall::delete("sub-1", true))?;
        sim.until_quiet().await;
        assert_eq!(sim.elapsed(), 40 * DAY);
        assert_eq!(sim.client().get_orchestration_status("sub-1").await?, OrchestrationStatus::NotFound);
        Checked::Ok(())
    });
}
