//! What several callers asked and were answered, and in what order.

use std::sync::Arc;

use duroxide_sim::call::{Call, Reply};
use duroxide_sim::clock::Time;

use crate::drive::Observed;

/// A call that one of several callers made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Which of the callers, from 1; 0 calls while no other does.
    pub caller: usize,
    /// When, on the clock that stands still while several call.
    pub at: Time,
    /// What was asked.
    pub call: Arc<Call>,
    /// What was answered; `None` where no answer came.
    pub reply: Option<Reply>,
    /// Its place in the one order of all invocations and answers.
    pub invoked: u64,
    /// The place of the answer; [`u64::MAX`] where none came.
    pub replied: u64,
}

impl Made {
    /// What was asked and answered, whoever asked.
    pub(crate) fn observed(&self) -> Observed {
        Observed::unscripted(self.at, self.call.clone(), self.reply.clone())
    }

    /// Whether each of the two began before the other was over.
    pub fn overlaps(&self, other: &Made) -> bool {
        self.invoked < other.replied && other.invoked < self.replied
    }

    /// Whether the answer leaves it open whether the call took effect.
    pub fn is_open(&self) -> bool {
        match &self.reply {
            None => true,
            Some(Reply::Refused(refusal)) => refusal.retryable,
            Some(_) => false,
        }
    }

    /// The token that the answer brought.
    pub fn issued(&self) -> Option<&str> {
        match &self.reply {
            Some(Reply::Turn(Some(turn))) => Some(&turn.token),
            Some(Reply::Job(Some(job))) => Some(&job.token),
            _ => None,
        }
    }
}
