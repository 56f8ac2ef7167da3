//! [`Grid`]: time in whole ticks, for clocks on which a few milliseconds must
//! not matter.
//!
//! Calls are made at the beginning of a tick. So everything that a call
//! schedules or compares must be due well away from any tick. Generated scripts
//! satisfy that; scripts that are being shrunk or were written by hand may not.

use std::time::Duration;

use duroxide::providers::WorkItem;
use duroxide_sim::call::{Call, Item};
use duroxide_sim::clock::Time;

use super::calls::reads;

/// Longer durations are not waited for.
const FOR_EVER: Duration = Duration::from_secs(1 << 33);

/// Ticks from a start time on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub base: Time,
    pub tick: Duration,
}

impl Grid {
    /// Whether everything that this call decides by time is due well away from
    /// a tick.
    pub fn clears(&self, call: &Call) -> bool {
        match call {
            Call::FetchOrchestrationItem { lock_for, .. } => self.lasts(*lock_for),
            Call::FetchWorkItem { lock_for, session, .. } => {
                self.lasts(*lock_for) && session.as_ref().is_none_or(|claim| self.lasts(claim.lock_for))
            }
            Call::RenewOrchestrationItemLock { extend_for, .. } | Call::RenewWorkItemLock { extend_for, .. } => {
                self.lasts(*extend_for)
            }
            Call::RenewSessionLock { extend_for, idle_for, .. } => self.lasts(*extend_for) && self.lasts(*idle_for),
            Call::CleanupOrphanedSessions { idle_for } => self.lasts(*idle_for),
            Call::AbandonOrchestrationItem { delay, .. } | Call::AbandonWorkItem { delay, .. } => self.delays(*delay),
            Call::EnqueueForOrchestrator { item, delay } => self.delays(*delay) && self.fires(item),
            Call::AckOrchestrationItem(ack) => ack.messages.iter().all(|item| self.fires(item)),
            Call::DeleteInstanceBulk { query } => self.asks(query.completed_before),
            Call::PruneExecutions { keep, .. } => self.asks(keep.completed_before),
            Call::PruneExecutionsBulk { query, keep } => {
                self.asks(query.completed_before) && self.asks(keep.completed_before)
            }
            reads!()
            | Call::AppendWithExecution { .. }
            | Call::EnqueueForWorker { .. }
            | Call::AckWorkItem { .. }
            | Call::DeleteInstancesAtomic { .. }
            | Call::DeleteInstance { .. } => true,
        }
    }

    /// Zero durations would expire in this very tick.
    fn lasts(&self, time: Duration) -> bool {
        time >= FOR_EVER || self.is_between(time.as_millis())
    }

    /// A zero delay counts as none.
    fn delays(&self, delay: Option<Duration>) -> bool {
        delay.is_none_or(|delay| delay.is_zero() || self.lasts(delay))
    }

    fn fires(&self, item: &Item) -> bool {
        match &**item {
            WorkItem::TimerFired { fire_at_ms, .. } => self.asks(Some(*fire_at_ms)),
            _ => true,
        }
    }

    /// A time before the start is in the past for every call.
    fn asks(&self, moment: Option<u64>) -> bool {
        moment.is_none_or(|ms| {
            let since = ms.checked_sub(self.base.0);
            since.is_none_or(|since| since >= FOR_EVER.as_millis() as u64 || self.is_between(since.into()))
        })
    }

    /// Whether this duration ends in the middle half of a tick.
    fn is_between(&self, ms: u128) -> bool {
        let tick = self.tick.as_millis().max(1);
        let rest = ms % tick;
        rest * 4 >= tick && rest * 4 <= tick * 3
    }
}
