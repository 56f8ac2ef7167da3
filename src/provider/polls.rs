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
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::Id;

use crate::call::Call;
use crate::clock::Time;

/// The interval that duroxide's client settles at (`MAX_POLL_DELAY_MS`).
const INTERVAL: Duration = Duration::from_millis(100);

/// How many reads of a loop are answered at once: 100 s of waiting.
const EXACT: u32 = 1000;

/// Who reads what.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Reader {
    task: Option<Id>,
    instance: String,
    key: Option<String>,
}

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
    loops: HashMap<Reader, Loop>,
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
    pub fn read(&mut self, now: Time, call: &Call) -> Option<Hold> {
        let reader = reader(call)?;
        self.clean(now);
        let watched = self.watched.entry(reader.instance.clone()).or_default();
        let poll = self.loops.entry(reader).or_insert(Loop { started: now, answered: now, reads: 0, revision: 0 });
        if now != poll.answered + INTERVAL {
            (poll.started, poll.reads) = (now, 0);
        }
        poll.reads = poll.reads.saturating_add(1);
        let unchanged = poll.revision == watched.revision;
        (unchanged && poll.reads > EXACT)
            .then(|| Hold { changed: watched.changed.clone(), for_at_most: (now - poll.started) / 100 })
    }

    /// Takes note of the answer to a read.
    pub fn answered(&mut self, now: Time, call: &Call) {
        let Some(reader) = reader(call) else { return };
        let revision = self.watched.get(&reader.instance).map_or(0, |watched| watched.revision);
        if let Some(poll) = self.loops.get_mut(&reader) {
            (poll.answered, poll.revision) = (now, revision);
        }
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

    /// Forgets loops that have ended, now and then.
    fn clean(&mut self, now: Time) {
        if self.loops.len() < 64 + 2 * self.kept {
            return;
        }
        // A held read is older than the interval; its Notify has two owners.
        let held: Vec<&String> = self
            .watched
            .iter()
            .filter(|(_, watched)| Arc::strong_count(&watched.changed) > 1)
            .map(|(id, _)| id)
            .collect();
        let held: std::collections::HashSet<String> = held.into_iter().cloned().collect();
        self.loops.retain(|reader, poll| poll.answered + INTERVAL >= now || held.contains(&reader.instance));
        let live: std::collections::HashSet<&String> = self.loops.keys().map(|reader| &reader.instance).collect();
        self.watched.retain(|instance, _| live.contains(instance));
        self.kept = self.loops.len();
    }
}

fn reader(call: &Call) -> Option<Reader> {
    let (instance, key) = match call {
        Call::Read { instance } => (instance.clone(), None),
        Call::GetKvValue { instance, key } => (instance.clone(), Some(key.clone())),
        _ => return None,
    };
    Some(Reader { task: tokio::task::try_id(), instance, key })
}
