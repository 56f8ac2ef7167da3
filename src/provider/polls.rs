//! Sparing the client's wait loops.
//!
//! `Client::wait_for_orchestration` and `wait_for_kv_value` read every 100 ms
//! for as long as they wait: 26 million reads for a month of virtual time, and
//! all of them in vain but the last. So a read that belongs to such a loop (the
//! same task reads the same thing, each time exactly 100 ms after the last
//! answer) is answered at once for the first [`EXACT`] times; after that it may
//! be held back while nothing changes, for at most one hundredth of the time
//! the loop has waited. What the loop waits for is still seen when it happens;
//! only a wait that ends in a time-out can run over, by that hundredth. (The
//! same task's next read of the same thing after such a time-out looks like one
//! more turn of the loop, and may be held back like one.)

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::call::Call;
use crate::clock::Time;
use crate::seed::{Fold, FoldMap};

/// The interval that duroxide's client settles at (`MAX_POLL_DELAY_MS`).
const INTERVAL: Duration = Duration::from_millis(100);

/// How many reads of a loop are answered at once: 100 s of waiting.
const EXACT: u32 = 1000;

/// Who reads what: the task, the instance and the key, as a fingerprint. A task
/// that waits twice for the same thing at once has two loops under one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Reader(u64);

/// A wait loop while a read of it is under way. Those that have seen least come
/// first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Loop {
    revision: u64,
    reads: u32,
    started: Time,
}

/// The loops of one reader, by when their last reads were answered, and how
/// many are alike: all that read at one instant and have not read before are.
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

/// The wait loops that are under way.
#[derive(Default)]
pub(super) struct Polls {
    loops: FoldMap<Reader, Loops>,
    /// The instances that long loops wait for.
    watched: FoldMap<String, Watched>,
    /// The instances that somebody watches, and how many do.
    watches: BTreeMap<String, (usize, Arc<Notify>)>,
    /// How many loops there were after the last clean-up.
    kept: usize,
}

/// How long a read may be held back.
pub(super) struct Hold {
    pub changed: Arc<Notify>,
    pub for_at_most: Duration,
}

impl Polls {
    /// Takes note of a read: the loop that it belongs to, and whether it may be
    /// held back. A read that is never answered ends its loop.
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

    /// Takes note of the answer to a read of this loop.
    pub fn answered(&mut self, now: Time, reader: Reader, mut poll: Loop, call: &Call) {
        if poll.reads >= EXACT
            && let Some(instance) = instance(call)
        {
            poll.revision = self.watched.entry(instance.to_owned()).or_default().revision;
        }
        *self.loops.entry(reader).or_default().entry(now).or_default().entry(poll).or_default() += 1;
    }

    /// Whether changes matter to anybody.
    pub fn watches(&self) -> bool {
        !self.watched.is_empty() || !self.watches.is_empty()
    }

    /// An instance has changed.
    pub fn changed(&mut self, instance: &str) {
        if let Some(watched) = self.watched.get_mut(instance) {
            watched.change();
        }
        if let Some((_, changed)) = self.watches.get(instance) {
            changed.notify_waiters();
        }
    }

    /// Any instance may have changed.
    pub fn all_changed(&mut self) {
        for watched in self.watched.values_mut() {
            watched.change();
        }
        for (_, changed) in self.watches.values() {
            changed.notify_waiters();
        }
    }

    /// Begins to watch an instance; what is returned is notified when it
    /// changes.
    pub fn watch(&mut self, instance: &str) -> Arc<Notify> {
        let (count, changed) = self.watches.entry(instance.to_owned()).or_default();
        *count += 1;
        changed.clone()
    }

    /// Ends what [`Polls::watch`] began.
    pub fn unwatch(&mut self, instance: &str) {
        if let Some((count, _)) = self.watches.get_mut(instance) {
            *count -= 1;
            if *count == 0 {
                self.watches.remove(instance);
            }
        }
    }

    /// Forgets loops that have ended, now and then.
    fn clean(&mut self, now: Time) {
        if self.loops.len() < 64 + 2 * self.kept {
            return;
        }
        self.loops.retain(|_, loops| loops.last_key_value().is_some_and(|(at, _)| *at + INTERVAL >= now));
        self.kept = self.loops.len();
        let mut loops = self.loops.values().flat_map(BTreeMap::values).flat_map(BTreeMap::keys);
        if loops.all(|poll| poll.reads < EXACT) {
            // Reads that are held back have not been answered, and still wait.
            self.watched.retain(|_, watched| Arc::strong_count(&watched.changed) > 1);
        }
    }
}

/// Takes a loop whose next read is due now. Which of several that look alike it
/// is, nobody can tell: it is the one that has seen least, so that nothing new is
/// held back.
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

/// Who asks with `call`, if it is a read that a wait loop makes.
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
