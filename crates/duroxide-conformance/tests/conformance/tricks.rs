//! Providers with one fault each, and long scripts in which it shows: what the
//! tests of shrinking and of findings work with.

use std::sync::Arc;
use std::time::Duration;

use duroxide::providers::WorkItem;
use duroxide::{Event, EventKind};
use duroxide_conformance::unstable::{Budget, End, Minimal, Run, Subject, minimise, replay};
use duroxide_conformance::{Finding, Script, Step};
use duroxide_sim::call::{AckTurn, ActivityId, Call, Item, Metadata, Reply, Tags};
use duroxide_sim::clock::Time;

use super::saboteurs::{Bench, Saboteur};

pub const ATTEMPTS: Saboteur =
    Saboteur { name: "Memory, attempts not counted", rule: "turn.attempts-rise", trick: attempts_stand_still };
pub const MESSAGES: Saboteur =
    Saboteur { name: "Memory, ack keeps messages", rule: "ack-turn.messages-removed", trick: ack_keeps_messages };
pub const LOCK: Saboteur =
    Saboteur { name: "Memory, locks end 1 ms early", rule: "turn.exclusive", trick: lock_ends_early };
pub const HISTORY: Saboteur =
    Saboteur { name: "Memory, acks overwrite", rule: "read.complete", trick: history_is_overwritten };
pub const BYTES: Saboteur = Saboteur { name: "Memory, 255 bytes of data", rule: "payload.long", trick: data_is_cut };

/// For storage that is opened once more.
pub const CACHED: Saboteur =
    Saboteur { name: "Memory, nothing queued is stored", rule: "durable.reopen-sees-all", trick: queue_is_empty };
/// For storage that is spoilt.
pub const PASSES_OVER: Saboteur = Saboteur {
    name: "Memory, passes over what it cannot read",
    rule: "read.unreadable-is-an-error",
    trick: passes_over,
};
pub const RIGHT: Saboteur = Saboteur { name: "Memory", rule: "", trick: right };

pub const ALL: [Saboteur; 5] = [ATTEMPTS, MESSAGES, LOCK, HISTORY, BYTES];

fn attempts_stand_still(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let mut reply = bench.ask(now, call);
    if let Reply::Turn(Some(turn)) = &mut reply {
        turn.attempts = 1;
    }
    reply
}

fn ack_keeps_messages(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let reply = bench.ask(now, call);
    match (call, &reply) {
        (_, Reply::Turn(Some(turn))) => {
            let again = |item: &Item| Call::EnqueueForOrchestrator { item: item.clone(), delay: None };
            bench.calls = turn.messages.iter().map(again).collect();
        }
        (Call::AckOrchestrationItem(_), Reply::Done) => {
            for call in std::mem::take(&mut bench.calls) {
                bench.ask(now, &call);
            }
        }
        _ => {}
    }
    reply
}

fn lock_ends_early(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::FetchOrchestrationItem { lock_for, poll_for, versions } => {
            let lock_for = lock_for.saturating_sub(Duration::from_millis(1));
            bench.ask(now, &Call::FetchOrchestrationItem { lock_for, poll_for: *poll_for, versions: versions.clone() })
        }
        call => bench.ask(now, call),
    }
}

fn history_is_overwritten(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    let mut reply = bench.ask(now, call);
    if let (Call::Read { .. }, Reply::Events(events)) = (call, &mut reply) {
        *events = events.last().cloned().into_iter().collect();
    }
    reply
}

fn data_is_cut(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match call {
        Call::EnqueueForOrchestrator { item, delay } => {
            let mut item = item.clone();
            if let WorkItem::ExternalRaised { data, .. } = Arc::make_mut(&mut item) {
                while data.len() > 255 {
                    data.pop();
                }
            }
            bench.ask(now, &Call::EnqueueForOrchestrator { item, delay: *delay })
        }
        call => bench.ask(now, call),
    }
}

/// Once it is reopened.
fn queue_is_empty(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    if std::mem::take(&mut bench.reopened) {
        bench.store = Default::default();
    }
    bench.ask(now, call)
}

fn passes_over(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    match (call, bench.ask(now, call)) {
        (Call::Read { .. }, Reply::Refused(_)) => Reply::Events(Vec::new()),
        (_, reply) => reply,
    }
}

fn right(bench: &mut Bench, now: Time, call: &Call) -> Reply {
    bench.ask(now, call)
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

/// What counts as the same failure here.
fn fault(run: &Run) -> Option<String> {
    match &run.end {
        End::Deviates(deviation) => {
            let method = run.observed[deviation.observed].call.method().name();
            Some(format!("{method} {:?}", std::mem::discriminant(&deviation.mismatch.aspect)))
        }
        _ => None,
    }
}

/// The smallest script, and what it cost.
pub fn shrunk(saboteur: &Saboteur, script: &Script, budget: Budget) -> Minimal {
    block_on(async {
        let first = replay(saboteur, script).await;
        let first =
            fault(&first).unwrap_or_else(|| panic!("{}: {:#?}", saboteur.name, (&first.end, first.observed.last())));
        let fails = async |script: &Script| {
            Some(replay(saboteur, script).await).filter(|run| fault(run).as_ref() == Some(&first))
        };
        minimise(script.clone(), budget, fails).await
    })
}

/// The finding that shrinking a script comes to.
pub fn finding(saboteur: &Saboteur, script: &Script) -> Finding {
    let minimal = shrunk(saboteur, script, Budget::default());
    Finding {
        rule: saboteur.rule,
        script: minimal.script,
        run: minimal.run.expect("the script fails"),
        seed: Some(duroxide_sim::Seed(7)),
        subject: Subject::of(saboteur),
        file: None,
    }
}

fn fetch_turn(seconds: u64) -> Step {
    let lock_for = Duration::from_secs(seconds);
    Step::call(Call::FetchOrchestrationItem { lock_for, poll_for: Duration::ZERO, versions: None })
}

fn fetch_job() -> Step {
    let lock_for = Duration::from_secs(20);
    Step::call(Call::FetchWorkItem { lock_for, poll_for: Duration::ZERO, session: None, tags: Tags::Any })
}

fn enqueue(item: WorkItem) -> Step {
    Step::call(Call::EnqueueForOrchestrator { item: item.into(), delay: None })
}

fn event(number: u64, kind: EventKind) -> Arc<Event> {
    Arc::new(Event {
        event_id: number,
        source_event_id: None,
        instance_id: "@".to_owned(),
        execution_id: 0,
        timestamp_ms: 5,
        duroxide_version: "0.1.32".to_owned(),
        kind,
    })
}

/// Starts an order: two events, an activity, a message to itself.
fn ack(turn: usize) -> Step {
    let started = EventKind::OrchestrationStarted {
        name: "Order".to_owned(),
        version: "1.2.3".to_owned(),
        input: "{\"item\":\"a book\"}".to_owned(),
        parent_instance: None,
        parent_id: None,
        parent_execution_id: None,
        carry_forward_events: None,
        initial_custom_status: None,
    };
    let scheduled = EventKind::ActivityScheduled {
        name: "Reserve".to_owned(),
        input: "a book".to_owned(),
        session_id: None,
        tag: None,
    };
    let job = WorkItem::ActivityExecute {
        instance: "@".to_owned(),
        execution_id: 0,
        id: 2,
        name: "Reserve".to_owned(),
        input: "a book".to_owned(),
        session_id: None,
        tag: None,
    };
    let message = WorkItem::ExternalRaised { instance: "@".into(), name: "paid".into(), data: "12 EUR".into() };
    Step::relative(Call::AckOrchestrationItem(Box::new(AckTurn {
        token: format!("turn:{turn}"),
        execution: 0,
        history: vec![event(1, started), event(2, scheduled)],
        jobs: vec![job.into()],
        messages: vec![message.into()],
        metadata: Metadata {
            orchestration_name: Some("Order".to_owned()),
            orchestration_version: Some("1.2.3".to_owned()),
            ..Metadata::default()
        },
        cancelled: vec![ActivityId { instance: "@".to_owned(), execution: 0, activity: 9 }],
    })))
}

/// A long script about three orders, in which each fault shows.
pub fn busy() -> Script {
    let orders = ["order-1", "order/ä", "order-3"];
    let mut steps: Vec<Step> = orders.iter().map(|name| enqueue(crate::start_item(name, "Order"))).collect();
    let raised = |instance: &str, data: String| {
        enqueue(WorkItem::ExternalRaised { instance: instance.to_owned(), name: "paid".to_owned(), data })
    };
    steps.extend([fetch_turn(30), fetch_turn(30), Step::Wait(400), Step::Wait(600), fetch_turn(30), ack(1)]);
    steps.extend([
        raised("order/ä", "x".repeat(40)),
        Step::ReadBack,
        fetch_job(),
        Step::Wait(28_999),
        fetch_turn(30),
        fetch_turn(30),
    ]);
    steps.extend([raised("order-1", "é".repeat(300)), raised("order-3", "z".repeat(700)), Step::Wait(2), ack(0)]);
    steps.extend([fetch_turn(30), fetch_turn(30), fetch_turn(30), Step::ReadBack, Step::Drain, Step::ReadBack]);
    Script { steps }
}
