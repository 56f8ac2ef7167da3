//! Measures the cost of calls with many waiting instances and many waiting messages.
//!
//! `cargo bench --bench waiting`. The first table calls the provider directly: a fetch and its ack
//! with 100 to 100,000 instances waiting for a timer, as a ratio to the first row. The second uses
//! the real Client and Runtime.
#![allow(missing_docs)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use duroxide_sim::call::{AckTurn, Call, Metadata, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::duroxide::providers::WorkItem;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ClientError, OrchestrationContext};
use duroxide_sim::store::{Choice, Pick, Store};
use duroxide_sim::{Node, Sim};

const HOUR: Duration = Duration::from_secs(3600);

fn main() {
    println!("{:<26} {:>16} {:>8}", "instances waiting", "fetch and ack", "ratio");
    let mut first = None;
    for waiting in [100, 1_000, 10_000, 100_000] {
        let each = fetch_and_ack(waiting);
        let ratio = each / *first.get_or_insert(each);
        println!("{waiting:<26} {:>16} {ratio:>7.2}x", format!("{:.2} µs", each * 1e6));
    }
    println!();
    println!("{:<26} {:>16}", "scenario", "wall clock");
    for (name, took) in [
        ("100,000 instances waiting", waiting_instances(100_000)),
        ("1,000,000 queued messages", queued_messages(1_000_000)),
    ] {
        println!("{name:<26} {:>16}", format!("{:.2} s", took.as_secs_f64()));
    }
}

fn choice(number: u64) -> Choice {
    Choice::new(format!("lock-{number}"), Pick::Oldest)
}

fn timer(instance: String, fire_at_ms: u64) -> Arc<WorkItem> {
    Arc::new(WorkItem::TimerFired { instance, execution_id: 1, id: 2, fire_at_ms })
}

/// Seconds for one fetch and ack of an instance that is due, among others that are not.
fn fetch_and_ack(waiting: u64) -> f64 {
    let mut store = Store::new();
    let ack = |token: String, messages| {
        let metadata = Metadata { orchestration_name: Some("Wait".to_owned()), ..Metadata::default() };
        let (history, jobs, cancelled) = (vec![], vec![], vec![]);
        Call::AckOrchestrationItem(Box::new(AckTurn {
            token,
            execution: 1,
            history,
            jobs,
            messages,
            metadata,
            cancelled,
        }))
    };
    let fetch = Call::FetchOrchestrationItem { lock_for: HOUR, poll_for: Duration::ZERO, versions: None };
    for n in 0..waiting {
        let item = Arc::new(WorkItem::StartOrchestration {
            instance: format!("i-{n}"),
            orchestration: "Wait".to_owned(),
            input: String::new(),
            version: None,
            parent_instance: None,
            parent_id: None,
            parent_execution_id: None,
            execution_id: 1,
        });
        store.apply(Time(0), &Call::EnqueueForOrchestrator { item, delay: None }, &choice(0));
        store.apply(Time(0), &fetch, &choice(n));
        store.apply(Time(0), &ack(format!("lock-{n}"), vec![timer(format!("i-{n}"), n + 1)]), &choice(0));
    }
    // Each turn sets the next timer later than all others.
    const ROUNDS: u64 = 20_000;
    let began = Instant::now();
    for n in 0..ROUNDS {
        let now = Time(n + 1);
        let Reply::Turn(Some(turn)) = store.apply(now, &fetch, &choice(waiting + n)) else {
            panic!("an instance should be due");
        };
        let again = timer(turn.instance.clone(), n + 1 + waiting);
        store.apply(now, &ack(turn.token, vec![again]), &choice(0));
    }
    began.elapsed().as_secs_f64() / ROUNDS as f64
}

fn orchestrations() -> OrchestrationRegistry {
    OrchestrationRegistry::builder()
        .register("Wait", |ctx: OrchestrationContext, _: String| async move { Ok(ctx.schedule_wait("go").await) })
        .register("Drain", |ctx: OrchestrationContext, _: String| async move { Ok(ctx.dequeue_event("inbox").await) })
        .build()
}

/// Starts instances that wait for an event, and then raises the event for the last one.
fn waiting_instances(count: usize) -> Duration {
    let began = Instant::now();
    Sim::new(1).node(Node::new("a", ActivityRegistry::builder().build(), orchestrations())).run(
        move |sim| async move {
            let client = sim.client();
            for n in 0..count {
                client.start_orchestration(format!("i-{n}"), "Wait", "").await?;
            }
            sim.sleep(HOUR).await;
            let last = format!("i-{}", count - 1);
            client.raise_event(&last, "go", "now").await?;
            client.wait_for_orchestration(&last, HOUR).await.map(|_| ())
        },
    );
    began.elapsed()
}

/// Sends messages to one instance that reads only the first of them.
fn queued_messages(count: usize) -> Duration {
    let began = Instant::now();
    Sim::new(1).node(Node::new("a", ActivityRegistry::builder().build(), orchestrations())).run(
        move |sim| async move {
            let client = sim.client();
            client.start_orchestration("drain", "Drain", "").await?;
            sim.sleep(HOUR).await;
            for n in 0..count {
                client.enqueue_event("drain", "inbox", n.to_string()).await?;
            }
            client.wait_for_orchestration("drain", HOUR).await?;
            Ok::<_, ClientError>(())
        },
    );
    began.elapsed()
}
