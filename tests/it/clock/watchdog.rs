//! What would hang a simulation ends it with an error that names the cause.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use duroxide_sim::Sim;
use duroxide_sim::sim::{Cause, Code, Failure, Handle, Limits, Stuck};
use duroxide_sim::trace::{Answer, Entry};

/// Limits for runs that get stuck at once. The time between two looks of the
/// watchdog is well below them.
const SHORT: Duration = Duration::from_millis(150);

fn stuck() -> Limits {
    Limits { stuck: SHORT, ..Limits::default() }
}

#[track_caller]
fn failure<F>(limits: Limits, body: impl FnOnce(Handle) -> F + Send + 'static) -> Box<Failure>
where
    F: Future<Output = ()> + 'static,
{
    let began = Instant::now();
    let failure = Sim::new(7).limits(limits).try_run(body).map(drop).expect_err("the run cannot end well");
    // A few seconds on a busy machine.
    assert!(began.elapsed() < Duration::from_secs(60), "it took {:?}", began.elapsed());
    failure
}

/// A wait of std is far from over when its thread is given up: the deadline
/// lies in virtual time, which stands still.
#[track_caller]
fn assert_hang_that_names(wait: &str, body: impl FnOnce() + Send + 'static) {
    let failure = failure(stuck(), |_| async { body() });
    assert_eq!(failure.cause, Cause::Hang(Stuck { code: Some(Code::Body), busy: false }));
    let text = failure.to_string();
    assert!(text.contains(wait), "{text}");
    assert!(text.contains("Use tokio's"), "the text says what to do: {text}");
    assert!(text.contains("DUROXIDE_SIM_SEED=7"), "{text}");
}

const SOON: Duration = Duration::from_millis(1);

#[test]
fn condvar_wait_timeout_is_a_hang() {
    assert_hang_that_names("Condvar::wait_timeout", || {
        let (lock, bell) = (Mutex::new(()), Condvar::new());
        let guard = lock.lock().expect("nobody panics with it");
        let ended = bell.wait_timeout_while(guard, SOON, |()| true);
        drop(ended.expect("nobody panics with it"));
    });
}

#[test]
fn park_timeout_is_a_hang() {
    assert_hang_that_names("thread::park_timeout", || std::thread::park_timeout(SOON));
}

#[test]
fn recv_timeout_is_a_hang() {
    assert_hang_that_names("mpsc::recv_timeout", || {
        let (send, receive) = channel::<()>();
        receive.recv_timeout(SOON).expect_err("nothing is sent");
        drop(send);
    });
}

#[test]
fn a_lock_that_another_thread_holds_is_a_hang() {
    let lock = Arc::new(Mutex::new(()));
    let guard = lock.lock().expect("nobody panics with it");
    let inside = lock.clone();
    assert_hang_that_names("a lock", move || drop(inside.lock()));
    drop(guard);
}

#[test]
fn an_endless_loop_that_never_yields_is_a_hang() {
    let over = Arc::new(AtomicBool::new(false));
    let inside = over.clone();
    let failure = failure(stuck(), |_| async move {
        while !inside.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    });
    over.store(true, Ordering::Relaxed);
    assert_eq!(failure.cause, Cause::Hang(Stuck { code: Some(Code::Body), busy: true }));
    assert!(failure.to_string().contains("the body keeps it busy and never yields"), "{failure}");
}

#[test]
fn an_endless_loop_that_yields_to_other_threads_is_found_soon() {
    let began = std::time::Instant::now();
    let failure = failure(Limits::default(), |_| async {
        loop {
            std::thread::yield_now();
        }
    });
    let took = began.elapsed();
    assert_eq!(failure.cause, Cause::Hang(Stuck { code: Some(Code::Body), busy: true }));
    assert!(took < Limits::default().stuck / 2, "it took {took:?}");
}

#[test]
fn an_endless_loop_that_yields_ends_in_good_order() {
    let failure = failure(Limits { polls: u64::MAX, ..stuck() }, |_| async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(failure.cause, Cause::RealTimeLimit);
    assert!(failure.to_string().contains("A task that never waits"), "{failure}");
}

#[test]
fn an_endless_loop_in_a_spawned_task_ends_in_good_order() {
    let failure = failure(stuck(), |_| async {
        let spinner = tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        spinner.await.unwrap_or_else(|error| panic!("{error}"));
    });
    assert_eq!(failure.cause, Cause::RealTimeLimit);
}

/// These waits make progress all the time, so only the limit on real time ends them.
#[test]
fn waiting_in_small_steps_for_ever_ends_at_the_limit_on_real_time() {
    let limits =
        Limits { real_time: SHORT, virtual_time: Duration::from_secs(200 * 365 * 86_400), ..Limits::default() };
    let failure = failure(limits, |_| async {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert_eq!(failure.cause, Cause::RealTimeLimit);
}

#[test]
fn provider_calls_in_a_circle_end_at_the_limit_on_steps() {
    let limits = Limits { steps: 500, ..Limits::default() };
    let failure = failure(limits, |sim| async move {
        let client = sim.client();
        loop {
            client.get_orchestration_status("nobody").await.expect("a read");
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(failure.cause, Cause::StepLimit(500));
    let answered = |entry: &&Entry| entry.answer != Answer::Dropped;
    assert_eq!(failure.trace.entries.iter().filter(answered).count(), 500);
}

/// Nothing yields in this one: every read is answered at once.
#[test]
fn provider_calls_in_a_circle_without_a_wait_end_at_the_limit_on_steps() {
    let limits = Limits { steps: 500, real_time: Duration::from_secs(5), ..Limits::default() };
    let failure = failure(limits, |sim| async move {
        let client = sim.client();
        loop {
            client.get_orchestration_status("nobody").await.expect("a read");
        }
    });
    assert_eq!(failure.cause, Cause::StepLimit(500));
}

#[test]
fn waiting_for_nothing_ends_at_the_limit_on_virtual_time() {
    let day = Duration::from_secs(86_400);
    let limits = Limits { virtual_time: day, ..Limits::default() };
    let failure = failure(limits, |_| std::future::pending());
    assert_eq!(failure.cause, Cause::VirtualTimeLimit(day));
    assert_eq!(failure.at - failure.start, day);
}

/// The watchdog looks on real time whether the thread answers.
#[test]
fn a_busy_machine_does_not_show_in_how_often_the_body_is_polled() {
    let run = Sim::new(1).try_run(|_| async {
        let busy = tokio::spawn(async {
            for _ in 0..4 {
                // Longer than the watchdog waits between two looks.
                (0..5_000_000_u64).for_each(|n| assert!(std::hint::black_box(n) < u64::MAX));
                tokio::task::yield_now().await;
            }
        });
        let (mut busy, mut polls) = (std::pin::pin!(busy), 0);
        let done = std::future::poll_fn(|cx| {
            polls += 1;
            busy.as_mut().poll(cx)
        });
        done.await.map_err(|error| error.to_string())?;
        Ok::<_, String>(polls)
    });
    assert_eq!(run.unwrap_or_else(|failure| panic!("{failure}")).value, 2, "at first, and when the task was done");
}
