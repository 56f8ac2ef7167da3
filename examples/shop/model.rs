//! The data that workflows, activities and services exchange.

use serde::{Deserialize, Serialize};

/// Input of the workflow `Order`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub customer: String,
    pub card: String,
    pub item: String,
    pub count: u32,
    pub cents: u64,
}

/// How an order ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderOutcome {
    Shipped { parcel: String },
    OutOfStock,
    PaymentDeclined,
    Refunded,
}

/// A payment to make. The payment provider makes it once for each `key`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Charge {
    pub key: String,
    pub card: String,
    pub cents: u64,
}

/// A number of pieces to set aside. The warehouse does it once for each `key`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reservation {
    pub key: String,
    pub item: String,
    pub count: u32,
}

/// A mail to send. The mailer sends it once for each `key`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mail {
    pub key: String,
    pub to: String,
    pub subject: String,
}

/// Input of the workflow `Trial`: a subscription that is free at first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trial {
    pub customer: String,
    pub days: u64,
    /// The days, in rising order, on which the customer is reminded.
    pub reminders: Vec<u64>,
    pub cents: u64,
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrialOutcome {
    Subscribed { receipt: String },
    Expired,
}

/// Input of the workflow `Refund`: money back, once a manager has agreed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refund {
    pub customer: String,
    pub receipt: String,
    pub manager: String,
}

/// What the manager decided. Data of the event `decision`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Decision {
    pub by: String,
    pub agreed: bool,
}

/// How a request for a refund ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefundOutcome {
    Paid { by: String },
    Rejected { by: String },
    Escalated,
}

/// Input of the workflow `Subscription`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subscription {
    pub card: String,
    pub cents: u64,
    /// How many months have been paid for.
    pub months: u32,
}
