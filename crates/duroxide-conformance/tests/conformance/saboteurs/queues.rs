//! Saboteurs of enqueuing, and of time.

use std::sync::Arc;
use std::time::Duration;

use duroxide::providers::WorkItem;
use duroxide_sim::call::{Call, Class, Reply, instance_of, is_job, is_start};
use duroxide_sim::clock::Time;
use duroxide_sim::store::Pick;

use super::bench::{class, refuse, with_turn};
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "messages live ten seconds", rule: "enqueue.delivered", trick: messages_expire },
    Saboteur { name: "timers wait in any queue", rule: "enqueue.no-delay-is-now", trick: timers_wait },
    Saboteur { name: "delays in whole seconds", rule: "enqueue.delay", trick: whole_seconds },
    Saboteur { name: "a start is an instance", rule: "enqueue.creates-no-instance", trick: start_is_instance },
    Saboteur { name: "children report to the root", rule: "enqueue.routed", trick: report_to_root },
    Saboteur { name: "equal messages are one", rule: "enqueue.equal-messages-kept", trick: equal_messages },
    Saboteur { name: "a foreign key on instances", rule: "enqueue.any-instance-accepted", trick: foreign_key },
    Saboteur { name: "ended ones get no mail", rule: "enqueue.any-instance-accepted", trick: ended_no_mail },
    Saboteur { name: "jobs are messages", rule: "enqueue.wrong-queue-refused", trick: jobs_are_messages },
    Saboteur { name: "equal jobs are one", rule: "enqueue-job.delivered", trick: equal_jobs },
    Saboteur { name: "messages are jobs", rule: "enqueue-job.wrong-queue-refused", trick: messages_are_jobs },
    Saboteur { name: "a delay is never zero", rule: "time.zero-delay-is-now", trick: delay_never_zero },
    Saboteur { name: "no lock is the usual lock", rule: "time.zero-lock", trick: zero_is_default },
    Saboteur { name: "durations end somewhere", rule: "time.huge-durations", trick: durations_end },
    Saboteur { name: "timers are never past", rule: "time.past-timer", trick: timers_never_past },
    Saboteur { name: "fire_at CAST to i64", rule: "time.far-timer", trick: fire_at_signed },
    Saboteur { name: "times in seconds", rule: "time.milliseconds", trick: times_in_seconds },
];

fn enqueued(call: &Call) -> Option<&Arc<WorkItem>> {
    match call {
        Call::EnqueueForOrchestrator { item, .. } => Some(item),
        _ => None,
    }
}

/// The right answer to a call that enqueues, or abandons, with another delay.
fn ask_delay(bench: &mut Bench, now: Time, call: &Call, change: impl Fn(Duration) -> Duration) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::EnqueueForOrchestrator { delay: Some(delay), .. }
        | Call::AbandonOrchestrationItem { delay: Some(delay), .. } = call
        {
            *delay = change(*delay);
        }
    })
}

fn messages_expire(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if let Some(item) = enqueued(call) {
        bench.marks.insert(format!("{item:?}"), now.0);
    }
    let old = |bench: &Bench, item: &Arc<WorkItem>| {
        bench.marks.get(&format!("{item:?}")).is_some_and(|at| at + 10_000 <= now.0)
    };
    loop {
        let reply = bench.ask(now, call);
        let Reply::Turn(Some(turn)) = &reply else { return reply };
        if !turn.messages.iter().all(|item| old(bench, item)) {
            return with_turn(reply, |turn| turn.messages.retain(|item| !old(bench, item)));
        }
        let name = turn.instance.clone();
        let token = turn.token.clone();
        bench.ask(now, &Call::AbandonOrchestrationItem { token, delay: None, ignore_attempt: false });
        bench.swallow(now, &name);
    }
}

fn timers_wait(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::EnqueueForOrchestrator { item, delay: delay @ None } = call
            && let WorkItem::TimerFired { fire_at_ms, .. } = &**item
        {
            *delay = Some(Time(*fire_at_ms) - now);
        }
    })
}

fn whole_seconds(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if enqueued(call).is_none() {
        return bench.ask(now, call);
    }
    ask_delay(bench, now, call, |delay| Duration::from_secs(delay.as_secs()))
}

fn start_is_instance(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if let Some(item) = enqueued(call).filter(|item| is_start(item)) {
        bench.notes.insert(instance_of(item).into_owned());
    }
    let mut reply = bench.ask(now, call);
    if let (Call::ListInstances, Reply::Names(names)) = (call, &mut reply) {
        let new = bench.notes.iter().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>();
        names.extend(new);
    }
    reply
}

fn report_to_root(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        let Call::EnqueueForOrchestrator { item, .. } = call else { return };
        if let WorkItem::SubOrchCompleted { parent_instance, .. } | WorkItem::SubOrchFailed { parent_instance, .. } =
            Arc::make_mut(item)
            && let Some((root, _)) = parent_instance.split_once("::")
        {
            *parent_instance = root.to_owned();
        }
    })
}

fn equal_messages(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match enqueued(call) {
        Some(item) if !is_job(item) && !bench.notes.insert(format!("{item:?}")) => Reply::Done,
        _ => bench.ask(now, call),
    }
}

fn foreign_key(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match enqueued(call) {
        Some(item) if !is_start(item) && !bench.is_started(&instance_of(item)) => refuse(Class::NotFound, call),
        _ => bench.ask(now, call),
    }
}

fn ended_no_mail(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let info = enqueued(call).map(|item| Call::GetInstanceInfo { instance: instance_of(item).into_owned() });
    let info = info.map(|info| bench.peek(now, &info, Pick::Nothing));
    match info {
        Some(Reply::Instance(info)) if matches!(&*info.status, "Completed" | "Failed") => {
            match bench.peek(now, call, Pick::Nothing) {
                Reply::Done => Reply::Done,
                _ => bench.ask(now, call),
            }
        }
        _ => bench.ask(now, call),
    }
}

fn jobs_are_messages(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    if enqueued(call).is_some() && class(&reply) == Some(Class::Invalid) { Reply::Done } else { reply }
}

fn equal_jobs(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::EnqueueForWorker { item } if is_job(item) && !bench.notes.insert(format!("{item:?}")) => Reply::Done,
        _ => bench.ask(now, call),
    }
}

fn messages_are_jobs(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    let is_enqueue = matches!(call, Call::EnqueueForWorker { .. });
    if is_enqueue && class(&reply) == Some(Class::Invalid) { Reply::Done } else { reply }
}

fn delay_never_zero(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    ask_delay(bench, now, call, |delay| delay.max(Duration::from_millis(1)))
}

fn zero_is_default(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_so(now, call, |call| {
        if let Call::FetchOrchestrationItem { lock_for, .. } = call
            && lock_for.is_zero()
        {
            *lock_for = Duration::from_secs(30);
        }
    })
}

fn durations_end(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::FetchOrchestrationItem { lock_for, .. } if lock_for.as_millis() > i64::MAX as u128 => {
            refuse(Class::Invalid, call)
        }
        _ => bench.ask(now, call),
    }
}

/// Timers of acks for which `other` holds are visible at another time.
fn other_timers(bench: &mut Bench, now: Time, call: &Call, other: fn(Time, u64) -> bool, delay: Duration) -> Reply {
    let is_other = |item: &WorkItem| matches!(item, WorkItem::TimerFired { fire_at_ms, .. } if other(now, *fire_at_ms));
    let reply = bench.ask_ack(now, call, |ack| ack.messages.retain(|item| !is_other(item)));
    if let (Call::AckOrchestrationItem(ack), Reply::Done) = (call, &reply) {
        for item in ack.messages.iter().filter(|item| is_other(item)) {
            bench.ask(now, &Call::EnqueueForOrchestrator { item: item.clone(), delay: Some(delay) });
        }
    }
    reply
}

fn timers_never_past(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    other_timers(bench, now, call, |now, at| at < now.0, Duration::from_secs(1))
}

fn fire_at_signed(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    other_timers(bench, now, call, |_, at| at > i64::MAX as u64, Duration::ZERO)
}

fn times_in_seconds(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let mut reply = bench.ask(now, call);
    if let Reply::Instance(info) = &mut reply {
        info.created_at /= 1000;
        info.updated_at /= 1000;
    }
    reply
}

#[test]
fn saboteurs_of_queues_are_caught() {
    super::hunt::catch_all("queues", ALL);
}
