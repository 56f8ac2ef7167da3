//! [`NodeHealth`]: the impairments of a node, and [`ProcessRun`]: one run of its process.
//!
//! Impairments of the machine outlive a crash: its clock stays wrong, its network stays
//! partitioned. A stall ends with the process.
//!
//! These types only decide when a process, or its calls, may continue.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::codes::{Code, Codes};
use super::deliveries::Deliveries;
use super::no_progress;
use super::panics;
use super::polled::Polled;
use super::pulse::Pulse;
use crate::clock::{self, Time};

/// The impairments of a node.
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
    /// The number of turns that the node has ended since its clock went behind.
    turns_behind: u32,
}

/// A temporary condition that keeps a node from working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Impairment {
    /// The node's process is stalled.
    Stall,
    /// The node is cut off from the storage.
    Cut,
    /// The storage refuses its calls.
    Outage,
}

impl State {
    fn of(&mut self, impairment: Impairment) -> &mut Option<Time> {
        match impairment {
            Impairment::Stall => &mut self.stalled_until,
            Impairment::Cut => &mut self.cut_until,
            Impairment::Outage => &mut self.refused_until,
        }
    }
}

impl NodeHealth {
    /// Begins an impairment, or extends it.
    pub fn begin(&self, impairment: Impairment, until: Time) {
        let mut state = self.state.lock();
        let end = state.of(impairment);
        *end = (*end).max(Some(until));
        drop(state);
        self.changed.notify_waiters();
    }

    /// Ends an impairment if it was to last until `now` at the latest. Returns whether it
    /// did.
    pub fn end(&self, impairment: Impairment, now: Time) -> bool {
        let ended = self.state.lock().of(impairment).take_if(|until| *until <= now).is_some();
        if ended {
            self.changed.notify_waiters();
        }
        ended
    }

    /// Sets the offset of the node's wall clock.
    pub fn set_skew(&self, by_ms: i64) {
        let mut state = self.state.lock();
        (state.skew_ms, state.turns_behind) = (by_ms, 0);
    }

    /// Counts a turn that ends, and returns the number of turns that have ended since the
    /// clock went behind; 0 while the clock is not behind.
    pub fn turn_behind(&self) -> u32 {
        let mut state = self.state.lock();
        state.turns_behind = state.turns_behind.saturating_add(u32::from(state.skew_ms < 0));
        state.turns_behind
    }

    /// Returns the offset of the node's wall clock.
    pub fn skew_ms(&self) -> i64 {
        self.state.lock().skew_ms
    }
}

/// One run of a node's process, from its start to its end.
pub(super) struct ProcessRun {
    /// The start of the simulation run, not of this process.
    start: Time,
    pulse: Arc<Pulse>,
    health: Arc<NodeHealth>,
    pub node: String,
    /// The name of the node again, for the lines that it logs.
    pub name: Arc<str>,
    number: u64,
    codes: Codes,
    pub deliveries: Deliveries,
    alive: AtomicBool,
    /// When a read by the process was last answered late, in milliseconds.
    late: AtomicU64,
}

impl ProcessRun {
    /// Creates a process run of `node`, in a simulation that began at `start`. It registers
    /// its activities in `codes`.
    pub fn new(health: Arc<NodeHealth>, node: &str, codes: &Codes, start: Time, pulse: Arc<Pulse>) -> Arc<ProcessRun> {
        Arc::new(ProcessRun {
            health,
            node: node.to_owned(),
            name: node.into(),
            start,
            pulse,
            number: codes.next_life(),
            codes: codes.clone(),
            deliveries: Deliveries::default(),
            alive: AtomicBool::new(true),
            late: AtomicU64::new(0),
        })
    }

    /// Signals that something has happened.
    pub fn stir(&self) {
        self.codes.stir();
    }

    pub fn health(&self) -> &NodeHealth {
        &self.health
    }

    /// Ends the process at once: none of its code continues from here on.
    pub fn end(&self) {
        self.alive.store(false, Ordering::Relaxed);
        self.health.state.lock().stalled_until = None;
        self.health.changed.notify_waiters();
        self.codes.forget(self.number);
    }

    /// Whether the process is running.
    pub fn runs(&self) -> bool {
        self.alive.load(Ordering::Relaxed) && self.health.state.lock().stalled_until.is_none()
    }

    /// Whether calls and replies pass between the process and the storage.
    pub fn passes(&self) -> bool {
        let state = *self.health.state.lock();
        self.alive.load(Ordering::Relaxed) && state.stalled_until.is_none() && state.cut_until.is_none()
    }

    /// Whether the storage refuses the process's calls.
    pub fn refused(&self) -> bool {
        self.health.state.lock().refused_until.is_some()
    }

    /// Records that a read made at `asked` is answered now.
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
            let mut changed = pin!(self.health.changed.notified());
            changed.as_mut().enable();
            if holds(self) {
                return;
            }
            changed.await;
        }
    }

    /// Drives `work` while `open` holds, and returns its result while `open` holds. Stops
    /// with `None` when `off` holds.
    pub async fn only_while<T>(
        &self,
        work: impl Future<Output = T>,
        open: impl Fn(&ProcessRun) -> bool,
        off: impl Fn(&ProcessRun) -> bool,
    ) -> Option<T> {
        let mut work = pin!(work);
        let mut done = None;
        loop {
            let mut changed = pin!(self.health.changed.notified());
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

    /// Runs the code of an activity, which continues only while the process runs, and sees
    /// the node's wall clock.
    ///
    /// The runtime waits for an activity's end and its cancellation in a `select!`, which
    /// chooses by a random number if both are ready. The number follows the seed
    /// (`clock/chance.rs`), but changes with everything drawn before it, for example when a
    /// plan is shrunk. To minimize that dependence, the two events are kept apart in time.
    /// An activity can only be cancelled if time has passed since its work item was
    /// fetched: while the activity ran, or while the preceding read of the runtime was
    /// answered. In that case the activity ends only when nothing else can run at that
    /// instant. Other activities end at once, so that those which end together reach one
    /// turn together. duroxide's own activities (`new_guid`, `utc_now`) cannot be wrapped,
    /// because their names are reserved; there the random number decides.
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
            let shift = self.health.skew_ms().saturating_mul(1_000_000);
            let polled = || polls.poll(&self.pulse, || clock::shifted(shift, || code.as_mut().poll(cx)));
            // duroxide records a panic of the activity in the history.
            self.codes.spawns().notice(|| panics::reported(polled))
        });
        match self.only_while(seen, ProcessRun::runs, |_| false).await {
            Some(value) => value,
            None => std::future::pending().await,
        }
    }
}
