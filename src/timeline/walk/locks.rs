//! Turns and attempts at activities, from their fetch to the end of their lock.

use duroxide::providers::WorkItem;

use super::super::item::{At, Item, Kind, State};
use super::{Key, Walk, activities, key};
use crate::call::{AckTurn, Call, Class, Job, Refusal, instance_of};
use crate::clock::Time;
use crate::text;
use crate::trace::{Entry, SeenTurn};

/// Work that can be locked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    /// The turn of an instance.
    Turn(String),
    /// An activity: its instance, execution and event.
    Job(String, u64, u64),
}

impl Work {
    pub fn instance(&self) -> &str {
        match self {
            Work::Turn(instance) | Work::Job(instance, ..) => instance,
        }
    }
}

/// A lock that is held.
pub(super) struct Held {
    pub work: Work,
    pub item: usize,
    pub node: String,
    /// When it expires.
    until: Time,
    /// Whether its holder crashed or shut down.
    gone: bool,
    /// The messages of the turn, with the items that sent them.
    messages: Vec<(Key, usize)>,
}

impl Walk<'_> {
    pub(super) fn fetched_turn(&mut self, number: usize, entry: &Entry, turn: &SeenTurn, at: At, until: Time) {
        let work = Work::Turn(turn.instance.clone());
        self.expire(&work);
        let known = self.instances.get(&turn.instance);
        if known.orchestration.is_empty() {
            known.orchestration.clone_from(&turn.orchestration_name);
        }
        let mut labels: Vec<String> = turn.messages.iter().map(|message| self.short(message)).collect();
        const MOST: usize = 3;
        if labels.len() > MOST {
            let more = labels.len() - MOST;
            labels.truncate(MOST);
            labels.push(format!("{more} more"));
        }
        let mut item = Item::bar(Kind::Turn, at, labels.join(", ")).of(&turn.instance).by(&entry.by).entry(number);
        item.note = attempt_note(turn.attempts);
        let mut messages = Vec::new();
        for message in &turn.messages {
            let Some(key) = key(message) else { continue };
            let Some(sender) = self.sent.get_mut(&key).and_then(std::collections::VecDeque::pop_front) else {
                continue;
            };
            let sent = &mut self.items[sender];
            if sent.kind == Kind::Timer && sent.state == State::Open {
                (sent.to, sent.state) = (at, State::Fine);
            }
            item.causes.push(sender);
            messages.push((key, sender));
        }
        let item = self.add(item);
        self.hold(&turn.token, Held { work, item, node: entry.by.to_string(), until, gone: false, messages });
    }

    pub(super) fn fetched_job(&mut self, number: usize, entry: &Entry, job: &Job, at: At, until: Time) {
        let WorkItem::ActivityExecute { instance, execution_id, id, name, input, .. } = &*job.item else { return };
        let work = Work::Job(instance.clone(), *execution_id, *id);
        self.expire(&work);
        let mut item = Item::bar(Kind::Activity, at, name.as_str()).of(instance).by(&entry.by).entry(number);
        let observed = self.deliveries.get(&(instance.as_str(), *execution_id, *id, job.attempts)).copied();
        item.note = attempt_note(job.attempts);
        push_sentence(&mut item.note, &activities::note(input, observed));
        if let Some(scheduled) = self.jobs.get_mut(&work) {
            if !scheduled.begun {
                item.since = Some(scheduled.at);
            }
            scheduled.begun = true;
            item.causes.extend(scheduled.by);
        }
        let item = self.add(item);
        let node = entry.by.to_string();
        self.hold(&job.token, Held { work, item, node, until, gone: false, messages: Vec::new() });
    }

    fn hold(&mut self, token: &str, held: Held) {
        self.holders.insert(held.work.clone(), token.to_owned());
        self.held.insert(token.to_owned(), held);
    }

    /// Ends the previous lock on the work, which is being delivered again.
    fn expire(&mut self, work: &Work) {
        if let Some(held) = self.holders.remove(work).and_then(|token| self.held.remove(&token)) {
            let until = self.since_start(held.until);
            self.lose(held, At::Time(until), "Its lock expired before it was done.");
        }
    }

    /// Marks the work of a lock as not done, and returns its messages to the queue.
    fn lose(&mut self, held: Held, at: At, why: &str) {
        let item = &mut self.items[held.item];
        if held.gone {
            item.tail = Some(at);
        } else {
            (item.to, item.state) = (at, State::Lost);
            push_sentence(&mut item.note, why);
        }
        for (key, sender) in held.messages.into_iter().rev() {
            self.sent.entry(key).or_default().push_front(sender);
        }
    }

    /// Ends all work of a node that crashed or shut down. Its locks remain.
    pub(super) fn gone(&mut self, node: &str, at: At, why: &str) {
        for held in self.held.values_mut().filter(|held| held.node == node && !held.gone) {
            held.gone = true;
            let item = &mut self.items[held.item];
            (item.to, item.state) = (at, State::Lost);
            push_sentence(&mut item.note, why);
        }
    }

    pub(super) fn renewed(&mut self, number: usize, entry: &Entry, token: &str) {
        self.quiet += 1;
        if let Some(held) = self.held.get_mut(token) {
            if let Call::RenewOrchestrationItemLock { extend_for, .. } | Call::RenewWorkItemLock { extend_for, .. } =
                &*entry.call
            {
                held.until = entry.answered + *extend_for;
            }
            self.items[held.item].entries.push(number);
        }
    }

    /// Records that a call with a lock token was refused or dropped.
    pub(super) fn rejected(&mut self, number: usize, token: &str, refusal: Option<&Refusal>, at: At) {
        let Some(held) = self.held.get(token) else { return };
        self.items[held.item].entries.push(number);
        if refusal.is_some_and(|refusal| refusal.class == Class::LockLost)
            && let Some(held) = self.release(token)
        {
            self.lose(held, at, "Its lock was lost.");
        }
    }

    fn release(&mut self, token: &str) -> Option<Held> {
        let held = self.held.remove(token)?;
        self.holders.remove(&held.work);
        Some(held)
    }

    pub(super) fn abandoned(&mut self, number: usize, token: &str, at: At) {
        if let Some(held) = self.release(token) {
            self.items[held.item].entries.push(number);
            self.lose(held, at, "It was abandoned.");
        }
    }

    pub(super) fn acked_turn(&mut self, number: usize, ack: &AckTurn, at: At) {
        let Some(held) = self.release(&ack.token) else { return };
        let (begun, turn) = (self.items[held.item].from, held.item);
        let item = &mut self.items[turn];
        (item.to, item.state) = (at, State::Fine);
        item.entries.push(number);
        self.committed(held.work.instance(), ack, turn, begun, at);
    }

    pub(super) fn acked_job(&mut self, number: usize, token: &str, completion: Option<&WorkItem>, at: At) {
        let Some(held) = self.release(token) else { return };
        let item = &mut self.items[held.item];
        item.to = at;
        item.entries.push(number);
        item.state = match completion {
            Some(WorkItem::ActivityFailed { details, .. }) => {
                push_sentence(&mut item.note, &format!("It failed: {}", details.display_message()));
                State::Failed
            }
            Some(completion) => {
                if let WorkItem::ActivityCompleted { result, .. } = completion {
                    push_sentence(&mut item.note, &format!("It returned {}.", activities::short(result)));
                }
                State::Fine
            }
            None => State::Cancelled,
        };
        self.jobs.remove(&held.work);
        if let Some(message) = completion
            && let Some(key) = key(message)
        {
            debug_assert_eq!(instance_of(message), key.0);
            self.sent.entry(key).or_default().push_back(held.item);
        }
    }

    /// Ends the locks that are still held at the end of the trace.
    pub(super) fn close_locks(&mut self) {
        let end = self.trace.entries.last().map_or(0, |entry| entry.answered.0);
        for held in std::mem::take(&mut self.held).into_values() {
            let ended = held.until.0 < end;
            let at = if ended { At::Time(self.since_start(held.until)) } else { At::End };
            if ended || held.gone {
                self.lose(held, at, "Its lock expired before it was done.");
            }
        }
    }
}

fn attempt_note(attempts: u32) -> String {
    if attempts > 1 { format!("This is attempt {attempts}.") } else { String::new() }
}

pub(super) fn push_sentence(note: &mut String, sentence: &str) {
    if !note.is_empty() {
        note.push(' ');
    }
    note.push_str(&text::line(sentence));
}
