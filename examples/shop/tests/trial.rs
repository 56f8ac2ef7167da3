//! A trial reminds on certain days, and ends with a subscription or without one.

use duroxide_sim::sim::ClientCall;

use super::{Checked, DAY, shop};
use crate::activities::{CHARGE, MAIL};
use crate::app::TRIAL;
use crate::model::{Trial, TrialOutcome};
use crate::trial::SUBSCRIPTIONS;
use crate::world::World;

fn month() -> Trial {
    Trial { customer: "Bob".into(), days: 30, reminders: vec![7, 21, 28], cents: 900 }
}

#[test]
fn reminds_on_three_days_and_expires_after_thirty() {
    shop(&World::default()).run(|sim| async move {
        sim.client().start_orchestration_typed("trial-1", TRIAL, month()).await?;
        assert_eq!(sim.finished::<TrialOutcome>("trial-1").await?, TrialOutcome::Expired);
        let reminded: Vec<_> = sim.activities("trial-1").of(MAIL).iter().map(|mail| mail.began).collect();
        assert_eq!(reminded, [7 * DAY, 21 * DAY, 28 * DAY]);
        assert_eq!(sim.elapsed(), 30 * DAY);
        Checked::Ok(())
    });
}

#[test]
fn a_subscriber_is_charged_and_reminded_no_more() {
    shop(&World::default()).run(|sim| async move {
        sim.client().start_orchestration_typed("trial-1", TRIAL, month()).await?;
        sim.at(10 * DAY, ClientCall::enqueue_event("trial-1", SUBSCRIPTIONS, "4712"))?;
        let outcome = sim.finished::<TrialOutcome>("trial-1").await?;
        assert_eq!(outcome, TrialOutcome::Subscribed { receipt: "receipt-trial-1".into() });
        let calls = sim.activities("trial-1");
        assert_eq!(calls.of(MAIL).len(), 1);
        assert_eq!(calls.of(CHARGE)[0].began, 10 * DAY);
        Checked::Ok(())
    });
}
