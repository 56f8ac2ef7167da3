//! Saboteurs of abandoning and renewing turns.

use std::time::Duration;

use duroxide_sim::call::{Call, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::store::Pick;

use super::acks::{in_time, is_spent};
use super::bench::{fetch, with_turn};
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "abandoning loses the last", rule: "abandon-turn.messages-kept", trick: last_one_lost },
    Saboteur { name: "a delay in whole seconds", rule: "abandon-turn.delay", trick: whole_seconds },
    Saboteur { name: "a delay a moment too long", rule: "abandon-turn.delay", trick: a_moment_more },
    Saboteur { name: "no delay, no release", rule: "abandon-turn.no-delay-is-now", trick: no_delay_no_release },
    Saboteur { name: "a delay for the instance", rule: "abandon-turn.only-batch-delayed", trick: instance_delayed },
    Saboteur { name: "spent tokens abandon", rule: "abandon-turn.dead-token-refused", trick: spent_abandons },
    Saboteur { name: "late abandons count", rule: "abandon-turn.expired-token-refused", trick: late_abandons },
    Saboteur { name: "every attempt counts", rule: "abandon-turn.ignore-attempt", trick: every_attempt_counts },
    Saboteur {
        name: "attempts off without WHERE token",
        rule: "abandon-turn.ignore-attempt-own-batch",
        trick: all_attempts_off,
    },
    Saboteur { name: "attempts below 0", rule: "abandon-turn.ignore-attempt-floor", trick: attempts_below_zero },
    Saboteur { name: "abandoning touches", rule: "abandon-turn.commits-nothing", trick: abandoning_touches },
    Saboteur { name: "from the old end", rule: "renew-turn.extends-from-now", trick: from_the_old_end },
    Saboteur { name: "never shorter", rule: "renew-turn.extends-from-now", trick: never_shorter },
    Saboteur { name: "the batch runs out", rule: "renew-turn.batch-stays-locked", trick: batch_runs_out },
    Saboteur { name: "spent tokens renew", rule: "renew-turn.dead-token-refused", trick: spent_renews },
    Saboteur { name: "late renewals count", rule: "renew-turn.expired-token-refused", trick: late_renewals },
];

fn is_abandon(call: &Call) -> bool {
    matches!(call, Call::AbandonOrchestrationItem { .. })
}

fn is_renewal(call: &Call) -> bool {
    matches!(call, Call::RenewOrchestrationItemLock { .. })
}

/// The right answer to an abandon with another delay.
fn ask_delay(
    bench: &mut Bench,
    now: Time,
    call: &Call,
    change: impl Fn(Option<Duration>) -> Option<Duration>,
) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::AbandonOrchestrationItem { delay, .. } = call {
            *delay = change(*delay);
        }
    })
}

fn last_one_lost(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let name = bench.instance_of(call);
    let reply = bench.ask(now, call);
    if let (true, Reply::Done, Some(name)) = (is_abandon(call), &reply, name) {
        bench.notes.insert(name);
    }
    let notes = &mut bench.notes;
    with_turn(reply, |turn| {
        if turn.messages.len() > 1 && notes.remove(&turn.instance) {
            turn.messages.pop();
        }
    })
}

fn whole_seconds(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    ask_delay(bench, now, call, |delay| delay.map(|delay| Duration::from_secs(delay.as_secs())))
}

fn a_moment_more(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let more = |delay: Duration| if delay.is_zero() { delay } else { delay.saturating_add(Duration::from_millis(1)) };
    ask_delay(bench, now, call, |delay| delay.map(more))
}

fn no_delay_no_release(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let until = call.token().and_then(|token| bench.held.get(token)).map_or(now, |held| held.until);
    ask_delay(bench, now, call, |delay| delay.or(Some(until - now)))
}

fn instance_delayed(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if let Call::FetchOrchestrationItem { versions, .. } = call {
        return bench.fetch_of(now, call, versions.as_deref(), |bench, name| {
            bench.marks.get(name).is_none_or(|until| *until <= now.0)
        });
    }
    let name = bench.instance_of(call);
    let reply = bench.ask(now, call);
    if let (Call::AbandonOrchestrationItem { delay: Some(delay), .. }, Some(name), Reply::Done) = (call, name, &reply) {
        bench.marks.insert(name, (now + *delay).0);
    }
    reply
}

fn spent_abandons(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if is_abandon(call) && is_spent(bench, call) { Reply::Done } else { bench.ask(now, call) }
}

fn late_abandons(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if is_abandon(call) { in_time(bench, now, call) } else { bench.ask(now, call) }
}

fn every_attempt_counts(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::AbandonOrchestrationItem { ignore_attempt, .. } = call {
            *ignore_attempt = false;
        }
    })
}

fn all_attempts_off(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let turn = bench.turn_of(call).cloned();
    let reply = bench.ask(now, call);
    if let (Call::AbandonOrchestrationItem { ignore_attempt: true, .. }, Some(turn), Reply::Done) = (call, turn, &reply)
        && let Reply::Turn(Some(all)) =
            bench.peek(now + Duration::from_secs(86_400), &fetch(Duration::ZERO), Pick::Instance(turn.instance.clone()))
    {
        let others = all.messages.iter().filter(|item| !turn.messages.contains(item));
        bench.notes.extend(others.map(|item| format!("{item:?}")));
    }
    let notes = &mut bench.notes;
    with_turn(reply, |turn| {
        let off = turn.messages.iter().filter(|item| notes.remove(&format!("{item:?}"))).count();
        if off > 0 && turn.attempts > 1 {
            turn.attempts -= 1;
        }
    })
}

fn attempts_below_zero(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let name = bench.instance_of(call);
    let reply = bench.ask(now, call);
    match (call, name, &reply) {
        (Call::AbandonOrchestrationItem { ignore_attempt: true, .. }, Some(name), Reply::Done) => {
            *bench.marks.entry(name).or_default() += 1;
        }
        (Call::AckOrchestrationItem(_), Some(name), Reply::Done) => drop(bench.marks.remove(&name)),
        _ => {}
    }
    let marks = &bench.marks;
    with_turn(reply, |turn| {
        let off = marks.get(&turn.instance).copied().unwrap_or_default() as u32;
        turn.attempts = turn.attempts.wrapping_sub(off);
    })
}

fn abandoning_touches(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let name = bench.instance_of(call);
    let mut reply = bench.ask(now, call);
    match (call, name, &mut reply) {
        (Call::AbandonOrchestrationItem { .. }, Some(name), Reply::Done) => drop(bench.marks.insert(name, now.0)),
        (Call::GetInstanceInfo { instance }, _, Reply::Instance(info)) => {
            info.updated_at = info.updated_at.max(bench.marks.get(instance).copied().unwrap_or_default());
        }
        _ => {}
    }
    reply
}

/// The right answer to a renewal for another time.
fn ask_extension(bench: &mut Bench, now: Time, call: &Call, change: impl Fn(Duration, Duration) -> Duration) -> Reply {
    let until = call.token().and_then(|token| bench.held.get(token)).map_or(now, |held| held.until);
    bench.ask_so(now, call, |call| {
        if let Call::RenewOrchestrationItemLock { extend_for, .. } = call {
            *extend_for = change(*extend_for, until - now);
        }
    })
}

fn from_the_old_end(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    ask_extension(bench, now, call, |extend_for, left| extend_for.saturating_add(left))
}

fn never_shorter(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    ask_extension(bench, now, call, |extend_for, left| extend_for.max(left))
}

/// A renewal keeps the lock, and its batch comes out all the same.
fn batch_runs_out(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if is_renewal(call) {
        let held =
            call.token().and_then(|token| bench.held.get(token)).map(|held| (held.turn.token.clone(), held.until));
        let reply = bench.ask(now, call);
        if let (Some((token, until)), Reply::Done) = (held, &reply) {
            bench.marks.entry(token).or_insert(until.0);
        }
        return reply;
    }
    let reply = bench.ask(now, call);
    if !matches!(call, Call::FetchOrchestrationItem { .. }) || reply != Reply::Turn(None) {
        return reply;
    }
    let due =
        |(token, until): &(&String, &u64)| **until <= now.0 && bench.held.get(*token).is_some_and(|h| !h.released);
    let Some(token) = bench.marks.iter().find(due).map(|(token, _)| token.clone()) else { return reply };
    bench.ask(now, &Call::AbandonOrchestrationItem { token, delay: None, ignore_attempt: false });
    bench.ask(now, call)
}

fn spent_renews(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if is_renewal(call) && is_spent(bench, call) { Reply::Done } else { bench.ask(now, call) }
}

fn late_renewals(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if is_renewal(call) { in_time(bench, now, call) } else { bench.ask(now, call) }
}

#[test]
fn saboteurs_of_releasing_turns_are_caught() {
    super::hunt::catch_all("releasing-turns", ALL);
}
