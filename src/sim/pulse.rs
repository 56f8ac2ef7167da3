//! [`Pulse`]: the progress of a run, shared between its thread and the watchdog.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::Waker;

use parking_lot::Mutex;

use super::Limits;
use super::cause::Cause;
use super::no_progress::Code;
use crate::clock::{self, Time, Yields, escapes};

/// The progress of a run, shared between its thread and the watchdog.
pub(super) struct Pulse {
    pub steps: AtomicU64,
    pub parks: AtomicU64,
    pub now: AtomicU64,
    /// The time since when the run has been at rest; 0 if it is not.
    pub rest: AtomicU64,
    pub step_limit: u64,
    /// The number of provider calls at the current moment since the thread was last idle,
    /// and that moment.
    pub calls: AtomicU64,
    pub called: AtomicU64,
    pub limits: Limits,
    /// Whether the thread is parked.
    pub parked: AtomicBool,
    /// The thread, and whether it was busy when it was abandoned.
    pub thread: Mutex<Option<clock::Thread>>,
    pub busy: AtomicBool,
    /// The stack of the thread at that time.
    pub stack: Mutex<Vec<String>>,
    /// The number of polls of the body, and of activities.
    pub polls: AtomicU64,
    pub code_polls: AtomicU64,
    /// The code that is being polled, and the last fetched turn that has not been acked.
    pub code: Mutex<Option<Arc<Code>>>,
    pub turn: Mutex<Option<Code>>,
    /// The cause that ends the run, if it was detected during the run.
    pub verdict: Mutex<Option<Cause>>,
    /// The yields of the thread.
    pub yields: Yields,
    /// The reason why the run must end; 0 for none yet.
    pub stop: AtomicU8,
    pub root: Mutex<Option<Waker>>,
}

pub(super) const STEPS: u8 = 1;
pub(super) const REAL_TIME: u8 = 2;
pub(super) const PROPERTY: u8 = 3;
pub(super) const STALL: u8 = 4;
pub(super) const VERDICT: u8 = 5;
pub(super) const TASK_PANIC: u8 = 9;

impl Pulse {
    pub fn new(start: Time, limits: &Limits) -> Pulse {
        Pulse {
            steps: AtomicU64::new(0),
            parks: AtomicU64::new(0),
            now: AtomicU64::new(start.0),
            rest: AtomicU64::new(0),
            step_limit: limits.steps,
            calls: AtomicU64::new(0),
            called: AtomicU64::new(0),
            limits: *limits,
            parked: AtomicBool::new(false),
            thread: Mutex::new(None),
            busy: AtomicBool::new(false),
            stack: Mutex::default(),
            polls: AtomicU64::new(0),
            code_polls: AtomicU64::new(0),
            code: Mutex::new(None),
            turn: Mutex::new(None),
            verdict: Mutex::new(None),
            yields: Yields::default(),
            stop: AtomicU8::new(0),
            root: Mutex::new(None),
        }
    }

    /// Counts a provider call. Returns whether the call may still be made.
    pub fn step(&self) -> bool {
        if self.steps.fetch_add(1, Ordering::Relaxed) == self.step_limit {
            self.end(STEPS);
        }
        self.stop.load(Ordering::Relaxed) == 0
    }

    /// Returns the number of provider calls so far.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Records since when the run has been at rest. The run counts as ended at that time,
    /// even if it was observed for longer.
    pub fn rests(&self, since: Time) {
        self.rest.store(since.0, Ordering::Relaxed);
    }

    /// Returns when the run ended.
    pub fn end_time(&self) -> Time {
        let rest = self.rest.load(Ordering::Relaxed);
        Time(if rest > 0 { rest } else { self.now.load(Ordering::Relaxed) })
    }

    /// Ends the run because a property is broken.
    pub fn end_for_property(&self) {
        self.end(PROPERTY);
    }

    /// Ends the run with a cause.
    pub fn end_for(&self, cause: Cause) {
        self.verdict.lock().get_or_insert(cause);
        self.end(VERDICT);
    }

    /// Counts a call made now. Returns the number of calls at this moment since the thread
    /// was last idle.
    pub fn calls(&self, now: Time) -> u64 {
        if self.called.swap(now.0, Ordering::Relaxed) != now.0 {
            self.calls.store(0, Ordering::Relaxed);
        }
        self.calls.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Ends the run because it is stalled.
    pub fn end_for_stall(&self) {
        self.end(STALL);
    }

    /// Whether the thread has answered the watchdog's wake-up since `polls` although it is
    /// not parked; then wakes it up again. A thread that keeps answering runs tasks that
    /// never wait. (If the loop is in the body or in an activity, then the body is polled
    /// more often than it is woken up, or activities are polled at all. `polled.rs` counts
    /// those polls.)
    pub fn answers(&self, polls: &mut (u64, u64)) -> bool {
        let now = (self.polls.load(Ordering::Relaxed), self.code_polls.load(Ordering::Relaxed));
        let before = std::mem::replace(polls, now);
        let answered = now == (before.0 + 1, before.1) && !self.is_parked();
        let _look = escapes::look();
        if let Some(root) = self.root.lock().as_ref().filter(|_| !self.is_parked()) {
            root.wake_by_ref();
        }
        answered
    }

    pub fn end(&self, why: u8) {
        let _ = self.stop.compare_exchange(0, why, Ordering::Relaxed, Ordering::Relaxed);
        if let Some(root) = self.root.lock().as_ref() {
            root.wake_by_ref();
        }
    }

    pub fn progress(&self) -> (u64, u64) {
        (self.steps.load(Ordering::Relaxed), self.parks.load(Ordering::Relaxed))
    }
}
