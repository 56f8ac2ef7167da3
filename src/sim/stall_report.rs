//! The reasons why unfinished instances wait, read from their histories and queues.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use duroxide::EventKind;
use duroxide::providers::WorkItem;

use super::handlers::{self, Handlers};
use super::waits::{About, MisdirectedEvent, UnconsumedEvent, Unfinished, Wait};
use crate::call::{Call, Event, SessionClaim};
use crate::clock::Time;
use crate::provider::Memory;
use crate::trace::{self, Answer, describe_event, describe_item, event_name};

/// The number of instances examined individually.
pub(super) const MOST: usize = 20;

/// Returns the instances that have not ended at `now`. The first [`MOST`] are examined for
/// what they wait for.
pub(super) fn unfinished(
    memory: &Memory,
    handlers: &Handlers,
    calls: &[trace::Entry],
    start: Time,
    now: Time,
) -> Vec<Unfinished> {
    let names = memory.inspect(|store| store.unfinished());
    let look = |name: &String| Look { memory, handlers, calls, name, start, now }.look();
    let mut all: Vec<Unfinished> = names.iter().take(MOST).map(look).collect();
    let wanted: Vec<(String, MisdirectedEvent)> = all.iter().flat_map(came_elsewhere).collect();
    for (at, event) in wanted {
        all.iter_mut().filter(|one| one.instance == at).for_each(|one| one.misdirected.push(event.clone()));
    }
    let rest = names.into_iter().skip(MOST);
    all.extend(rest.map(|instance| Unfinished {
        instance,
        waits: Vec::new(),
        misdirected: Vec::new(),
        unconsumed: Vec::new(),
    }));
    all
}

/// Examines one instance.
pub(super) fn of(memory: &Memory, handlers: &Handlers, name: &str, start: Time, now: Time) -> Unfinished {
    Look { memory, handlers, calls: &[], name, start, now }.look()
}

/// Returns the parents and children that received the events for which an instance waits.
fn came_elsewhere(one: &Unfinished) -> Vec<(String, MisdirectedEvent)> {
    let mut found = Vec::new();
    for wait in &one.waits {
        let Wait::Open { about, subject: Some(name), .. } = wait else { continue };
        for about in about {
            if let About::CameTo(relative) = about {
                found
                    .push((relative.clone(), MisdirectedEvent { name: name.clone(), wanted_by: one.instance.clone() }));
            }
        }
    }
    found
}

/// The examination of one instance.
struct Look<'a> {
    memory: &'a Memory,
    handlers: &'a Handlers,
    calls: &'a [trace::Entry],
    name: &'a str,
    start: Time,
    now: Time,
}

impl Look<'_> {
    fn look(&self) -> Unfinished {
        let events = current(self.memory, self.name);
        let mut waits: Vec<Wait> = match &events {
            Some(events) => {
                let signals = Signals::of(events);
                open(events, &signals).into_iter().map(|event| self.event(event, events, &signals)).collect()
            }
            None if self.has_message(starts) => vec![Wait::Start],
            None => vec![Wait::Unstarted { nearest: self.nearest_instance() }],
        };
        waits.extend(self.messages());
        let until = self.memory.inspect(|store| store.lock_of(self.name)).filter(|until| *until > self.now);
        waits.extend(until.map(|until| Wait::Lock(until - self.start)));
        if let Some(EventKind::OrchestrationStarted { name, version, .. }) =
            events.as_ref().and_then(|events| events.first()).map(|event| &event.kind)
        {
            waits.extend(self.handlers.lack_orchestration(name, Some(version)).map(Wait::Node));
        }
        if waits.is_empty() {
            waits.push(Wait::Unseen);
        }
        let unconsumed = events.map(|events| unconsumed(&events, self.start)).unwrap_or_default();
        Unfinished { instance: self.name.to_owned(), waits, misdirected: Vec::new(), unconsumed }
    }

    /// Returns the name of a started instance with a similar name.
    fn nearest_instance(&self) -> Option<String> {
        let started = |name: &String| current(self.memory, name).is_some();
        let names: Vec<String> = self.memory.inspect(|store| store.names()).into_iter().filter(started).collect();
        handlers::nearest(self.name, names.iter())
    }

    fn event(&self, event: &Event, events: &[Event], signals: &Signals) -> Wait {
        let (about, subject) = match &event.kind {
            EventKind::ActivityScheduled { name, .. } => (self.activity(event.event_id, name), None),
            EventKind::TimerCreated { .. } => (self.timer(event.event_id), None),
            EventKind::SubOrchestrationScheduled { instance, .. } => (self.child(instance), None),
            EventKind::ExternalSubscribed { name } => {
                let lost = signals.lost.contains_key(name).then_some(About::Lost);
                let came = self.came_to_relatives(events, |events| Signals::of(events).lost.contains_key(name));
                (lost.into_iter().chain(came).collect(), Some(name))
            }
            EventKind::QueueSubscribed { name } => {
                (self.came_to_relatives(events, |events| has_unread(events, name)), Some(name))
            }
            _ => (Vec::new(), None),
        };
        Wait::Open {
            event: event.event_id,
            kind: event_name(event).to_owned(),
            what: describe_event(event),
            since: Time(event.timestamp_ms) - self.start,
            subject: subject.cloned(),
            about,
        }
    }

    fn activity(&self, number: u64, name: &str) -> Vec<About> {
        let job = self.memory.inspect(|store| {
            let mine = |item: &WorkItem| matches!(item, WorkItem::ActivityExecute { id, .. } if *id == number);
            let jobs = store.jobs_of(self.name);
            jobs.into_iter()
                .find(|(item, ..)| mine(item))
                .map(|(item, at, attempts, held)| (item.clone(), at, attempts, held))
        });
        let mut about = Vec::new();
        match job {
            Some((_, at, attempts, true)) if at > self.now => about.push(About::UnderWay(attempts)),
            Some((item, _, attempts, _)) => {
                about.push(About::InQueue(attempts));
                if let WorkItem::ActivityExecute { tag, session_id, .. } = &item {
                    let filters = self.handlers.shut_to(tag.as_deref());
                    about.extend(filters.map(|filters| About::NoNodeTakes { tag: tag.clone(), filters }));
                    about.extend(session_id.as_ref().and_then(|session| self.session(session)));
                }
            }
            None if self.has_message(|item| answers(item, number)) => about.push(About::Answered),
            None => about.push(About::JobGone),
        }
        about.extend(self.handlers.lack_activity(name).map(About::Lacks));
        about
    }

    /// Returns the owner of a session.
    fn session(&self, session: &str) -> Option<About> {
        let (owner, until) = self.memory.inspect(|store| store.session_owner(session))?;
        if until <= self.now {
            return None;
        }
        // The node whose fetch claimed the session with this owner id.
        let mine = |entry: &&trace::Entry| {
            matches!(&*entry.call, Call::FetchWorkItem { session: Some(SessionClaim { owner: by, .. }), .. } if *by == owner)
                && matches!(entry.answer, Answer::Job(_))
        };
        let node = self.calls.iter().rev().find(mine).map(|entry| entry.by.to_string());
        Some(About::Session { session: session.to_owned(), owner, node, until: until - self.start })
    }

    fn timer(&self, number: u64) -> Vec<About> {
        let fires = self.has_message(|item| matches!(item, WorkItem::TimerFired { id, .. } if *id == number));
        if fires { Vec::new() } else { vec![About::TimerGone] }
    }

    fn child(&self, scheduled: &str) -> Vec<About> {
        let child = child_of(self.name, scheduled);
        let status = self.memory.inspect(|store| store.executions_of(&child).pop().map(|(_, status, ..)| status));
        vec![About::Child(child, status)]
    }

    /// Returns the parent and the sub-orchestrations for which `got` holds: they received
    /// the event, but do not wait for it.
    fn came_to_relatives(&self, events: &[Event], got: impl Fn(&[Event]) -> bool) -> Vec<About> {
        let relatives = relatives(self.name, events).into_iter();
        let hit = |name: &String| current(self.memory, name).is_some_and(|events| got(&events));
        relatives.filter(hit).map(About::CameTo).collect()
    }

    fn has_message(&self, is: impl Fn(&WorkItem) -> bool) -> bool {
        self.memory.inspect(|store| store.messages_of(self.name).into_iter().any(|(item, ..)| is(item)))
    }

    fn messages(&self) -> Vec<Wait> {
        self.memory.inspect(|store| {
            // A timer's message adds nothing to the timer in the history.
            let all = store.messages_of(self.name).into_iter();
            let all = all.filter(|(item, ..)| !matches!(item, WorkItem::TimerFired { .. }));
            let wait = |(item, at, attempts): (&WorkItem, Time, u32)| Wait::Message {
                what: describe_item(item),
                attempts,
                visible: (at < Time::MAX).then(|| at - self.start),
                lack: self.handlers.lack_for(item),
            };
            all.map(wait).collect()
        })
    }
}

/// Returns the events of an instance's current execution.
fn current(memory: &Memory, name: &str) -> Option<Vec<Event>> {
    memory.inspect(|store| store.executions_of(name)).pop().map(|(_, _, _, events)| events)
}

fn child_of(parent: &str, scheduled: &str) -> String {
    if scheduled.starts_with("sub::") { format!("{parent}::{scheduled}") } else { scheduled.to_owned() }
}

/// Returns an instance's parent and its sub-orchestrations.
fn relatives(name: &str, events: &[Event]) -> BTreeSet<String> {
    let relative = |event: &Event| match &event.kind {
        EventKind::OrchestrationStarted { parent_instance, .. } => parent_instance.clone(),
        EventKind::SubOrchestrationScheduled { instance, .. } => Some(child_of(name, instance)),
        _ => None,
    };
    events.iter().filter_map(relative).collect()
}

/// Whether a message starts an instance.
fn starts(item: &WorkItem) -> bool {
    matches!(item, WorkItem::StartOrchestration { .. } | WorkItem::ContinueAsNew { .. })
}

/// Returns the events in a history that its code has not consumed.
pub(super) fn unconsumed(events: &[Event], start: Time) -> Vec<UnconsumedEvent> {
    let signals = Signals::of(events);
    let wanted: Vec<String> = open(events, &signals).into_iter().filter_map(subject).cloned().collect();
    let one = |name: &str, at_ms: u64, count: usize, queued: bool| UnconsumedEvent {
        name: name.to_owned(),
        at: Time(at_ms) - start,
        count,
        queued,
        nearest: handlers::nearest(name, wanted.iter()).filter(|near| near != name),
    };
    let lost = signals.lost.iter().map(|(name, (at, count))| one(name, *at, *count, false));
    let mut queues = BTreeMap::<&str, Vec<u64>>::new();
    for event in events {
        if let EventKind::QueueEventDelivered { name, .. } = &event.kind {
            queues.entry(name).or_default().push(event.timestamp_ms);
        }
    }
    let asked = |queue: &str| {
        events
            .iter()
            .filter(|event| matches!(&event.kind, EventKind::QueueSubscribed { name } if name == queue))
            .count()
    };
    let unread = queues.into_iter().filter_map(|(name, times)| {
        let first = asked(name);
        times.get(first).map(|at| one(name, *at, times.len() - first, true))
    });
    lost.chain(unread).collect()
}

/// Returns the name of the event or queue that an event waits for.
fn subject(event: &Event) -> Option<&String> {
    match &event.kind {
        EventKind::ExternalSubscribed { name } | EventKind::QueueSubscribed { name } => Some(name),
        _ => None,
    }
}

/// Whether a queue has received more messages than were requested from it.
fn has_unread(events: &[Event], queue: &str) -> bool {
    let count = |is: fn(&EventKind) -> Option<&String>| {
        events.iter().filter(|event| is(&event.kind).is_some_and(|name| name == queue)).count()
    };
    let got = count(|kind| match kind {
        EventKind::QueueEventDelivered { name, .. } => Some(name),
        _ => None,
    });
    let asked = count(|kind| match kind {
        EventKind::QueueSubscribed { name } => Some(name),
        _ => None,
    });
    got > asked
}

/// Whether a message is the result of an activity.
fn answers(item: &WorkItem, number: u64) -> bool {
    matches!(item, WorkItem::ActivityCompleted { id, .. } | WorkItem::ActivityFailed { id, .. } if *id == number)
}

/// Returns the scheduling events in a history that have no outcome in it.
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

/// The matching of external events to waits in a history.
#[derive(Default)]
struct Signals {
    /// The ids of the waits that received an event.
    taken: BTreeSet<u64>,
    /// The events that arrived while the instance did not wait for one, by name: the time
    /// of the first one, and their number. They are lost.
    lost: BTreeMap<String, (u64, usize)>,
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
                        None => signals.lost.entry(name.clone()).or_insert((event.timestamp_ms, 0)).1 += 1,
                    }
                }
                _ => {}
            }
        }
        signals
    }
}
