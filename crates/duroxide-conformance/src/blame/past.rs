//! The calls and answers before a deviation.

use std::borrow::Cow;

use duroxide::providers::WorkItem;
use duroxide_sim::call::{AckTurn, Call, Job, Reply, SessionClaim, Turn, instance_of};
use duroxide_sim::clock::Time;
use duroxide_sim::unstable::call::is_fetch;

use crate::drive::Observed;

/// The calls before the deviating one.
pub(super) struct Past<'a>(pub &'a [Observed]);

/// The state of a lock token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// No fetch returned it.
    Forged,
    /// It was used to ack or abandon its item.
    Spent,
    /// The activity was cancelled.
    Cancelled,
    /// The instance was deleted.
    Deleted,
    /// Its lock has expired, even if the item was fetched again since.
    Expired,
    /// Its lock is held.
    Live,
}

impl<'a> Past<'a> {
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = &'a Observed> {
        self.0.iter()
    }

    pub fn has_dropped(&self) -> bool {
        self.0.iter().any(|seen| seen.reply.is_none())
    }

    /// The last call that may have changed something, except fetches.
    pub fn culprit(&self) -> Option<&'a Observed> {
        self.0.iter().rev().find(|seen| !seen.call.is_read() && !is_fetch(&seen.call))
    }

    /// The last call that satisfies `test`.
    pub fn last(&self, test: impl Fn(&Observed) -> bool) -> Option<&'a Observed> {
        self.0.iter().rev().find(|seen| test(seen))
    }

    /// The fetched orchestration items, the last first.
    pub fn turns(&self) -> impl Iterator<Item = (usize, &'a Observed, &'a Turn)> {
        self.0.iter().enumerate().rev().filter_map(|(number, seen)| match &seen.reply {
            Some(Reply::Turn(Some(turn))) => Some((number, seen, &**turn)),
            _ => None,
        })
    }

    /// The fetched work items, the last first.
    pub fn jobs(&self) -> impl Iterator<Item = (usize, &'a Observed, &'a Job)> {
        self.0.iter().enumerate().rev().filter_map(|(number, seen)| match &seen.reply {
            Some(Reply::Job(Some(job))) => Some((number, seen, &**job)),
            _ => None,
        })
    }

    /// Whether an ack has ended the instance.
    pub fn has_ended(&self, instance: &str) -> bool {
        self.calls().any(|seen| match (&*seen.call, &seen.reply) {
            (Call::AckOrchestrationItem(ack), Some(Reply::Done)) => {
                matches!(ack.metadata.status.as_deref(), Some("Completed" | "Failed"))
                    && self.turn_of(&ack.token).is_some_and(|turn| turn.instance == instance)
            }
            _ => false,
        })
    }

    /// The last claim of this work item's session, and when it was made.
    pub fn claim_like(&self, item: &WorkItem) -> Option<(usize, &'a SessionClaim, Time)> {
        let WorkItem::ActivityExecute { session_id: Some(id), .. } = item else { return None };
        self.jobs().find_map(|(number, seen, job)| match (&*seen.call, &*job.item) {
            (
                Call::FetchWorkItem { session: Some(claim), .. },
                WorkItem::ActivityExecute { session_id: Some(other), .. },
            ) if other == id => Some((number, claim, seen.at)),
            _ => None,
        })
    }

    /// The successful acks of an instance's turns, the first first.
    pub fn acks_of<'b>(&'b self, instance: &'b str) -> impl DoubleEndedIterator<Item = (&'a Observed, &'a AckTurn)> {
        self.0.iter().filter_map(move |seen| match (&*seen.call, &seen.reply) {
            (Call::AckOrchestrationItem(ack), Some(Reply::Done)) => {
                let own = self.turn_of(&ack.token).is_some_and(|turn| turn.instance == instance);
                own.then_some((seen, &**ack))
            }
            _ => None,
        })
    }

    /// The orchestration item whose lock `token` is or was.
    pub fn turn_of(&self, token: &str) -> Option<&'a Turn> {
        self.turns().map(|(.., turn)| turn).find(|turn| turn.token == token)
    }

    /// The state of a token at `now`.
    pub fn fate(&self, token: &str, now: Time) -> Fate {
        let turn = self.turns().find(|(.., turn)| turn.token == token);
        let job = self.jobs().find(|(.., job)| job.token == token);
        let (number, fetch) = match (turn, job) {
            (Some((number, fetch, _)), _) | (_, Some((number, fetch, _))) => (number, fetch),
            _ => return Fate::Forged,
        };
        let after = &self.0[number + 1..];
        let spends = |call: &Call| {
            matches!(
                call,
                Call::AckOrchestrationItem(_)
                    | Call::AbandonOrchestrationItem { .. }
                    | Call::AckWorkItem { .. }
                    | Call::AbandonWorkItem { .. }
            ) && call.token() == Some(token)
        };
        if after.iter().any(|seen| seen.reply == Some(Reply::Done) && spends(&seen.call)) {
            return Fate::Spent;
        }
        let instance = turn
            .map(|(.., turn)| Cow::Borrowed(turn.instance.as_str()))
            .or(job.map(|(.., job)| instance_of(&job.item)));
        if let Some((.., job)) = job
            && after.iter().any(|seen| cancels(seen, &job.item))
        {
            return Fate::Cancelled;
        }
        if after.iter().any(|seen| is_deletion(&seen.call) && deletes(seen, instance.as_deref().unwrap_or_default())) {
            return Fate::Deleted;
        }
        if end_of_lock(fetch, after, token) <= now { Fate::Expired } else { Fate::Live }
    }
}

/// The expiry of a fetch's lock, including renewals.
fn end_of_lock(fetch: &Observed, after: &[Observed], token: &str) -> Time {
    let first = match &*fetch.call {
        Call::FetchOrchestrationItem { lock_for, .. } | Call::FetchWorkItem { lock_for, .. } => fetch.at + *lock_for,
        _ => fetch.at,
    };
    after.iter().filter(|seen| seen.reply == Some(Reply::Done) && seen.call.token() == Some(token)).fold(
        first,
        |end, seen| match &*seen.call {
            Call::RenewOrchestrationItemLock { extend_for, .. } | Call::RenewWorkItemLock { extend_for, .. } => {
                seen.at + *extend_for
            }
            _ => end,
        },
    )
}

fn cancels(seen: &Observed, item: &WorkItem) -> bool {
    let (Call::AckOrchestrationItem(ack), Some(Reply::Done)) = (&*seen.call, &seen.reply) else { return false };
    let WorkItem::ActivityExecute { instance, execution_id, id, .. } = item else { return false };
    ack.cancelled.iter().any(|c| c.instance == *instance && c.execution == *execution_id && c.activity == *id)
}

/// Whether a call may have changed something: unless it is a read, was refused
/// permanently, or found nothing to fetch.
pub(super) fn may_change(seen: &Observed) -> bool {
    match &seen.reply {
        _ if seen.call.is_read() => false,
        Some(Reply::Refused(refusal)) => refusal.retryable,
        Some(Reply::Turn(None) | Reply::Job(None)) => false,
        _ => true,
    }
}

/// Whether a call deletes instances.
pub(super) fn is_deletion(call: &Call) -> bool {
    matches!(call, Call::DeleteInstance { .. } | Call::DeleteInstancesAtomic { .. } | Call::DeleteInstanceBulk { .. })
}

/// Whether this successful deletion may have deleted the instance.
fn deletes(seen: &Observed, instance: &str) -> bool {
    match (&*seen.call, &seen.reply) {
        (_, Some(Reply::Refused(_)) | None) => false,
        (Call::DeleteInstancesAtomic { instances, .. }, _) => instances.iter().any(|name| name == instance),
        _ => true,
    }
}
