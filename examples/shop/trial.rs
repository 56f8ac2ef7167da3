//! The workflow `Trial`: reminds on certain days, until the customer subscribes or the trial is over.

use std::time::Duration;

use duroxide_sim::duroxide::{Either2, OrchestrationContext};

use crate::activities::{CHARGE, MAIL};
use crate::model::{Charge, Mail, Trial, TrialOutcome};

const DAY: Duration = Duration::from_secs(86_400);

/// The event that a customer's subscription raises; its data is the card.
pub const SUBSCRIBE: &str = "subscribe";

pub async fn trial(ctx: OrchestrationContext, trial: Trial) -> Result<TrialOutcome, String> {
    let mut subscribed = ctx.schedule_wait(SUBSCRIBE);
    let mut today = 0;
    for day in trial.reminders.iter().copied().chain([trial.days]) {
        match ctx.select2(subscribed, ctx.schedule_timer(DAY * (day - today) as u32)).await {
            Either2::First(card) => return charge(&ctx, &trial, card).await,
            Either2::Second(()) if day == trial.days => break,
            Either2::Second(()) => remind(&ctx, &trial, day).await?,
        }
        // The wait that lost the race is gone: an event that arrives from here on is kept for the next one.
        subscribed = ctx.schedule_wait(SUBSCRIBE);
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
