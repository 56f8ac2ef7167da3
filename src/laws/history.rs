//! The laws about histories.

use duroxide::EventKind;

use super::Law;
use crate::call::{AckTurn, Event};
use crate::seed::{FoldMap, FoldSet};
use crate::trace::{Digest, SeenTurn, describe_event};

/// The id of the event with which the runtime ends an instance whose history cannot be read
/// (implementation guide, "sentinel `event_id=99999`").
const SENTINEL: u64 = 99_999;

#[derive(Default)]
pub(super) struct Histories<'a> {
    /// The executions of each instance, ordered by id.
    instances: FoldMap<&'a str, Vec<Execution<'a>>>,
    /// Instances whose histories are unknown and no longer judged.
    doubted: FoldSet<&'a str>,
    /// Instances whose history was reported unreadable.
    unreadable: FoldSet<&'a str>,
}

#[derive(Default)]
struct Execution<'a> {
    id: u64,
    /// `None` if the history is unknown, because events were appended out of order or pruned.
    digest: Option<Digest>,
    last: u64,
    completed: FoldSet<u64>,
    ended: Option<&'a str>,
}

impl<'a> Histories<'a> {
    /// Whether an instance has any history.
    pub fn knows(&self, instance: &str) -> bool {
        self.instances.contains_key(instance) || self.doubted.contains(instance)
    }

    pub fn fetched(&mut self, turn: &'a SeenTurn) -> Option<String> {
        if turn.history_error.is_some() {
            self.unreadable.insert(&turn.instance);
            return None;
        }
        self.compare(&turn.instance, turn.execution, &turn.history)
    }

    pub fn read(&self, instance: &str, execution: Option<u64>, digest: &Digest) -> Option<String> {
        let latest = || self.instances.get(instance).and_then(|all| all.last()).map_or(1, |last| last.id);
        self.compare(instance, execution.unwrap_or_else(latest), digest)
    }

    fn compare(&self, instance: &str, execution: u64, digest: &Digest) -> Option<String> {
        if self.doubted.contains(instance) {
            return None;
        }
        let expected =
            match self.instances.get(instance).and_then(|all| all.iter().rev().find(|one| one.id == execution)) {
                Some(known) => known.digest?,
                None => Digest::default(),
            };
        (expected != *digest).then(|| {
            format!(
                "The history of {instance} execution {execution} has {digest} up to id {}, but {expected} up to id {} were acked.",
                digest.last, expected.last
            )
        })
    }

    /// Follows an ack. `gaps` says whether ids may be left out.
    pub fn acked(&mut self, instance: &'a str, ack: &'a AckTurn, gaps: bool) -> Vec<(Law, String)> {
        let mut found = Vec::new();
        if self.doubted.contains(instance) {
            return found;
        }
        let unreadable = self.unreadable.contains(instance);
        let at = || format!("{instance} execution {}", ack.execution);
        let all = self.instances.entry(instance).or_default();
        let execution = execution_of(all, ack.execution);
        if let Some(ended) = &execution.ended {
            if let Some(event) = ack.history.first() {
                let what = format!("{} had already ended ({ended}) when {} was appended.", at(), describe_event(event));
                found.push((Law::TerminalFinal, what));
            }
            if ack.metadata.status.as_ref().is_some_and(|status| status != ended) {
                found.push((
                    Law::TerminalFinal,
                    format!("{} had already ended ({ended}) when it got another status.", at()),
                ));
            }
        }
        for event in &ack.history {
            // A trace from a file may contain the highest possible id.
            let expected = execution.last.checked_add(1);
            let follows = Some(event.event_id) == expected || gaps && event.event_id > execution.last;
            let is_sentinel = unreadable && event.event_id == SENTINEL;
            if !(follows || is_sentinel) {
                let next = expected.map_or_else(|| "out of range".to_owned(), |next| next.to_string());
                let what = format!("{} got event {}, but the next id is {next}.", at(), event.event_id);
                found.push((Law::AppendOnly, what));
            }
            if let Some(source) = completion(event)
                && !execution.completed.insert(source)
            {
                let what = format!("{} got {}, the second outcome of event {source}.", at(), describe_event(event));
                found.push((Law::CompletedOnce, what));
            }
            execution.push(event);
        }
        if let Some(status @ ("Completed" | "Failed" | "ContinuedAsNew")) = ack.metadata.status.as_deref() {
            execution.ended = Some(status);
        }
        found
    }

    pub fn appended(&mut self, instance: &'a str, execution: u64, events: &[Event]) {
        if events.is_empty() || self.doubted.contains(instance) {
            return;
        }
        let all = self.instances.entry(instance).or_default();
        let execution = execution_of(all, execution);
        for event in events {
            if event.event_id <= execution.last {
                execution.digest = None;
            }
            execution.push(event);
        }
    }

    pub fn pruned(&mut self, instance: &str) {
        if let Some(all) = self.instances.get_mut(instance) {
            all.iter_mut().rev().skip(1).for_each(|execution| execution.digest = None);
        }
    }

    pub fn all_pruned(&mut self) {
        self.instances.values_mut().for_each(|all| all.iter_mut().rev().skip(1).for_each(|one| one.digest = None));
    }

    pub fn forget(&mut self, instance: &str) {
        self.instances.remove(instance);
        self.doubted.remove(instance);
        self.unreadable.remove(instance);
    }

    pub fn doubt(&mut self, instance: &'a str) {
        self.forget(instance);
        self.doubted.insert(instance);
    }

    /// The instances whose last execution has ended, and that may therefore be deleted.
    pub fn ended(&self) -> Vec<&'a str> {
        let ended = |all: &[Execution<'_>]| all.last().is_some_and(|last| last.ended.is_some());
        self.instances.iter().filter(|(_, all)| ended(all)).map(|(name, _)| *name).collect()
    }
}

impl Execution<'_> {
    fn fresh(id: u64) -> Self {
        Execution { id, digest: Some(Digest::default()), ..Execution::default() }
    }

    fn push(&mut self, event: &Event) {
        self.last = self.last.max(event.event_id);
        if let Some(digest) = &mut self.digest {
            digest.push(event);
        }
    }
}

/// Returns the instance's execution with this id, created if it does not exist.
fn execution_of<'e, 'a>(all: &'e mut Vec<Execution<'a>>, id: u64) -> &'e mut Execution<'a> {
    let at = all.binary_search_by_key(&id, |one| one.id).unwrap_or_else(|at| {
        all.insert(at, Execution::fresh(id));
        at
    });
    &mut all[at]
}

/// The scheduling event that an event completes, if it completes one.
fn completion(event: &Event) -> Option<u64> {
    match event.kind {
        EventKind::ActivityCompleted { .. }
        | EventKind::ActivityFailed { .. }
        | EventKind::TimerFired { .. }
        | EventKind::SubOrchestrationCompleted { .. }
        | EventKind::SubOrchestrationFailed { .. } => event.source_event_id,
        _ => None,
    }
}
