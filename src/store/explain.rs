//! Why something can be fetched, or cannot: for those who explain an answer.
//!
//! It changes nothing, and the store's own fetches do not need it.

use super::turn::compatible;
use super::{Pick, Store};
use crate::call::{Item, SessionClaim, Tags, VersionRange};
use crate::clock::Time;

/// What keeps a fetch from taking something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ineligible {
    /// There is nothing of it in the queue.
    Absent,
    /// It is under a lock that ends then.
    Locked(Time),
    /// It is visible from then on.
    Invisible(Time),
    /// It is a message for an instance that nothing has started.
    NotStarted,
    /// The fetch's version filter leaves it out.
    Version,
    /// The fetch's tag filter leaves it out.
    Tag,
    /// Its session belongs to somebody else, or the fetch takes no sessions.
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

    /// How many jobs a fetch at `now` could take.
    pub fn eligible_jobs(&self, now: Time, session: Option<&SessionClaim>, tags: &Tags) -> usize {
        self.job_lanes(now, session, tags).map(|lane| lane.range(..=(now, u64::MAX)).count()).sum()
    }

    /// Whether a lock was taken with this token and not given up or taken over
    /// since, be it over or not.
    pub fn knows_token(&self, token: &str) -> bool {
        self.turn_tokens.contains_key(token) || self.jobs.knows_token(token)
    }

    /// When an instance was created.
    pub fn created_at(&self, instance: &str) -> Option<Time> {
        self.find(instance)?.record.as_ref().map(|record| record.created_at)
    }

    /// The job that a fetch at `now` would take first.
    pub fn eligible_job(&self, now: Time, session: Option<&SessionClaim>, tags: &Tags) -> Option<Item> {
        self.pick_job(now, session, tags, &Pick::Oldest).map(|id| self.jobs.row(id).0.clone())
    }

    /// What keeps a fetch at `now` from taking this instance; `None` when
    /// nothing does.
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

    /// What keeps a fetch at `now` from taking any job with this item; `None`
    /// when nothing does. Of several such jobs the one that is nearest to being
    /// taken counts.
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
