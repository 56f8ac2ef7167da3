//! Saboteurs whose calls are half done when their futures are dropped.

use duroxide_sim::call::{Call, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::store::Pick;

use super::bench::empty_ack;
use super::tools::FOREVER;
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "a dropped fetch has taken it", rule: "dropped.fetch", trick: fetched_is_gone },
    Saboteur { name: "a dropped fetch locks for good", rule: "dropped.fetch", trick: fetched_is_stuck },
    Saboteur { name: "a dropped ack leaves its events", rule: "dropped.ack-turn", trick: events_stay },
    Saboteur { name: "a dropped ack leaves its messages", rule: "dropped.ack-turn", trick: messages_stay },
    Saboteur { name: "a dropped ack forgets the completion", rule: "dropped.ack-job", trick: no_completion },
    Saboteur { name: "a dropped ack completes, and keeps the job", rule: "dropped.ack-job", trick: job_stays },
    Saboteur { name: "a dropped abandon has taken the job out", rule: "dropped.release", trick: abandoned_is_gone },
    Saboteur { name: "a dropped renewal has taken the batch out", rule: "dropped.release", trick: renewed_is_gone },
    Saboteur { name: "a dropped enqueue is retried", rule: "dropped.enqueue", trick: sent_twice },
    Saboteur { name: "a dropped append stops after one event", rule: "dropped.append", trick: one_event },
    Saboteur { name: "a dropped deletion leaves the events", rule: "dropped.remove", trick: events_outlive },
    Saboteur { name: "a pool of four", rule: "dropped.releases-resources", trick: pool },
];

/// Takes out of the queue what a fetch, or a token, is about.
fn take_out(bench: &mut Bench, now: Time, call: &Call) {
    match bench.ask(now, call) {
        Reply::Turn(Some(turn)) => drop(bench.ask(now, &Call::AckOrchestrationItem(Box::new(empty_ack(&turn))))),
        Reply::Job(Some(job)) => drop(bench.ask(now, &Call::AckWorkItem { token: job.token, completion: None })),
        _ => {}
    }
}

fn fetched_is_gone(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::FetchOrchestrationItem { .. } | Call::FetchWorkItem { .. } => {
            bench.ask_halfway(now, call, |bench| take_out(bench, now, call))
        }
        _ => bench.ask(now, call),
    }
}

fn fetched_is_stuck(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::FetchOrchestrationItem { .. } => bench.ask_halfway(now, call, |bench| {
            bench.ask_so(now, call, |call| {
                if let Call::FetchOrchestrationItem { lock_for, .. } = call {
                    *lock_for = FOREVER;
                }
            });
        }),
        _ => bench.ask(now, call),
    }
}

fn events_stay(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let (Call::AckOrchestrationItem(ack), Some(instance)) = (call, bench.instance_of(call)) else {
        return bench.ask(now, call);
    };
    bench.ask_halfway(now, call, |bench| {
        if bench.peek(now, call, Pick::Oldest) == Reply::Done {
            let (execution, events) = (ack.execution, ack.history.clone());
            bench.ask(now, &Call::AppendWithExecution { instance, execution, events });
        }
    })
}

fn messages_stay(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let Call::AckOrchestrationItem(ack) = call else { return bench.ask(now, call) };
    bench.ask_halfway(now, call, |bench| {
        if bench.peek(now, call, Pick::Oldest) == Reply::Done {
            for item in ack.messages.clone() {
                bench.ask(now, &Call::EnqueueForOrchestrator { item, delay: None });
            }
        }
    })
}

fn no_completion(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::AckWorkItem { token, completion: Some(_) } => bench.ask_halfway(now, call, |bench| {
            if bench.peek(now, call, Pick::Oldest) == Reply::Done {
                bench.ask(now, &Call::AckWorkItem { token: token.clone(), completion: None });
            }
        }),
        _ => bench.ask(now, call),
    }
}

fn job_stays(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::AckWorkItem { completion: Some(item), .. } => bench.ask_halfway(now, call, |bench| {
            if bench.peek(now, call, Pick::Oldest) == Reply::Done {
                bench.ask(now, &Call::EnqueueForOrchestrator { item: item.clone(), delay: None });
            }
        }),
        _ => bench.ask(now, call),
    }
}

fn abandoned_is_gone(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::AbandonWorkItem { token, .. } => bench.ask_halfway(now, call, |bench| {
            bench.ask(now, &Call::AckWorkItem { token: token.clone(), completion: None });
        }),
        _ => bench.ask(now, call),
    }
}

fn renewed_is_gone(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match (call, bench.turn_of(call).cloned()) {
        (Call::RenewOrchestrationItemLock { .. }, Some(turn)) => bench.ask_halfway(now, call, |bench| {
            bench.ask(now, &Call::AckOrchestrationItem(Box::new(empty_ack(&turn))));
        }),
        _ => bench.ask(now, call),
    }
}

fn sent_twice(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::EnqueueForOrchestrator { .. } | Call::EnqueueForWorker { .. } => bench.ask_halfway(now, call, |bench| {
            bench.ask(now, call);
            bench.ask(now, call);
        }),
        _ => bench.ask(now, call),
    }
}

fn one_event(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::AppendWithExecution { .. } => bench.ask_halfway(now, call, |bench| {
            bench.ask_so(now, call, |call| {
                if let Call::AppendWithExecution { events, .. } = call {
                    events.truncate(1);
                }
            });
        }),
        _ => bench.ask(now, call),
    }
}

fn events_outlive(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let Call::DeleteInstance { instance, .. } = call else { return bench.ask(now, call) };
    bench.ask_halfway(now, call, |bench| {
        let executions = bench.store.executions_of(instance);
        if matches!(bench.ask(now, call), Reply::Deleted(_)) {
            for (execution, _, _, events) in executions {
                let instance = instance.clone();
                bench.ask(now, &Call::AppendWithExecution { instance, execution, events });
            }
        }
    })
}

/// A dropped call never gives its connection back.
fn pool(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.never_answers = bench.count >= 4;
    if !bench.never_answers {
        bench.if_dropped = Some(Box::new(|bench| bench.count += 1));
    }
    bench.ask(now, call)
}

#[test]
fn saboteurs_of_dropped_calls_are_caught() {
    super::hunt::catch_all("dropped", ALL);
}
