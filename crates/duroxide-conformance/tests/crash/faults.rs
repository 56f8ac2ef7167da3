//! What file-backed toy storages do wrong when their process is killed, and
//! which rule each breaks.

/// What a storage does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// What a call has done is written down when the next one comes.
    AnsweredTooSoon,
    /// The events of an ack are written before the rest of it is.
    AckInTwoWrites,
    /// Locks that nobody gives up hold for ever.
    LocksForGood,
    /// Attempts are counted in memory.
    AttemptsInMemory,
}

/// Every fault, and the rule by which it is caught.
pub const RULES: &[(Fault, &str)] = &[
    (Fault::AnsweredTooSoon, "durable.acknowledged-survives"),
    (Fault::AckInTwoWrites, "durable.nothing-half-done"),
    (Fault::LocksForGood, "durable.locks-end"),
    (Fault::AttemptsInMemory, "durable.attempts-survive"),
];
