//! The workflow `Order`: reserve, charge, ship; and undo what was done where a step fails for good.

use std::time::Duration;

use duroxide_sim::duroxide::{BackoffStrategy, OrchestrationContext, RetryPolicy};

use crate::activities::{CHARGE, MAIL, REFUND, RELEASE, RESERVE, SHIP};
use crate::model::{Charge, Mail, Order, OrderOutcome, Reservation};

/// Payments are tried three times, a minute apart.
fn payment_retries() -> RetryPolicy {
    RetryPolicy::new(3).with_backoff(BackoffStrategy::Fixed { delay: Duration::from_secs(60) })
}

/// What undoes a step is tried for half a day: nobody else will do it.
fn undo_retries() -> RetryPolicy {
    RetryPolicy::new(12).with_backoff(BackoffStrategy::Fixed { delay: Duration::from_secs(3600) })
}

/// Version 1.0.0.
pub async fn order(ctx: OrchestrationContext, order: Order) -> Result<OrderOutcome, String> {
    let key = ctx.instance_id();
    if !reserve(&ctx, &key, &order).await? {
        return Ok(OrderOutcome::OutOfStock);
    }
    pay_and_ship(&ctx, key, &order).await
}

/// Version 1.1.0: customers hear that their order has arrived.
pub async fn order_with_welcome(ctx: OrchestrationContext, order: Order) -> Result<OrderOutcome, String> {
    let key = ctx.instance_id();
    mail(&ctx, &format!("{key}-welcome"), &order.customer, "we have your order").await?;
    if !reserve(&ctx, &key, &order).await? {
        return Ok(OrderOutcome::OutOfStock);
    }
    pay_and_ship(&ctx, key, &order).await
}

async fn reserve(ctx: &OrchestrationContext, key: &str, order: &Order) -> Result<bool, String> {
    let reservation = Reservation { key: key.to_owned(), item: order.item.clone(), count: order.count };
    ctx.schedule_activity_typed(RESERVE, &reservation).await
}

async fn pay_and_ship(ctx: &OrchestrationContext, key: String, order: &Order) -> Result<OrderOutcome, String> {
    let charge = Charge { key: key.clone(), card: order.card.clone(), cents: order.cents };
    let Ok(receipt) = ctx.schedule_activity_with_retry_typed::<_, String>(CHARGE, &charge, payment_retries()).await
    else {
        undo(ctx, RELEASE, &key).await?;
        return Ok(OrderOutcome::PaymentDeclined);
    };
    match ctx.schedule_activity_typed::<_, String>(SHIP, &key).await {
        Ok(parcel) => {
            mail(ctx, &format!("{key}-shipped"), &order.customer, "your order is on its way").await?;
            Ok(OrderOutcome::Shipped { parcel })
        }
        Err(_) => {
            undo(ctx, REFUND, &receipt).await?;
            undo(ctx, RELEASE, &key).await?;
            mail(ctx, &format!("{key}-refunded"), &order.customer, "your money is on its way back").await?;
            Ok(OrderOutcome::Refunded)
        }
    }
}

async fn undo(ctx: &OrchestrationContext, activity: &str, input: &String) -> Result<(), String> {
    ctx.schedule_activity_with_retry_typed(activity, input, undo_retries()).await
}

async fn mail(ctx: &OrchestrationContext, key: &str, to: &str, subject: &str) -> Result<(), String> {
    let mail = Mail { key: key.to_owned(), to: to.to_owned(), subject: subject.to_owned() };
    ctx.schedule_activity_typed(MAIL, &mail).await
}
