//! The messages that wait for an instance, and locks on fetched items.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use duroxide::providers::WorkItem;

use crate::call::{Item, is_start};
use crate::clock::Time;

/// A lock with an expiry time.
#[derive(Clone, Debug, PartialEq, Hash)]
pub(super) struct Lease {
    pub token: String,
    pub until: Time,
}

impl Lease {
    pub fn new(token: &str, now: Time, lock_for: Duration) -> Lease {
        Lease { token: token.to_owned(), until: now + lock_for }
    }

    /// Whether the lock is held. At its expiry time it no longer is: the implementation guide
    /// fetches where `locked_until <= now()` and acks where it is `> now()`.
    pub fn holds(&self, now: Time) -> bool {
        self.until > now
    }
}

/// A message for an orchestration.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    pub id: u64,
    pub item: Item,
    pub visible_at: Time,
    pub attempts: u32,
}

/// The messages of one instance that are not locked by a fetch.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Queue {
    waiting: BTreeMap<(Time, u64), Message>,
    starts: BTreeSet<(Time, u64)>,
}

impl Queue {
    pub fn push(&mut self, message: Message) {
        let at = (message.visible_at, message.id);
        if is_start(&message.item) {
            self.starts.insert(at);
        }
        self.waiting.insert(at, message);
    }

    /// Takes out every message visible at `now`, in order of arrival.
    pub fn take_visible(&mut self, now: Time) -> Vec<Message> {
        let until = (now, u64::MAX);
        let all = self.waiting.last_key_value().is_none_or(|(at, _)| *at <= until);
        // Empty maps are replaced, which frees their memory: most instances have nothing waiting.
        let later = if all { BTreeMap::new() } else { self.waiting.split_off(&until) };
        let mut taken: Vec<Message> = std::mem::replace(&mut self.waiting, later).into_values().collect();
        self.starts = if all { BTreeSet::new() } else { self.starts.split_off(&until) };
        taken.sort_unstable_by_key(|message| message.id);
        taken
    }

    /// Drops the queue messages visible at `now`, unless a start is also visible.
    pub fn drop_unclaimed_mail(&mut self, now: Time) {
        if self.is_unclaimed(now) {
            self.waiting.retain(|at, message| !is_mail(now, at, message));
        }
    }

    /// Whether [`Queue::drop_unclaimed_mail`] would drop anything.
    pub fn has_unclaimed_mail(&self, now: Time) -> bool {
        self.is_unclaimed(now) && self.waiting.iter().any(|(at, message)| is_mail(now, at, message))
    }

    fn is_unclaimed(&self, now: Time) -> bool {
        self.first_start().is_none_or(|start| start.0 > now)
    }

    /// The time at which the first message becomes visible, and its id.
    pub fn first(&self) -> Option<(Time, u64)> {
        self.waiting.first_key_value().map(|(at, _)| *at)
    }

    /// The time at which the first message that starts an execution becomes visible, and its id.
    pub fn first_start(&self) -> Option<(Time, u64)> {
        self.starts.first().copied()
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.waiting.values()
    }
}

/// Whether this is a queue message that is visible at `now`.
fn is_mail(now: Time, (at, _): &(Time, u64), message: &Message) -> bool {
    *at <= now && matches!(*message.item, WorkItem::QueueMessage { .. })
}
