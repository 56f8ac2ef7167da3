//! [`NodeHealth`]: how a node fares, and [`ProcessRun`]: one run of its process.
//!
//! A condition outlives a crash where the machine does: its clock stays wrong,
//! its network stays cut. A stall ends with the process.
//!
//! They decide when something may go on, and nothing else.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::no_progress;
use super::panics;
use super::polled::Polled;
use super::rest::{Code, Codes};
use super::run::Pulse;
use crate::clock::{self, Time};

/// How a node fares.
#[derive(Debug, Default)]
pub(super) struct NodeHealth {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    stalled_until: Option<Time>,
    cut_until: Option<Time>,
    refused_until: Option<Time>,
    skew_ms: i64,
    /// How many turns it has ended since its clock is behind.
    turns_behind: u32,
}

/// What keeps a node from working, and ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Impairment {
    /// It stands still.
    Stall,
    /// It is cut off from the storage.
    Cut,
    /// The storage refuses its calls.
    Outage,
}

impl State {
    fn of(&mut self, trouble: Impairment) -> &mut Option<Time> {
        match trouble {
            Impairment::Stall => &mut self.stalled_until,
            Impairment::Cut => &mut self.cut_until,
            Impairment::Outage => &mut self.refused_until,
        }
    }
}

impl NodeHealth {
    /// Begins a trouble, or makes it longer.
    pub fn begin(&self, trouble: Impairment, until: Time) {
        let mut state = self.state.lock();
        let end = state.of(trouble);
        *end = (*end).max(Some(until));
        drop(state);
        self.changed.notify_waiters();
    }

    /// Ends a trouble if it is to last until `now` at most. Says whether it did.
    pub fn end(&self, trouble: Impairment, now: Time) -> bool {
        let ended = self.state.lock().of(trouble).take_if(|until| *until <= now).is_some();
        if ended {
            self.changed.notify_waiters();
        }
        ended
    }

    /// Sets the node's wall clock off.
    pub fn set_skew(&self, by_ms: i64) {
        let mut state = self.state.lock();
        (state.skew_ms, state.turns_behind) = (by_ms, 0);
    }

    /// How many turns the node has ended, this one included, since its clock is
    /// behind; 0 while it is not.
    pub fn turn_behind(&self) -> u32 {
        let mut state = self.state.lock();
        state.turns_behind = state.turns_behind.saturating_add(u32::from(state.skew_ms < 0));
        state.turns_behind
    }

    /// How far the node's wall clock is off.
    pub fn skew_ms(&self) -> i64 {
        self.state.lock().skew_ms
    }
}

/// One run of a node's process, from its start to its end.
pub(super) struct ProcessRun {
    /// When the run began.
    start: Time,
    pulse: Arc<Pulse>,
    condition: Arc<NodeHealth>,
    node: String,
    number: u64,
    codes: Codes,
    alive: AtomicBool,
    /// When a read of the process was last answered late, in milliseconds.
    late: AtomicU64,
}

impl ProcessRun {
    /// A process of `node`, in a run that began at `start`, which tells `codes` of its
    /// activities.
    pub fn new(
        condition: Arc<NodeHealth>,
        node: &str,
        codes: &Codes,
        start: Time,
        pulse: Arc<Pulse>,
    ) -> Arc<ProcessRun> {
        Arc::new(ProcessRun {
            condition,
            node: node.to_owned(),
            start,
            pulse,
            number: codes.next_life(),
            codes: codes.clone(),
            alive: AtomicBool::new(true),
            late: AtomicU64::new(0),
        })
    }

    pub fn condition(&self) -> &NodeHealth {
        &self.condition
    }

    /// Ends it at once: nothing of it goes on from here.
    pub fn end(&self) {
        self.alive.store(false, Ordering::Relaxed);
        self.condition.state.lock().stalled_until = None;
        self.condition.changed.notify_waiters();
        self.codes.forget(self.number);
    }

    /// Whether the process runs.
    pub fn runs(&self) -> bool {
        self.alive.load(Ordering::Relaxed) && self.condition.state.lock().stalled_until.is_none()
    }

    /// Whether calls and replies pass between the process and the storage.
    pub fn passes(&self) -> bool {
        let state = *self.condition.state.lock();
        self.alive.load(Ordering::Relaxed) && state.stalled_until.is_none() && state.cut_until.is_none()
    }

    /// Whether the storage refuses its calls.
    pub fn refused(&self) -> bool {
        self.condition.state.lock().refused_until.is_some()
    }

    /// Takes note that a read that was made at `asked` is answered now.
    pub fn has_read(&self, asked: Time) {
        let now = clock::now();
        if now > asked {
            self.late.store(now.0, Ordering::Relaxed);
        }
    }

    /// Waits until the process has ended.
    pub async fn ended(&self) {
        self.when(|life| !life.alive.load(Ordering::Relaxed)).await;
    }

    /// Waits until calls and replies pass.
    pub async fn passage(&self) {
        self.when(ProcessRun::passes).await;
    }

    async fn when(&self, holds: impl Fn(&ProcessRun) -> bool) {
        loop {
            let mut changed = pin!(self.condition.changed.notified());
            changed.as_mut().enable();
            if holds(self) {
                return;
            }
            changed.await;
        }
    }

    /// Drives `work` while `open` holds, and hands its result on while it holds.
    /// Given up, with `None`, where `off` holds.
    pub async fn only_while<T>(
        &self,
        work: impl Future<Output = T>,
        open: impl Fn(&ProcessRun) -> bool,
        off: impl Fn(&ProcessRun) -> bool,
    ) -> Option<T> {
        let mut work = pin!(work);
        let mut done = None;
        loop {
            let mut changed = pin!(self.condition.changed.notified());
            changed.as_mut().enable();
            if off(self) {
                return None;
            }
            if open(self) {
                if done.is_some() {
                    return done;
                }
                done = poll_fn(|cx| match work.as_mut().poll(cx) {
                    Poll::Ready(value) => Poll::Ready(Some(value)),
                    Poll::Pending => changed.as_mut().poll(cx).map(|()| None),
                })
                .await;
            } else {
                changed.await;
            }
        }
    }

    /// Runs the code of an activity: it goes on only while the process runs, and
    /// sees the node's wall clock.
    ///
    /// The runtime waits for an activity's end and its cancellation in a `select!`
    /// that, of two which are both there, takes one by a number. The number follows
    /// the seed (`clock/chance.rs`), but changes with everything that was drawn
    /// before it, as when a plan is made smaller. So that as little as possible hangs
    /// on it, the two are kept apart: an activity can be cancelled once time has
    /// passed since its job was fetched, while it ran, or while the read was answered
    /// that the runtime makes before. Then it ends when nothing else can run at that
    /// instant. Others end at once: what ends together reaches one turn together.
    /// duroxide's own activities (`new_guid`, `utc_now`) cannot be wrapped, because
    /// their names are reserved; there the number decides.
    pub async fn code<T>(&self, activity: String, instance: String, code: impl Future<Output = T>) -> T {
        let label = no_progress::Code::Activity {
            node: self.node.clone(),
            instance: instance.clone(),
            activity: activity.clone(),
        };
        let mut polls = Polled::new(label, self.start);
        let began = clock::now();
        let node = self.node.clone();
        let _goes_on = self.codes.one(Code { life: self.number, node, activity, instance, since: began });
        let mut code = pin!(async move {
            let value = code.await;
            if clock::now() > began || self.late.load(Ordering::Relaxed) == began.0 {
                // A stall may begin meanwhile, and end at another instant.
                let mut at = None;
                while at != Some(clock::now()) {
                    at = Some(clock::now());
                    clock::settle().await;
                }
            }
            value
        });
        let seen = poll_fn(|cx| {
            let shift = self.condition.skew_ms().saturating_mul(1_000_000);
            let polled = || polls.poll(&self.pulse, || clock::shifted(shift, || code.as_mut().poll(cx)));
            // Duroxide writes a panic of it into the history.
            self.codes.spawns().notice(|| panics::reported(polled))
        });
        match self.only_while(seen, ProcessRun::runs, |_| false).await {
            Some(value) => value,
            None => std::future::pending().await,
        }
    }
}
