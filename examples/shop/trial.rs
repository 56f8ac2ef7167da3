//! The workflow `Trial`: reminds on certain days, until the customer subscribes or the trial is over.

use std::time::Duration;

use duroxide_sim::duroxide::{Either2, OrchestrationContext};

use crate::activities::{CHARGE, MAIL};
use crate::model::{Charge, Mail, Trial, TrialOutcome};

const DAY: Duration = Duration::from_secs(86_400);

/// The queue to which a customer's subscription is sent; its data is the card. An event would be lost if it
/// came between two waits, while a reminder is sent.
pub const SUBSCRIPTIONS: &str = "subscriptions";

pub async fn trial(ctx: OrchestrationContext, trial: Trial) -> Result<TrialOutcome, String> {
    let mut today = 0;
    for day in trial.reminders.iter().copied().chain([trial.days]) {
        let timer = ctx.schedule_timer(DAY * (day - today) as u32);
        match ctx.select2(ctx.dequeue_event(SUBSCRIPTIONS), timer).await {
            Either2::First(card) => return charge(&ctx, &trial, card).await,
            Either2::Second(()) if day == trial.days => break,
            Either2::Second(()) => remind(&ctx, &trial, day).await?,
        }
        today = day;
    }
    Ok(TrialOutcome::Expired)
}

async fn charge(ctx: &OrchestrationContext, trial: &Trial, card: String) -> Result<TrialOutcome, String> {
    let charge = Charge { key: ctx.instance_id(), card, cents: trial.cents };
    let receipt = ctx.schedule_activity_typed(CHARGE, &charge).await?;
    Ok(TrialOutcome::Subscribed { receipt })
}

async fn remind(ctx: &OrchestrationContext, trial: &Trial, day: u64) -> Result<(), String> {
    let mail = Mail {
        key: format!("{}-day-{day}", ctx.instance_id()),
        to: trial.customer.clone(),
        subject: format!("{} days left", trial.days - day),
    };
    ctx.schedule_activity_typed(MAIL, &mail).await
}
