//! `Memory` on real time, in the runtimes that tests use, where
//! `SqliteProvider::new_in_memory()` would stand otherwise.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use duroxide_sim::Memory;
use duroxide_sim::call::{Call, Reply};
use duroxide_sim::duroxide::providers::Provider;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::runtime::{Runtime, RuntimeOptions};
use duroxide_sim::duroxide::{ActivityContext, Client, OrchestrationContext, OrchestrationStatus};
use duroxide_sim::provider::MemorySettings;

use super::*;

/// Far more than anything here takes: only a hang is that slow.
const AGES: Duration = Duration::from_secs(60);

/// What a user's test does with a provider.
async fn drive(provider: Arc<dyn Provider>) {
    let activities = ActivityRegistry::builder()
        .register("Double", |_: ActivityContext, text: String| async move { Ok(text.repeat(2)) })
        .build();
    let child = |ctx: OrchestrationContext, text: String| async move { ctx.schedule_activity("Double", text).await };
    let parent = |ctx: OrchestrationContext, text: String| async move {
        ctx.schedule_timer(Duration::from_millis(5)).await;
        let doubled = ctx.schedule_sub_orchestration("Child", text).await?;
        let added = ctx.schedule_wait("added").await;
        Ok(format!("{doubled} {added}"))
    };
    let orchestrations = OrchestrationRegistry::builder().register("Child", child).register("Parent", parent).build();
    let runtime =
        Runtime::start_with_options(provider.clone(), activities, orchestrations, RuntimeOptions::default()).await;
    let client = Client::new(provider);
    for nth in 0..3 {
        let instance = format!("instance {nth}");
        client.start_orchestration(&instance, "Parent", nth.to_string()).await.expect("it is started");
        // An event waits for no one: it is kept once the orchestration asks for it.
        while !asks_for_event(&client, &instance).await {
            tokio::task::yield_now().await;
        }
        client.raise_event(&instance, "added", "more").await.expect("it is raised");
        let status = client.wait_for_orchestration(&instance, AGES).await.expect("it ends");
        let OrchestrationStatus::Completed { output, .. } = status else { panic!("{status:?}") };
        assert_eq!(output, format!("{nth}{nth} more"));
    }
    runtime.shutdown(Some(0)).await;
}

async fn asks_for_event(client: &Client, instance: &str) -> bool {
    use duroxide_sim::duroxide::EventKind::ExternalSubscribed;
    // There is no history before the first turn.
    let history = client.read_execution_history(instance, 1).await.unwrap_or_default();
    history.iter().any(|event| matches!(event.kind, ExternalSubscribed { .. }))
}

#[tokio::test]
async fn a_runtime_runs_on_one_thread() {
    drive(Arc::new(Memory::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_runtime_runs_on_many_threads() {
    drive(Arc::new(Memory::new())).await;
}

#[tokio::test]
async fn a_runtime_runs_without_long_polling() {
    drive(Arc::new(Memory::with_settings(MemorySettings { long_polling: false, ..MemorySettings::default() }))).await;
}

/// Polls once.
fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn a_waiting_fetch_wakes_when_work_arrives() {
    let memory = Memory::new();
    for (fetch, work) in [(fetch_turn(AGES, AGES), start("i")), (fetch_job(AGES, AGES), enqueue_job(1, None))] {
        let mut fetch = pin!(ask(&memory, fetch));
        assert!(poll(fetch.as_mut()).is_pending());
        let began = Instant::now();
        ask(&memory, work).await;
        let reply = fetch.await;
        assert!(matches!(reply, Reply::Turn(Some(_)) | Reply::Job(Some(_))), "{reply:?}");
        assert!(began.elapsed() < AGES / 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fetches_on_many_threads_share_all_work() {
    const EACH: usize = 50;
    let memory = Arc::new(Memory::new());
    let fetcher = |memory: Arc<Memory>| async move {
        let mut fetched = Vec::new();
        for _ in 0..EACH {
            let turn = turn(ask(&memory, fetch_turn(AGES, AGES)).await);
            ask(&memory, ack_turn(ack(&turn.token))).await;
            fetched.push(turn.instance);
        }
        fetched
    };
    let fetchers: Vec<_> = (0..4).map(|_| tokio::spawn(fetcher(memory.clone()))).collect();
    let sender = |memory: Arc<Memory>, name: &'static str| async move {
        for nth in 0..2 * EACH {
            ask(&memory, start(&format!("{name}{nth}"))).await;
            tokio::task::yield_now().await;
        }
    };
    let senders = [tokio::spawn(sender(memory.clone(), "a")), tokio::spawn(sender(memory.clone(), "b"))];
    let mut fetched = BTreeSet::new();
    for fetcher in fetchers {
        let all = tokio::time::timeout(AGES, fetcher).await.expect("nobody waits for ever").expect("no panic");
        fetched.extend(all);
    }
    assert_eq!(fetched.len(), 4 * EACH, "every instance is fetched once");
    for sender in senders {
        sender.await.expect("no panic");
    }
}

#[tokio::test]
async fn a_fetch_that_finds_nothing_ends_at_its_poll_limit() {
    let memory = Memory::new();
    let limit = Duration::from_millis(20);
    for call in [fetch_turn(AGES, limit), fetch_job(AGES, limit)] {
        let began = Instant::now();
        let reply = ask(&memory, call).await;
        assert!(matches!(reply, Reply::Turn(None) | Reply::Job(None)), "{reply:?}");
        assert!(began.elapsed() >= limit && began.elapsed() < AGES);
    }
}

#[test]
fn a_fetch_without_a_poll_limit_does_not_wait() {
    let quick = MemorySettings { long_polling: false, ..MemorySettings::default() };
    // Timers want a runtime, which nobody drives.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _inside = runtime.enter();
    for (memory, poll_for) in [(Memory::new(), Duration::ZERO), (Memory::with_settings(quick), AGES)] {
        assert_eq!(poll(pin!(ask(&memory, fetch_turn(AGES, poll_for)))), Poll::Ready(Reply::Turn(None)));
        assert_eq!(poll(pin!(ask(&memory, fetch_job(AGES, poll_for)))), Poll::Ready(Reply::Job(None)));
    }
}

#[tokio::test]
async fn a_dropped_fetch_leaves_nothing_locked() {
    let memory = Memory::new();
    for (fetch, work) in [(fetch_turn(AGES, AGES), start("i")), (fetch_job(AGES, AGES), enqueue_job(1, None))] {
        {
            let mut early = pin!(ask(&memory, fetch.clone()));
            assert!(poll(early.as_mut()).is_pending());
        }
        {
            let mut woken = pin!(ask(&memory, fetch.clone()));
            assert!(poll(woken.as_mut()).is_pending());
            ask(&memory, work).await;
        }
        match ask(&memory, fetch).await {
            Reply::Turn(Some(turn)) => assert_eq!(turn.attempts, 1, "the dropped fetches do not count"),
            Reply::Job(Some(job)) => assert_eq!(job.attempts, 1, "the dropped fetches do not count"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_call_dropped_before_its_first_poll_did_nothing() {
    let memory = Memory::new();
    ask(&memory, start("i")).await;
    ask(&memory, enqueue_job(1, None)).await;
    let turn = turn(ask(&memory, fetch_turn(AGES, AGES)).await);
    let job = job(ask(&memory, fetch_job(AGES, AGES)).await);
    let before = memory.snapshot();
    let acks = [ack_turn(ack(&turn.token)), Call::AckWorkItem { token: job.token, completion: None }];
    for call in acks.iter().cloned().chain([start("other"), fetch_turn(AGES, AGES)]) {
        drop(ask(&memory, call));
    }
    assert_eq!(memory.snapshot(), before);
    for call in acks {
        assert_eq!(ask(&memory, call).await, Reply::Done, "its lock still holds");
    }
}

#[tokio::test]
async fn a_lock_expires_on_real_time() {
    let memory = Memory::new();
    ask(&memory, start("i")).await;
    let lock = Duration::from_millis(20);
    let began = Instant::now();
    let first = turn(ask(&memory, fetch_turn(lock, AGES)).await);
    let second = turn(ask(&memory, fetch_turn(AGES, AGES)).await);
    // The lock was set up to a millisecond of the wall clock before `began`'s next.
    assert!(began.elapsed() + Duration::from_millis(1) >= lock);
    assert!(began.elapsed() < AGES / 2, "the fetch woke when it expired");
    assert_eq!(second.attempts, 2);
    let late = ask(&memory, ack_turn(ack(&first.token))).await;
    assert!(matches!(late, Reply::Refused(_)), "{late:?}");
    assert_eq!(ask(&memory, ack_turn(ack(&second.token))).await, Reply::Done);
}

#[test]
fn a_paused_clock_of_tokio_is_refused_with_what_to_do() {
    let failed = std::panic::catch_unwind(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let client = Client::new(Arc::new(Memory::new()));
            client.start_orchestration("i", "Nobody", "").await.expect("nothing has passed yet");
            client.wait_for_orchestration("i", Duration::from_secs(30)).await
        })
    });
    let panic = failed.map(drop).expect_err("the wait moves the paused clock");
    let text = panic.downcast_ref::<String>().expect("a text");
    assert!(text.contains("#[duroxide_sim::test]") && text.contains("start_paused"), "{text}");
}
