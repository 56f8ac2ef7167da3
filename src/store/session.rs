//! Sessions: which owner may fetch the jobs of a session.

use std::time::Duration;

use super::Store;
use crate::call::SessionClaim;
use crate::clock::Time;

#[derive(Clone, Debug, PartialEq, Hash)]
pub(super) struct Session {
    pub owner: String,
    pub until: Time,
    pub active_at: Time,
}

impl Store {
    /// Whether `owner` may fetch jobs of a session: it owns the session, or no other owner does.
    pub(super) fn may_claim(&self, now: Time, session: &str, owner: &str) -> bool {
        self.sessions.get(session).is_none_or(|session| session.until <= now || session.owner == owner)
    }

    pub(super) fn claim_session(&mut self, now: Time, session: String, claim: &SessionClaim) {
        let until = now + claim.lock_for;
        self.sessions.insert(session, Session { owner: claim.owner.clone(), until, active_at: now });
    }

    /// Records that a session is used, while its lock is held.
    pub(super) fn touch_session(&mut self, now: Time, session: Option<&str>) {
        if let Some(session) = session.and_then(|id| self.sessions.get_mut(id))
            && session.until > now
        {
            session.active_at = now;
        }
    }

    /// Extends the locks of sessions that `owners` still hold and have used within `idle_for`
    /// (`renew_session_lock`).
    pub(super) fn renew_sessions(
        &mut self,
        now: Time,
        owners: &[String],
        extend_for: Duration,
        idle_for: Duration,
    ) -> usize {
        let mut renewed = 0;
        for session in self.sessions.values_mut() {
            let owned = session.until > now && owners.contains(&session.owner);
            if owned && session.active_at + idle_for > now {
                session.until = now + extend_for;
                renewed += 1;
            }
        }
        renewed
    }

    /// Removes sessions whose lock has expired (`locked_until < now`) and to which no job is bound
    /// (`cleanup_orphaned_sessions`).
    pub(super) fn sweep_sessions(&mut self, now: Time) -> usize {
        let before = self.sessions.len();
        let jobs = &self.jobs;
        self.sessions.retain(|id, session| session.until >= now || jobs.of_session(id) > 0);
        before - self.sessions.len()
    }

    /// The current or last owner of a session, and until when its lock holds.
    pub fn session_owner(&self, session: &str) -> Option<(String, Time)> {
        self.sessions.get(session).map(|session| (session.owner.clone(), session.until))
    }

    /// The number of sessions.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }
}
