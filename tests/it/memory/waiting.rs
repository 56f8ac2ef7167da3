//! On virtual time a waiting fetch wakes exactly when there is something, and
//! looks only when there may be.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use duroxide_sim::call::{Call, Reply};
use duroxide_sim::sim::Handle;
use duroxide_sim::{Memory, Sim};
use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// Each attempt of a fetch takes at most two polls of its future: one where it
/// lets everything else run first, one for the attempt. Three attempts are
/// enough for everything here: at once, and when it wakes, where the timer may
/// have come up to a millisecond early.
const FEW: u32 = 6;

/// Makes the call; says what was answered, when, and how often it was polled.
async fn watch(sim: &Handle, call: Call) -> (Reply, Duration, u32) {
    let memory = sim.memory();
    let mut answer = pin!(ask(&memory, call));
    let mut polls = 0;
    let reply = std::future::poll_fn(|cx| {
        polls += 1;
        answer.as_mut().poll(cx)
    })
    .await;
    (reply, sim.elapsed(), polls)
}

/// The same in a task of its own, which then runs up to where it waits.
async fn waiting(sim: &Handle, call: Call) -> tokio::task::JoinHandle<(Reply, Duration, u32)> {
    let inside = sim.clone();
    let task = tokio::spawn(async move { watch(&inside, call).await });
    duroxide_sim::clock::settle().await;
    duroxide_sim::clock::settle().await;
    task
}

fn simulate<F: Future<Output = ()> + 'static>(body: impl FnOnce(Handle, Arc<Memory>) -> F + Send + 'static) {
    Sim::new(1).without_laws().run(move |sim| {
        let memory = sim.memory();
        body(sim, memory)
    });
}

#[test]
fn a_fetch_wakes_when_a_message_becomes_visible() {
    // Off the steps of tokio's timers, and in them.
    let offsets = prop_oneof![Just(0), 0_u64..3_000_000];
    let delays = prop_oneof![1_u64..50, 1_u64..3_000_000_000];
    crate::check(64, (offsets, delays), |(offset, delay)| {
        simulate(move |sim, memory| async move {
            tokio::time::advance(Duration::from_nanos(offset)).await;
            let asked = sim.now();
            let delay = Duration::from_millis(delay);
            ask(&memory, start_after("i", Some(delay))).await;
            let (reply, _, polls) = watch(&sim, fetch_turn(SECOND, 365 * DAY)).await;
            assert_eq!(turn(reply).instance, "i");
            // Where time is off tokio's steps the fetch has to wait for the next.
            let step = if offset % 1_000_000 == 0 { Duration::ZERO } else { MS };
            let due = asked + delay;
            assert!(due <= sim.now() && sim.now() <= due + step, "{due} and not {}", sim.now());
            assert!(polls <= FEW, "{polls} polls");
        });
        Ok(())
    });
}

#[test]
fn a_fetch_wakes_when_the_lock_on_a_turn_expires() {
    simulate(|sim, memory| async move {
        ask(&memory, start("i")).await;
        turn(ask(&memory, fetch_turn(1234 * MS, Duration::ZERO)).await);
        let (reply, at, polls) = watch(&sim, fetch_turn(SECOND, DAY)).await;
        assert_eq!(turn(reply).attempts, 2);
        assert_eq!(at, 1234 * MS);
        assert!(polls <= FEW, "{polls} polls");
    });
}

#[test]
fn a_fetch_wakes_when_the_lock_on_a_job_expires() {
    simulate(|sim, memory| async move {
        ask(&memory, enqueue_job(1, None)).await;
        job(ask(&memory, fetch_job(1234 * MS, Duration::ZERO)).await);
        let (reply, at, polls) = watch(&sim, fetch_job(SECOND, DAY)).await;
        assert_eq!(job(reply).attempts, 2);
        assert_eq!(at, 1234 * MS);
        assert!(polls <= FEW, "{polls} polls");
    });
}

#[test]
fn a_fetch_wakes_when_a_session_can_be_claimed() {
    simulate(|sim, memory| async move {
        ask(&memory, enqueue_job(1, Some("s"))).await;
        ask(&memory, enqueue_job(2, Some("s"))).await;
        job(ask(&memory, fetch_job_as("a", 10 * SECOND, 60 * SECOND, Duration::ZERO)).await);
        let (reply, at, polls) = watch(&sim, fetch_job_as("b", SECOND, SECOND, DAY)).await;
        assert_eq!(*job(reply).item, activity("i", 2, Some("s")));
        assert_eq!(at, 10 * SECOND);
        assert!(polls <= FEW, "{polls} polls");
    });
}

#[test]
fn a_fetch_ends_when_its_poll_limit_passes() {
    simulate(|sim, _| async move {
        let mut before = Duration::ZERO;
        for poll_for in [MS, 17 * MS, HOUR, 365 * DAY] {
            for call in [fetch_turn(SECOND, poll_for), fetch_job(SECOND, poll_for)] {
                let (reply, at, polls) = watch(&sim, call).await;
                assert!(matches!(reply, Reply::Turn(None) | Reply::Job(None)), "{reply:?}");
                assert_eq!(at - before, poll_for);
                assert!(polls <= FEW, "{polls} polls");
                before = at;
            }
        }
        let (reply, at, _) = watch(&sim, fetch_turn(SECOND, Duration::ZERO)).await;
        assert_eq!((reply, at), (Reply::Turn(None), before), "without a limit nothing waits");
    });
}

#[test]
fn a_message_that_becomes_visible_as_the_poll_limit_passes_is_fetched() {
    simulate(|sim, memory| async move {
        ask(&memory, start_after("i", Some(HOUR))).await;
        let (reply, at, _) = watch(&sim, fetch_turn(SECOND, HOUR)).await;
        assert_eq!((turn(reply).instance.as_str(), at), ("i", HOUR));
    });
}

/// What a call does an hour into a wait, after which the fetch comes at once.
#[track_caller]
fn assert_wakes(
    prepare: impl AsyncFnOnce(Arc<Memory>) -> String + Send + 'static,
    fetch: Call,
    call: impl FnOnce(String) -> Call + Send + 'static,
    after: Duration,
) {
    simulate(move |sim, memory| async move {
        let token = prepare(memory.clone()).await;
        let fetch = waiting(&sim, fetch).await;
        sim.sleep(HOUR).await;
        assert_eq!(ask(&memory, call(token)).await, Reply::Done);
        let (reply, at, polls) = fetch.await.expect("the fetch is answered");
        assert!(matches!(reply, Reply::Turn(Some(_)) | Reply::Job(Some(_))), "{reply:?}");
        assert_eq!(at, HOUR + after);
        assert!(polls <= FEW + 2, "{polls} polls");
    });
}

async fn locked_turn(memory: Arc<Memory>) -> String {
    ask(&memory, start("i")).await;
    turn(ask(&memory, fetch_turn(DAY, Duration::ZERO)).await).token
}

async fn locked_job(memory: Arc<Memory>) -> String {
    ask(&memory, enqueue_job(1, None)).await;
    job(ask(&memory, fetch_job(DAY, Duration::ZERO)).await).token
}

async fn nothing(_: Arc<Memory>) -> String {
    String::new()
}

#[test]
fn a_fetch_wakes_when_a_message_comes() {
    assert_wakes(nothing, fetch_turn(SECOND, 30 * DAY), |_| start("i"), Duration::ZERO);
    assert_wakes(nothing, fetch_turn(SECOND, 30 * DAY), |_| start_after("i", Some(MS)), MS);
    let later = async |memory: Arc<Memory>| {
        ask(&memory, start_after("later", Some(DAY))).await;
        String::new()
    };
    assert_wakes(later, fetch_turn(SECOND, 30 * DAY), |_| start("i"), Duration::ZERO);
}

#[test]
fn a_fetch_wakes_when_a_job_comes() {
    assert_wakes(nothing, fetch_job(SECOND, 30 * DAY), |_| enqueue_job(1, None), Duration::ZERO);
    let scheduled = |token: String| ack_turn(AckTurn { jobs: vec![activity("i", 1, None).into()], ..ack(&token) });
    assert_wakes(locked_turn, fetch_job(SECOND, 30 * DAY), scheduled, Duration::ZERO);
}

#[test]
fn a_fetch_wakes_when_a_turn_or_a_job_is_abandoned() {
    for delay in [None, Some(7 * SECOND)] {
        let abandon = move |token| Call::AbandonOrchestrationItem { token, delay, ignore_attempt: false };
        assert_wakes(locked_turn, fetch_turn(SECOND, 30 * DAY), abandon, delay.unwrap_or_default());
        let abandon = move |token| Call::AbandonWorkItem { token, delay, ignore_attempt: false };
        assert_wakes(locked_job, fetch_job(SECOND, 30 * DAY), abandon, delay.unwrap_or_default());
    }
}

#[test]
fn a_fetch_wakes_when_a_turn_leaves_messages() {
    let timer = |token: String| {
        let fire_at_ms = duroxide_sim::sim::START.0 + 3_600_000 + 250;
        let timer = WorkItem::TimerFired { instance: "i".to_owned(), execution_id: 1, id: 1, fire_at_ms };
        ack_turn(AckTurn { messages: vec![timer.into()], ..ack(&token) })
    };
    assert_wakes(locked_turn, fetch_turn(SECOND, 30 * DAY), timer, 250 * MS);
    // What came meanwhile is left over, too.
    let left = async |memory: Arc<Memory>| {
        let token = locked_turn(memory.clone()).await;
        ask(&memory, event("i", "meanwhile")).await;
        token
    };
    assert_wakes(left, fetch_turn(SECOND, 30 * DAY), |token| ack_turn(ack(&token)), Duration::ZERO);
}

#[test]
fn a_fetch_wakes_when_a_completion_comes() {
    let completed = |token| {
        let instance = "i".to_owned();
        let item = WorkItem::ActivityCompleted { instance, execution_id: 1, id: 1, result: "done".to_owned() };
        Call::AckWorkItem { token, completion: Some(item.into()) }
    };
    let both = async |memory: Arc<Memory>| {
        let token = locked_turn(memory.clone()).await;
        ask(&memory, ack_turn(ack(&token))).await;
        locked_job(memory).await
    };
    assert_wakes(both, fetch_turn(SECOND, 30 * DAY), completed, Duration::ZERO);
}

/// A renewal may also bring the end of a lock nearer.
#[test]
fn a_fetch_wakes_when_a_lock_ends_earlier_than_it_was_to() {
    let extend_for = 5 * SECOND;
    let renew = move |token| Call::RenewOrchestrationItemLock { token, extend_for };
    assert_wakes(locked_turn, fetch_turn(SECOND, 30 * DAY), renew, extend_for);
    let renew = move |token| Call::RenewWorkItemLock { token, extend_for };
    assert_wakes(locked_job, fetch_job(SECOND, 30 * DAY), renew, extend_for);
    let give_up = |token| Call::RenewOrchestrationItemLock { token, extend_for: Duration::ZERO };
    assert_wakes(locked_turn, fetch_turn(SECOND, 30 * DAY), give_up, Duration::ZERO);
}

#[test]
fn a_fetch_wakes_when_a_session_ends_earlier_than_it_was_to() {
    simulate(|sim, memory| async move {
        ask(&memory, enqueue_job(1, Some("s"))).await;
        ask(&memory, enqueue_job(2, Some("s"))).await;
        job(ask(&memory, fetch_job_as("a", DAY, DAY, Duration::ZERO)).await);
        let fetch = waiting(&sim, fetch_job_as("b", SECOND, SECOND, 30 * DAY)).await;
        sim.sleep(HOUR).await;
        let (owners, extend_for, idle_for) = (vec!["a".to_owned()], 5 * SECOND, DAY);
        assert_eq!(ask(&memory, Call::RenewSessionLock { owners, extend_for, idle_for }).await, Reply::Count(1));
        let (reply, at, _) = fetch.await.expect("the fetch is answered");
        assert_eq!(*job(reply).item, activity("i", 2, Some("s")));
        assert_eq!(at, HOUR + 5 * SECOND);
    });
}

#[test]
fn a_fetch_wakes_when_its_owner_claims_a_session_for_a_shorter_time() {
    simulate(|sim, memory| async move {
        for id in 1..=3 {
            ask(&memory, enqueue_job(id, Some("s"))).await;
        }
        job(ask(&memory, fetch_job_as("a", DAY, DAY, Duration::ZERO)).await);
        let fetch = waiting(&sim, fetch_job_as("b", SECOND, SECOND, 30 * DAY)).await;
        sim.sleep(HOUR).await;
        job(ask(&memory, fetch_job_as("a", 5 * SECOND, DAY, Duration::ZERO)).await);
        let (reply, at, _) = fetch.await.expect("the fetch is answered");
        assert_eq!(*job(reply).item, activity("i", 3, Some("s")));
        assert_eq!(at, HOUR + 5 * SECOND);
    });
}

#[test]
fn a_renewed_lock_keeps_a_fetch_waiting() {
    simulate(|sim, memory| async move {
        ask(&memory, start("i")).await;
        let token = turn(ask(&memory, fetch_turn(10 * SECOND, Duration::ZERO)).await).token;
        let fetch = waiting(&sim, fetch_turn(SECOND, DAY)).await;
        for _ in 0..10 {
            sim.sleep(9 * SECOND).await;
            let extend_for = 10 * SECOND;
            ask(&memory, Call::RenewOrchestrationItemLock { token: token.clone(), extend_for }).await;
        }
        let (reply, at, polls) = fetch.await.expect("the fetch is answered");
        assert_eq!((turn(reply).attempts, at), (2, 100 * SECOND));
        // Each of the ends that were put off may wake it, and each renewal.
        assert!(polls <= FEW + 4 * 10, "{polls} polls");
    });
}

/// Two messages that come at one instant reach one turn: each turn costs the
/// runtime a replay.
#[test]
fn messages_of_one_instant_are_fetched_together() {
    simulate(|sim, memory| async move {
        let fetch = waiting(&sim, fetch_turn(SECOND, DAY)).await;
        sim.sleep(HOUR).await;
        ask(&memory, start("i")).await;
        tokio::task::yield_now().await;
        ask(&memory, event("i", "first")).await;
        tokio::task::yield_now().await;
        ask(&memory, event("i", "second")).await;
        let (reply, at, _) = fetch.await.expect("the fetch is answered");
        assert_eq!((turn(reply).messages.len(), at), (3, HOUR));
    });
}

#[test]
fn every_waiting_fetch_gets_one_turn() {
    simulate(|sim, memory| async move {
        let mut fetches = Vec::new();
        for _ in 0..20 {
            fetches.push(waiting(&sim, fetch_turn(DAY, 30 * DAY)).await);
        }
        for nth in 0..20 {
            sim.sleep(SECOND).await;
            ask(&memory, start(&format!("i{nth:02}"))).await;
        }
        let mut fetched = Vec::new();
        for fetch in fetches {
            let (reply, at, polls) = fetch.await.expect("the fetch is answered");
            let instance = turn(reply).instance;
            let nth: u32 = instance[1..].parse().expect("a number");
            assert_eq!(at, (nth + 1) * SECOND, "{instance}");
            assert!(polls <= 4 + 4 * 20, "{polls} polls");
            fetched.push(nth);
        }
        fetched.sort_unstable();
        assert_eq!(fetched, (0..20).collect::<Vec<u32>>());
    });
}
