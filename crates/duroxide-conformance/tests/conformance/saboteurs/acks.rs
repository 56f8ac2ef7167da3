//! Saboteurs of acks of turns: what one commits.

use std::collections::BTreeSet;

use duroxide::providers::WorkItem;
use duroxide_sim::call::{AckTurn, ActivityId, Call, Class, Reply, instance_of, is_job};
use duroxide_sim::clock::Time;
use duroxide_sim::store::Pick;

use super::bench::{class, just_before, refuse, with_turn};
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "spent tokens ack", rule: "ack-turn.dead-token-refused", trick: spent_acks },
    Saboteur { name: "late acks count", rule: "ack-turn.expired-token-refused", trick: late_acks },
    Saboteur { name: "an ack forgets one message", rule: "ack-turn.messages-removed", trick: one_message_left },
    Saboteur { name: "an ack clears the queue", rule: "ack-turn.only-batch-removed", trick: queue_cleared },
    Saboteur { name: "the lock runs out by itself", rule: "ack-turn.lock-released", trick: lock_left },
    Saboteur { name: "refusals release", rule: "ack-turn.failure-keeps-lock", trick: refusals_release },
    Saboteur { name: "two events to an ack", rule: "ack-turn.history-appended", trick: two_events },
    Saboteur { name: "the execution fetched", rule: "ack-turn.history-in-given-execution", trick: fetched_execution },
    Saboteur { name: "ON CONFLICT DO NOTHING", rule: "ack-turn.duplicate-event-refused", trick: duplicates_ignored },
    Saboteur { name: "an ack reads first", rule: "ack-turn.unreadable-history-appendable", trick: ack_reads_first },
    Saboteur { name: "no events, no ack", rule: "ack-turn.empty-history-valid", trick: no_events_no_ack },
    Saboteur { name: "executions begin as Pending", rule: "ack-turn.execution-created", trick: pending_executions },
    Saboteur {
        name: "the last execution is current",
        rule: "ack-turn.current-execution-greatest",
        trick: last_is_current,
    },
    Saboteur { name: "outputs are forgotten", rule: "ack-turn.status-stored", trick: outputs_forgotten },
    Saboteur { name: "every ack sets the status", rule: "ack-turn.status-none-keeps", trick: status_always_set },
    Saboteur { name: "continued is not completed", rule: "ack-turn.completed-at", trick: continued_incomplete },
    Saboteur { name: "no version, no instance", rule: "ack-turn.creates-instance", trick: no_version_no_instance },
    Saboteur { name: "the first name stays", rule: "ack-turn.identity-stored", trick: first_name_stays },
    Saboteur { name: "no version is version 1", rule: "ack-turn.identity-none-keeps", trick: no_version_is_one },
    Saboteur { name: "parents are forgotten", rule: "ack-turn.parent-stored", trick: parents_forgotten },
    Saboteur { name: "one job to an ack", rule: "ack-turn.jobs-enqueued", trick: one_job },
    Saboteur { name: "no mail for others", rule: "ack-turn.messages-enqueued", trick: no_mail_for_others },
    Saboteur { name: "messages backwards", rule: "ack-turn.messages-in-order", trick: messages_backwards },
    Saboteur { name: "timers fire at once", rule: "ack-turn.timer-at-fire-time", trick: timers_at_once },
    Saboteur { name: "one cancellation to an ack", rule: "ack-turn.cancelled-removed", trick: one_cancellation },
    Saboteur { name: "held jobs go on", rule: "ack-turn.cancelled-held-removed", trick: held_jobs_go_on },
    Saboteur {
        name: "cancelled in all executions",
        rule: "ack-turn.cancelled-exactly",
        trick: all_executions_cancelled,
    },
    Saboteur { name: "nothing to cancel", rule: "ack-turn.cancelled-unknown-ignored", trick: nothing_to_cancel },
    Saboteur { name: "cancel, then enqueue", rule: "ack-turn.cancelled-after-enqueue", trick: cancel_then_enqueue },
    Saboteur { name: "any queue will do", rule: "ack-turn.wrong-queue-refused", trick: any_queue },
];

fn ack(call: &Call) -> Option<&AckTurn> {
    match call {
        Call::AckOrchestrationItem(ack) => Some(ack),
        _ => None,
    }
}

/// Whether a call's token is of a turn that it was acked or abandoned with.
pub fn is_spent(bench: &Bench, call: &Call) -> bool {
    call.token().and_then(|token| bench.held.get(token)).is_some_and(|held| held.released)
}

/// Answers a call with an ended lock as if the lock still held.
pub fn in_time(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let held = call.token().and_then(|token| bench.held.get(token)).filter(|held| !held.released);
    let Some(until) = held.map(|held| held.until).filter(|until| *until <= now) else { return bench.ask(now, call) };
    bench.ask(just_before(until), call)
}

fn spent_acks(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let spent = ack(call).is_some() && is_spent(bench, call);
    if spent { Reply::Done } else { bench.ask(now, call) }
}

fn late_acks(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if ack(call).is_some() { in_time(bench, now, call) } else { bench.ask(now, call) }
}

fn one_message_left(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    let turn = bench.turn_of(call).filter(|turn| turn.messages.len() > 1 && ack(call).is_some());
    if let (Some(item), Reply::Done) = (turn.and_then(|turn| turn.messages.last().cloned()), &reply) {
        bench.ask(now, &Call::EnqueueForOrchestrator { item, delay: None });
    }
    reply
}

fn queue_cleared(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let name = bench.instance_of(call).filter(|_| ack(call).is_some());
    if let Some(name) = name
        && bench.peek(now, call, Pick::Nothing) == Reply::Done
    {
        let later = bench.ask_ack(now, call, |ack| ack.messages.clear());
        bench.swallow(now, &name);
        let messages = ack(call).map(|ack| ack.messages.clone()).unwrap_or_default();
        for item in messages {
            let delay = match &*item {
                WorkItem::TimerFired { fire_at_ms, .. } => Some(Time(*fire_at_ms) - now),
                _ => None,
            };
            bench.ask(now, &Call::EnqueueForOrchestrator { item, delay });
        }
        return later;
    }
    bench.ask(now, call)
}

fn lock_left(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if let Call::FetchOrchestrationItem { versions, .. } = call {
        return bench.fetch_of(now, call, versions.as_deref(), |bench, name| {
            bench.marks.get(name).is_none_or(|until| *until <= now.0)
        });
    }
    let reply = bench.ask(now, call);
    if ack(call).is_some()
        && reply == Reply::Done
        && let Some(held) = call.token().and_then(|token| bench.held.get(token))
    {
        bench.marks.insert(held.turn.instance.clone(), held.until.0);
    }
    reply
}

fn refusals_release(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    if let (Some(ack), Some(Class::Invalid | Class::DuplicateEvent)) = (ack(call), class(&reply)) {
        let token = ack.token.clone();
        bench.ask(now, &Call::AbandonOrchestrationItem { token, delay: None, ignore_attempt: false });
    }
    reply
}

fn two_events(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match bench.peek(now, call, Pick::Nothing) {
        Reply::Refused(_) => bench.ask(now, call),
        _ => bench.ask_ack(now, call, |ack| ack.history.truncate(2)),
    }
}

fn fetched_execution(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let fetched = bench.turn_of(call).map(|turn| turn.execution);
    bench.ask_ack(now, call, |ack| ack.execution = fetched.unwrap_or(ack.execution))
}

fn duplicates_ignored(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    let (Some(ack), Some(Class::DuplicateEvent)) = (ack(call), class(&reply)) else { return reply };
    let instance = bench.instance_of(call).unwrap_or_default();
    let read = Call::ReadWithExecution { instance, execution: ack.execution };
    let mut seen: BTreeSet<u64> = match bench.peek(now, &read, Pick::Nothing) {
        Reply::Events(events) => events.iter().map(|event| event.event_id).collect(),
        _ => return reply,
    };
    bench.ask_ack(now, call, |ack| ack.history.retain(|event| seen.insert(event.event_id)))
}

fn ack_reads_first(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let unreadable = bench.turn_of(call).is_some_and(|turn| turn.history_error.is_some());
    if unreadable && ack(call).is_some() { refuse(Class::Corrupt, call) } else { bench.ask(now, call) }
}

fn no_events_no_ack(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let empty = ack(call).is_some_and(|ack| ack.history.is_empty());
    if empty { refuse(Class::Invalid, call) } else { bench.ask(now, call) }
}

fn pending_executions(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let mut reply = bench.ask(now, call);
    if let (Some(ack), Some(name), Reply::Done) = (ack(call), bench.instance_of(call), &reply)
        && ack.metadata.status.is_some()
    {
        bench.notes.insert(format!("{name} {}", ack.execution));
    }
    if let (Call::GetExecutionInfo { instance, execution }, Reply::Execution(info)) = (call, &mut reply)
        && !bench.notes.contains(&format!("{instance} {execution}"))
    {
        info.status = "Pending".to_owned();
    }
    reply
}

fn last_is_current(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    if let (Some(ack), Some(name), Reply::Done) = (ack(call), bench.instance_of(call), &reply) {
        bench.marks.insert(name, ack.execution);
    }
    let marks = &bench.marks;
    with_turn(reply, |turn| turn.execution = marks.get(&turn.instance).copied().unwrap_or(turn.execution))
}

fn outputs_forgotten(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_ack(now, call, |ack| ack.metadata.output = None)
}

fn status_always_set(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_ack(now, call, |ack| {
        ack.metadata.status.get_or_insert_with(|| "Running".to_owned());
    })
}

fn continued_incomplete(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let mut reply = bench.ask(now, call);
    if let Reply::Execution(info) = &mut reply
        && info.status == "ContinuedAsNew"
    {
        info.completed_at = None;
    }
    reply
}

fn no_version_no_instance(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_ack(now, call, |ack| {
        if ack.metadata.orchestration_version.is_none() {
            ack.metadata.orchestration_name = None;
        }
    })
}

fn first_name_stays(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let info = Call::GetInstanceInfo { instance: bench.instance_of(call).unwrap_or_default() };
    let known = matches!(bench.peek(now, &info, Pick::Nothing), Reply::Instance(_));
    bench.ask_ack(now, call, |ack| {
        if known {
            ack.metadata.orchestration_name = None;
            ack.metadata.orchestration_version = None;
        }
    })
}

fn no_version_is_one(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_ack(now, call, |ack| {
        ack.metadata.orchestration_version.get_or_insert_with(|| "1.0.1".to_owned());
    })
}

fn parents_forgotten(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_ack(now, call, |ack| ack.metadata.parent_instance_id = None)
}

fn one_job(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match bench.peek(now, call, Pick::Nothing) {
        Reply::Refused(_) => bench.ask(now, call),
        _ => bench.ask_ack(now, call, |ack| ack.jobs.truncate(1)),
    }
}

fn no_mail_for_others(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let own = bench.instance_of(call).unwrap_or_default();
    bench.ask_ack(now, call, |ack| ack.messages.retain(|item| is_job(item) || instance_of(item) == own))
}

fn messages_backwards(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_ack(now, call, |ack| ack.messages.reverse())
}

fn timers_at_once(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let timer = |item: &WorkItem| matches!(item, WorkItem::TimerFired { .. });
    let reply = bench.ask_ack(now, call, |ack| ack.messages.retain(|item| !timer(item)));
    if let (Some(ack), Reply::Done) = (ack(call), &reply) {
        for item in ack.messages.iter().filter(|item| timer(item)) {
            bench.ask(now, &Call::EnqueueForOrchestrator { item: item.clone(), delay: None });
        }
    }
    reply
}

fn one_cancellation(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_ack(now, call, |ack| ack.cancelled.truncate(1))
}

fn activity(item: &WorkItem) -> Option<ActivityId> {
    match item {
        WorkItem::ActivityExecute { instance, execution_id, id, .. } => {
            Some(ActivityId { instance: instance.clone(), execution: *execution_id, activity: *id })
        }
        _ => None,
    }
}

fn held_jobs_go_on(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let held = bench.held_jobs.values().filter(|held| !held.released && held.until > now);
    let held: BTreeSet<ActivityId> = held.filter_map(|held| activity(&held.item)).collect();
    bench.ask_ack(now, call, |ack| ack.cancelled.retain(|id| !held.contains(id)))
}

fn all_executions_cancelled(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_ack(now, call, |ack| {
        let more = |id: &ActivityId| (0..6).map(|execution| ActivityId { execution, ..id.clone() }).collect::<Vec<_>>();
        let all: Vec<ActivityId> = ack.cancelled.iter().flat_map(more).collect();
        ack.cancelled.extend(all);
    })
}

fn nothing_to_cancel(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let name = |id: ActivityId| format!("{id:?}");
    match call {
        Call::EnqueueForWorker { item } => bench.notes.extend(activity(item).map(name)),
        Call::AckOrchestrationItem(ack) => {
            bench.notes.extend(ack.jobs.iter().filter_map(|item| activity(item)).map(name));
            if ack.cancelled.iter().any(|id| !bench.notes.contains(&name(id.clone()))) {
                return refuse(Class::NotFound, call);
            }
        }
        _ => {}
    }
    bench.ask(now, call)
}

fn cancel_then_enqueue(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_ack(now, call, |ack| {
        let own: BTreeSet<ActivityId> = ack.jobs.iter().filter_map(|item| activity(item)).collect();
        ack.cancelled.retain(|id| !own.contains(id));
    })
}

fn any_queue(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask_ack(now, call, |ack| {
        ack.jobs.retain(|item| is_job(item));
        ack.messages.retain(|item| !is_job(item));
    })
}

#[test]
fn saboteurs_of_acks_are_caught() {
    super::hunt::catch_all("acks", ALL);
}
