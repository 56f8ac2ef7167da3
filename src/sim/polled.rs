//! Counting the polls of the code on the simulation's thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use super::cause::Cause;
use super::no_progress::{Code, NoProgress};
use super::pulse::Pulse;
use super::stuck::Stuck;
use crate::call::{Call, Reply};
use crate::clock::{self, Thread, Time};

/// Counts consecutive polls of one piece of code without a provider call, a wait of the
/// thread or a step of virtual time in between.
pub(super) struct Polled {
    code: Arc<Code>,
    start: Time,
    seen: (u64, u64, Time),
    polls: u64,
}

impl Polled {
    /// Creates a counter for `code`, in a run that began at `start`.
    pub fn new(code: Code, start: Time) -> Polled {
        Polled { code: Arc::new(code), start, seen: (0, 0, start), polls: 0 }
    }

    /// Polls the code once. Records it as the code being polled, and ends the run if the
    /// polls exceed their limit.
    pub fn poll<T>(&mut self, pulse: &Pulse, poll: impl FnOnce() -> T) -> T {
        match &*self.code {
            Code::Body => pulse.polls.fetch_add(1, Ordering::Relaxed),
            Code::Activity { .. } | Code::Orchestration { .. } => pulse.code_polls.fetch_add(1, Ordering::Relaxed),
        };
        let (steps, parks) = pulse.progress();
        let now = clock::now();
        if self.seen == (steps, parks, now) {
            self.polls += 1;
        } else {
            (self.seen, self.polls) = ((steps, parks, now), 1);
        }
        if self.polls > pulse.limits.polls {
            let (code, polls) = (Some((*self.code).clone()), self.polls);
            pulse.end_for(Cause::NoProgress(NoProgress::Polls { at: now - self.start, code, polls }));
        }
        let _polling = pulse.polling(&self.code);
        poll()
    }
}

/// A waker of the body that records whether the body was woken. The watchdog also wakes the
/// future that contains the body, from its own thread and on real time
/// ([`Pulse::answers`]). If the body were polled for that, code that depends on the number
/// of polls, such as the branch rotation of `tokio::join!`, would depend on the machine's
/// load.
pub(super) struct Calling {
    called: AtomicBool,
    root: Waker,
}

impl Calling {
    /// Creates a waker that counts as woken, for the first poll.
    pub fn new(root: &Waker) -> Arc<Calling> {
        Arc::new(Calling { called: AtomicBool::new(true), root: root.clone() })
    }

    /// Whether the body must be polled. Resets the flag.
    pub fn take(&self) -> bool {
        self.called.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Calling {
    fn wake(self: Arc<Calling>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Calling>) {
        self.called.store(true, Ordering::Release);
        self.root.wake_by_ref();
    }
}

impl Pulse {
    /// Records that the thread answers the watchdog and has nothing else to do.
    pub fn note_answer(&self) {
        self.polls.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that `code` is being polled, until the returned guard is dropped.
    fn polling(&self, code: &Arc<Code>) -> impl Drop + '_ {
        struct Polling<'a>(&'a Pulse, Option<Arc<Code>>);
        impl Drop for Polling<'_> {
            fn drop(&mut self) {
                *self.0.code.lock() = self.1.take();
            }
        }
        let before = self.code.lock().replace(code.clone());
        Polling(self, before)
    }

    /// Records the turn that is fetched, until it is acked.
    pub fn note_turn(&self, by: &str, call: &Call, reply: Option<&Reply>) {
        match (call, reply) {
            (Call::FetchOrchestrationItem { .. }, Some(Reply::Turn(Some(turn)))) => {
                let (node, instance) = (by.to_owned(), turn.instance.clone());
                *self.turn.lock() = Some(Code::Orchestration { node, instance });
            }
            (Call::AckOrchestrationItem(_), None) => *self.turn.lock() = None,
            _ => {}
        }
    }

    /// Records whether the abandoned thread is busy, and its stack.
    pub fn note_busy(&self) {
        let thread = self.thread.lock();
        let busy = thread.as_ref().is_some_and(Thread::is_busy);
        self.busy.store(busy, Ordering::Relaxed);
        *self.stack.lock() = thread.as_ref().map(|thread| thread.stack(busy)).unwrap_or_default();
    }

    /// Returns what is known about a thread that does not answer.
    pub fn stuck(&self) -> Stuck {
        let code = self.code.lock().as_deref().cloned();
        Stuck { code: code.or_else(|| self.turn.lock().clone()), busy: self.busy.load(Ordering::Relaxed) }
    }

    /// Whether the thread is parked, that is, has nothing to do.
    pub fn is_parked(&self) -> bool {
        self.parked.load(Ordering::Relaxed)
    }
}
