//! The calls and answers of concurrent callers, and their order.

use std::sync::Arc;

use duroxide_sim::call::{Call, Reply};
use duroxide_sim::clock::Time;

use crate::drive::Observed;

/// A call made by one of several callers.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The caller's number, from 1; 0 is the caller between rounds.
    pub caller: usize,
    /// When the call was made, on a clock that stands still during a round.
    pub at: Time,
    /// The call.
    pub call: Arc<Call>,
    /// The answer; `None` if there was none.
    pub reply: Option<Reply>,
    /// The position of the invocation in the global order of invocations and
    /// answers.
    pub invoked: u64,
    /// The position of the answer; [`u64::MAX`] if there was none.
    pub replied: u64,
}

impl Made {
    /// The call and answer, without the caller.
    pub(crate) fn observed(&self) -> Observed {
        Observed::unscripted(self.at, self.call.clone(), self.reply.clone())
    }

    /// Whether the two calls overlap: each began before the other ended.
    pub fn overlaps(&self, other: &Made) -> bool {
        self.invoked < other.replied && other.invoked < self.replied
    }

    /// Whether it is unknown if the call took effect.
    pub fn is_open(&self) -> bool {
        match &self.reply {
            None => true,
            Some(Reply::Refused(refusal)) => refusal.retryable,
            Some(_) => false,
        }
    }

    /// The lock token in the answer.
    pub fn issued(&self) -> Option<&str> {
        match &self.reply {
            Some(Reply::Turn(Some(turn))) => Some(&turn.token),
            Some(Reply::Job(Some(job))) => Some(&job.token),
            _ => None,
        }
    }
}
