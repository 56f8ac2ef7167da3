//! What saboteurs of jobs, reads and deletions have in common.

use std::sync::Arc;
use std::time::Duration;

use duroxide::providers::WorkItem;
use duroxide_sim::call::{Call, Item, Reply, SessionClaim, Tags, instance_of};
use duroxide_sim::clock::Time;
use duroxide_sim::store::{Ineligible, Pick};

use super::Bench;

/// Longer than anything lasts.
pub const FOREVER: Duration = Duration::from_secs(100 * 365 * 86_400);

pub const MS: Duration = Duration::from_millis(1);

/// The activity of an item, to be changed.
pub fn change_job(item: &mut Item, change: impl FnOnce(&mut Option<String>, &mut Option<String>, &mut u64)) {
    if let WorkItem::ActivityExecute { session_id, tag, execution_id, .. } = Arc::make_mut(item) {
        change(session_id, tag, execution_id);
    }
}

pub fn session_of(item: &Item) -> Option<String> {
    match &**item {
        WorkItem::ActivityExecute { session_id, .. } => session_id.clone(),
        _ => None,
    }
}

/// A fetch of any job.
pub fn fetch_job(session: Option<SessionClaim>) -> Call {
    Call::FetchWorkItem { lock_for: Duration::from_secs(1), poll_for: Duration::ZERO, session, tags: Tags::Any }
}

pub fn enqueue_job(item: Item) -> Call {
    Call::EnqueueForWorker { item }
}

impl Bench {
    /// A fetch of jobs that takes the first one that `allowed` lets pass.
    pub fn fetch_job_of(&mut self, now: Time, call: &Call, allowed: impl Fn(&Bench, &Item) -> bool) -> Reply {
        let Call::FetchWorkItem { session, tags, .. } = call else { return self.ask(now, call) };
        for nth in 0..self.store.eligible_jobs(now, session.as_ref(), tags) {
            if let Reply::Job(Some(job)) = self.peek(now, call, Pick::Nth(nth))
                && allowed(self, &job.item)
            {
                return self.pick(now, call, Pick::Nth(nth));
            }
        }
        Reply::Job(None)
    }

    /// The same, of all that there is to the session claim, whatever its tag.
    pub fn fetch_job_past_tags(&mut self, now: Time, call: &Call, allowed: impl Fn(&Bench, &Item) -> bool) -> Reply {
        let mut call = call.clone();
        if let Call::FetchWorkItem { tags, .. } = &mut call {
            *tags = Tags::Any;
        }
        self.fetch_job_of(now, &call, allowed)
    }

    /// The right fetch with another filter.
    pub fn fetch_tagged(&mut self, now: Time, call: &Call, change: impl FnOnce(&Tags) -> Tags) -> Reply {
        self.ask_so(now, call, |call| {
            if let Call::FetchWorkItem { tags, .. } = call {
                *tags = change(tags);
            }
        })
    }

    /// The right fetch with another lock.
    pub fn fetch_job_for(&mut self, now: Time, call: &Call, change: impl FnOnce(Duration) -> Duration) -> Reply {
        self.ask_so(now, call, |call| {
            if let Call::FetchWorkItem { lock_for, .. } = call {
                *lock_for = change(*lock_for);
            }
        })
    }

    /// The right fetch with another claim.
    pub fn fetch_claiming(&mut self, now: Time, call: &Call, change: impl FnOnce(&mut SessionClaim)) -> Reply {
        self.ask_so(now, call, |call| {
            if let Call::FetchWorkItem { session: Some(claim), .. } = call {
                change(claim);
            }
        })
    }

    /// The job that the call's token was given out for.
    pub fn job_of(&self, call: &Call) -> Option<Item> {
        self.held_jobs.get(call.token()?).map(|held| held.item.clone())
    }

    /// Whether the call's token was given out, has released nothing, and its
    /// time is over.
    pub fn is_expired_job(&self, now: Time, call: &Call) -> bool {
        call.token().and_then(|token| self.held_jobs.get(token)).is_some_and(|held| !held.released && held.until <= now)
    }

    /// Whether somebody owns the session of a job that can be fetched.
    pub fn is_owned(&self, now: Time, item: &Item) -> bool {
        let outsider = SessionClaim { owner: "an outsider".to_owned(), lock_for: MS };
        self.store.bar_to_job(now, item, Some(&outsider), &Tags::Any) == Some(Ineligible::Session)
    }

    /// The status of an instance's current execution.
    pub fn status_of(&self, now: Time, instance: &str) -> Option<String> {
        match self.peek(now, &Call::GetInstanceInfo { instance: instance.to_owned() }, Pick::Nothing) {
            Reply::Instance(info) => Some(info.status),
            _ => None,
        }
    }

    pub fn has_ended(&self, now: Time, instance: &str) -> bool {
        matches!(self.status_of(now, instance).as_deref(), Some("Completed" | "Failed"))
    }

    pub fn parent_of(&self, now: Time, instance: &str) -> Option<String> {
        match self.peek(now, &Call::GetParentId { instance: instance.to_owned() }, Pick::Nothing) {
            Reply::Value(parent) => parent,
            _ => None,
        }
    }

    /// An instance and all its descendants.
    pub fn tree_of(&self, now: Time, instance: &str) -> Vec<String> {
        match self.peek(now, &Call::GetInstanceTree { instance: instance.to_owned() }, Pick::Nothing) {
            Reply::Tree(tree) => tree.all_ids,
            _ => Vec::new(),
        }
    }

    /// Every instance that is listed.
    pub fn names(&self, now: Time) -> Vec<String> {
        match self.peek(now, &Call::ListInstances, Pick::Nothing) {
            Reply::Names(names) => names,
            _ => Vec::new(),
        }
    }

    /// How many events all executions of an instance have.
    pub fn events_of(&self, instance: &str) -> usize {
        self.store.executions_of(instance).iter().map(|execution| execution.3.len()).sum()
    }

    /// Messages and jobs of an instance that wait in a queue, as calls that put
    /// them there.
    pub fn waiting_for(&self, instance: &str) -> (Vec<Call>, Vec<Call>) {
        let (messages, jobs) = self.store.queued();
        let own = |item: &Item| instance_of(item) == instance;
        let message = |item: Item| Call::EnqueueForOrchestrator { item, delay: None };
        (
            messages.into_iter().filter(own).map(message).collect(),
            jobs.into_iter().filter(own).map(enqueue_job).collect(),
        )
    }

    /// What was there before deletions, and is asked for what they took.
    pub fn ask_shadow(&self, now: Time, call: &Call) -> Option<Reply> {
        let mut shadow = self.shadow.clone()?;
        let choice = duroxide_sim::store::Choice::new("shadow", Pick::Nothing);
        Some(shadow.apply(now, call, &choice))
    }
}
