//! What the acks of turns bring: scheduled work, timers, waits, children, ends.

use std::time::Duration;

use duroxide::EventKind;
use duroxide::providers::WorkItem;

use super::super::item::{At, Item, Kind, State};
use super::locks::{Work, push_sentence};
use super::{Walk, key};
use crate::call::{AckTurn, Event};
use crate::clock::Time;
use crate::trace::Span;

/// A job that was scheduled.
pub(super) struct Scheduled {
    pub name: String,
    pub at: At,
    /// The turn that scheduled it.
    pub by: Option<usize>,
    /// Whether somebody has fetched it.
    pub begun: bool,
}

impl Walk<'_> {
    /// A turn that began at `begun` was committed at `at`.
    pub(super) fn committed(&mut self, instance: &str, ack: &AckTurn, turn: usize, begun: At, at: At) {
        for event in &ack.history {
            self.event(instance, event, turn, begun, at);
        }
        for job in &ack.jobs {
            self.scheduled(job, turn, at);
        }
        for message in &ack.messages {
            self.heard_of(message);
            let timer = self.timer_of(message);
            if let Some(key) = key(message) {
                self.sent.entry(key).or_default().push_back(timer.unwrap_or(turn));
            }
        }
        for id in &ack.cancelled {
            self.cancelled(Work::Job(id.instance.clone(), id.execution, id.activity), at);
        }
        if let Some(parent) = &ack.metadata.parent_instance_id {
            self.instances.get(instance).parent = Some(parent.clone());
        }
        if let Some(status) = ack.metadata.status.as_deref().filter(|status| *status != "Running") {
            self.ended(instance, ack, status, turn, at);
        }
    }

    fn event(&mut self, instance: &str, event: &Event, turn: usize, begun: At, at: At) {
        let bar = |kind, label: String| Item::bar(kind, at, label).of(instance);
        let item = match &event.kind {
            EventKind::OrchestrationStarted { name, parent_instance, .. } => {
                let known = self.instances.get(instance);
                known.orchestration.clone_from(name);
                known.parent.clone_from(parent_instance);
                None
            }
            EventKind::TimerCreated { fire_at_ms } => {
                let lasts = Time(*fire_at_ms) - Time(event.timestamp_ms);
                let due = Span(Time(*fire_at_ms) - self.trace.started);
                Some(bar(Kind::Timer, short(lasts)).note(format!("It is due at +{due}.")))
            }
            EventKind::ExternalSubscribed { name } | EventKind::QueueSubscribed { name } => {
                Some(bar(Kind::Wait, name.clone()))
            }
            EventKind::ExternalEvent { name, .. } => {
                self.arrived(instance, event, &format!("event {name}"), begun);
                None
            }
            EventKind::QueueEventDelivered { name, .. } => {
                self.arrived(instance, event, &format!("queue {name}"), begun);
                None
            }
            EventKind::SubOrchestrationScheduled { name, instance: child, .. } => {
                let key = (instance.to_owned(), format!("#{}/{}", event.execution_id, event.event_id));
                self.names.insert(key, name.clone());
                Some(bar(Kind::Child, child.clone()))
            }
            _ => None,
        };
        if let Some(mut item) = item {
            item.causes.push(turn);
            let item = self.add(item);
            self.open.insert((instance.to_owned(), event.execution_id, event.event_id), item);
            self.waits(instance, event, item);
        }
        if let Some(source) = event.source_event_id {
            self.answered(instance, event, source, begun);
        }
    }

    /// An event that ends what event `source` began.
    fn answered(&mut self, instance: &str, event: &Event, source: u64, begun: At) {
        let Some(item) = self.open.remove(&(instance.to_owned(), event.execution_id, source)) else { return };
        let item = &mut self.items[item];
        if item.state != State::Open {
            return;
        }
        item.to = begun;
        item.state = match &event.kind {
            EventKind::SubOrchestrationFailed { .. } => State::Failed,
            EventKind::ExternalSubscribedCancelled { .. }
            | EventKind::QueueSubscriptionCancelled { .. }
            | EventKind::SubOrchestrationCancelRequested { .. } => State::Cancelled,
            _ => State::Fine,
        };
    }

    /// Begins a wait by name. A queue may have brought its message before.
    fn waits(&mut self, instance: &str, event: &Event, item: usize) {
        let (EventKind::ExternalSubscribed { name } | EventKind::QueueSubscribed { name }) = &event.kind else {
            return;
        };
        let queue = matches!(event.kind, EventKind::QueueSubscribed { .. });
        let what = format!("{} {name}", if queue { "queue" } else { "event" });
        let key = (instance.to_owned(), event.execution_id, what);
        if let Some(early) = self.early.get_mut(&key).filter(|early| **early > 0 && queue) {
            *early -= 1;
            let item = &mut self.items[item];
            (item.to, item.state) = (item.from, State::Fine);
        } else {
            self.waiting.entry(key).or_default().push_back(item);
        }
    }

    /// What is awaited by name goes to whoever has waited longest.
    fn arrived(&mut self, instance: &str, event: &Event, what: &str, begun: At) {
        let key = (instance.to_owned(), event.execution_id, what.to_owned());
        let waiting = self.waiting.get_mut(&key).into_iter().flat_map(|waiting| waiting.drain(..));
        let mut waiting: std::collections::VecDeque<usize> =
            waiting.filter(|item| self.items[*item].state == State::Open).collect();
        match waiting.pop_front() {
            Some(item) => {
                let item = &mut self.items[item];
                (item.to, item.state) = (begun, State::Fine);
            }
            None => *self.early.entry(key.clone()).or_default() += 1,
        }
        self.waiting.insert(key, waiting);
    }

    fn scheduled(&mut self, job: &WorkItem, turn: usize, at: At) {
        if let WorkItem::ActivityExecute { instance, execution_id, id, name, .. } = job {
            self.names.insert((instance.clone(), format!("#{execution_id}/{id}")), name.clone());
            let work = Work::Job(instance.clone(), *execution_id, *id);
            self.jobs.insert(work, Scheduled { name: name.clone(), at, by: Some(turn), begun: false });
        }
    }

    /// The timer's bar, for a message that is a timer.
    fn timer_of(&self, message: &WorkItem) -> Option<usize> {
        let WorkItem::TimerFired { instance, execution_id, id, .. } = message else { return None };
        self.open.get(&(instance.clone(), *execution_id, *id)).copied()
    }

    fn cancelled(&mut self, work: Work, at: At) {
        if let Some(job) = self.jobs.remove(&work).filter(|job| !job.begun) {
            self.never_begun(&work, job, at, State::Cancelled, "It was cancelled before anybody began it.");
        }
    }

    fn never_begun(&mut self, work: &Work, job: Scheduled, to: At, state: State, note: &str) {
        let mut item = Item::bar(Kind::Activity, job.at, job.name).of(work.instance()).state(state).note(note);
        item.to = to;
        item.causes.extend(job.by);
        self.add(item);
    }

    /// An execution has ended, and with it all that it waited for.
    fn ended(&mut self, instance: &str, ack: &AckTurn, status: &str, turn: usize, at: At) {
        let (label, state) = match status {
            "Completed" => ("completed", State::Fine),
            "Failed" => ("failed", State::Failed),
            "ContinuedAsNew" => ("continued as new", State::Fine),
            other => (other, State::Fine),
        };
        let output = ack.metadata.output.as_deref().unwrap_or_default();
        let note = if output.is_empty() { String::new() } else { format!("Its output: {output}") };
        let mut item = Item::point(Kind::End, at, label).of(instance).state(state).note(note);
        item.entries.clone_from(&self.items[turn].entries);
        item.causes.push(turn);
        self.add(item);
        if status != "ContinuedAsNew" {
            self.instances.get(instance).ended = Some((status.to_owned(), at));
        }
        let execution = (instance.to_owned(), ack.execution, 0)..=(instance.to_owned(), ack.execution, u64::MAX);
        let left: Vec<_> = self.open.range(execution).map(|(key, item)| (key.clone(), *item)).collect();
        for (key, item) in left {
            self.open.remove(&key);
            let item = &mut self.items[item];
            if item.state == State::Open {
                (item.to, item.state) = (at, State::Cancelled);
                push_sentence(&mut item.note, "Nobody waited for it any more.");
            }
        }
    }

    /// Closes what is open when the trace ends.
    pub(super) fn close(&mut self) {
        self.close_locks();
        for (work, job) in std::mem::take(&mut self.jobs) {
            if !job.begun {
                self.never_begun(&work, job, At::End, State::Waiting, "Nobody has begun it.");
            }
        }
    }
}

/// A duration as people say it, where it is a round one.
fn short(lasts: Duration) -> String {
    let ms = lasts.as_millis();
    for (unit, name) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")] {
        if ms >= unit && ms.is_multiple_of(unit) {
            return format!("{} {name}", ms / unit);
        }
    }
    if ms < 1000 { format!("{ms} ms") } else { Span(lasts).to_string() }
}
