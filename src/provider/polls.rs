//! Sparing the client's wait loops.
//!
//! `Client::wait_for_orchestration` and `wait_for_kv_value` read every 100 ms
//! for as long as they wait: 26 million reads for a month of virtual time, and
//! all of them in vain but the last. So a read that belongs to such a loop (the
//! same task reads the same thing, each time exactly 100 ms after the last
//! answer) is answered at once for the first [`EXACT`] times; after that it may
//! be held back while nothing changes, for at most one hundredth of the time
//! the loop has waited. What the loop waits for is still seen when it happens;
//! only a wait that ends in a time-out can run over, by that hundredth.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::call::Call;
use crate::clock::Time;

/// The interval that duroxide's client settles at (`MAX_POLL_DELAY_MS`).
const INTERVAL: Duration = Duration::from_millis(100);

/// How many reads of a loop are answered at once: 100 s of waiting.
const EXACT: u32 = 1000;

/// Who reads what: the task, the instance and the key, as a fingerprint. Two
/// that share one would be taken for one loop, and its reads come at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Reader(u64);

struct Loop {
    started: Time,
    answered: Time,
    reads: u32,
    revision: u64,
}

#[derive(Default)]
struct Watched {
    revision: u64,
    changed: Arc<Notify>,
}

/// The wait loops that are under way.
#[derive(Default)]
pub(super) struct Polls {
    loops: HashMap<Reader, Loop, BuildHasherDefault<Fingerprint>>,
    /// The instances that long loops wait for.
    watched: HashMap<String, Watched>,
    /// How many loops there were after the last clean-up.
    kept: usize,
}

/// How long a read may be held back.
pub(super) struct Hold {
    pub changed: Arc<Notify>,
    pub for_at_most: Duration,
}

impl Polls {
    /// Takes note of a read, and says whether it may be held back.
    pub fn read(&mut self, now: Time, reader: Reader, call: &Call) -> Option<Hold> {
        self.clean(now);
        let poll = self.loops.entry(reader).or_insert(Loop { started: now, answered: now, reads: 0, revision: 0 });
        if now != poll.answered + INTERVAL {
            (poll.started, poll.reads) = (now, 0);
        }
        poll.reads = poll.reads.saturating_add(1);
        if poll.reads <= EXACT {
            return None;
        }
        let watched = self.watched.get(instance(call)?)?;
        let unchanged = poll.revision == watched.revision;
        unchanged.then(|| Hold { changed: watched.changed.clone(), for_at_most: (now - poll.started) / 100 })
    }

    /// Takes note of the answer to a read.
    pub fn answered(&mut self, now: Time, reader: Reader, call: &Call) {
        let Some(poll) = self.loops.get_mut(&reader) else { return };
        poll.answered = now;
        if poll.reads >= EXACT
            && let Some(instance) = instance(call)
        {
            poll.revision = self.watched.entry(instance.to_owned()).or_default().revision;
        }
    }

    /// Whether changes matter to anybody.
    pub fn watches(&self) -> bool {
        !self.watched.is_empty()
    }

    /// An instance has changed.
    pub fn changed(&mut self, instance: &str) {
        if let Some(watched) = self.watched.get_mut(instance) {
            watched.revision += 1;
            watched.changed.notify_waiters();
        }
    }

    /// Any instance may have changed.
    pub fn all_changed(&mut self) {
        for watched in self.watched.values_mut() {
            watched.revision += 1;
            watched.changed.notify_waiters();
        }
    }

    /// Forgets loops that have ended, now and then. A read that is held back is
    /// older than the interval, by a hundredth of its loop's age.
    fn clean(&mut self, now: Time) {
        if self.loops.len() < 64 + 2 * self.kept {
            return;
        }
        self.loops.retain(|_, poll| poll.answered + INTERVAL + (poll.answered - poll.started) / 50 >= now);
        self.kept = self.loops.len();
        if self.loops.values().all(|poll| poll.reads < EXACT) {
            self.watched.clear();
        }
    }
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
    let mut hasher = Fingerprint::default();
    (tokio::task::try_id(), instance, key).hash(&mut hasher);
    Some(Reader(hasher.finish()))
}

/// FNV-1a, and the identity on what is a fingerprint already.
#[derive(Default)]
struct Fingerprint(u64);

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }
}
