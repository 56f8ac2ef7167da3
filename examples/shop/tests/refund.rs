//! A refund is decided before, at or after its time-out.

use std::time::Duration;

use duroxide_sim::sim::{Action, ClientCall};

use super::shop;
use crate::app::REFUND_REQUEST;
use crate::model::{Decision, Refund, RefundOutcome};
use crate::refund::{DECISION, TIME_OUT};
use crate::world::World;

/// Returns the outcome where this decision is made at this time.
fn outcome(at: Duration, decide: impl FnOnce(ClientCall) -> Action + Send + 'static) -> RefundOutcome {
    shop(&World::default()).run(move |sim| async move {
        let refund = Refund { customer: "Eve".into(), receipt: "receipt-7".into(), manager: "Max".into() };
        sim.client().start_orchestration_typed("refund-1", REFUND_REQUEST, refund).await?;
        let decision = serde_json::to_string(&Decision { by: "Max".into(), agreed: true })?;
        sim.at(at, decide(ClientCall::raise_event("refund-1", DECISION, &decision)))?;
        let outcome = sim.finished::<RefundOutcome>("refund-1").await?;
        sim.until_quiet().await; // The decision has been made, too late or not.
        Ok::<_, Box<dyn std::error::Error>>(outcome)
    })
}

#[test]
fn a_decision_counts_up_to_the_time_out() {
    let paid = RefundOutcome::Paid { by: "Max".into() };
    let second = Duration::from_secs(1);
    assert_eq!(outcome(TIME_OUT - second, ClientCall::first), paid);
    assert_eq!(outcome(TIME_OUT, ClientCall::first), paid);
    assert_eq!(outcome(TIME_OUT, ClientCall::last), RefundOutcome::Escalated);
    assert_eq!(outcome(TIME_OUT + second, ClientCall::first), RefundOutcome::Escalated);
}
