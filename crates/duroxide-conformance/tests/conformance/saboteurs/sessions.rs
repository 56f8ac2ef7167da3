//! Saboteurs of sessions.

use std::time::Duration;

use duroxide_sim::call::{Call, Class, Reply, SessionClaim, is_of_session};
use duroxide_sim::clock::Time;
use duroxide_sim::store::Pick;

use super::bench::refuse;
use super::tools::{FOREVER, MS, session_of};
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "a claim is for sessions alone", rule: "session.plain-jobs-for-all", trick: plain_forgotten },
    Saboteur { name: "no claim is a claim of nobody", rule: "session.no-claim-skips", trick: nobody_claims },
    Saboteur { name: "only known sessions are claimed", rule: "session.free-is-claimable", trick: inner_join },
    Saboteur { name: "claims are not written down", rule: "session.claimed-by-fetch", trick: claim_forgotten },
    Saboteur { name: "a session is claimed when it is free", rule: "session.owner-served", trick: owner_forgotten },
    Saboteur { name: "any owner may fetch", rule: "session.others-blocked", trick: any_owner },
    Saboteur { name: "session locks end a millisecond late", rule: "session.lock-ends-at", trick: ends_late },
    Saboteur { name: "session locks never end", rule: "session.taken-over", trick: never_ends },
    Saboteur { name: "an abandon frees the session", rule: "session.outlives-job-lock", trick: abandon_frees },
    Saboteur {
        name: "acks ask for the session's lock",
        rule: "session.job-lock-outlives-session",
        trick: ack_needs_session,
    },
    Saboteur { name: "taking over sets no activity", rule: "session.fetch-is-activity", trick: idle_after_claim },
    Saboteur { name: "acks set no activity", rule: "session.ack-is-activity", trick: idle_after_ack },
    Saboteur { name: "renewals set no activity", rule: "session.renewal-is-activity", trick: idle_after_renewal },
    Saboteur { name: "acks bring a session back", rule: "session.ended-is-not-revived", trick: revived },
    Saboteur { name: "renewing sessions counts only", rule: "session.renew-extends-from-now", trick: counts_only },
    Saboteur { name: "the first owner is renewed", rule: "session.renew-counts", trick: first_owner },
    Saboteur { name: "idle sessions are renewed", rule: "session.renew-skips-idle", trick: idle_renewed },
    Saboteur { name: "ended sessions are renewed", rule: "session.renew-skips-ended", trick: ended_renewed },
    Saboteur { name: "a sweep asks for no jobs", rule: "session.sweep-keeps", trick: sweeps_too_much },
];

fn claim_of(call: &Call) -> Option<&SessionClaim> {
    match call {
        Call::FetchWorkItem { session, .. } => session.as_ref(),
        _ => None,
    }
}

/// What is known of a session, beside the store.
struct Known {
    session: String,
    owner: String,
    until: Time,
    /// When it was used last by a call that counts, and by any.
    active_at: Time,
    used_at: Time,
}

impl Known {
    fn is_renewed(&self, now: Time, owners: &[String], idle_for: Duration) -> bool {
        self.until > now && owners.contains(&self.owner) && self.used_at + idle_for > now
    }
}

/// Which calls count as activity.
type Counts = fn(&Call) -> bool;

impl Bench {
    /// Answers rightly, and records sessions. A claim of a session that
    /// is known keeps its activity where claims do not count.
    fn watch(&mut self, now: Time, call: &Call, counts: Counts) -> Reply {
        let of_token = self.job_of(call).and_then(|item| session_of(&item));
        let reply = self.ask(now, call);
        match (call, &reply) {
            (Call::FetchWorkItem { session: Some(claim), .. }, Reply::Job(Some(job))) => {
                let Some(session) = session_of(&job.item) else { return reply };
                let until = (now + claim.lock_for).0;
                self.texts.insert(session.clone(), claim.owner.clone());
                self.marks.insert(format!("until {session}"), until);
                let active = self.marks.entry(format!("active {session}")).or_insert(now.0);
                if counts(call) {
                    *active = now.0;
                }
                self.marks.insert(format!("used {session}"), now.0);
            }
            (Call::AckWorkItem { .. } | Call::RenewWorkItemLock { .. }, Reply::Done) => {
                let alive = |known: &Known| known.until > now && Some(&known.session) == of_token.as_ref();
                if let Some(known) = self.known().into_iter().find(alive) {
                    self.marks.insert(format!("used {}", known.session), now.0);
                    if counts(call) {
                        self.marks.insert(format!("active {}", known.session), now.0);
                    }
                }
            }
            (Call::RenewSessionLock { owners, extend_for, idle_for }, Reply::Count(_)) => {
                for known in self.known().into_iter().filter(|known| known.is_renewed(now, owners, *idle_for)) {
                    self.marks.insert(format!("until {}", known.session), (now + *extend_for).0);
                }
            }
            _ => {}
        }
        reply
    }

    fn known(&self) -> Vec<Known> {
        let mark = |word: &str, session: &str| Time(self.marks.get(&format!("{word} {session}")).copied().unwrap_or(0));
        let one = |(session, owner): (&String, &String)| Known {
            session: session.clone(),
            owner: owner.clone(),
            until: mark("until", session),
            active_at: mark("active", session),
            used_at: mark("used", session),
        };
        self.texts.iter().map(one).collect()
    }

    /// Renewing leaves out what seems idle where not all calls count.
    fn renew_unless_idle(&mut self, now: Time, call: &Call, counts: Counts) -> Reply {
        let idle = match call {
            Call::RenewSessionLock { owners, idle_for, .. } => {
                let renewed = |known: &Known| known.is_renewed(now, owners, *idle_for);
                self.known().into_iter().filter(renewed).filter(|known| known.active_at + *idle_for <= now).count()
            }
            _ => 0,
        };
        match self.watch(now, call, counts) {
            Reply::Count(count) => Reply::Count(count.saturating_sub(idle)),
            reply => reply,
        }
    }
}

fn plain_forgotten(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match claim_of(call) {
        Some(_) => bench.fetch_job_of(now, call, |_, item| is_of_session(item)),
        None => bench.ask(now, call),
    }
}

fn nobody_claims(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::FetchWorkItem { session, .. } = call {
            session.get_or_insert(SessionClaim { owner: String::new(), lock_for: Duration::ZERO });
        }
    })
}

/// The sessions come into being nowhere but in what is joined.
fn inner_join(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.fetch_job_of(now, call, |_, item| !is_of_session(item))
}

fn claim_forgotten(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.fetch_claiming(now, call, |claim| claim.lock_for = Duration::ZERO)
}

fn owner_forgotten(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.fetch_job_of(now, call, |bench, item| !bench.is_owned(now, item))
}

/// The owner's sessions are asked for without saying which.
fn any_owner(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if let Some(claim) = claim_of(call) {
        bench.notes.insert(claim.owner.clone());
    }
    let mut reply = bench.ask(now, call);
    for owner in bench.notes.clone() {
        if matches!((call, &reply), (Call::FetchWorkItem { session: Some(_), .. }, Reply::Job(None))) {
            reply = bench.fetch_claiming(now, call, |claim| claim.owner = owner);
        }
    }
    reply
}

fn ends_late(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.fetch_claiming(now, call, |claim| claim.lock_for = claim.lock_for.saturating_add(MS))
}

fn never_ends(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.fetch_claiming(now, call, |claim| claim.lock_for = FOREVER)
}

fn abandon_frees(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if let Some(claim) = claim_of(call) {
        bench.notes.insert(claim.owner.clone());
    }
    let reply = bench.ask(now, call);
    if matches!((call, &reply), (Call::AbandonWorkItem { .. }, Reply::Done)) {
        let owners = bench.notes.iter().cloned().collect();
        bench.ask(now, &Call::RenewSessionLock { owners, extend_for: Duration::ZERO, idle_for: FOREVER });
    }
    reply
}

fn ack_needs_session(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let session = bench.job_of(call).and_then(|item| session_of(&item));
    let ended = bench.known().into_iter().any(|known| Some(known.session) == session && known.until <= now);
    if matches!(call, Call::AckWorkItem { .. } | Call::RenewWorkItemLock { .. }) && ended {
        return refuse(Class::LockLost, call);
    }
    bench.watch(now, call, |_| true)
}

fn idle_after_claim(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.renew_unless_idle(now, call, |call| !matches!(call, Call::FetchWorkItem { .. }))
}

fn idle_after_ack(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.renew_unless_idle(now, call, |call| !matches!(call, Call::AckWorkItem { .. }))
}

fn idle_after_renewal(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.renew_unless_idle(now, call, |call| !matches!(call, Call::RenewWorkItemLock { .. }))
}

/// An update of the activity moves the lock's end too, whether it is over or not.
fn revived(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let job = bench.job_of(call);
    let session = job.as_ref().and_then(session_of);
    let ended = bench.known().into_iter().find(|known| Some(&known.session) == session.as_ref() && known.until <= now);
    let reply = bench.watch(now, call, |_| true);
    let used = matches!((call, &reply), (Call::AckWorkItem { .. } | Call::RenewWorkItemLock { .. }, Reply::Done));
    if let (Some(known), Some(item), true) = (ended, job, used) {
        bench.ask(now, &super::tools::enqueue_job(item.clone()));
        let claim = SessionClaim { owner: known.owner, lock_for: Duration::from_secs(30) };
        let fetch = super::tools::fetch_job(Some(claim));
        if let Reply::Job(Some(job)) = bench.pick(now, &fetch, Pick::Job(item, 0)) {
            bench.ask(now, &Call::AckWorkItem { token: job.token, completion: None });
        }
    }
    reply
}

fn counts_only(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::RenewSessionLock { .. } => bench.peek(now, call, Pick::Nothing),
        _ => bench.ask(now, call),
    }
}

fn first_owner(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::RenewSessionLock { owners, .. } = call {
            owners.truncate(1);
        }
    })
}

fn idle_renewed(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::RenewSessionLock { idle_for, .. } = call {
            *idle_for = FOREVER;
        }
    })
}

fn ended_renewed(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let ended = match call {
        Call::RenewSessionLock { owners, idle_for, .. } => {
            let owned = |known: &Known| known.until <= now && owners.contains(&known.owner);
            bench.known().into_iter().filter(owned).filter(|known| known.used_at + *idle_for > now).count()
        }
        _ => 0,
    };
    match bench.watch(now, call, |_| true) {
        Reply::Count(count) if matches!(call, Call::RenewSessionLock { .. }) => Reply::Count(count + ended),
        reply => reply,
    }
}

fn sweeps_too_much(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let all = bench.store.session_count();
    let reply = bench.watch(now, call, |_| true);
    match (call, reply) {
        (Call::CleanupOrphanedSessions { .. }, Reply::Count(count)) => {
            let ended = bench.known().iter().filter(|known| known.until < now).count();
            Reply::Count(ended.min(all).max(count))
        }
        (_, reply) => reply,
    }
}

#[test]
fn saboteurs_of_sessions_are_caught() {
    super::hunt::catch_all("sessions", ALL);
}
