//! [`Skewed`]: what a node whose clock is wrong tells the provider.
//!
//! A node reads its wall clock for the timestamps of events, for the moments at
//! which timers fire and values were written, and for `utc_now`. All of that
//! reaches the provider in the node's calls, and there it is shifted; the
//! provider's own clock, which visibility and locks follow, stays right. The
//! code of activities sees the shifted clock itself (see [`super::life`]).
//! Intervals are never wrong: a wrong clock does not run faster.
//!
//! The code of orchestrations is not shown another clock: it must not read one.
//!
//! While a clock is behind, timers that are shorter than that are due at once.
//! Code that sets one after the other would go round for good at one moment of
//! virtual time. In the real world each turn takes its time, and longer as the
//! history grows: so after its first few each turn of such a node takes a little
//! longer than the one before.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use duroxide::EventKind;
use duroxide::providers::WorkItem;
use parking_lot::Mutex;

use super::life::ProcessRun;
use crate::call::{AckTurn, Answering, Call, Event, Handler, Item, Reply};
use crate::clock;

/// How many turns of a node whose clock is behind take no time, how much longer
/// than the one before each of the others takes, and how long it takes at most.
const FIRST: u32 = 32;
const LONGER: Duration = Duration::from_millis(4);
const LONGEST: Duration = Duration::from_secs(1);

/// The name of duroxide's activity behind `utc_now`.
const UTC_NOW: &str = "__duroxide_syscall:utc_now_ms";

pub(super) struct Skewed<H> {
    inner: H,
    life: Arc<ProcessRun>,
    /// The tokens of the node's unfinished activities that tell the time.
    clocks: Mutex<BTreeSet<String>>,
}

impl<H> Skewed<H> {
    pub fn new(inner: H, life: Arc<ProcessRun>) -> Skewed<H> {
        Skewed { inner, life, clocks: Mutex::default() }
    }

    /// The call as a node says it whose clock is `by_ms` ahead.
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
            _ => call,
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
        let condition = self.life.condition();
        let shifted = self.shifted(call, condition.skew_ms());
        let turn = if matches!(*shifted, Call::AckOrchestrationItem(_)) { condition.turn_behind() } else { 0 };
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

/// What an activity that tells the time answers on a node whose clock is off.
fn shifted_answer(item: &Item, by_ms: i64) -> Option<Item> {
    let WorkItem::ActivityCompleted { result, .. } = &**item else { return None };
    let told: u64 = result.parse().ok()?;
    let mut item = (**item).clone();
    if let WorkItem::ActivityCompleted { result, .. } = &mut item {
        *result = told.saturating_add_signed(by_ms).to_string();
    }
    Some(Arc::new(item))
}
