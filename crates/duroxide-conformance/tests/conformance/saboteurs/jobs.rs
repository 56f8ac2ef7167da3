//! Saboteurs of jobs: fetching them, and acks, abandons and renewals.

use std::time::Duration;

use duroxide::providers::WorkItem;
use duroxide_sim::call::{Call, Class, Item, Job, Reply, instance_of, is_job};
use duroxide_sim::clock::Time;
use duroxide_sim::store::{Choice, Pick};

use super::bench::{class, refuse};
use super::tools::{FOREVER, MS, change_job, enqueue_job, session_of};
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "held jobs are fetched again", rule: "job.exclusive", trick: fetched_twice },
    Saboteur { name: "a fetch locks the next job too", rule: "job.one-at-a-time", trick: two_at_a_time },
    Saboteur { name: "new jobs are visible a millisecond later", rule: "job.prompt", trick: not_at_once },
    Saboteur { name: "delayed jobs come a millisecond early", rule: "job.visible", trick: too_early },
    Saboteur { name: "job locks end a millisecond late", rule: "job.lock-ends-at", trick: lock_ends_late },
    Saboteur { name: "job locks never end", rule: "job.lock-expiry-redelivers", trick: lock_never_ends },
    Saboteur { name: "job tokens are the activity's name", rule: "job.token-unique", trick: same_token },
    Saboteur { name: "job attempts are not counted", rule: "job.attempts-rise", trick: attempts_stand_still },
    Saboteur { name: "all jobs share their attempts", rule: "job.attempts-are-per-job", trick: attempts_shared },
    Saboteur { name: "jobs are of the first execution", rule: "job.unchanged", trick: execution_lost },
    Saboteur { name: "jobs of ended instances wait", rule: "job.any-instance-state", trick: ended_wait },
];

pub const RELEASES: &[Saboteur] = &[
    Saboteur { name: "acked jobs come back", rule: "ack-job.removes", trick: ack_keeps },
    Saboteur { name: "failures are not reported", rule: "ack-job.completion-enqueued", trick: failures_lost },
    Saboteur { name: "no completion counts as one", rule: "ack-job.none-enqueues-nothing", trick: none_completes },
    Saboteur { name: "job acks are idempotent", rule: "ack-job.dead-token-refused", trick: ack_twice },
    Saboteur { name: "late job acks count", rule: "ack-job.expired-token-refused", trick: late_ack },
    Saboteur {
        name: "completions go before the token check",
        rule: "ack-job.refusal-changes-nothing",
        trick: completion_first,
    },
    Saboteur { name: "jobs complete jobs", rule: "ack-job.wrong-queue-refused", trick: wrong_completion },
    Saboteur { name: "abandons of jobs wait for the lock", rule: "abandon-job.releases-at-once", trick: late_release },
    Saboteur { name: "delays of jobs are whole seconds", rule: "abandon-job.delay", trick: delay_in_seconds },
    Saboteur { name: "abandoned jobs leave their session", rule: "abandon-job.keeps-job", trick: session_lost },
    Saboteur {
        name: "abandons of jobs check no rows",
        rule: "abandon-job.dead-token-refused",
        trick: abandon_checks_nothing,
    },
    Saboteur { name: "ignore_attempt of jobs is ignored", rule: "abandon-job.ignore-attempt", trick: ignore_ignored },
    Saboteur { name: "job attempts wrap", rule: "abandon-job.ignore-attempt-floor", trick: attempts_wrap },
    Saboteur {
        name: "renewals of jobs add to the old end",
        rule: "renew-job.extends-from-now",
        trick: renewal_adds_up,
    },
    Saboteur {
        name: "renewals of jobs ask for a running instance",
        rule: "renew-job.any-instance-state",
        trick: renewal_needs_instance,
    },
    Saboteur { name: "renewals of jobs check no rows", rule: "renew-job.dead-token-refused", trick: renewal_of_dead },
    Saboteur { name: "late renewals of jobs count", rule: "renew-job.expired-token-refused", trick: late_renewal },
];

fn with_job(mut reply: Reply, change: impl FnOnce(&mut Job)) -> Reply {
    if let Reply::Job(Some(job)) = &mut reply {
        change(job);
    }
    reply
}

/// Where a fetch forgets `locked_until`.
fn fetched_twice(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    if !matches!(reply, Reply::Job(None)) {
        return reply;
    }
    let tokens: Vec<String> =
        bench.held_jobs.iter().filter(|(_, held)| !held.released && held.until > now).map(|(t, _)| t.clone()).collect();
    for token in tokens {
        bench.ask(now, &Call::AbandonWorkItem { token, delay: None, ignore_attempt: false });
    }
    bench.ask(now, call)
}

fn two_at_a_time(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    if matches!(reply, Reply::Job(Some(_))) {
        bench.ask(now, call);
    }
    reply
}

fn not_at_once(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::EnqueueForWorker { .. } => bench.count = now.0,
        Call::FetchWorkItem { .. } if bench.count == now.0 => return Reply::Job(None),
        _ => {}
    }
    bench.ask(now, call)
}

fn too_early(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::AbandonWorkItem { delay: Some(delay), .. } = call
            && *delay > MS
        {
            *delay -= MS;
        }
    })
}

fn lock_ends_late(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.fetch_job_for(now, call, |lock_for| lock_for.saturating_add(MS))
}

fn lock_never_ends(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.fetch_job_for(now, call, |_| FOREVER)
}

fn same_token(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let Reply::Job(Some(job)) = bench.peek(now, call, Pick::Oldest) else { return bench.ask(now, call) };
    let WorkItem::ActivityExecute { instance, id, .. } = &*job.item else { return bench.ask(now, call) };
    bench.store.apply(now, call, &Choice::new(format!("{instance}/{id}"), Pick::Oldest))
}

fn attempts_stand_still(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_job(bench.ask(now, call), |job| job.attempts = 1)
}

fn attempts_shared(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    let Reply::Job(Some(job)) = &reply else { return reply };
    let most = bench.count.max(u64::from(job.attempts - 1)) + 1;
    bench.count = most;
    with_job(reply, |job| job.attempts = most as u32)
}

fn execution_lost(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    with_job(bench.ask(now, call), |job| change_job(&mut job.item, |_, _, execution| *execution = 1))
}

/// A join of jobs with the instances that run.
fn ended_wait(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.fetch_job_of(now, call, |bench, item| !bench.has_ended(now, &instance_of(item)))
}

fn ack_keeps(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let item = bench.job_of(call);
    let reply = bench.ask(now, call);
    if let (Call::AckWorkItem { .. }, Reply::Done, Some(item)) = (call, &reply, item) {
        bench.ask(now, &enqueue_job(item));
    }
    reply
}

fn failures_lost(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::AckWorkItem { completion, .. } = call {
            completion.take_if(|item| matches!(**item, WorkItem::ActivityFailed { .. }));
        }
    })
}

fn none_completes(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let item = bench.job_of(call);
    let completed = |item: Item| match &*item {
        WorkItem::ActivityExecute { instance, execution_id, id, .. } => Some(Item::new(WorkItem::ActivityCompleted {
            instance: instance.clone(),
            execution_id: *execution_id,
            id: *id,
            result: String::new(),
        })),
        _ => None,
    };
    bench.ask_so(now, call, |call| {
        if let Call::AckWorkItem { completion, .. } = call {
            *completion = completion.take().or_else(|| completed(item?));
        }
    })
}

fn ack_twice(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let released = call.token().and_then(|token| bench.held_jobs.get(token)).is_some_and(|held| held.released);
    let reply = bench.ask(now, call);
    if matches!(call, Call::AckWorkItem { .. }) && released { Reply::Done } else { reply }
}

fn late_ack(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let expired = bench.is_expired_job(now, call);
    let reply = bench.ask(now, call);
    if matches!(call, Call::AckWorkItem { .. }) && expired { Reply::Done } else { reply }
}

fn completion_first(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    if let (Call::AckWorkItem { completion: Some(item), .. }, Some(Class::LockLost)) = (call, class(&reply)) {
        bench.ask(now, &Call::EnqueueForOrchestrator { item: item.clone(), delay: None });
    }
    reply
}

fn wrong_completion(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match (call, class(&reply)) {
        (Call::AckWorkItem { completion: Some(item), .. }, Some(Class::Invalid)) if is_job(item) => Reply::Done,
        _ => reply,
    }
}

fn late_release(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let until = call.token().and_then(|token| bench.held_jobs.get(token)).map_or(now, |held| held.until);
    bench.ask_so(now, call, |call| {
        if let Call::AbandonWorkItem { delay, .. } = call {
            *delay = delay.or(Some(until.max(now) - now));
        }
    })
}

fn delay_in_seconds(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::AbandonWorkItem { delay: Some(delay), .. } = call {
            *delay = Duration::from_secs(delay.as_secs());
        }
    })
}

fn session_lost(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let item = bench.job_of(call);
    let held = call.token().and_then(|token| bench.held_jobs.get(token)).is_some_and(|held| held.until > now);
    match (call, item) {
        (Call::AbandonWorkItem { token, .. }, Some(mut item)) if held && session_of(&item).is_some() => {
            let reply = bench.ask(now, &Call::AckWorkItem { token: token.clone(), completion: None });
            if reply == Reply::Done {
                change_job(&mut item, |session, _, _| *session = None);
                bench.ask(now, &enqueue_job(item));
            }
            reply
        }
        _ => bench.ask(now, call),
    }
}

fn abandon_checks_nothing(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    if matches!(call, Call::AbandonWorkItem { .. }) { Reply::Done } else { reply }
}

fn ignore_ignored(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::AbandonWorkItem { ignore_attempt, .. } = call {
            *ignore_attempt = false;
        }
    })
}

/// Where the attempt is counted when it is over, one is taken off too many.
fn attempts_wrap(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if let (Call::AbandonWorkItem { ignore_attempt: true, .. }, Some(item)) = (call, bench.job_of(call)) {
        bench.notes.insert(format!("{item:?}"));
    }
    let reply = bench.ask(now, call);
    let Reply::Job(Some(job)) = &reply else { return reply };
    let ignored = bench.notes.contains(&format!("{:?}", job.item));
    with_job(reply, |job| {
        if ignored && job.attempts == 1 {
            job.attempts = u32::MAX;
        }
    })
}

fn renewal_adds_up(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let until = call.token().and_then(|token| bench.held_jobs.get(token)).map_or(now, |held| held.until);
    bench.ask_so(now, call, |call| {
        if let Call::RenewWorkItemLock { extend_for, .. } = call {
            *extend_for = extend_for.saturating_add(until.max(now) - now);
        }
    })
}

fn renewal_needs_instance(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let ended = bench.job_of(call).is_some_and(|item| bench.has_ended(now, &instance_of(&item)));
    if matches!(call, Call::RenewWorkItemLock { .. }) && ended {
        return refuse(Class::LockLost, call);
    }
    bench.ask(now, call)
}

fn renewal_of_dead(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let expired = bench.is_expired_job(now, call);
    let reply = bench.ask(now, call);
    if matches!(call, Call::RenewWorkItemLock { .. }) && !expired { Reply::Done } else { reply }
}

fn late_renewal(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let expired = bench.is_expired_job(now, call);
    let reply = bench.ask(now, call);
    if matches!(call, Call::RenewWorkItemLock { .. }) && expired { Reply::Done } else { reply }
}

#[test]
fn saboteurs_of_jobs_are_caught() {
    super::hunt::catch_all("jobs", ALL);
}

#[test]
fn saboteurs_of_finishing_jobs_are_caught() {
    super::hunt::catch_all("finishing-jobs", RELEASES);
}
