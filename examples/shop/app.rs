//! The application: everything that a runtime of the shop has to know.

use duroxide_sim::duroxide::OrchestrationRegistry;
use duroxide_sim::duroxide::runtime::registry::ActivityRegistry;

use crate::activities::activities;
use crate::services::Services;
use crate::{order, refund, subscription, trial};

pub const ORDER: &str = "Order";
pub const TRIAL: &str = "Trial";
pub const SUBSCRIPTION: &str = "Subscription";
pub const REFUND_REQUEST: &str = "RefundRequest";

/// The registries of the current release, for `Runtime::start_with_store`.
pub fn registries(services: &Services) -> (ActivityRegistry, OrchestrationRegistry) {
    let orchestrations = OrchestrationRegistry::builder()
        .register_typed(ORDER, order::order)
        .register_versioned_typed(ORDER, "1.1.0", order::order_with_welcome)
        .register_typed(TRIAL, trial::trial)
        .register_typed(SUBSCRIPTION, subscription::subscription)
        .register_typed(REFUND_REQUEST, refund::refund_request)
        .build();
    (activities(services), orchestrations)
}

/// The registries of the release before, which nodes may still run during a rolling upgrade.
pub fn previous_registries(services: &Services) -> (ActivityRegistry, OrchestrationRegistry) {
    let orchestrations = OrchestrationRegistry::builder()
        .register_typed(ORDER, order::order)
        .register_typed(TRIAL, trial::trial)
        .register_typed(REFUND_REQUEST, refund::refund_request)
        .build();
    (activities(services), orchestrations)
}
