//! What the simulation's thread polls, and how often in a row.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use super::cause::Cause;
use super::no_progress::{Code, NoProgress};
use super::run::Pulse;
use super::stuck::Stuck;
use crate::call::{Call, Reply};
use crate::clock::{self, Thread, Time};

/// Counts the polls of one piece of code between which nothing else has happened: no
/// provider call, no wait of the thread, no step of virtual time.
pub(super) struct Polled {
    code: Arc<Code>,
    start: Time,
    seen: (u64, u64, Time),
    polls: u64,
}

impl Polled {
    /// Counts the polls of `code`, in a run that began at `start`.
    pub fn new(code: Code, start: Time) -> Polled {
        Polled { code: Arc::new(code), start, seen: (0, 0, start), polls: 0 }
    }

    /// Polls it once: says meanwhile that it is being polled, and ends the run
    /// where that gets nowhere.
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

/// Wakes the body, and says whether it has. The watchdog wakes the future that the
/// body is in too, from its own thread and on real time ([`Pulse::answers`]): were
/// the body polled for that, what counts its polls, such as `tokio::join!` to take
/// turns, would depend on how busy the machine is.
pub(super) struct Calling {
    called: AtomicBool,
    root: Waker,
}

impl Calling {
    /// It has been called once already.
    pub fn new(root: &Waker) -> Arc<Calling> {
        Arc::new(Calling { called: AtomicBool::new(true), root: root.clone() })
    }

    /// Whether the body is to be polled; once for each time.
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
    /// Takes note that the thread answers, and has nothing else to do.
    pub fn note_answer(&self) {
        self.polls.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes note that `code` is being polled, until what it returns is dropped.
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

    /// Takes note of turns that are fetched and acked.
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

    /// Looks whether the thread runs, and where it is. It has been given up.
    pub fn note_busy(&self) {
        let thread = self.thread.lock();
        let busy = thread.as_ref().is_some_and(Thread::is_busy);
        self.busy.store(busy, Ordering::Relaxed);
        *self.stack.lock() = thread.as_ref().map(|thread| thread.stack(busy)).unwrap_or_default();
    }

    /// What is known of the thread, if it does not answer.
    pub fn stuck(&self) -> Stuck {
        let code = self.code.lock().as_deref().cloned();
        Stuck { code: code.or_else(|| self.turn.lock().clone()), busy: self.busy.load(Ordering::Relaxed) }
    }

    /// Whether the thread is parked: it has nothing to do.
    pub fn is_parked(&self) -> bool {
        self.parked.load(Ordering::Relaxed)
    }
}
