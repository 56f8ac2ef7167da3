//! The wall clock stands still in a warp, and nothing else does.
//!
//! A warp holds the clock of the whole process, and the tests beside these
//! read it: so each test here runs in a process of its own.

use std::hint::spin_loop;
use std::pin::pin;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use duroxide_sim::Sim;
use duroxide_sim::clock::{self, Claim, Time, Warp, WarpError};
use proptest::collection::vec;
use tokio::runtime::{Builder, Runtime};

const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Far from the time of any test: the year 2400.
const FAR: Time = Time(13_569_465_600_000);

/// Set in a process in which a test may warp.
const ALONE: &str = "DUROXIDE_SIM_TEST_ALONE";

/// Runs `test`, which is what the test called `name` does, in a process of its
/// own.
#[track_caller]
pub(crate) fn alone(name: &str, test: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return test();
    }
    let program = std::env::current_exe().expect("a test knows its program");
    let output = Command::new(program).args(["--exact", name, "--nocapture"]).env(ALONE, "1").output();
    let output = output.expect("the program can be run again");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "in its own process, {name} fails:\n{text}");
    assert!(text.contains("test result: ok. 1 passed"), "there is a test {name}:\n{text}");
}

fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("not before 1970")
}

fn since_epoch(time: Time) -> Duration {
    Duration::from_millis(time.0)
}

/// Passes real time by the clock that `now` reads.
fn pass<T: PartialEq>(now: impl Fn() -> T) {
    let began = now();
    while now() == began {
        spin_loop();
    }
}

fn threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime can be built")
}

/// The wall clock as this thread, another one, and those of a runtime see it.
fn walls(runtime: &Runtime) -> Vec<Duration> {
    let thread = std::thread::spawn(wall).join().expect("no panic");
    let seen = runtime.block_on(async {
        let mut seen = Vec::new();
        for _ in 0..8 {
            seen.push(tokio::spawn(async { wall() }).await.expect("no panic"));
            seen.push(tokio::task::spawn_blocking(wall).await.expect("no panic"));
        }
        seen
    });
    [wall(), thread].into_iter().chain(seen).collect()
}

#[test]
fn the_wall_clock_stands_still_on_every_thread() {
    alone("clock::warp::the_wall_clock_stands_still_on_every_thread", || {
        let runtime = threads();
        let before = clock::now();
        let warp = Warp::start(None).expect("no other is on");
        assert!(before <= warp.now() && warp.now() <= before + Duration::from_secs(60), "{:?}", warp.now());
        for _ in 0..3 {
            pass(Instant::now);
            walls(&runtime).into_iter().for_each(|wall| assert_eq!(wall, since_epoch(warp.now())));
            assert_eq!((clock::now(), clock::is_virtual()), (warp.now(), false));
        }
    });
}

#[test]
fn monotonic_time_and_timers_go_on() {
    alone("clock::warp::monotonic_time_and_timers_go_on", || {
        let _warp = Warp::start(None).expect("no other is on");
        pass(Instant::now);
        pass(tokio::time::Instant::now);
        threads().block_on(async {
            let timer = tokio::spawn(tokio::time::sleep(MS));
            while !timer.is_finished() {
                tokio::task::yield_now().await;
            }
        });
    });
}

#[test]
fn an_advance_moves_every_thread_exactly() {
    alone("clock::warp::an_advance_moves_every_thread_exactly", || {
        let runtime = threads();
        crate::check(32, (0..FAR.0, vec(0..u64::from(u32::MAX) * 1000, 0..8)), |(start, moves)| {
            let warp = Warp::start(Some(Time(start))).expect("no other is on");
            let mut expected = start;
            for by in moves.into_iter().map(Duration::from_nanos) {
                expected += u64::try_from(by.as_nanos().div_ceil(1_000_000)).expect("an hour or so");
                let moved = warp.advance(by).expect("far from the end");
                assert_eq!((moved, warp.now()), (Time(expected), Time(expected)));
                walls(&runtime).into_iter().for_each(|wall| assert_eq!(wall, Duration::from_millis(expected)));
            }
            Ok(())
        });
    });
}

#[test]
fn a_simulation_in_a_warp_keeps_its_own_time() {
    alone("clock::warp::a_simulation_in_a_warp_keeps_its_own_time", || {
        let warp = Arc::new(Warp::start(Some(Time(5000))).expect("no other is on"));
        let inside = warp.clone();
        Sim::new(1).start_at(FAR).run(|sim| async move {
            for day in 0..3 {
                assert_eq!((sim.now(), wall()), (FAR + day * DAY, since_epoch(FAR + day * DAY)));
                inside.advance(MS).expect("far from the end");
                let elsewhere = tokio::task::spawn_blocking(wall).await.expect("no panic");
                assert_eq!(elsewhere, since_epoch(inside.now()), "other threads are in the warp");
                sim.sleep(DAY).await;
            }
        });
        assert_eq!((warp.now(), wall()), (Time(5003), Duration::from_millis(5003)));
    });
}

#[test]
fn a_simulation_cannot_warp() {
    alone("clock::warp::a_simulation_cannot_warp", || {
        let brought = pin!(Warp::claim());
        let Poll::Ready(Ok(brought)) = poll(brought) else { panic!("nobody else has it") };
        Sim::new(1).run(|_| async move {
            for refused in [Warp::start(None), Warp::start(Some(FAR)), brought.start(None)] {
                assert_eq!(refused.expect_err("it is refused"), WarpError::Simulating);
            }
            assert_eq!(Warp::claim().await.expect_err("it is refused"), WarpError::Simulating);
        });
        drop(Warp::start(None).expect("the claim is over"));
        assert_eq!(
            WarpError::Simulating.to_string(),
            "The wall clock cannot be stopped from inside a simulation, which has its own time. Start the warp \
             around the simulation, or move the simulation's time with Handle::advance."
        );
    });
}

#[test]
fn the_real_clock_is_back_after_the_drop() {
    alone("clock::warp::the_real_clock_is_back_after_the_drop", || {
        let back = |warped: fn()| {
            let (wall_then, steady_then) = (wall(), Instant::now());
            warped();
            let (wall_now, took) = (wall(), steady_then.elapsed());
            assert!(wall_then <= wall_now && wall_now <= wall_then + took + DAY / 24, "{wall_then:?} {wall_now:?}");
            pass(SystemTime::now);
        };
        back(|| drop(Warp::start(Some(FAR))));
        back(|| {
            let warp = Warp::start(Some(Time(0))).expect("no other is on");
            warp.advance(200 * DAY).expect("far from the end");
        });
        back(|| {
            let panics = std::thread::spawn(|| {
                let _warp = Warp::start(Some(FAR)).expect("no other is on");
                panic!("on purpose");
            });
            panics.join().map(drop).expect_err("it panicked");
        });
    });
}

/// Polls once.
fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_second_warp_is_refused() {
    alone("clock::warp::a_second_warp_is_refused", || {
        let first = Warp::start(Some(FAR)).expect("no other is on");
        let second = Warp::start(None).expect_err("one is on");
        assert_eq!((second, wall()), (WarpError::Taken, since_epoch(FAR)));
        assert_eq!(
            second.to_string(),
            "The wall clock cannot be stopped: another warp of this process is active or claimed. \
             Drop that warp first, or wait for it with Warp::claim().await."
        );
        drop(first);
        let Poll::Ready(Ok(claim)) = poll(pin!(Warp::claim())) else { panic!("it is free") };
        assert_eq!(Warp::start(None).map(drop), Err(WarpError::Taken), "a claim counts as well");
        drop(claim);
        drop(Warp::start(None).expect("no other is on"));
    });
}

#[test]
fn claims_are_served_in_order() {
    alone("clock::warp::claims_are_served_in_order", || {
        let on = Warp::start(None).expect("no other is on");
        let (mut first, mut second, mut third) =
            (Box::pin(Warp::claim()), Box::pin(Warp::claim()), Box::pin(Warp::claim()));
        let waits = |claim: Poll<Result<Claim, WarpError>>| assert!(claim.is_pending());
        waits(poll(first.as_mut()));
        waits(poll(second.as_mut()));
        waits(poll(third.as_mut()));
        drop(on);
        waits(poll(third.as_mut()));
        waits(poll(second.as_mut()));
        assert_eq!(Warp::start(None).map(drop), Err(WarpError::Taken), "those who wait come first");
        let Poll::Ready(Ok(claim)) = poll(first.as_mut()) else { panic!("it is the first one's turn") };
        let warp = claim.start(Some(FAR)).expect("the clock can show it");
        drop(second); // Tired of waiting.
        drop(warp);
        assert!(matches!(poll(third.as_mut()), Poll::Ready(Ok(_))), "the next in line");
    });
}

#[test]
fn claims_queue_up_across_runtimes() {
    alone("clock::warp::claims_queue_up_across_runtimes", || {
        static TURNS: AtomicU32 = AtomicU32::new(0);
        async fn take_turns() {
            for _ in 0..50 {
                let claim = Warp::claim().await.expect("warps are supported");
                let turn = TURNS.load(Ordering::Relaxed);
                let warp = claim.start(Some(FAR + turn * DAY)).expect("the clock can show it");
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                    assert_eq!(wall(), since_epoch(warp.now()), "nobody else moves it");
                    warp.advance(MS).expect("far from the end");
                }
                TURNS.store(turn + 1, Ordering::Relaxed);
            }
        }
        let apart = || std::thread::spawn(|| Builder::new_current_thread().build().map(|r| r.block_on(take_turns())));
        let apart: Vec<_> = (0..3).map(|_| apart()).collect();
        let runtime = threads();
        let together: Vec<_> = (0..3).map(|_| runtime.spawn(take_turns())).collect();
        apart.into_iter().for_each(|thread| thread.join().expect("no panic").expect("a runtime"));
        together.into_iter().for_each(|task| runtime.block_on(task).expect("no panic"));
        assert_eq!(TURNS.load(Ordering::Relaxed), 6 * 50);
    });
}

#[test]
fn the_latest_time_outlives_the_warps() {
    alone("clock::warp::the_latest_time_outlives_the_warps", || {
        assert_eq!(Warp::latest(), None);
        let warp = Warp::start(Some(FAR)).expect("no other is on");
        assert_eq!(Warp::latest(), Some(FAR));
        warp.advance(DAY).expect("far from the end");
        drop(warp);
        let earlier = Warp::start(Some(FAR)).expect("no other is on");
        earlier.advance(MS).expect("far from the end");
        drop(earlier);
        assert_eq!(Warp::latest(), Some(FAR + DAY), "an earlier warp does not set it back");
        let next = Warp::start(Warp::latest().max(Some(clock::now()))).expect("no other is on");
        assert_eq!(next.now(), FAR + DAY, "storage that keeps timestamps never sees the clock go back");
    });
}

#[test]
fn the_end_of_the_clock_is_an_error() {
    alone("clock::warp::the_end_of_the_clock_is_an_error", || {
        let last = Time(u64::MAX / 1_000_000);
        for beyond in [Time(last.0 + 1), Time::MAX] {
            let refused = Warp::start(Some(beyond)).map(drop).expect_err("the clock cannot show it");
            assert_eq!(refused, WarpError::PastTheEnd(beyond));
        }
        assert_eq!(Warp::latest(), None, "the clock has not moved");
        let warp = Warp::start(Some(Time(last.0 - 1))).expect("a refused one is not on");
        for by in [2 * MS, MS + Duration::from_nanos(1), Duration::MAX] {
            let refused = warp.advance(by).expect_err("the clock cannot show it");
            assert!(matches!(refused, WarpError::PastTheEnd(to) if to > last), "{refused:?}");
            assert_eq!((warp.now(), wall()), (Time(last.0 - 1), since_epoch(Time(last.0 - 1))), "it has not moved");
        }
        assert_eq!(warp.advance(MS), Ok(last));
        assert_eq!(wall(), since_epoch(last));
        assert_eq!(
            warp.advance(MS).expect_err("the clock cannot show it").to_string(),
            "The wall clock cannot be set to 2554-07-21 23:34:33.710: the last time it can show is \
             2554-07-21 23:34:33.709. It was not changed; start at an earlier time, or move it by less."
        );
    });
}
