//! The workflow `RefundRequest`: a manager has two days to decide; then the request is escalated.

use std::time::Duration;

use duroxide_sim::duroxide::{Either2, OrchestrationContext};

use crate::activities::{MAIL, REFUND};
use crate::model::{Decision, Mail, Refund, RefundOutcome};

/// How long the manager has.
pub const TIME_OUT: Duration = Duration::from_secs(2 * 86_400);

/// The event with the manager's [`Decision`].
pub const DECISION: &str = "decision";

pub async fn refund_request(ctx: OrchestrationContext, refund: Refund) -> Result<RefundOutcome, String> {
    // Before the mail: a decision that comes while nothing waits for it is lost.
    let decision = ctx.schedule_wait_typed::<Decision>(DECISION);
    mail(&ctx, "asked", &refund.manager, "please decide about a refund").await?;
    match ctx.select2(decision, ctx.schedule_timer(TIME_OUT)).await {
        Either2::First(Decision { by, agreed: true }) => {
            ctx.schedule_activity_typed::<_, ()>(REFUND, &refund.receipt).await?;
            Ok(RefundOutcome::Paid { by })
        }
        Either2::First(Decision { by, agreed: false }) => Ok(RefundOutcome::Rejected { by }),
        Either2::Second(()) => {
            mail(&ctx, "escalated", "head-office", "a refund waits for a decision").await?;
            Ok(RefundOutcome::Escalated)
        }
    }
}

async fn mail(ctx: &OrchestrationContext, what: &str, to: &str, subject: &str) -> Result<(), String> {
    let mail = Mail { key: format!("{}-{what}", ctx.instance_id()), to: to.to_owned(), subject: subject.to_owned() };
    ctx.schedule_activity_typed(MAIL, &mail).await
}
