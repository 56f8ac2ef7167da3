//! Saboteurs whose storage is not what it was when it is reopened.

use duroxide_sim::call::{Call, Class, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::store::{Choice, Pick};

use super::bench::refuse;
use super::tools::FOREVER;
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "the last write is in another's cache", rule: "durable.reopen-sees-all", trick: last_is_cached },
    Saboteur { name: "locks are one process's own", rule: "durable.reopen-sees-all", trick: locks_are_forgotten },
    Saboteur { name: "what was deleted is in a snapshot", rule: "durable.reopen-sees-all", trick: deleted_is_back },
    Saboteur { name: "locks without an owner stay", rule: "durable.locks-end", trick: locks_stay },
    Saboteur { name: "attempts are counted in memory", rule: "durable.attempts-survive", trick: attempts_begin_again },
    Saboteur { name: "tokens are one process's own", rule: "durable.tokens-survive", trick: tokens_are_forgotten },
];

impl Bench {
    /// Whether the storage was reopened since the call before.
    fn is_reopened(&mut self) -> bool {
        std::mem::take(&mut self.reopened)
    }

    /// Storage that is reopened knows what the shadow knows, if there is one.
    fn go_back_if_reopened(&mut self) {
        if self.is_reopened()
            && let Some(before) = self.shadow.take()
        {
            self.store = before;
        }
    }
}

fn last_is_cached(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.go_back_if_reopened();
    if !call.is_read() {
        bench.shadow = Some(bench.store.clone());
    }
    bench.ask(now, call)
}

fn locks_are_forgotten(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if bench.is_reopened() {
        for token in bench.live_tokens(now) {
            let (delay, ignore_attempt) = (None, false);
            bench.ask(now, &Call::AbandonOrchestrationItem { token: token.clone(), delay, ignore_attempt });
            bench.ask(now, &Call::AbandonWorkItem { token, delay, ignore_attempt });
        }
    }
    bench.ask(now, call)
}

fn deleted_is_back(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.go_back_if_reopened();
    if !call.is_read() {
        // Whatever comes after the deletion has made it last.
        let deletes = matches!(call, Call::DeleteInstance { .. } | Call::DeleteInstancesAtomic { .. });
        bench.shadow = deletes.then(|| bench.store.clone());
    }
    bench.ask(now, call)
}

fn locks_stay(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if bench.is_reopened() {
        for token in bench.live_tokens(now) {
            let extend_for = FOREVER;
            // Not through the bench, which goes by what holders have asked for.
            for renewal in [
                Call::RenewOrchestrationItemLock { token: token.clone(), extend_for },
                Call::RenewWorkItemLock { token, extend_for },
            ] {
                bench.store.apply(now, &renewal, &Choice::new("", Pick::Nothing));
            }
        }
    }
    bench.ask(now, call)
}

/// How often something was fetched since the storage was reopened.
fn attempts_begin_again(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if bench.is_reopened() {
        bench.marks.clear();
        bench.count = 1;
    }
    let mut reply = bench.ask(now, call);
    let fetched = match &mut reply {
        Reply::Turn(Some(turn)) => Some((turn.instance.clone(), &mut turn.attempts)),
        Reply::Job(Some(job)) => Some((format!("{:?}", job.item), &mut job.attempts)),
        _ => None,
    };
    if let Some((about, attempts)) = fetched.filter(|_| bench.count > 0) {
        let count = bench.marks.entry(about).or_default();
        *count += 1;
        *attempts = (*attempts).min(u32::try_from(*count).unwrap_or(u32::MAX));
    }
    reply
}

fn tokens_are_forgotten(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if bench.is_reopened() {
        let tokens = bench.live_tokens(now);
        bench.notes.extend(tokens);
    }
    match call.token() {
        Some(token) if bench.notes.contains(token) => refuse(Class::LockLost, call),
        _ => bench.ask(now, call),
    }
}

#[test]
fn saboteurs_of_durability_are_caught() {
    super::hunt::catch_all("durability", ALL);
}
