//! What unfinished instances wait for, read from their histories and queues.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use duroxide::EventKind;
use duroxide::providers::WorkItem;

use super::node::Spec;
use crate::call::Event;
use crate::clock::Time;
use crate::provider::Memory;
use crate::trace::{Span, describe_event, describe_item};

/// How many instances are told of one by one.
const MOST: usize = 20;

/// What any build of any node can run, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Handlers {
    activities: BTreeSet<String>,
    /// With their versions.
    orchestrations: BTreeMap<String, BTreeSet<String>>,
}

impl Handlers {
    pub fn of(nodes: &[Spec]) -> Handlers {
        let mut handlers = Handlers::default();
        for build in nodes.iter().flat_map(|spec| &spec.builds) {
            handlers.activities.extend(build.activities.list_names());
            for name in build.orchestrations.list_names() {
                let versions = build.orchestrations.list_versions(&name);
                let known = handlers.orchestrations.entry(name).or_default();
                known.extend(versions.iter().map(ToString::to_string));
            }
        }
        handlers
    }

    /// What is missing for an activity, as the end of a sentence.
    fn lack_activity(&self, name: &str) -> Option<String> {
        let builtin = name.starts_with("__duroxide_");
        let there = builtin || self.activities.contains(name);
        (!there).then(|| format!("no node has an activity {name:?}"))
    }

    /// What is missing for an orchestration.
    fn lack_orchestration(&self, name: &str, version: Option<&str>) -> Option<String> {
        match (self.orchestrations.get(name), version) {
            (None, _) => Some(format!("no node has an orchestration {name:?}")),
            (Some(versions), Some(version)) if !versions.contains(version) => {
                Some(format!("no node has version {version} of orchestration {name:?}"))
            }
            _ => None,
        }
    }
}

/// A sentence for each instance that has not ended, as things are at `now`.
pub(super) fn unfinished(memory: &Memory, handlers: &Handlers, start: Time, now: Time) -> Vec<String> {
    let names = memory.inspect(|store| store.unfinished());
    if names.is_empty() {
        return vec!["none: every instance that was started has ended.".to_owned()];
    }
    let look = |name: &String| Look { memory, handlers, name, start, now }.sentence();
    let mut lines: Vec<String> = names.iter().take(MOST).map(look).collect();
    if names.len() > MOST {
        lines.push(format!("and {} more instances.", names.len() - MOST));
    }
    lines
}

/// The sentence for one instance.
pub(super) fn of(memory: &Memory, handlers: &Handlers, name: &str, start: Time, now: Time) -> String {
    Look { memory, handlers, name, start, now }.sentence()
}

/// A look at one instance.
struct Look<'a> {
    memory: &'a Memory,
    handlers: &'a Handlers,
    name: &'a str,
    start: Time,
    now: Time,
}

impl Look<'_> {
    fn sentence(&self) -> String {
        let executions = self.memory.inspect(|store| store.executions_of(self.name));
        let events = executions.last().map(|(_, _, _, events)| events.as_slice());
        let signals = Signals::of(events.unwrap_or_default());
        let mut waits: Vec<String> = match events {
            Some(events) => open(events, &signals).into_iter().map(|event| self.event(event, &signals)).collect(),
            None => vec!["its start".to_owned()],
        };
        waits.extend(self.messages());
        waits.extend(self.lock());
        if let Some(EventKind::OrchestrationStarted { name, version, .. }) =
            events.and_then(|events| events.first()).map(|event| &event.kind)
        {
            let lack = self.handlers.lack_orchestration(name, Some(version));
            waits.extend(lack.map(|lack| format!("a node that can run it ({lack})")));
        }
        let waits = if waits.is_empty() { "nothing that its history shows".to_owned() } else { waits.join("; ") };
        format!("{} waits for {waits}.", self.name)
    }

    fn event(&self, event: &Event, signals: &Signals) -> String {
        let since = Span(Time(event.timestamp_ms) - self.start);
        let about = match &event.kind {
            EventKind::ActivityScheduled { name, .. } => Some(self.activity(event.event_id, name)),
            EventKind::TimerCreated { .. } => self.timer(event.event_id),
            EventKind::SubOrchestrationScheduled { instance, .. } => self.child(instance),
            EventKind::ExternalSubscribed { name } if signals.lost.contains(name) => {
                Some("one came while nothing waited for it, and is lost".to_owned())
            }
            _ => None,
        };
        let about = about.map(|about| format!(", {about}")).unwrap_or_default();
        format!("{} (event {}, since +{since}{about})", describe_event(event), event.event_id)
    }

    fn activity(&self, number: u64, name: &str) -> String {
        let job = self.memory.inspect(|store| {
            let mine = |item: &WorkItem| matches!(item, WorkItem::ActivityExecute { id, .. } if *id == number);
            let jobs = store.jobs_of(self.name);
            jobs.into_iter().find(|(item, ..)| mine(item)).map(|(_, at, attempts, held)| (at, attempts, held))
        });
        let place = match job {
            Some((at, attempts, true)) if at > self.now => format!("under way, attempt {attempts}"),
            Some((_, attempts, _)) => format!("in the worker queue, fetched {attempts} times"),
            None => match self.has_message(|item| answers(item, number)) {
                true => "its result is there".to_owned(),
                false => "its job is gone and brought no result".to_owned(),
            },
        };
        match self.handlers.lack_activity(name) {
            Some(lack) => format!("{place}; {lack}"),
            None => place,
        }
    }

    fn timer(&self, number: u64) -> Option<String> {
        let fires = self.has_message(|item| matches!(item, WorkItem::TimerFired { id, .. } if *id == number));
        (!fires).then(|| "its message is gone".to_owned())
    }

    fn child(&self, scheduled: &str) -> Option<String> {
        let child =
            if scheduled.starts_with("sub::") { format!("{}::{scheduled}", self.name) } else { scheduled.into() };
        let status = self.memory.inspect(|store| store.executions_of(&child).pop().map(|(_, status, ..)| status));
        Some(match status {
            Some(status) => format!("instance {child} is {status}"),
            None => format!("instance {child} has not started"),
        })
    }

    fn has_message(&self, is: impl Fn(&WorkItem) -> bool) -> bool {
        self.memory.inspect(|store| store.messages_of(self.name).into_iter().any(|(item, ..)| is(item)))
    }

    fn messages(&self) -> Vec<String> {
        self.memory.inspect(|store| {
            // A timer's message says no more than the timer in the history.
            let all = store.messages_of(self.name).into_iter();
            let all = all.filter(|(item, ..)| !matches!(item, WorkItem::TimerFired { .. }));
            all.map(|(item, at, attempts)| self.message(item, at, attempts)).collect()
        })
    }

    fn message(&self, item: &WorkItem, at: Time, attempts: u32) -> String {
        let when = if at == Time::MAX { "never".to_owned() } else { format!("from +{}", Span(at - self.start)) };
        let lack = match item {
            WorkItem::StartOrchestration { orchestration, version, .. }
            | WorkItem::ContinueAsNew { orchestration, version, .. } => {
                self.handlers.lack_orchestration(orchestration, version.as_deref())
            }
            _ => None,
        };
        let lack = lack.map(|lack| format!("; {lack}")).unwrap_or_default();
        format!("its message {} to be taken (fetched {attempts} times, visible {when}{lack})", describe_item(item))
    }

    /// The lock on it, where it is held.
    fn lock(&self) -> Option<String> {
        let until = self.memory.inspect(|store| store.lock_of(self.name)).filter(|until| *until > self.now)?;
        Some(format!("the lock on it to be released (it holds until +{})", Span(until - self.start)))
    }
}

/// Whether a message is the answer to an activity.
fn answers(item: &WorkItem, number: u64) -> bool {
    matches!(item, WorkItem::ActivityCompleted { id, .. } | WorkItem::ActivityFailed { id, .. } if *id == number)
}

/// The scheduled things of a history that have no outcome in it.
fn open<'a>(events: &'a [Event], signals: &Signals) -> Vec<&'a Event> {
    let closed: BTreeSet<u64> = events.iter().filter_map(|event| event.source_event_id).collect();
    let delivered = |wanted: &str| {
        let matches =
            |event: &&Event| matches!(&event.kind, EventKind::QueueEventDelivered { name, .. } if name == wanted);
        events.iter().filter(matches).count()
    };
    let mut counted = BTreeMap::<&str, usize>::new();
    let mut waits = |event: &&'a Event| match &event.kind {
        EventKind::ActivityScheduled { .. }
        | EventKind::TimerCreated { .. }
        | EventKind::SubOrchestrationScheduled { .. } => !closed.contains(&event.event_id),
        EventKind::ExternalSubscribed { .. } => {
            !closed.contains(&event.event_id) && !signals.taken.contains(&event.event_id)
        }
        EventKind::QueueSubscribed { name } if !closed.contains(&event.event_id) => {
            let nth = counted.entry(name).or_default();
            *nth += 1;
            *nth > delivered(name)
        }
        _ => false,
    };
    events.iter().filter(|event| waits(event)).collect()
}

/// What became of the events from outside in a history.
#[derive(Default)]
struct Signals {
    /// The waits that got one.
    taken: BTreeSet<u64>,
    /// The names of those that came while nothing waited for them: they are lost.
    lost: BTreeSet<String>,
}

impl Signals {
    fn of(events: &[Event]) -> Signals {
        let mut signals = Signals::default();
        let mut open = BTreeMap::<&str, VecDeque<u64>>::new();
        for event in events {
            match &event.kind {
                EventKind::ExternalSubscribed { name } => open.entry(name).or_default().push_back(event.event_id),
                EventKind::ExternalSubscribedCancelled { .. } => {
                    open.values_mut().for_each(|waits| waits.retain(|wait| Some(*wait) != event.source_event_id));
                }
                EventKind::ExternalEvent { name, .. } => {
                    match open.get_mut(name.as_str()).and_then(VecDeque::pop_front) {
                        Some(wait) => drop(signals.taken.insert(wait)),
                        None => drop(signals.lost.insert(name.clone())),
                    }
                }
                _ => {}
            }
        }
        signals
    }
}
