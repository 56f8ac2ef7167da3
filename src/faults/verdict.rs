//! [`FaultAction`]: what becomes of one call.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::call::{Call, Method};

/// What becomes of one call. Each but [`FaultAction::Pass`] is a fault that a
/// correct provider in a bad world may show, and says why a correct system
/// survives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FaultAction {
    /// It goes through.
    Pass,
    /// It is refused and has no effect: a database that is busy, failing over or
    /// out of connections. A retryable refusal is survived by asking again; of a
    /// permanent one nothing but the call itself may be lost, and what was
    /// fetched for it comes again when its lock ends.
    Refuse {
        /// Whether the error says that the same call may succeed later.
        retryable: bool,
    },
    /// It takes effect, and the caller gets a retryable error in place of the
    /// reply: a connection that breaks after the commit. Nobody can tell this
    /// from a refusal, so whoever asks again has to stand that the first time
    /// counted. Locks make that safe: the second ack with a token is refused.
    LoseReply,
    /// It takes effect late, and the reply comes late: a slow network or
    /// database. Nothing in the contract bounds how long a call takes, and a
    /// lock that ends meanwhile is a lost one, which its owner has to stand.
    Delay {
        /// How long it is under way to the provider.
        before: Duration,
        /// How long the reply is under way back.
        after: Duration,
    },
    /// It is never answered: a peer that vanished without closing the
    /// connection. duroxide sets no time-out on provider calls, so the task that
    /// asked waits for good; what it held comes again to others when its lock
    /// ends, unless a task of its own goes on to renew the lock. Only a restart
    /// of the node cures that for certain.
    Hang {
        /// Whether it takes effect.
        applied: bool,
    },
    /// Its future is dropped unless it is answered within `after`, and the
    /// caller gets a retryable error: a connection pool's time-out. A call that
    /// is dropped happened whole or not at all; a fetch that is dropped while it
    /// waits has taken nothing.
    Drop {
        /// How long it has.
        after: Duration,
    },
    /// The lock it takes or renews ends after `lasts`, if that is sooner than
    /// what it asked for; calls that lock nothing pass. A provider's clock may
    /// run fast, and a pause of the node just after the fetch looks the same. So
    /// another node may be given the same work while the first one still does
    /// it: the second ack is refused, and activities have to stand that they run
    /// twice.
    ShortLock {
        /// How long the lock lasts.
        lasts: Duration,
    },
}

impl FaultAction {
    /// Whether it changes anything about a call of this kind.
    pub fn concerns(self, call: &Call) -> bool {
        match self {
            FaultAction::Pass => false,
            FaultAction::ShortLock { .. } => call.method().locks(),
            FaultAction::Delay { before, after } => !before.is_zero() || !after.is_zero(),
            FaultAction::Refuse { .. }
            | FaultAction::LoseReply
            | FaultAction::Hang { .. }
            | FaultAction::Drop { .. } => true,
        }
    }

    /// Whether it may change anything about a call of this method.
    pub(crate) fn may_concern(self, method: Method) -> bool {
        !matches!(self, FaultAction::ShortLock { .. }) || method.locks()
    }
}

/// The call with its lock's time cut down to `lasts`.
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
    /// What is done to the call, as the end of a sentence that begins with it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultAction::Pass => f.write_str("passes"),
            FaultAction::Refuse { retryable: true } => f.write_str("is refused, retryable"),
            FaultAction::Refuse { retryable: false } => f.write_str("is refused for good"),
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
