//! [`FaultAction`]: what is done to a call.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::call::{Call, Method};

/// What is done to a call. Every variant but [`FaultAction::Pass`] is a fault that a correct
/// provider may show in a hostile environment; its documentation says why a correct system survives
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub enum FaultAction {
    /// The call passes unchanged.
    Pass,
    /// The call is refused and has no effect, as by a database that is busy, failing over or out of
    /// connections. A retryable refusal is survived by retrying. A permanent refusal may only cost
    /// the call itself; whatever was fetched for it is delivered again when its lock expires.
    Refuse {
        /// Whether the error says that the same call may succeed later.
        retryable: bool,
    },
    /// The call takes effect, but the caller gets a retryable error instead of the reply, as when a
    /// connection breaks after the commit. The caller cannot distinguish this from a refusal, so a
    /// retry must tolerate that the first call took effect. Locks make that safe: the second ack
    /// with the same token is refused.
    LoseReply,
    /// The call takes effect late or the reply arrives late, as with a slow network or database.
    /// The contract does not limit how long a call takes. A lock that expires meanwhile is lost,
    /// which its owner must tolerate.
    Delay {
        /// The delay before the call reaches the provider.
        before: Duration,
        /// The delay before the reply reaches the caller.
        after: Duration,
    },
    /// The call is never answered, as by a peer that vanished without closing the connection.
    /// duroxide sets no timeout on provider calls, so the calling task waits forever. Work that the
    /// task had locked is delivered to others when the lock expires, unless a separate task keeps
    /// renewing the lock; then only a restart of the node is certain to help.
    Hang {
        /// Whether the call takes effect.
        applied: bool,
    },
    /// The call's future is dropped unless it is answered within `after`, and the caller gets a
    /// retryable error, as from a connection pool's timeout. A dropped call has taken effect
    /// completely or not at all; a fetch that is dropped while it waits has taken nothing.
    Drop {
        /// The time limit for the answer.
        after: Duration,
    },
    /// The lock that the call takes or renews expires after `lasts`, if that is sooner than
    /// requested; calls that take no lock pass. This happens when a provider's clock runs fast or a
    /// node pauses just after the fetch. Another node may then receive the same work while the
    /// first is still doing it: the second ack is refused, and activities must tolerate running
    /// twice.
    ShortLock {
        /// How long the lock lasts.
        lasts: Duration,
    },
}

impl FaultAction {
    /// Whether this action changes anything about the call.
    pub fn concerns(self, call: &Call) -> bool {
        self.concerns_method(call.method())
    }

    /// Whether this action changes anything about a call of this method.
    pub(crate) fn concerns_method(self, method: Method) -> bool {
        match self {
            FaultAction::Pass => false,
            FaultAction::ShortLock { .. } => method.locks(),
            FaultAction::Delay { before, after } => !before.is_zero() || !after.is_zero(),
            FaultAction::Refuse { .. }
            | FaultAction::LoseReply
            | FaultAction::Hang { .. }
            | FaultAction::Drop { .. } => true,
        }
    }
}

/// A copy of the call with its lock duration limited to `lasts`.
pub(super) fn shortened(call: &Call, lasts: Duration) -> Call {
    let mut call = call.clone();
    match &mut call {
        Call::FetchOrchestrationItem { lock_for: time, .. }
        | Call::FetchWorkItem { lock_for: time, .. }
        | Call::RenewOrchestrationItemLock { extend_for: time, .. }
        | Call::RenewWorkItemLock { extend_for: time, .. }
        | Call::RenewSessionLock { extend_for: time, .. } => *time = lasts.min(*time),
        _ => {}
    }
    call
}

impl fmt::Display for FaultAction {
    /// The action as the end of a sentence whose subject is the call.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultAction::Pass => f.write_str("passes"),
            FaultAction::Refuse { retryable: true } => f.write_str("is refused, retryable"),
            FaultAction::Refuse { retryable: false } => f.write_str("is refused permanently"),
            FaultAction::LoseReply => f.write_str("is applied and its reply lost"),
            FaultAction::Delay { before, after } if after.is_zero() => write!(f, "is delayed by {before:?}"),
            FaultAction::Delay { before, after } if before.is_zero() => write!(f, "has its reply delayed by {after:?}"),
            FaultAction::Delay { before, after } => write!(f, "is delayed by {before:?}, its reply by {after:?}"),
            FaultAction::Hang { applied: true } => f.write_str("is applied and never answered"),
            FaultAction::Hang { applied: false } => f.write_str("is never applied nor answered"),
            FaultAction::Drop { after } => write!(f, "is dropped unless answered within {after:?}"),
            FaultAction::ShortLock { lasts } => write!(f, "gets a lock that ends within {lasts:?}"),
        }
    }
}
