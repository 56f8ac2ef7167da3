//! Stories about activities: workers, sessions, tags.

use std::time::Duration;

use duroxide_sim::call::{ActivityId, Call, SessionClaim, Tags};

use super::draft::Draft;
use super::turns::Outcome;
use crate::script::{HERE, Queue};

impl Draft {
    /// A turn schedules activities, or a work item is enqueued without a turn.
    fn schedule(&mut self, count: u64) {
        if self.random.one_in(4) {
            (0..count).for_each(|_| self.send_job());
            return;
        }
        self.wake();
        self.take_turn();
        let mut ack = self.turn(Queue::Turn.last(), Outcome::Runs);
        for id in 1..=count {
            ack.jobs.push(self.job(HERE.to_owned(), id));
        }
        self.relative(Call::AckOrchestrationItem(Box::new(ack)));
    }

    /// Makes one of the calls that need a work item's lock.
    fn use_job(&mut self, back: u64) {
        let token = Queue::Job.nth_last(back as usize);
        match self.random.below(4) {
            0 => {
                let extend_for = self.span();
                self.call(Call::RenewWorkItemLock { token, extend_for });
            }
            1 => {
                let (delay, ignore_attempt) = (self.delay(), self.random.one_in(2));
                self.call(Call::AbandonWorkItem { token, delay, ignore_attempt });
            }
            _ => self.complete_job(token),
        }
    }

    /// A worker's cycle: fetch, renew, acknowledge; followed by the instance's
    /// next turn.
    pub fn work_cycle(&mut self) {
        let count = 1 + self.random.below(3);
        self.schedule(count);
        for _ in 0..count {
            self.take_job();
            if self.random.one_in(3) {
                self.renew_job();
            }
            self.meanwhile();
            let uses = 1 + self.random.below(2);
            for _ in 0..uses {
                self.use_job(0);
            }
        }
        self.take_turn();
        self.finish_turn(Outcome::Any);
    }

    /// A work item's lock expires; its token is used at that time, or after
    /// another worker's fetch.
    pub fn job_expires(&mut self) {
        self.schedule(1);
        self.take_job();
        self.pass_to_last_deadline();
        if self.random.one_in(2) {
            self.take_job();
            self.use_job(1);
        }
        self.use_job(0);
    }

    /// A work item that fails repeatedly.
    pub fn job_poison(&mut self) {
        self.schedule(1);
        let times = 2 + self.random.below(6);
        for _ in 0..times {
            self.take_job();
            if self.random.one_in(3) {
                self.pass_to_last_deadline();
            } else {
                let (delay, ignore_attempt) = (self.delay(), self.random.one_in(2));
                let waits = delay.is_some();
                self.call(Call::AbandonWorkItem { token: Queue::Job.last(), delay, ignore_attempt });
                if waits {
                    self.pass_to_last_deadline();
                }
            }
        }
        self.take_job();
        self.complete_job(Queue::Job.last());
    }

    /// Activities are cancelled while a worker holds them, before that, or in
    /// the very turn that schedules them.
    pub fn cancelled_underneath(&mut self) {
        let count = 1 + self.random.below(3);
        self.schedule(count);
        if self.random.below(4) > 0 {
            self.take_job();
        }
        self.wake();
        self.take_turn();
        let mut ack = self.turn(Queue::Turn.last(), Outcome::Any);
        let cancelled = 1 + self.random.below(3);
        for activity in 0..cancelled {
            ack.cancelled.push(ActivityId { instance: HERE.to_owned(), execution: 0, activity });
        }
        self.relative(Call::AckOrchestrationItem(Box::new(ack)));
        self.use_job(0);
        self.take_job();
        self.use_job(0);
    }

    /// Workers compete for the activities of a session.
    pub fn session_story(&mut self) {
        let (first, second) = self.session_names();
        let count = 2 + self.random.below(3);
        for number in 0..count {
            let session = if number % 2 == 0 { first.clone() } else { second.clone() };
            let instance = self.instance();
            let item = self.bound_job(instance, session);
            self.call(Call::EnqueueForWorker { item });
        }
        let (owner, other) = (self.owner(), self.owner());
        self.take_job_as(&owner);
        let rounds = 2 + self.random.below(4);
        for _ in 0..rounds {
            match self.random.below(8) {
                0 => self.pass_to_deadline(),
                1 | 2 => self.renew_sessions(),
                3 => self.take_job_as(&owner),
                4 | 5 => self.take_job_as(&other),
                6 => self.fetch_job(),
                _ => self.use_job(0),
            }
        }
        if self.random.one_in(2) {
            self.sweep_sessions();
        }
        self.use_job(0);
    }

    /// A session is not used for a while, and its owner renews it around its
    /// idle timeout; it expires and is cleaned up.
    pub fn session_idles(&mut self) {
        let session = self.session();
        let (owner, instance) = (self.owner(), self.instance());
        let item = self.bound_job(instance, session.clone());
        self.call(Call::EnqueueForWorker { item });
        let (lock_for, session_for) = (self.ample_span(), self.ample_span());
        let claim = Some(SessionClaim { owner: owner.clone(), lock_for: session_for });
        self.call(Call::FetchWorkItem { lock_for, poll_for: Duration::ZERO, session: claim, tags: Tags::Any });
        let idle_for = self.usual_span();
        if self.random.one_in(2) {
            let ms = self.short_ms();
            self.wait(ms);
            self.use_job(0);
        }
        let renewals = 1 + self.random.below(2);
        for _ in 0..renewals {
            if self.random.one_in(2) {
                self.pass_to_last_deadline();
            }
            let owners = vec![owner.clone(), self.owner()];
            let extend_for = self.span();
            self.call(Call::RenewSessionLock { owners, extend_for, idle_for });
        }
        if self.random.one_in(3) {
            let (other, instance) = (self.owner(), self.instance());
            let item = self.bound_job(instance, session);
            self.call(Call::EnqueueForWorker { item });
            self.pass_to_deadline();
            self.take_job_as(&other);
        }
        if self.random.one_in(2) {
            self.complete_job(Queue::Job.last());
        } else {
            self.use_job(0);
        }
        // A session ends when its lock expires, and is cleaned up from the next
        // millisecond on.
        self.pass_to_last_deadline();
        self.sweep_sessions();
        self.pass();
        self.sweep_sessions();
    }

    /// Work items with tags, and fetches with filters.
    pub fn tag_story(&mut self) {
        let usual = std::mem::replace(&mut self.swarm.tagged, 11);
        let count = 1 + self.random.below(4);
        self.schedule(count);
        for _ in 0..count + 1 {
            self.fetch_job();
            if self.random.one_in(2) {
                self.use_job(0);
            }
        }
        self.swarm.tagged = usual;
    }
}
