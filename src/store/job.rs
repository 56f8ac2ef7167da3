//! Jobs: the worker queue.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

use duroxide::providers::WorkItem;

use super::queue::Lease;
use super::{Choice, Key, Leeway, Pick, Store, invalid, lock_lost};
use crate::call::{ActivityId, Item, Job, Refusal, Reply, SessionClaim, Tags, is_job, kind_of};
use crate::clock::Time;

/// The worker queue with its indexes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Jobs {
    rows: BTreeMap<u64, Row>,
    /// The jobs, grouped by what determines which fetches may take them, each with the time from
    /// which it can be fetched. No lane is empty.
    lanes: BTreeMap<Lane, BTreeSet<(Time, u64)>>,
    tokens: BTreeMap<String, u64>,
    by_activity: BTreeMap<(Key, u64, u64), BTreeSet<u64>>,
    by_session: BTreeMap<String, usize>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    item: Item,
    lane: Lane,
    activity: (Key, u64, u64),
    ready_at: Time,
    attempts: u32,
    lease: Option<Lease>,
}

/// What determines which fetches may take a job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Lane {
    session: Option<String>,
    tag: Option<String>,
}

impl Jobs {
    pub fn next_after(&self, now: Time) -> Option<Time> {
        let after = (Excluded((now, u64::MAX)), Unbounded);
        self.lanes.values().filter_map(|lane| lane.range(after).next()).map(|entry| entry.0).min()
    }

    /// The number of jobs bound to a session.
    pub fn of_session(&self, session: &str) -> usize {
        self.by_session.get(session).copied().unwrap_or(0)
    }

    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// The number of jobs that are locked at `now`.
    pub fn held(&self, now: Time) -> usize {
        let rows = self.tokens.values().map(|id| &self.rows[id]);
        rows.filter(|row| row.lease.as_ref().is_some_and(|lease| lease.holds(now))).count()
    }

    /// The jobs of one instance.
    pub fn of_instance(&self, key: Key) -> Vec<u64> {
        let all = self.by_activity.range((key, 0, 0)..=(key, u64::MAX, u64::MAX));
        all.flat_map(|(_, ids)| ids.iter().copied()).collect()
    }

    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.rows.values().map(|row| &row.item)
    }

    /// Whether a job has a lock with this token, even if the lock has expired.
    pub fn knows_token(&self, token: &str) -> bool {
        self.tokens.contains_key(token)
    }

    /// Every job: its item, the time from which it can be fetched, its attempt count, and its lock.
    pub fn each(&self) -> impl Iterator<Item = (&Item, Time, u32, Option<&Lease>)> {
        self.rows.values().map(|row| (&row.item, row.ready_at, row.attempts, row.lease.as_ref()))
    }

    /// The jobs with exactly this item. (The instance's key is not known here, so this cannot use
    /// the index by activity.)
    fn matching<'a>(&'a self, item: &'a Item) -> impl Iterator<Item = (u64, &'a Row)> {
        self.rows.iter().filter(move |(_, row)| row.item == *item).map(|(id, row)| (*id, row))
    }

    /// The item of a job, and its attempt count.
    pub fn row(&self, id: u64) -> (&Item, u32) {
        let row = &self.rows[&id];
        (&row.item, row.attempts)
    }

    /// The time from which the first job with this item can be fetched, and whether it is locked
    /// until then.
    pub fn first_of(&self, item: &Item) -> Option<(Time, bool)> {
        self.matching(item).map(|(_, row)| (row.ready_at, row.lease.is_some())).min()
    }

    /// A job in the form that [`Store::jobs_of`] returns.
    pub fn look_at(&self, id: u64) -> Option<(&WorkItem, Time, u32, bool)> {
        let row = self.rows.get(&id)?;
        Some((&*row.item, row.ready_at, row.attempts, row.lease.is_some()))
    }

    fn move_to(&mut self, id: u64, ready_at: Time) {
        let row = self.rows.get_mut(&id).expect("an indexed job must have a row");
        let lane = self.lanes.get_mut(&row.lane).expect("a job's lane must exist");
        lane.remove(&(row.ready_at, id));
        lane.insert((ready_at, id));
        row.ready_at = ready_at;
    }

    fn set_lease(&mut self, id: u64, lease: Option<Lease>) {
        let row = self.rows.get_mut(&id).expect("an indexed job must have a row");
        if let Some(old) = std::mem::replace(&mut row.lease, lease.clone()) {
            self.tokens.remove(&old.token);
        }
        if let Some(lease) = lease {
            self.tokens.insert(lease.token, id);
        }
    }

    fn remove(&mut self, id: u64) -> Option<Row> {
        self.set_lease(id, None);
        let row = self.rows.remove(&id)?;
        if let Some(lane) = self.lanes.get_mut(&row.lane) {
            lane.remove(&(row.ready_at, id));
            if lane.is_empty() {
                self.lanes.remove(&row.lane);
            }
        }
        if let Some(ids) = self.by_activity.get_mut(&row.activity) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_activity.remove(&row.activity);
            }
        }
        if let Some(session) = &row.lane.session
            && let Some(count) = self.by_session.get_mut(session)
        {
            *count -= 1;
            if *count == 0 {
                self.by_session.remove(session);
            }
        }
        Some(row)
    }
}

impl Store {
    pub(super) fn enqueue_job(&mut self, now: Time, item: &Item) -> Result<Reply, Refusal> {
        if !is_job(item) {
            let message = format!("A {} does not belong in the worker queue.", kind_of(item));
            return Err(invalid("enqueue_for_worker", message));
        }
        self.push_job(now, item.clone());
        Ok(Reply::Done)
    }

    pub(super) fn push_job(&mut self, now: Time, item: Item) {
        let WorkItem::ActivityExecute { instance, execution_id, id: activity, session_id, tag, .. } = &*item else {
            return; // Every caller has checked.
        };
        let key = self.intern(instance);
        self.row(key).jobs += 1;
        let id = self.next_id();
        let lane = Lane { session: session_id.clone(), tag: tag.clone() };
        let activity = (key, *execution_id, *activity);
        self.jobs.lanes.entry(lane.clone()).or_default().insert((now, id));
        self.jobs.by_activity.entry(activity).or_default().insert(id);
        if let Some(session) = session_id {
            *self.jobs.by_session.entry(session.clone()).or_default() += 1;
        }
        self.jobs.rows.insert(id, Row { item, lane, activity, ready_at: now, attempts: 0, lease: None });
    }

    pub(super) fn fetch_job(
        &mut self,
        now: Time,
        lock_for: Duration,
        session: Option<&SessionClaim>,
        tags: &Tags,
        choice: &Choice,
    ) -> Option<Box<Job>> {
        let id = self.pick_job(now, session, tags, &choice.pick)?;
        let lease = Lease::new(&choice.token, now, lock_for);
        self.jobs.move_to(id, lease.until);
        self.jobs.set_lease(id, Some(lease));
        let row = self.jobs.rows.get_mut(&id).expect("a picked job must have a row");
        row.attempts = row.attempts.saturating_add(1);
        let job = Job { item: row.item.clone(), token: choice.token.clone(), attempts: row.attempts };
        let bound_to = row.lane.session.clone();
        if let (Some(id), Some(claim)) = (bound_to, session) {
            self.claim_session(now, id, claim);
        }
        Some(Box::new(job))
    }

    /// Chooses the job to fetch: eligible ones in the order in which they became eligible.
    pub(super) fn pick_job(&self, now: Time, session: Option<&SessionClaim>, tags: &Tags, pick: &Pick) -> Option<u64> {
        if let Pick::Job(item, attempts) = pick {
            let rows = self.jobs.matching(item);
            let rows = rows.filter(|(_, row)| row.ready_at <= now && self.may_fetch(now, session, tags, &row.lane));
            return rows.min_by_key(|(id, row)| (row.attempts != *attempts, row.ready_at, *id)).map(|(id, _)| id);
        }
        pick.of(self.job_lanes(now, session, tags), (now, u64::MAX)).map(|(_, id)| id)
    }

    /// The lanes that a fetch may take from.
    pub(super) fn job_lanes<'a>(
        &'a self,
        now: Time,
        session: Option<&'a SessionClaim>,
        tags: &'a Tags,
    ) -> impl Iterator<Item = &'a BTreeSet<(Time, u64)>> {
        let lanes = self.jobs.lanes.iter().filter(move |(lane, _)| self.may_fetch(now, session, tags, lane));
        lanes.map(|(_, set)| set)
    }

    fn may_fetch(&self, now: Time, session: Option<&SessionClaim>, tags: &Tags, lane: &Lane) -> bool {
        let claimable = match (&lane.session, session) {
            (None, _) => true,
            (Some(id), Some(claim)) => self.may_claim(now, id, &claim.owner),
            (Some(_), None) => false,
        };
        claimable && tags.matches(lane.tag.as_deref())
    }

    pub(super) fn ack_job(&mut self, now: Time, token: &str, completion: Option<&Item>) -> Result<Reply, Refusal> {
        let id = self.held_job("ack_work_item", token, now)?;
        let fits = |item: &Item| matches!(**item, WorkItem::ActivityCompleted { .. } | WorkItem::ActivityFailed { .. });
        if let Some(item) = completion.filter(|item| !fits(item)) {
            let message = format!("A {} does not complete an activity.", kind_of(item));
            return Err(invalid("ack_work_item", message));
        }
        let session = self.jobs.rows[&id].lane.session.clone();
        self.touch_session(now, session.as_deref());
        self.remove_job(id);
        if let Some(item) = completion {
            self.push_message(item.clone(), now);
        }
        Ok(Reply::Done)
    }

    pub(super) fn renew_job(&mut self, now: Time, token: &str, extend_for: Duration) -> Result<Reply, Refusal> {
        let id = self.held_job("renew_work_item_lock", token, now)?;
        let lease = Lease::new(token, now, extend_for);
        self.jobs.move_to(id, lease.until);
        self.jobs.set_lease(id, Some(lease));
        let session = self.jobs.rows[&id].lane.session.clone();
        self.touch_session(now, session.as_deref());
        Ok(Reply::Done)
    }

    /// Abandoning requires a token whose lock has not been taken over since, even if the lock has
    /// expired: the trait's pattern does not check the time here.
    pub(super) fn abandon_job(
        &mut self,
        now: Time,
        token: &str,
        delay: Option<Duration>,
        ignore_attempt: bool,
        leeway: Leeway,
    ) -> Result<Reply, Refusal> {
        const OPERATION: &str = "abandon_work_item";
        let id = match leeway {
            Leeway::RefuseExpired => self.held_job(OPERATION, token, now)?,
            Leeway::None | Leeway::IgnoreDuplicates | Leeway::KeepSessions => {
                self.jobs.tokens.get(token).copied().ok_or_else(|| lock_lost(OPERATION, token))?
            }
        };
        self.jobs.set_lease(id, None);
        self.jobs.move_to(id, now + delay.unwrap_or_default());
        let row = self.jobs.rows.get_mut(&id).expect("an indexed job must have a row");
        row.attempts = row.attempts.saturating_sub(u32::from(ignore_attempt));
        Ok(Reply::Done)
    }

    pub(super) fn cancel_jobs(&mut self, activity: &ActivityId) {
        let Some(key) = self.names.get(&activity.instance).copied() else { return };
        let ids = self.jobs.by_activity.get(&(key, activity.execution, activity.activity));
        for id in ids.cloned().unwrap_or_default() {
            self.remove_job(id);
        }
    }

    /// Removes a job from the queue, whether or not it is locked.
    pub(super) fn remove_job(&mut self, id: u64) {
        if let Some(row) = self.jobs.remove(id) {
            let key = row.activity.0;
            self.row(key).jobs -= 1;
            self.forget_if_empty(key);
        }
    }

    fn held_job(&self, operation: &str, token: &str, now: Time) -> Result<u64, Refusal> {
        let id = self.jobs.tokens.get(token).copied();
        id.filter(|id| self.jobs.rows[id].lease.as_ref().is_some_and(|lease| lease.holds(now)))
            .ok_or_else(|| lock_lost(operation, token))
    }
}
