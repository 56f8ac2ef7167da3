//! Refusals: why a call failed, by class.

use serde::{Deserialize, Serialize};

/// Mirrors `ProviderError`, with the class of the error where it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why, as a class; errors are compared by it and never by their message.
    pub class: Class,
    /// duroxide's name of the operation.
    pub operation: String,
    /// A full sentence.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}

/// Why a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Class {
    /// The token was never issued, or its lock was released, stolen or expired.
    LockLost,
    /// There is no such instance or execution.
    NotFound,
    /// The instance has not ended, and the call asks for one that has.
    StillRunning,
    /// The instance has a parent; only the root of a tree can be deleted.
    SubOrchestration,
    /// A child of a deleted instance is not deleted with it.
    ChildLeft,
    /// An event with this id is there already.
    DuplicateEvent,
    /// The input makes no sense for the call.
    Invalid,
    /// What is stored cannot be read.
    Corrupt,
    /// Nobody can say: an error of a provider that is not ours.
    Other,
}

impl Refusal {
    /// A refusal that no retry can cure.
    pub fn permanent(class: Class, operation: &str, message: impl Into<String>) -> Refusal {
        Refusal { class, operation: operation.to_owned(), message: message.into(), retryable: false }
    }

    /// A refusal that a retry may cure.
    pub fn retryable(operation: &str, message: impl Into<String>) -> Refusal {
        Refusal { class: Class::Other, operation: operation.to_owned(), message: message.into(), retryable: true }
    }
}
