//! Single calls about work items and sessions.

use std::collections::BTreeSet;
use std::time::Duration;

use duroxide_sim::call::{Call, SessionClaim, Tags};

use super::draft::Draft;
use super::profile::Area;
use crate::script::{HERE, Queue};

impl Draft {
    /// Enqueues a work item for any instance.
    pub fn send_job(&mut self) {
        let instance = self.some_instance();
        let id = self.number(5);
        let item = if self.hostile() { self.message(instance) } else { self.job(instance, id) };
        let times = if self.random.one_in(12) { 2 } else { 1 };
        let relative = self.random.one_in(2);
        for _ in 0..times {
            let call = Call::EnqueueForWorker { item: item.clone() };
            if relative { self.relative(call) } else { self.call(call) }
        }
    }

    pub fn fetch_job(&mut self) {
        let (lock_for, tags) = (self.span(), self.filter());
        let session = if self.random.one_in(4) { None } else { Some(self.claim()) };
        self.call(Call::FetchWorkItem { lock_for, poll_for: Duration::ZERO, session, tags });
    }

    /// Fetches any work item.
    pub fn take_job(&mut self) {
        let (lock_for, session) = (self.usual_span(), Some(self.claim()));
        self.call(Call::FetchWorkItem { lock_for, poll_for: Duration::ZERO, session, tags: Tags::Any });
    }

    /// Fetches work items and sessions as this owner.
    pub fn take_job_as(&mut self, owner: &str) {
        let (lock_for, session_for) = (self.span(), self.span());
        owner.clone_into(&mut self.last_owner);
        let session = Some(SessionClaim { owner: owner.to_owned(), lock_for: session_for });
        self.call(Call::FetchWorkItem { lock_for, poll_for: Duration::ZERO, session, tags: Tags::Any });
    }

    fn claim(&mut self) -> SessionClaim {
        let owner = self.owner();
        self.last_owner.clone_from(&owner);
        SessionClaim { owner, lock_for: self.span() }
    }

    fn filter(&mut self) -> Tags {
        if self.swarm.tagged == 0 && !self.random.one_in(16) {
            return if self.random.one_in(2) { Tags::Any } else { Tags::DefaultOnly };
        }
        match self.random.below(8) {
            0 => Tags::DefaultOnly,
            1 | 2 => Tags::Tags(self.tag_set()),
            3 | 4 => Tags::DefaultAnd(self.tag_set()),
            5 if self.random.one_in(2) => Tags::None,
            _ => Tags::Any,
        }
    }

    fn tag_set(&mut self) -> BTreeSet<String> {
        let count = [0, 1, 1, 1, 2, 2, 3, 5][self.random.below(8) as usize];
        (0..count).map(|_| if self.random.one_in(12) { self.awkward() } else { self.tag() }).collect()
    }

    pub fn ack_job(&mut self) {
        let token = self.token(Queue::Job);
        self.complete_job(token);
    }

    /// Acknowledges the work item of a token, usually with a completion.
    pub fn complete_job(&mut self, token: String) {
        let item = match self.random.below(8) {
            0 | 1 => None,
            2 if self.hostile() || self.random.one_in(12) => {
                let instance = self.some_instance();
                Some(if self.random.one_in(3) { self.job(instance, 0) } else { self.message(instance) })
            }
            3 => {
                let instance = self.some_instance();
                Some(self.completion(instance, false))
            }
            _ => {
                let failed = self.random.one_in(3);
                Some(self.completion(HERE.to_owned(), failed))
            }
        };
        self.relative(Call::AckWorkItem { token, completion: item });
    }

    pub fn renew_job(&mut self) {
        let (token, extend_for) = (self.token(Queue::Job), self.span());
        self.call(Call::RenewWorkItemLock { token, extend_for });
    }

    pub fn abandon_job(&mut self) {
        let (token, delay) = (self.token(Queue::Job), self.delay());
        let ignore_attempt = self.random.one_in(2);
        self.call(Call::AbandonWorkItem { token, delay, ignore_attempt });
    }

    pub fn renew_sessions(&mut self) {
        let count = [0, 1, 1, 2, 2, 3, 3, 4][self.random.below(8) as usize];
        let one = |draft: &mut Draft| match draft.random.below(12) {
            0 => draft.awkward(),
            1..=6 => draft.last_owner.clone(),
            _ => draft.owner(),
        };
        let owners = (0..count).map(|_| one(self)).collect();
        let (extend_for, idle_for) = (self.span(), self.idle());
        self.call(Call::RenewSessionLock { owners, extend_for, idle_for });
    }

    /// An idle timeout of a session: about the usual idle time, or very long.
    fn idle(&mut self) -> Duration {
        if self.random.one_in(3) { self.long_span() } else { self.span() }
    }

    pub fn sweep_sessions(&mut self) {
        let idle_for = self.idle();
        self.call(Call::CleanupOrphanedSessions { idle_for });
    }

    /// Returns two session names, which may be equal.
    pub fn session_names(&mut self) -> (String, String) {
        let first = self.session();
        let second = if self.focused(Area::Sessions) || self.random.one_in(2) { self.session() } else { first.clone() };
        (first, second)
    }
}
