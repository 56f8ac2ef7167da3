//! Stories about the life of an instance: starting, continuing, waiting,
//! cancelling, ending.

use duroxide::providers::WorkItem;

use super::draft::Draft;
use super::turns::Outcome;
use crate::script::{HERE, Queue};

impl Draft {
    /// An interruption: another caller reads, or time passes.
    pub fn meanwhile(&mut self) {
        match self.random.below(24) {
            0 => self.look(),
            1 => self.send(),
            2 => self.pass(),
            3 if self.random.one_in(4) => self.fetch_job(),
            _ => {}
        }
    }

    /// A client starts an instance, which runs its first turn.
    pub fn begin(&mut self) {
        let instance = self.instance();
        self.begin_as(instance, None);
    }

    pub fn begin_as(&mut self, instance: String, parent: Option<String>) {
        self.note_begun(&instance);
        let item = self.start(instance, parent);
        self.enqueue(item, None);
        self.meanwhile();
        self.take_turn();
        self.meanwhile();
        let mut ack = self.turn(Queue::Turn.last(), Outcome::Runs);
        if self.random.one_in(2) {
            let started = self.started();
            ack.history.iter_mut().for_each(|event| {
                let event = std::sync::Arc::make_mut(event);
                event.event_id = event.event_id.saturating_add(1);
            });
            ack.history.insert(0, self.event_of(1, started));
        }
        self.relative(duroxide_sim::call::Call::AckOrchestrationItem(Box::new(ack)));
    }

    /// A message arrives, and a turn is run.
    pub fn go_on(&mut self) {
        let turns = 1 + self.random.below(3);
        for _ in 0..turns {
            let instance = self.waker();
            let item = self.message(instance);
            self.enqueue(item, None);
            self.meanwhile();
            self.take_turn();
            self.meanwhile();
            self.finish_turn(Outcome::Runs);
        }
    }

    /// The instance fetched last continues in new executions.
    pub fn go_on_as_new(&mut self) {
        self.wake();
        self.take_turn();
        self.finish_turn(Outcome::Continues);
        let times = 1 + self.random.below(4);
        for _ in 0..times {
            self.meanwhile();
            self.take_turn();
            if self.random.one_in(2) {
                // Its only turn continues as new again.
                self.finish_in_next(Outcome::Continues);
                continue;
            }
            self.finish_in_next(Outcome::Runs);
            self.wake();
            self.take_turn();
            // Sometimes an execution is abandoned before it has ended.
            let outcome = if self.random.one_in(8) { Outcome::Runs } else { Outcome::Continues };
            self.finish_turn(outcome);
        }
        self.take_turn();
        self.finish_in_next(Outcome::Runs);
        self.wake();
        self.take_turn();
        let outcome = [Outcome::Runs, Outcome::Ends, Outcome::Continues][self.random.below(3) as usize];
        self.finish_turn(outcome);
    }

    /// Runs the first turn of the next execution.
    fn finish_in_next(&mut self, outcome: Outcome) {
        let mut ack = self.turn(Queue::Turn.last(), outcome);
        ack.execution = if self.random.one_in(12) { 2 } else { 1 };
        self.relative(duroxide_sim::call::Call::AckOrchestrationItem(Box::new(ack)));
    }

    /// The recipient of a message that triggers a turn: the instance fetched
    /// last, or another; starts one first if there is none.
    fn waker(&mut self) -> String {
        if !self.has_begun() && self.random.below(8) > 0 {
            self.begin();
        }
        if self.random.one_in(2) { HERE.to_owned() } else { self.known_instance() }
    }

    pub fn wake(&mut self) {
        let instance = self.waker();
        let item = WorkItem::ExternalRaised { instance, name: self.event(), data: self.payload() };
        self.enqueue(item.into(), None);
    }

    /// An instance runs its last turn.
    pub fn end(&mut self) {
        self.wake();
        self.take_turn();
        self.meanwhile();
        self.finish_turn(Outcome::Ends);
    }

    /// A client cancels an instance, which then fails.
    pub fn cancel(&mut self) {
        let instance = self.waker();
        let item = WorkItem::CancelInstance { instance, reason: self.payload() };
        self.enqueue(item.into(), None);
        self.meanwhile();
        self.take_turn();
        let events = self.history();
        self.finish_with(0, events, Some("Failed"));
    }

    /// A turn creates a timer; the instance is fetched just before, at and just
    /// after the fire time.
    pub fn timer_story(&mut self) {
        self.wake();
        self.take_turn();
        let mut ack = self.turn(Queue::Turn.last(), Outcome::Runs);
        let id = self.random.below(3);
        ack.messages.push(self.timer(HERE.to_owned(), id));
        self.relative(duroxide_sim::call::Call::AckOrchestrationItem(Box::new(ack)));
        let fetches = 1 + self.random.below(3);
        for _ in 0..fetches {
            self.pass_to_deadline();
            self.fetch_turn();
        }
        self.finish_turn(Outcome::Any);
    }

    /// Messages arrive before the instance is started.
    pub fn late_start(&mut self) {
        let instance = if self.random.one_in(2) { "late".to_owned() } else { self.instance() };
        let count = 1 + self.random.below(3);
        for _ in 0..count {
            let item = if self.random.one_in(2) {
                WorkItem::QueueMessage { instance: instance.clone(), name: self.event(), data: self.payload() }.into()
            } else {
                self.message(instance.clone())
            };
            let delay = if self.random.one_in(3) { self.delay() } else { None };
            self.enqueue(item, delay);
        }
        if self.random.one_in(2) {
            self.fetch_turn();
        }
        if self.random.one_in(3) {
            self.pass_to_deadline();
        }
        self.begin_as(instance, None);
        self.take_turn();
        self.finish_turn(Outcome::Any);
    }

    /// Delayed messages, and fetches around the time at which they become
    /// visible.
    pub fn delayed_message(&mut self) {
        let instance = self.some_instance();
        let count = 1 + self.random.below(2);
        for _ in 0..count {
            let (item, delay) = (self.message(instance.clone()), Some(self.span()));
            self.enqueue(item, delay);
        }
        let fetches = 1 + self.random.below(3);
        for _ in 0..fetches {
            self.pass_to_deadline();
            self.take_turn();
        }
        if self.random.one_in(2) {
            self.finish_turn(Outcome::Any);
        } else {
            self.abandon_turn();
        }
    }
}
