//! Trials of five days with any reminders, and a customer who subscribes at any time or never.

use duroxide_sim::sim::ClientCall;
use proptest::prelude::*;

use super::{Checked, DAY, HOUR, shop};
use crate::activities::MAIL;
use crate::app::TRIAL;
use crate::model::{Trial, TrialOutcome};
use crate::trial::SUBSCRIPTIONS;
use crate::world::World;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn reminders_end_with_the_subscription(
        reminders in proptest::sample::subsequence(vec![1, 2, 3, 4], 0..=4),
        hour in 0_u32..120,
    ) {
        let trial = Trial { customer: "Bob".into(), days: 5, reminders: reminders.clone(), cents: 900 };
        let world = World::default();
        shop(&world).run(move |sim| async move {
            sim.client().start_orchestration_typed("trial-1", TRIAL, trial).await?;
            sim.at(hour * HOUR, ClientCall::enqueue_event("trial-1", SUBSCRIPTIONS, "4712").first())?;
            let outcome = sim.finished::<TrialOutcome>("trial-1").await?;
            assert_eq!(outcome, TrialOutcome::Subscribed { receipt: "receipt-trial-1".into() });
            let reminded: Vec<_> = sim.activities("trial-1").of(MAIL).iter().map(|mail| mail.began).collect();
            let expected: Vec<_> =
                reminders.iter().map(|day| DAY * *day as u32).filter(|at| *at < hour * HOUR).collect();
            assert_eq!(reminded, expected);
            Checked::Ok(())
        });
        prop_assert!(world.is_paid("trial-1"));
    }
}
