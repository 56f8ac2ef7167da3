//! Skips most of the polling in the client's wait loops.
//!
//! `Client::wait_for_orchestration` and `wait_for_kv_value` read every 100 ms while they wait,
//! which is 26 million reads for a month of virtual time. A read belongs to such a loop if the same
//! task reads the same thing exactly 100 ms after the last answer. The first [`EXACT`] reads of a
//! loop are answered at once. A later read may be held back while nothing changes, for at most one
//! hundredth of the time that the loop has waited. The loop still sees the change that it waits for
//! when it happens; only a wait that times out may take longer, by that hundredth. (The same task's
//! next read of the same thing after such a timeout looks like another iteration of the loop, and
//! may be held back too.)

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::call::Call;
use crate::clock::Time;
use crate::seed::{Fold, FoldMap};

/// The polling interval that duroxide's client settles at (`MAX_POLL_DELAY_MS`).
const INTERVAL: Duration = Duration::from_millis(100);

/// The number of reads of a loop that are answered at once: 100 s of waiting.
const EXACT: u32 = 1000;

/// A fingerprint of the reading task, the instance and the key. Two loops of one task that wait for
/// the same thing at once share it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Reader(u64);

/// A wait loop of which a read is in progress. The order puts first the loops that have seen the
/// least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Loop {
    revision: u64,
    reads: u32,
    started: Time,
}

/// The loops of one reader by the time of their last answer, with the number of identical loops:
/// all loops that make their first read at one instant are identical.
type Loops = BTreeMap<Time, BTreeMap<Loop, u64>>;

#[derive(Default)]
struct Watched {
    revision: u64,
    changed: Arc<Notify>,
}

impl Watched {
    fn change(&mut self) {
        self.revision += 1;
        self.changed.notify_waiters();
    }
}

/// The wait loops in progress.
#[derive(Default)]
pub(super) struct Polls {
    loops: FoldMap<Reader, Loops>,
    /// The instances that long loops wait for.
    watched: FoldMap<String, Watched>,
    /// The watched instances, with the number of their watches.
    watches: BTreeMap<String, (usize, Arc<Notify>)>,
    /// The number of loops left by the last clean-up.
    kept: usize,
}

/// How long a read may be held back.
pub(super) struct Hold {
    pub changed: Arc<Notify>,
    pub for_at_most: Duration,
}

impl Polls {
    /// Registers a read, and returns the loop that it belongs to and whether it may be held back. A
    /// read that is never answered ends its loop.
    pub fn read(&mut self, now: Time, reader: Reader, call: &Call) -> (Loop, Option<Hold>) {
        self.clean(now);
        let loops = self.loops.entry(reader).or_default();
        while loops.first_key_value().is_some_and(|(at, _)| *at + INTERVAL < now) {
            loops.pop_first();
        }
        let mut poll = take_due(loops, now).unwrap_or(Loop { revision: 0, reads: 0, started: now });
        poll.reads = poll.reads.saturating_add(1);
        let watched = instance(call).filter(|_| poll.reads > EXACT).and_then(|instance| self.watched.get(instance));
        let watched = watched.filter(|watched| poll.revision == watched.revision);
        let for_at_most = (now - poll.started) / 100;
        (poll, watched.map(|watched| Hold { changed: watched.changed.clone(), for_at_most }))
    }

    /// Registers the answer to a read of this loop.
    pub fn answered(&mut self, now: Time, reader: Reader, mut poll: Loop, call: &Call) {
        if poll.reads >= EXACT
            && let Some(instance) = instance(call)
        {
            poll.revision = self.watched.entry(instance.to_owned()).or_default().revision;
        }
        *self.loops.entry(reader).or_default().entry(now).or_default().entry(poll).or_default() += 1;
    }

    /// Whether any change needs to be reported.
    pub fn watches(&self) -> bool {
        !self.watched.is_empty() || !self.watches.is_empty()
    }

    /// Reports that an instance has changed.
    pub fn changed(&mut self, instance: &str) {
        if let Some(watched) = self.watched.get_mut(instance) {
            watched.change();
        }
        if let Some((_, changed)) = self.watches.get(instance) {
            changed.notify_waiters();
        }
    }

    /// Reports that any instance may have changed.
    pub fn all_changed(&mut self) {
        for watched in self.watched.values_mut() {
            watched.change();
        }
        for (_, changed) in self.watches.values() {
            changed.notify_waiters();
        }
    }

    /// Starts watching an instance. The returned `Notify` is notified when the instance changes.
    pub fn watch(&mut self, instance: &str) -> Arc<Notify> {
        let (count, changed) = self.watches.entry(instance.to_owned()).or_default();
        *count += 1;
        changed.clone()
    }

    /// Ends a watch that [`Polls::watch`] started.
    pub fn unwatch(&mut self, instance: &str) {
        if let Some((count, _)) = self.watches.get_mut(instance) {
            *count -= 1;
            if *count == 0 {
                self.watches.remove(instance);
            }
        }
    }

    /// Occasionally removes loops that have ended.
    fn clean(&mut self, now: Time) {
        if self.loops.len() < 64 + 2 * self.kept {
            return;
        }
        self.loops.retain(|_, loops| loops.last_key_value().is_some_and(|(at, _)| *at + INTERVAL >= now));
        self.kept = self.loops.len();
        let mut loops = self.loops.values().flat_map(BTreeMap::values).flat_map(BTreeMap::keys);
        if loops.all(|poll| poll.reads < EXACT) {
            // Reads that are held back have not been answered and still wait.
            self.watched.retain(|_, watched| Arc::strong_count(&watched.changed) > 1);
        }
    }
}

/// Takes a loop whose next read is due now. If several identical loops are due, they cannot be
/// distinguished; taking the one that has seen the least ensures that no new information is held
/// back.
fn take_due(loops: &mut Loops, now: Time) -> Option<Loop> {
    let mut due = loops.first_entry().filter(|due| *due.key() + INTERVAL == now)?;
    let mut least = due.get_mut().first_entry()?;
    let poll = *least.key();
    *least.get_mut() -= 1;
    if *least.get() == 0 {
        least.remove();
    }
    if due.get().is_empty() {
        due.remove();
    }
    Some(poll)
}

fn instance(call: &Call) -> Option<&str> {
    match call {
        Call::Read { instance } | Call::GetKvValue { instance, .. } => Some(instance),
        _ => None,
    }
}

/// The reader of `call`, if the call is a read that a wait loop makes.
pub(super) fn reader(call: &Call) -> Option<Reader> {
    let (instance, key) = match call {
        Call::Read { instance } => (instance, None),
        Call::GetKvValue { instance, key } => (instance, Some(key)),
        _ => return None,
    };
    let mut hasher = Fold::default();
    (tokio::task::try_id(), instance, key).hash(&mut hasher);
    Some(Reader(hasher.finish()))
}
