//! The activities: thin adapters from duroxide to the services.

use duroxide_sim::duroxide::ActivityContext;
use duroxide_sim::duroxide::runtime::registry::ActivityRegistry;

use crate::model::{Charge, Mail, Reservation};
use crate::services::Services;

pub const RESERVE: &str = "Reserve";
pub const RELEASE: &str = "Release";
pub const CHARGE: &str = "Charge";
pub const REFUND: &str = "Refund";
pub const SHIP: &str = "Ship";
pub const MAIL: &str = "Mail";

/// Registers every activity of the shop.
pub fn activities(services: &Services) -> ActivityRegistry {
    let payments = services.payments.clone();
    let refunds = services.payments.clone();
    let warehouse = services.warehouse.clone();
    let releases = services.warehouse.clone();
    let shipping = services.warehouse.clone();
    let mailer = services.mailer.clone();
    ActivityRegistry::builder()
        .register_typed(RESERVE, move |_: ActivityContext, reservation: Reservation| {
            let warehouse = warehouse.clone();
            async move { warehouse.reserve(&reservation).await }
        })
        .register_typed(RELEASE, move |_: ActivityContext, key: String| {
            let warehouse = releases.clone();
            async move { warehouse.release(&key).await }
        })
        .register_typed(CHARGE, move |_: ActivityContext, charge: Charge| {
            let payments = payments.clone();
            async move { payments.charge(&charge).await }
        })
        .register_typed(REFUND, move |_: ActivityContext, receipt: String| {
            let payments = refunds.clone();
            async move { payments.refund(&receipt).await }
        })
        .register_typed(SHIP, move |_: ActivityContext, key: String| {
            let warehouse = shipping.clone();
            async move { warehouse.ship(&key).await }
        })
        .register_typed(MAIL, move |_: ActivityContext, mail: Mail| {
            let mailer = mailer.clone();
            async move { mailer.send(&mail).await }
        })
        .build()
}
