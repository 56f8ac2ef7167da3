//! Saboteurs whose refused calls are half done.

use duroxide_sim::call::{AckTurn, Call, Class, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::store::{Choice, Pick};

use super::bench::class;
use super::{Bench, Saboteur};

pub const ALL: &[Saboteur] = &[
    Saboteur { name: "refused events stay", rule: "ack-turn.atomic-history", trick: refused_events_stay },
    Saboteur { name: "refused metadata stay", rule: "ack-turn.atomic-metadata", trick: refused_metadata_stay },
    Saboteur { name: "refused values stay", rule: "ack-turn.atomic-values", trick: refused_values_stay },
    Saboteur { name: "refused jobs stay", rule: "ack-turn.atomic-jobs", trick: refused_jobs_stay },
    Saboteur { name: "refused messages stay", rule: "ack-turn.atomic-messages", trick: refused_messages_stay },
    Saboteur {
        name: "refused, but sent to the workers",
        rule: "error.refusal-changes-nothing",
        trick: refused_but_sent,
    },
];

fn refused(call: &Call, reply: &Reply) -> Option<AckTurn> {
    match (call, class(reply)) {
        (Call::AckOrchestrationItem(ack), Some(Class::Invalid | Class::DuplicateEvent)) => Some((**ack).clone()),
        _ => None,
    }
}

/// Until the next call that changes something, reads of one kind see what a
/// refused ack would have done.
fn half_done(bench: &mut Bench, now: Time, call: &Call, seen: fn(&Call) -> bool, part: fn(&mut AckTurn)) -> Reply {
    if call.is_read() {
        return match &bench.shadow {
            Some(shadow) if seen(call) => shadow.clone().apply(now, call, &Choice::new("", Pick::Nothing)),
            _ => bench.ask(now, call),
        };
    }
    let reply = bench.ask(now, call);
    bench.shadow = refused(call, &reply).map(|mut ack| {
        part(&mut ack);
        ack.jobs.clear();
        ack.messages.clear();
        let mut shadow = bench.store.clone();
        // The events before the one that is there already stay.
        while let Reply::Refused(_) =
            shadow.apply(now, &Call::AckOrchestrationItem(Box::new(ack.clone())), &Choice::new("", Pick::Nothing))
            && ack.history.pop().is_some()
        {}
        shadow
    });
    reply
}

fn refused_events_stay(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let seen = |call: &Call| {
        matches!(
            call,
            Call::Read { .. }
                | Call::ReadWithExecution { .. }
                | Call::ReadHistory { .. }
                | Call::ReadHistoryWithExecutionId { .. }
        )
    };
    half_done(bench, now, call, seen, |_| {})
}

fn refused_metadata_stay(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let seen = |call: &Call| matches!(call, Call::GetInstanceInfo { .. } | Call::GetExecutionInfo { .. });
    half_done(bench, now, call, seen, |ack| ack.history.clear())
}

fn refused_values_stay(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let seen = |call: &Call| matches!(call, Call::GetKvValue { .. } | Call::GetKvAllValues { .. });
    half_done(bench, now, call, seen, |_| {})
}

fn refused_jobs_stay(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    for item in refused(call, &reply).map(|ack| ack.jobs).unwrap_or_default() {
        bench.ask(now, &Call::EnqueueForWorker { item });
    }
    reply
}

fn refused_messages_stay(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    for item in refused(call, &reply).map(|ack| ack.messages).unwrap_or_default() {
        bench.ask(now, &Call::EnqueueForOrchestrator { item, delay: None });
    }
    reply
}

fn refused_but_sent(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    if let (Call::EnqueueForOrchestrator { item, .. }, Reply::Refused(_)) = (call, &reply) {
        bench.ask(now, &Call::EnqueueForWorker { item: item.clone() });
    }
    reply
}

#[test]
fn saboteurs_of_atomicity_are_caught() {
    super::hunt::catch_all("atomicity", ALL);
}
