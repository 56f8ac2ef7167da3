//! The workflow `Subscription`: charges every month, in an execution of its own, until it is cancelled.

use std::time::Duration;

use duroxide_sim::duroxide::{Either2, OrchestrationContext};

use crate::activities::CHARGE;
use crate::model::{Charge, Subscription};

const MONTH: Duration = Duration::from_secs(30 * 86_400);

/// The queue to which the customer's cancellation is sent; its data does not matter.
pub const CANCELLATIONS: &str = "cancellations";

/// Returns how many months were paid for.
pub async fn subscription(ctx: OrchestrationContext, mut subscription: Subscription) -> Result<String, String> {
    let key = format!("{}-month-{}", ctx.instance_id(), subscription.months + 1);
    let charge = Charge { key, card: subscription.card.clone(), cents: subscription.cents };
    ctx.schedule_activity_typed::<_, String>(CHARGE, &charge).await?;
    subscription.months += 1;
    // A queue, not an event: what is sent while the card is charged is not lost.
    match ctx.select2(ctx.dequeue_event(CANCELLATIONS), ctx.schedule_timer(MONTH)).await {
        Either2::First(_) => Ok(subscription.months.to_string()),
        Either2::Second(()) => ctx.continue_as_new_typed(&subscription).await,
    }
}
