//! [`Memory`]: a duroxide provider that keeps everything in memory.
//!
//! It makes the choices that the store leaves open by a fixed policy (the clock's time, numbered
//! tokens, the oldest eligible item), and adds what a pure function cannot have: long polling. A
//! fetch that finds nothing waits until a call or the clock makes something available, without
//! busy-waiting.
//!
//! It works on its thread's clock: on virtual time inside a simulation, and on real time in an
//! ordinary test, on any tokio runtime. It injects no faults and records nothing; layers do.

mod polls;
mod port;
mod translate;
mod under;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::call::{Answering, Call, Effect, Handler, Queue, Reply, is_of_session};
use crate::clock::{self, Time};
use crate::store::{Choice, Pick, Store, Touched};

use polls::Polls;
pub use port::Port;
pub(crate) use translate::tags as tags_of;
pub use under::Under;

/// An in-memory duroxide provider. See the [module](self) for its behaviour. Its calls panic on a tokio
/// runtime whose clock is paused by other code than a simulation, with what to use instead.
///
/// ```
/// use std::sync::Arc;
/// use duroxide_sim::Memory;
/// use duroxide_sim::duroxide::Client;
///
/// let client = Client::new(Arc::new(Memory::new()));
/// assert!(client.has_management_capability());
/// ```
pub type Memory = Port<Backend>;

/// The implementation of a [`Memory`].
pub struct Backend {
    state: Mutex<State>,
    /// Notified when an orchestration item may be ready to fetch, or when waiting fetches may have
    /// to wake earlier.
    turns: Notify,
    jobs: Notify,
    settings: MemorySettings,
}

struct State {
    store: Store,
    tokens: u64,
    polls: Polls,
}

/// The behaviour of a [`Memory`] where the provider contract leaves a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemorySettings {
    /// Whether a fetch that finds nothing waits ("Provider MAY wait up to this duration if it
    /// supports long polling", `fetch_work_item`). On by default.
    pub long_polling: bool,
    /// Whether most polling of long client waits on virtual time is skipped. Completion is still
    /// seen at once; only a wait of more than 100 s that times out may take up to one percent
    /// longer, and so may the same task's next read of the same thing. A user-written loop that
    /// reads every 100 ms from one task is treated in the same way. On by default.
    pub spare_client_polls: bool,
}

impl Default for MemorySettings {
    fn default() -> MemorySettings {
        MemorySettings { long_polling: true, spare_client_polls: true }
    }
}

impl Memory {
    /// Creates an empty provider with the default settings.
    pub fn new() -> Memory {
        Memory::with_settings(MemorySettings::default())
    }

    /// Creates an empty provider.
    pub fn with_settings(settings: MemorySettings) -> Memory {
        let state = State { store: Store::new(), tokens: 0, polls: Polls::default() };
        Port::over(Backend { state: Mutex::new(state), turns: Notify::new(), jobs: Notify::new(), settings })
    }

    /// The settings that it was created with.
    pub(crate) fn settings(&self) -> MemorySettings {
        self.handler.settings
    }

    /// Returns a copy of the provider's entire state.
    pub fn snapshot(&self) -> Store {
        self.handler.state.lock().store.clone()
    }

    /// Calls `look` with the provider's state, without copying it.
    pub fn inspect<T>(&self, look: impl FnOnce(&Store) -> T) -> T {
        look(&self.handler.state.lock().store)
    }

    /// Makes the stored histories of an instance unreadable, like a damaged disk or an event from a
    /// newer duroxide. Returns whether there were any.
    pub fn corrupt_history(&self, instance: &str) -> bool {
        let mut state = self.handler.state.lock();
        state.polls.changed(instance);
        state.store.corrupt_history(instance)
    }

    /// Watches an instance for changes of its history, status or values, until the returned guard
    /// is dropped.
    pub(crate) fn watch(&self, instance: &str) -> Watch<'_> {
        let changed = self.handler.state.lock().polls.watch(instance);
        Watch { state: &self.handler.state, instance: instance.to_owned(), changed }
    }

    /// The number of times that the most-fetched message of an instance has been fetched; 0 if
    /// there is none.
    pub fn max_attempts(&self, instance: &str) -> u32 {
        self.inspect(|store| store.max_attempts(instance))
    }
}

/// A watch on the changes of one instance.
pub(crate) struct Watch<'a> {
    state: &'a Mutex<State>,
    instance: String,
    changed: Arc<Notify>,
}

impl Watch<'_> {
    /// Completes at the next change.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.state.lock().polls.unwatch(&self.instance);
    }
}

impl Default for Memory {
    fn default() -> Memory {
        Memory::new()
    }
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backend").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What is said where only tokio's clock is virtual.
const PAUSED: &str = "A duroxide_sim::Memory is used on a tokio runtime whose clock is paused (start_paused = true, or \
     tokio::time::pause). That pauses tokio's clock alone, and duroxide reads std's for its timers, so they would be \
     due at the wrong time. Put #[duroxide_sim::test] on the test, and take the provider from \
     duroxide_sim::provider(): then all clocks are virtual. Or remove the pause, to run on real time.";

impl Handler for Backend {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        assert!(!clock::is_paused_elsewhere(), "{PAUSED}");
        match *call {
            Call::FetchOrchestrationItem { poll_for, .. } => {
                Answering::wait(async move { self.fetch(&call, poll_for, Kind::Turn).await })
            }
            Call::FetchWorkItem { poll_for, .. } => {
                Answering::wait(async move { self.fetch(&call, poll_for, Kind::Job).await })
            }
            Call::Read { .. } | Call::GetKvValue { .. } => self.read(call),
            _ => Answering::ready(self.apply(&call)),
        }
    }

    fn describe(&self) -> String {
        "duroxide-sim".to_owned()
    }

    fn has_admin(&self) -> bool {
        true
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Turn,
    Job,
}

impl State {
    fn apply(&mut self, now: Time, call: &Call) -> Reply {
        let token = if call.is_fetch() { format!("lock-{}", self.tokens + 1) } else { String::new() };
        let choice = Choice::new(token, Pick::Oldest);
        let reply = self.store.apply(now, call, &choice);
        if matches!(reply, Reply::Turn(Some(_)) | Reply::Job(Some(_))) {
            self.tokens += 1;
        }
        reply
    }

    /// Whether `call` makes a lock expire earlier than anything that fetches wait for.
    fn ends_sooner(&self, now: Time, call: &Call) -> bool {
        let (next, extend_for) = match call {
            Call::RenewOrchestrationItemLock { extend_for, .. } => (self.store.next_turn_after(now), extend_for),
            Call::RenewWorkItemLock { extend_for, .. } | Call::RenewSessionLock { extend_for, .. } => {
                (self.store.next_job_after(now), extend_for)
            }
            _ => return false,
        };
        next.is_none_or(|next| now + *extend_for < next)
    }
}

impl Backend {
    /// Answers a call that never waits.
    fn apply(&self, call: &Call) -> Reply {
        let now = clock::now();
        let mut state = self.state.lock();
        let touched = if state.polls.watches() { state.store.touched_by(call) } else { Touched::None };
        let sooner = state.ends_sooner(now, call);
        let reply = state.apply(now, call);
        if !matches!(reply, Reply::Refused(_)) {
            match touched {
                Touched::None => {}
                Touched::One(instance) => state.polls.changed(&instance),
                Touched::Any => state.polls.all_changed(),
            }
            drop(state);
            self.ring(call, sooner);
        }
        reply
    }

    /// Wakes the fetches for which `call` may have made something available, or that may have to
    /// wake earlier.
    fn ring(&self, call: &Call, sooner: bool) {
        let method = call.method();
        if method.effect() == Effect::Renew && !sooner {
            return;
        }
        if method.wakes(Queue::Orchestrator) {
            self.turns.notify_waiters();
        }
        let brings_no_job = matches!(call, Call::AckOrchestrationItem(ack) if ack.jobs.is_empty());
        if method.wakes(Queue::Worker) && !brings_no_job {
            self.jobs.notify_waiters();
        }
    }

    async fn fetch(&self, call: &Call, poll_for: Duration, kind: Kind) -> Reply {
        let waits = self.settings.long_polling && !poll_for.is_zero();
        let bell = if kind == Kind::Turn { &self.turns } else { &self.jobs };
        let limit = tokio::time::sleep(poll_for);
        tokio::pin!(limit);
        let mut over = !waits;
        loop {
            // Completions that arrive at one instant should reach one turn, because each turn makes
            // the runtime replay the whole history. So a turn is fetched only when nothing else can
            // run at this instant.
            if waits && kind == Kind::Turn {
                clock::settle().await;
            }
            let rung = bell.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            let (reply, next) = self.try_fetch(call, kind);
            if over || !found_nothing(&reply) {
                return reply;
            }
            tokio::select! {
                biased;
                () = rung => {}
                () = clock::sleep_until(next.unwrap_or(Time::MAX)) => {}
                () = &mut limit => over = true,
            }
        }
    }

    /// Makes one attempt, and returns when to try again if no call comes first.
    fn try_fetch(&self, call: &Call, kind: Kind) -> (Reply, Option<Time>) {
        let now = clock::now();
        let mut state = self.state.lock();
        let reply = state.apply(now, call);
        let next = match kind {
            // A fetch that found something does not wait.
            _ if !found_nothing(&reply) => None,
            Kind::Turn => state.store.next_turn_after(now),
            Kind::Job => state.store.next_job_after(now),
        };
        drop(state);
        // Fetching a session's work item renews its owner's lock, perhaps to an earlier expiry than
        // other fetches wait for.
        if matches!(&reply, Reply::Job(Some(job)) if is_of_session(&job.item)) {
            self.jobs.notify_waiters();
        }
        (reply, next)
    }

    fn read(&self, call: Arc<Call>) -> Answering<'_> {
        if !self.settings.spare_client_polls || !clock::is_virtual() {
            return Answering::ready(self.apply(&call));
        }
        let Some(reader) = polls::reader(&call) else { return Answering::ready(self.apply(&call)) };
        let now = clock::now();
        let mut state = self.state.lock();
        let (poll, hold) = state.polls.read(now, reader, &call);
        let Some(hold) = hold else {
            state.polls.answered(now, reader, poll, &call);
            return Answering::ready(state.apply(now, &call));
        };
        drop(state);
        Answering::wait(async move {
            // The state has not changed since the lock was released, because nothing else has run
            // on this thread.
            let changed = hold.changed.notified();
            let _ = tokio::time::timeout(hold.for_at_most, changed).await;
            let now = clock::now();
            let mut state = self.state.lock();
            state.polls.answered(now, reader, poll, &call);
            state.apply(now, &call)
        })
    }
}

/// Whether a fetch found nothing.
fn found_nothing(reply: &Reply) -> bool {
    matches!(reply, Reply::Turn(None) | Reply::Job(None))
}
