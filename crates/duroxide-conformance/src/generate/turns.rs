//! Single calls about turns and the orchestrator queue.

use std::time::Duration;

use duroxide_sim::call::{AckTurn, ActivityId, Call, Event, Item, Metadata};

use super::draft::Draft;
use super::numbers;
use super::profile::Area;
use crate::script::{CHILD, HERE, Queue};

/// The effect of a turn on its execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The execution continues.
    Runs,
    /// The execution ends.
    Ends,
    /// The instance continues in a new execution.
    Continues,
    /// Any of these, and statuses that no runtime uses.
    Any,
}

impl Draft {
    /// The name of a token returned by a fetch from this queue: usually the last
    /// one; sometimes an older one, the other queue's, or a forged one.
    pub fn token(&mut self, queue: Queue) -> String {
        if !self.hostile() {
            let back = [0, 0, 0, 0, 0, 0, 1, 2][self.random.below(8) as usize];
            return queue.nth_last(back);
        }
        match self.random.below(8) {
            0 => String::new(),
            1 => self.awkward(),
            2 => "00000000-0000-0000-0000-000000000000".to_owned(),
            3 | 4 => queue.other().last(),
            back => queue.nth_last(back as usize - 4),
        }
    }

    pub fn fetch_turn(&mut self) {
        let (lock_for, versions) = (self.span(), self.versions());
        self.call(Call::FetchOrchestrationItem { lock_for, poll_for: Duration::ZERO, versions });
    }

    /// Fetches any orchestration item.
    pub fn take_turn(&mut self) {
        let lock_for = self.usual_span();
        self.call(Call::FetchOrchestrationItem { lock_for, poll_for: Duration::ZERO, versions: None });
    }

    pub fn abandon_turn(&mut self) {
        let (token, delay) = (self.token(Queue::Turn), self.delay());
        let ignore_attempt = self.random.one_in(2);
        self.call(Call::AbandonOrchestrationItem { token, delay, ignore_attempt });
    }

    pub fn renew_turn(&mut self) {
        let (token, extend_for) = (self.token(Queue::Turn), self.span());
        self.call(Call::RenewOrchestrationItemLock { token, extend_for });
    }

    pub fn delay(&mut self) -> Option<Duration> {
        if self.random.one_in(2) { None } else { Some(self.span()) }
    }

    /// Enqueues a message for any instance.
    pub fn send(&mut self) {
        let instance = self.some_instance();
        let item = self.message(instance);
        let delay = if self.random.one_in(4) { self.delay() } else { None };
        self.enqueue(item, delay);
    }

    pub fn enqueue(&mut self, item: Item, delay: Option<Duration>) {
        let call = Call::EnqueueForOrchestrator { item, delay };
        if self.random.one_in(2) { self.relative(call) } else { self.call(call) }
    }

    /// An ack of any kind, from any state.
    pub fn ack_turn(&mut self) {
        let token = self.token(Queue::Turn);
        let mut ack = self.turn(token, Outcome::Any);
        if self.random.one_in(8) {
            // Absolute numbers: executions go back, and event ids collide with
            // existing ones.
            ack.execution = self.number(4);
            return self.call(Call::AckOrchestrationItem(Box::new(ack)));
        }
        ack.execution = if self.random.one_in(8) { self.number(3) } else { ack.execution };
        self.relative(Call::AckOrchestrationItem(Box::new(ack)));
    }

    /// Acknowledges the turn fetched last.
    pub fn finish_turn(&mut self, outcome: Outcome) {
        let ack = self.turn(Queue::Turn.last(), outcome);
        self.relative(Call::AckOrchestrationItem(Box::new(ack)));
    }

    /// Acknowledges the turn fetched last with these events.
    pub fn finish_with(&mut self, execution: u64, history: Vec<Event>, status: Option<&str>) {
        let mut ack = self.turn(Queue::Turn.last(), Outcome::Runs);
        ack.execution = execution;
        ack.history = history;
        ack.metadata.status = status.map(str::to_owned);
        if status.is_some() {
            self.note_end();
        }
        self.relative(Call::AckOrchestrationItem(Box::new(ack)));
    }

    /// The ack of a turn with everything that this outcome implies.
    pub fn turn(&mut self, token: String, outcome: Outcome) -> AckTurn {
        let history = self.history();
        let last = history.len() as u64;
        let (jobs, mut messages) = (self.new_jobs(last), self.new_messages(last));
        let metadata = self.metadata(outcome);
        if outcome == Outcome::Continues {
            messages.push(self.continuation(HERE.to_owned()));
        }
        let cancelled = if self.random.one_in(4) { self.cancelled() } else { Vec::new() };
        AckTurn { token, execution: 0, history, jobs, messages, metadata, cancelled }
    }

    fn new_jobs(&mut self, last: u64) -> Vec<Item> {
        let count = [0, 0, 0, 1, 1, 2, 3, 5][self.random.below(8) as usize];
        let one = |draft: &mut Draft| {
            if draft.hostile() && draft.random.one_in(4) {
                let instance = draft.some_instance();
                return draft.message(instance);
            }
            let instance = if draft.random.one_in(12) { draft.some_instance() } else { HERE.to_owned() };
            let id = draft.random.below(last + 2);
            draft.job(instance, id)
        };
        (0..count).map(|_| one(self)).collect()
    }

    fn new_messages(&mut self, last: u64) -> Vec<Item> {
        let count = match self.random.below(16) {
            0 if self.swarm.crowded => 100 + self.random.below(100),
            0..=8 => 0,
            9..=12 => 1,
            _ => 2 + self.random.below(3),
        };
        let one = |draft: &mut Draft| match draft.random.below(4) {
            0 => {
                let id = draft.random.below(last + 2);
                draft.timer(HERE.to_owned(), id)
            }
            1 => draft.start(CHILD.to_owned(), Some(HERE.to_owned())),
            _ => {
                let instance = draft.some_instance();
                draft.message(instance)
            }
        };
        (0..count).map(|_| one(self)).collect()
    }

    fn cancelled(&mut self) -> Vec<ActivityId> {
        let count = if self.swarm.crowded && self.random.one_in(8) { 400 } else { 1 + self.random.below(3) };
        let one = |draft: &mut Draft| {
            let instance = if draft.random.one_in(6) { draft.some_instance() } else { HERE.to_owned() };
            ActivityId { instance, execution: draft.number(2), activity: draft.number(3) }
        };
        (0..count).map(|_| one(self)).collect()
    }

    fn metadata(&mut self, outcome: Outcome) -> Metadata {
        let named = !self.random.one_in(8);
        let pinned = if self.focused(Area::Versions) { self.random.below(4) > 0 } else { self.random.one_in(6) };
        let status = self.status(outcome);
        if status.is_some() {
            self.note_end();
        }
        let output = status.is_some() && !self.random.one_in(4) || self.random.one_in(24);
        Metadata {
            output: if output { Some(self.payload()) } else { None },
            status,
            orchestration_name: if named { Some(self.orchestration()) } else { None },
            orchestration_version: if named && !self.random.one_in(12) { Some(self.release()) } else { None },
            parent_instance_id: if self.random.one_in(16) { None } else { Some(HERE.to_owned()) },
            pinned_duroxide_version: pinned.then(|| numbers::version(&mut self.random, &self.swarm)),
        }
    }

    fn status(&mut self, outcome: Outcome) -> Option<String> {
        let end = if self.random.one_in(3) { "Failed" } else { "Completed" };
        let status = match outcome {
            Outcome::Runs => return None,
            Outcome::Ends => end,
            Outcome::Continues => "ContinuedAsNew",
            Outcome::Any => match self.random.below(12) {
                0 | 1 => end,
                2 => "ContinuedAsNew",
                3 => "Running",
                4 if self.hostile() => return Some(self.awkward()),
                _ => return None,
            },
        };
        Some(status.to_owned())
    }
}
