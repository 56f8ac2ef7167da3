//! What the shop needs from the outside world. In production these are clients of HTTP services.

use std::sync::Arc;

use async_trait::async_trait;

use crate::model::{Charge, Mail, Reservation};

/// The provider of card payments.
#[async_trait]
pub trait Payments: Send + Sync {
    /// Charges a card, once for each key, and returns a receipt.
    async fn charge(&self, charge: &Charge) -> Result<String, String>;
    /// Gives the money of a receipt back; does nothing if that was done already.
    async fn refund(&self, receipt: &str) -> Result<(), String>;
}

/// The warehouse, which also packs and ships.
#[async_trait]
pub trait Warehouse: Send + Sync {
    /// Sets pieces aside, once for each key. `false`: there are not enough.
    async fn reserve(&self, reservation: &Reservation) -> Result<bool, String>;
    /// Puts back what was set aside under this key, if anything was.
    async fn release(&self, key: &str) -> Result<(), String>;
    /// Packs and ships what was set aside under this key, once, and returns the parcel's number.
    async fn ship(&self, key: &str) -> Result<String, String>;
}

/// The sender of mails.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends a mail, once for each key.
    async fn send(&self, mail: &Mail) -> Result<(), String>;
}

/// Everything that activities need.
#[derive(Clone)]
pub struct Services {
    pub payments: Arc<dyn Payments>,
    pub warehouse: Arc<dyn Warehouse>,
    pub mailer: Arc<dyn Mailer>,
}
