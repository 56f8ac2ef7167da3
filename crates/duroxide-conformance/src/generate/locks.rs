//! Stories about locks on instances: expiry, renewal, takeover.

use duroxide_sim::call::Call;

use super::draft::Draft;
use super::turns::Outcome;
use crate::script::{HERE, Queue, Step};

impl Draft {
    /// Fetches an orchestration item; usually there is one.
    fn hold_turn(&mut self) {
        if self.random.one_in(6) {
            self.begin();
        }
        self.wake();
        self.take_turn();
    }

    /// Makes one of the calls that need an instance's lock.
    fn use_turn(&mut self, back: u64) {
        let token = Queue::Turn.nth_last(back as usize);
        match self.random.below(4) {
            0 => {
                let extend_for = self.usual_span();
                self.call(Call::RenewOrchestrationItemLock { token, extend_for });
            }
            1 => {
                let (delay, ignore_attempt) = (self.delay(), self.random.one_in(2));
                self.call(Call::AbandonOrchestrationItem { token, delay, ignore_attempt });
            }
            _ => {
                let ack = self.turn(token, Outcome::Any);
                self.relative(Call::AckOrchestrationItem(Box::new(ack)));
            }
        }
    }

    /// The lock expires, and its token is used at that moment or close to it.
    pub fn turn_expires(&mut self) {
        self.hold_turn();
        self.pass_to_last_deadline();
        self.use_turn(0);
        if self.random.one_in(2) {
            self.take_turn();
            self.finish_turn(Outcome::Any);
        }
    }

    /// The lock expires, another dispatcher takes over, and the first one uses
    /// its token again.
    pub fn turn_taken_over(&mut self) {
        self.hold_turn();
        self.meanwhile();
        self.pass_to_last_deadline();
        self.take_turn();
        let tries = 1 + self.random.below(2);
        for _ in 0..tries {
            self.use_turn(1);
        }
        self.use_turn(0);
    }

    /// A token is used again after its lock was released.
    pub fn turn_token_twice(&mut self) {
        self.hold_turn();
        self.use_turn(0);
        if self.random.one_in(3) {
            self.take_turn();
            self.use_turn(1);
        } else {
            self.use_turn(0);
        }
    }

    /// Renewals, some for less than the remaining time.
    pub fn short_renewals(&mut self) {
        self.hold_turn();
        let times = 1 + self.random.below(3);
        for _ in 0..times {
            let extend_for = self.span();
            self.call(Call::RenewOrchestrationItemLock { token: Queue::Turn.last(), extend_for });
            if self.random.one_in(2) {
                self.pass_to_deadline();
            }
        }
        self.take_turn();
        self.use_turn(0);
    }

    /// Messages arrive during a turn and are left for the next.
    pub fn arrives_under_lock(&mut self) {
        self.hold_turn();
        let count = 1 + self.random.below(3);
        for _ in 0..count {
            let item = self.message(HERE.to_owned());
            let delay = if self.random.one_in(4) { self.delay() } else { None };
            self.enqueue(item, delay);
        }
        self.take_turn();
        match self.random.below(4) {
            0 => self.pass_to_last_deadline(),
            1 => self.abandon_turn(),
            _ => self.finish_turn(Outcome::Any),
        }
        self.take_turn();
        self.use_turn(0);
    }

    /// An ack that must be refused, a check that it changed nothing, and a
    /// valid ack.
    pub fn refused_turn(&mut self) {
        self.hold_turn();
        let mut ack = self.turn(Queue::Turn.last(), Outcome::Any);
        match self.random.below(3) {
            0 => ack.jobs.push(self.start(HERE.to_owned(), None)),
            1 => ack.messages.push(self.job(HERE.to_owned(), 0)),
            _ => ack.history.extend(ack.history.last().cloned()),
        }
        self.relative(Call::AckOrchestrationItem(Box::new(ack)));
        match self.random.below(4) {
            0 => self.step(Step::ReadBack),
            1 => self.read_values(),
            2 => self.look(),
            _ => {}
        }
        self.use_turn(0);
    }

    /// The history becomes unreadable, and the instance is processed
    /// nevertheless.
    pub fn unreadable(&mut self) {
        let instance = self.instance();
        self.begin_as(instance.clone(), None);
        self.step(Step::Corrupt(instance));
        self.wake();
        let times = 1 + self.random.below(3);
        for _ in 0..times {
            self.fetch_turn();
            self.use_turn(0);
        }
        self.look();
    }

    /// A turn that fails repeatedly.
    pub fn poison(&mut self) {
        self.wake();
        let times = 2 + self.random.below(8);
        for _ in 0..times {
            self.take_turn();
            match self.random.below(4) {
                0 => self.pass_to_last_deadline(),
                1 => {
                    let (delay, ignore_attempt) = (Some(self.usual_span()), self.random.one_in(2));
                    self.call(Call::AbandonOrchestrationItem { token: Queue::Turn.last(), delay, ignore_attempt });
                    self.pass_to_last_deadline();
                }
                _ => {
                    let ignore_attempt = self.random.one_in(2);
                    let token = Queue::Turn.last();
                    self.call(Call::AbandonOrchestrationItem { token, delay: None, ignore_attempt });
                }
            }
            if self.random.one_in(4) {
                self.wake();
            }
        }
        self.take_turn();
        self.finish_turn(Outcome::Ends);
    }

    /// An instance is deleted during its turn, and perhaps started again.
    pub fn deleted_under_lock(&mut self) {
        self.hold_turn();
        let (instance, force) = (HERE.to_owned(), !self.random.one_in(4));
        if self.random.one_in(2) {
            self.call(Call::DeleteInstance { instance, force });
        } else {
            let instance = self.instance();
            self.call(Call::DeleteInstancesAtomic { instances: vec![instance], force });
        }
        if self.random.one_in(2) {
            let item = self.start(HERE.to_owned(), None);
            self.enqueue(item, None);
            self.take_turn();
            self.use_turn(1);
        }
        self.use_turn(0);
        if self.random.one_in(2) {
            self.ack_job();
        }
    }
}
