//! [`Skewed`]: the effect of a wrong wall clock on a node's calls.
//!
//! A node reads its wall clock for the timestamps of events, for the times at which timers
//! fire and values were written, and for `utc_now`. All of these reach the provider in the
//! node's calls, where this layer shifts them; the provider's own clock, which governs
//! visibility and locks, stays right. The code of activities sees the shifted clock itself
//! (see [`super::life`]). Intervals are never wrong: a wrong clock does not run faster.
//!
//! Orchestration code sees no shifted clock, because it must not read a clock.
//!
//! While a clock is behind, timers shorter than the offset are due at once, so code that
//! sets one after the other would loop forever at one moment of virtual time. In the real
//! world each turn takes time, and more as the history grows. So after the first few turns
//! of such a node, each turn takes a little longer than the one before.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use duroxide::EventKind;
use duroxide::providers::WorkItem;
use parking_lot::Mutex;

use super::life::ProcessRun;
use crate::call::{AckTurn, Answering, Call, Event, Handler, Item, Reply};
use crate::clock;

/// For a node whose clock is behind: the number of turns that take no time, the increment
/// of each further turn, and the maximum.
const FIRST: u32 = 32;
const LONGER: Duration = Duration::from_millis(4);
const LONGEST: Duration = Duration::from_secs(1);

/// The name of duroxide's activity that implements `utc_now`.
const UTC_NOW: &str = "__duroxide_syscall:utc_now_ms";

pub(super) struct Skewed<H> {
    inner: H,
    life: Arc<ProcessRun>,
    /// The lock tokens of the node's unfinished `utc_now` activities.
    clocks: Mutex<BTreeSet<String>>,
}

impl<H> Skewed<H> {
    pub fn new(inner: H, life: Arc<ProcessRun>) -> Skewed<H> {
        Skewed { inner, life, clocks: Mutex::default() }
    }

    /// Returns the call as a node with a clock `by_ms` ahead makes it.
    fn shifted(&self, call: Arc<Call>, by_ms: i64) -> Arc<Call> {
        match &*call {
            Call::AckOrchestrationItem(ack) if by_ms != 0 => {
                Arc::new(Call::AckOrchestrationItem(Box::new(shifted_turn(ack, by_ms))))
            }
            Call::AckWorkItem { token, completion } => {
                let tells_time = self.clocks.lock().remove(token);
                let completion = completion.as_ref().filter(|_| tells_time && by_ms != 0);
                match completion.and_then(|item| shifted_answer(item, by_ms)) {
                    Some(item) => Arc::new(Call::AckWorkItem { token: token.clone(), completion: Some(item) }),
                    None => call,
                }
            }
            // They carry no time of the node's.
            Call::FetchOrchestrationItem { .. }
            | Call::AckOrchestrationItem(_)
            | Call::AbandonOrchestrationItem { .. }
            | Call::RenewOrchestrationItemLock { .. }
            | Call::AppendWithExecution { .. }
            | Call::EnqueueForWorker { .. }
            | Call::FetchWorkItem { .. }
            | Call::RenewWorkItemLock { .. }
            | Call::AbandonWorkItem { .. }
            | Call::RenewSessionLock { .. }
            | Call::CleanupOrphanedSessions { .. }
            | Call::EnqueueForOrchestrator { .. }
            | Call::DeleteInstancesAtomic { .. }
            | Call::DeleteInstance { .. }
            | Call::DeleteInstanceBulk { .. }
            | Call::PruneExecutions { .. }
            | Call::PruneExecutionsBulk { .. }
            | Call::Read { .. }
            | Call::ReadWithExecution { .. }
            | Call::GetCustomStatus { .. }
            | Call::GetKvValue { .. }
            | Call::GetKvAllValues { .. }
            | Call::GetInstanceStats { .. }
            | Call::ListInstances
            | Call::ListInstancesByStatus { .. }
            | Call::ListExecutions { .. }
            | Call::ReadHistoryWithExecutionId { .. }
            | Call::ReadHistory { .. }
            | Call::LatestExecutionId { .. }
            | Call::GetInstanceInfo { .. }
            | Call::GetExecutionInfo { .. }
            | Call::GetSystemMetrics
            | Call::GetQueueDepths
            | Call::ListChildren { .. }
            | Call::GetParentId { .. }
            | Call::GetInstanceTree { .. } => call,
        }
    }
}

impl<H: Handler> Handler for Skewed<H> {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        if matches!(*call, Call::FetchWorkItem { .. }) {
            return Answering::wait(async move {
                let reply = self.inner.handle(call).await;
                if let Reply::Job(Some(job)) = &reply
                    && matches!(&*job.item, WorkItem::ActivityExecute { name, .. } if name == UTC_NOW)
                {
                    self.clocks.lock().insert(job.token.clone());
                }
                reply
            });
        }
        let health = self.life.health();
        let shifted = self.shifted(call, health.skew_ms());
        let turn = if matches!(*shifted, Call::AckOrchestrationItem(_)) { health.turn_behind() } else { 0 };
        if turn <= FIRST {
            return self.inner.handle(shifted);
        }
        Answering::wait(async move {
            clock::sleep_until(clock::now() + LONGER.saturating_mul(turn - FIRST).min(LONGEST)).await;
            self.inner.handle(shifted).await
        })
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn has_admin(&self) -> bool {
        self.inner.has_admin()
    }
}

fn shifted_turn(ack: &AckTurn, by_ms: i64) -> AckTurn {
    let event = |event: &Event| {
        let mut event = (**event).clone();
        event.timestamp_ms = event.timestamp_ms.saturating_add_signed(by_ms);
        match &mut event.kind {
            EventKind::TimerCreated { fire_at_ms: time } | EventKind::KeyValueSet { last_updated_at_ms: time, .. } => {
                *time = time.saturating_add_signed(by_ms);
            }
            _ => {}
        }
        Arc::new(event)
    };
    let message = |item: &Item| {
        let mut item = (**item).clone();
        if let WorkItem::TimerFired { fire_at_ms, .. } = &mut item {
            *fire_at_ms = fire_at_ms.saturating_add_signed(by_ms);
        }
        Arc::new(item)
    };
    AckTurn {
        history: ack.history.iter().map(event).collect(),
        messages: ack.messages.iter().map(message).collect(),
        ..ack.clone()
    }
}

/// Returns the result of a `utc_now` activity on a node whose clock is wrong.
fn shifted_answer(item: &Item, by_ms: i64) -> Option<Item> {
    let WorkItem::ActivityCompleted { result, .. } = &**item else { return None };
    let told: u64 = result.parse().ok()?;
    let mut item = (**item).clone();
    if let WorkItem::ActivityCompleted { result, .. } = &mut item {
        *result = told.saturating_add_signed(by_ms).to_string();
    }
    Some(Arc::new(item))
}
