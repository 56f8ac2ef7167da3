//! Explains why something can or cannot be fetched, for code that explains an answer.
//!
//! It changes nothing, and the store's own fetches do not use it.

use super::turn::compatible;
use super::{Pick, Store};
use crate::call::{Item, SessionClaim, Tags, VersionRange};
use crate::clock::Time;

/// Why a fetch cannot take something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ineligible {
    /// The queue contains nothing of it.
    Absent,
    /// It is locked until this time.
    Locked(Time),
    /// It becomes visible at this time.
    Invisible(Time),
    /// It is a message for an instance that was never started.
    NotStarted,
    /// The fetch's version filter excludes it.
    Version,
    /// The fetch's tag filter excludes it.
    Tag,
    /// Its session belongs to another owner, or the fetch takes no sessions.
    Session,
}

impl Store {
    /// The instance that a fetch at `now` would take first.
    pub fn eligible_turn(&self, now: Time, versions: Option<&[VersionRange]>) -> Option<&str> {
        let key = self.pick_turn(now, versions, &Pick::Oldest)?;
        Some(&self.instances[&key].name)
    }

    /// Every instance that a fetch at `now` could take.
    pub fn eligible_turns(&self, now: Time, versions: Option<&[VersionRange]>) -> Vec<&str> {
        let rows = self.instances.values().filter(|row| self.bar_to_turn(now, &row.name, versions).is_none());
        rows.map(|row| row.name.as_str()).collect()
    }

    /// The number of jobs that a fetch at `now` could take.
    pub fn eligible_jobs(&self, now: Time, session: Option<&SessionClaim>, tags: &Tags) -> usize {
        self.job_lanes(now, session, tags).map(|lane| lane.range(..=(now, u64::MAX)).count()).sum()
    }

    /// Whether a lock was taken with this token and neither released nor taken over since, even if
    /// it has expired.
    pub fn knows_token(&self, token: &str) -> bool {
        self.turn_tokens.contains_key(token) || self.jobs.knows_token(token)
    }

    /// The time at which an instance was created.
    pub fn created_at(&self, instance: &str) -> Option<Time> {
        self.find(instance)?.record.as_ref().map(|record| record.created_at)
    }

    /// The job that a fetch at `now` would take first.
    pub fn eligible_job(&self, now: Time, session: Option<&SessionClaim>, tags: &Tags) -> Option<Item> {
        self.pick_job(now, session, tags, &Pick::Oldest).map(|id| self.jobs.row(id).0.clone())
    }

    /// Why a fetch at `now` cannot take this instance; `None` if it can.
    pub fn bar_to_turn(&self, now: Time, instance: &str, versions: Option<&[VersionRange]>) -> Option<Ineligible> {
        let Some(row) = self.find(instance) else { return Some(Ineligible::Absent) };
        if let Some((lease, _)) = row.lease.as_ref().filter(|(lease, _)| lease.holds(now)) {
            return Some(Ineligible::Locked(lease.until));
        }
        let Some((pinned, (at, ..))) = &row.listed else {
            return Some(if row.queue.len() == 0 { Ineligible::Absent } else { Ineligible::NotStarted });
        };
        if *at > now {
            return Some(Ineligible::Invisible(*at));
        }
        (!compatible(versions, pinned)).then_some(Ineligible::Version)
    }

    /// Why a fetch at `now` cannot take any job with this item; `None` if it can. Among several
    /// such jobs, the one that can be taken soonest counts.
    pub fn bar_to_job(
        &self,
        now: Time,
        item: &Item,
        session: Option<&SessionClaim>,
        tags: &Tags,
    ) -> Option<Ineligible> {
        if self.pick_job(now, session, tags, &Pick::Job(item.clone(), 0)).is_some() {
            return None;
        }
        let first = self.jobs.first_of(item);
        Some(match first {
            None => Ineligible::Absent,
            Some((ready_at, true)) if ready_at > now => Ineligible::Locked(ready_at),
            Some((ready_at, false)) if ready_at > now => Ineligible::Invisible(ready_at),
            Some(_) if !tags.matches(crate::call::tag_of(item)) => Ineligible::Tag,
            Some(_) => Ineligible::Session,
        })
    }
}
