//! Refusals: why a call failed, with a class.

use serde::{Deserialize, Serialize};

/// Mirrors `ProviderError`, with the class of the error if it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The class of the error. Errors are compared by it and never by their message.
    pub class: Class,
    /// duroxide's name of the operation.
    pub operation: String,
    /// The message: a full sentence.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}

/// Why a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Class {
    /// The token was never issued, or its lock was released, stolen or expired.
    LockLost,
    /// The instance or execution does not exist.
    NotFound,
    /// The instance has not ended, but the call requires one that has.
    StillRunning,
    /// The instance has a parent; only the root of a tree can be deleted.
    SubOrchestration,
    /// A child of a deleted instance is not deleted with it.
    ChildLeft,
    /// An event with this id already exists.
    DuplicateEvent,
    /// The input is invalid for the call.
    Invalid,
    /// The stored data cannot be read.
    Corrupt,
    /// Unknown: an error of a provider other than [`Memory`](crate::Memory).
    Other,
}

impl Refusal {
    /// Creates a refusal that cannot be resolved by a retry.
    pub fn permanent(class: Class, operation: &str, message: impl Into<String>) -> Refusal {
        Refusal { class, operation: operation.to_owned(), message: message.into(), retryable: false }
    }

    /// Creates a refusal that may be resolved by a retry.
    pub fn retryable(operation: &str, message: impl Into<String>) -> Refusal {
        Refusal { class: Class::Other, operation: operation.to_owned(), message: message.into(), retryable: true }
    }
}
