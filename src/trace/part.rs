//! [`Part`]: a part of a trace that is too long to keep.
//!
//! An HTML page of two million calls would have 700 MB. A part keeps the last calls, those that
//! break laws, and those about the instances of a failure, and records how many calls are left out.

use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};

use super::{Answer, Entry, Trace};
use crate::call::{Call, instance_of};

/// The maximum number of calls in pages and capsules.
pub(crate) const MOST_CALLS: usize = 50_000;

/// The maximum size of those calls as JSON, in bytes.
pub(crate) const MOST_BYTES: usize = 32 << 20;

/// The number of calls above which a trace is cut even if most of its calls are unproductive and
/// few others remain.
const MOST_IN_ALL: usize = 200_000;

/// A part of a trace.
#[derive(Debug)]
pub(crate) struct Part {
    pub trace: Trace,
    /// The index in the whole trace of each call.
    pub numbers: Vec<usize>,
}

/// Selects the calls to keep when a trace is cut.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// The instances whose calls are kept.
    pub instances: BTreeSet<&'a str>,
    /// The indices of calls that are always kept.
    pub calls: BTreeSet<usize>,
}

impl Trace {
    /// Returns the part to keep, or `None` if the whole trace can be kept.
    pub(crate) fn part(&self, wanted: &Wanted<'_>) -> Option<Part> {
        if self.fits() {
            return None;
        }
        let end = self.entries.len();
        let mut room = Room { calls: MOST_CALLS / 2, bytes: MOST_BYTES / 2 };
        let mut kept: BTreeSet<usize> = (0..end)
            .rev()
            .filter(|at| !self.entries[*at].found_nothing())
            .take_while(|at| room.has(&self.entries[*at]))
            .collect();
        let first = kept.first().copied().unwrap_or(end);
        let broken: Vec<Cow<'_, str>> =
            wanted.calls.iter().filter_map(|at| self.entries.get(*at)).filter_map(about).collect();
        let instances = wanted.instances.iter().copied().chain(broken.iter().map(|name| &**name)).collect();
        room = Room { calls: MOST_CALLS / 2, bytes: MOST_BYTES / 2 };
        let theirs = self.calls_about(first, &instances);
        kept.extend(theirs.into_iter().rev().take_while(|at| room.has(&self.entries[*at])));
        kept.extend(wanted.calls.iter().copied().filter(|at| *at < self.entries.len()).take(MOST_CALLS / 2));
        Some(self.only(kept.into_iter().collect(), first))
    }

    /// Returns the contiguous calls around the call with this index. Nothing is left out between
    /// them, so two traces that are equal up to that call yield the same calls.
    #[cfg(feature = "timeline")]
    pub(crate) fn part_around(&self, at: usize) -> Part {
        let from = at.saturating_sub(MOST_CALLS / 4).min(self.entries.len());
        let to = from.saturating_add(MOST_CALLS / 2).min(self.entries.len());
        let mut part = self.only((from..to).collect(), from);
        part.trace.marks.retain(|mark| mark.before > 0 || from == 0);
        part
    }

    /// Whether the whole trace can be shown.
    pub(crate) fn fits(&self) -> bool {
        let told = self.entries.iter().filter(|entry| !entry.found_nothing()).count();
        let mut room = Room { calls: MOST_CALLS, bytes: MOST_BYTES };
        let calls = || self.entries.iter().filter(|entry| !entry.found_nothing());
        self.entries.len() <= MOST_IN_ALL && told <= MOST_CALLS && calls().all(|entry| room.has(entry))
    }

    /// The last calls before `end` that are about these instances, oldest first.
    fn calls_about(&self, end: usize, instances: &BTreeSet<&str>) -> VecDeque<usize> {
        let mut tokens = BTreeSet::<&str>::new();
        let mut found = VecDeque::new();
        for (at, entry) in self.entries[..end].iter().enumerate().filter(|(_, entry)| !entry.found_nothing()) {
            let held = entry.call.token().is_some_and(|token| tokens.contains(token));
            if !held && !about(entry).is_some_and(|instance| instances.contains(&*instance)) {
                continue;
            }
            match &entry.answer {
                Answer::Turn(turn) => drop(tokens.insert(&turn.token)),
                Answer::Job(job) => drop(tokens.insert(&job.token)),
                _ => {}
            }
            found.push_back(at);
            if found.len() > MOST_CALLS / 2 {
                found.pop_front();
            }
        }
        found
    }

    /// Keeps these calls, the marks since the call with index `first`, and all earlier marks except
    /// latencies.
    fn only(&self, numbers: Vec<usize>, first: usize) -> Part {
        let told = |mark: &&super::Mark| mark.before >= first || !mark.what.is_latency();
        let marks = self.marks.iter().rev().filter(told).take(MOST_CALLS).map(|mark| super::Mark {
            before: numbers.partition_point(|number| *number < mark.before),
            ..mark.clone()
        });
        let mut marks: Vec<super::Mark> = marks.collect();
        marks.reverse();
        let entries = numbers.iter().map(|number| self.entries[*number].clone()).collect();
        // The recorded queue contents do not correspond to a part of the calls.
        Part { trace: Trace { started: self.started, entries, marks, remains: None }, numbers }
    }
}

/// The remaining room for calls.
struct Room {
    calls: usize,
    bytes: usize,
}

impl Room {
    /// Reserves room for another call, if there is enough.
    fn has(&mut self, entry: &Entry) -> bool {
        let size = size(entry);
        let fits = self.calls > 0 && size <= self.bytes;
        if fits {
            self.calls -= 1;
            self.bytes -= size;
        }
        fits
    }
}

/// The size of a call as JSON, in bytes.
fn size(entry: &Entry) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, entry).expect("plain data with text keys has a JSON form");
    count.0
}

/// The instance that a call names or returns.
fn about(entry: &Entry) -> Option<Cow<'_, str>> {
    match (&*entry.call, &entry.answer) {
        (_, Answer::Turn(turn)) => Some(Cow::Borrowed(&turn.instance)),
        (_, Answer::Job(job)) => Some(instance_of(&job.item)),
        (Call::EnqueueForOrchestrator { item, .. } | Call::EnqueueForWorker { item }, _) => Some(instance_of(item)),
        (call, _) => call.instance().map(Cow::Borrowed),
    }
}
