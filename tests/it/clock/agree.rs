//! std's clocks and tokio's are one clock inside a simulation.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use duroxide_sim::clock::{self, Time};
use duroxide_sim::sim::{Handle, Limits, START};
use duroxide_sim::{Sim, sim::Cause};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

/// All clocks at one moment.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    steady: Instant,
    wall: SystemTime,
    tokio: tokio::time::Instant,
}

impl Clocks {
    /// Reads std before anything that could bring it up to date.
    fn read() -> Clocks {
        Clocks { steady: Instant::now(), wall: SystemTime::now(), tokio: tokio::time::Instant::now() }
    }

    /// How far each clock has come since `self`; all must say the same.
    #[track_caller]
    fn moved(&self) -> Duration {
        let now = Clocks::read();
        let steady = now.steady - self.steady;
        let wall = now.wall.duration_since(self.wall).expect("the wall clock never goes back");
        let tokio = now.tokio - self.tokio;
        assert_eq!((steady, wall), (tokio, tokio), "Instant and SystemTime on the left, tokio's Instant on the right");
        let since_epoch = now.wall.duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        assert_eq!(u128::from(clock::now().0), since_epoch, "the crate's clock is the wall clock in milliseconds");
        tokio
    }
}

const MS: Duration = Duration::from_millis(1);

/// Something that takes time, or might upset a clock.
#[derive(Clone, Debug)]
enum Step {
    Sleep(Duration),
    SimSleep(Duration),
    Advance(Duration),
    TokioAdvance(Duration),
    TimesOut(Duration),
    InTime(Duration),
    Ticks(Duration, u32),
    Spawned(Duration, u32),
    Yield,
    ResumePause,
}

fn step() -> impl Strategy<Value = Step> {
    // Odd lengths, from nanoseconds to days.
    let length = prop_oneof![
        (0_u64..3_000_000).prop_map(Duration::from_nanos),
        (0_u64..10_000_000).prop_map(Duration::from_micros),
        (0_u64..200_000_000).prop_map(Duration::from_millis),
        Just(Duration::ZERO),
    ]
    .boxed();
    // An interval of no length is an error in tokio.
    let period = (1_u64..50_000_000).prop_map(Duration::from_nanos);
    prop_oneof![
        length.clone().prop_map(Step::Sleep),
        length.clone().prop_map(Step::SimSleep),
        length.clone().prop_map(Step::Advance),
        length.clone().prop_map(Step::TokioAdvance),
        length.clone().prop_map(Step::TimesOut),
        length.clone().prop_map(Step::InTime),
        (period, 1_u32..5).prop_map(|(period, ticks)| Step::Ticks(period, ticks)),
        (length, 1_u32..4).prop_map(|(length, tasks)| Step::Spawned(length, tasks)),
        Just(Step::Yield),
        Just(Step::ResumePause),
    ]
}

impl Step {
    /// How long it takes at least, and at most: tokio's timers have steps of a
    /// millisecond, and may wake at the next one.
    fn bounds(&self) -> (Duration, Duration) {
        let least = match self {
            Step::Sleep(length) | Step::TokioAdvance(length) | Step::TimesOut(length) | Step::InTime(length) => *length,
            Step::SimSleep(length) | Step::Advance(length) => *length,
            Step::Ticks(period, ticks) => *period * (*ticks - 1),
            Step::Spawned(length, tasks) => *length * *tasks,
            Step::Yield | Step::ResumePause => Duration::ZERO,
        };
        let most = match self {
            Step::Advance(_) | Step::TokioAdvance(_) | Step::Yield | Step::ResumePause => least,
            Step::SimSleep(_) => least + 3 * MS,
            _ => least + 2 * MS,
        };
        (least, most)
    }

    async fn take(&self, sim: &Handle, start: Clocks) {
        match *self {
            Step::Sleep(length) => tokio::time::sleep(length).await,
            Step::SimSleep(length) => sim.sleep(length).await,
            Step::Advance(length) => sim.advance(length).await,
            Step::TokioAdvance(length) => tokio::time::advance(length).await,
            Step::TimesOut(length) => {
                tokio::time::timeout(length, std::future::pending::<()>()).await.expect_err("nothing comes");
            }
            Step::InTime(length) => {
                tokio::time::timeout(length + 5 * MS, tokio::time::sleep(length)).await.expect("it comes in time");
            }
            Step::Ticks(period, ticks) => {
                let mut interval = tokio::time::interval(period);
                for _ in 0..ticks {
                    interval.tick().await;
                    start.moved();
                }
            }
            Step::Spawned(length, tasks) => {
                let sleeps = (1..=tasks).map(|nth| async move {
                    start.moved();
                    tokio::time::sleep(length * nth).await;
                    start.moved();
                });
                let tasks: Vec<_> = sleeps.map(tokio::spawn).collect();
                for task in tasks {
                    task.await.expect("the clocks agree in the task");
                    start.moved();
                }
            }
            Step::Yield => tokio::task::yield_now().await,
            Step::ResumePause => {
                tokio::time::resume();
                start.moved();
                tokio::time::pause();
            }
        }
    }
}

#[test]
fn std_and_tokio_agree_at_every_await() {
    crate::check(64, vec(step(), 1..24), |steps| {
        Sim::new(1)
            .try_run(move |sim| async move {
                let start = Clocks::read();
                let mut before = start.moved();
                for step in &steps {
                    step.take(&sim, start).await;
                    let now = start.moved();
                    let (least, most) = step.bounds();
                    let took = now - before;
                    if took < least || took > most {
                        return Err(format!("{step:?} took {took:?}, and not {least:?} to {most:?}"));
                    }
                    before = now;
                }
                Ok(())
            })
            .map(drop)
            .map_err(|failure| TestCaseError::fail(failure.to_string()))
    });
}

#[test]
fn clocks_agree_in_a_task_that_sleeps_while_the_body_advances() {
    Sim::new(1).run(|sim| async move {
        let start = Clocks::read();
        let sleeper = tokio::spawn(async move {
            let mut readings = Vec::new();
            for nanos in [1, 999_999, 1_000_001, 7_654_321] {
                tokio::time::sleep(Duration::from_nanos(nanos)).await;
                readings.push(start.moved());
            }
            readings
        });
        // The first sleep is late, as after a process was suspended.
        tokio::task::yield_now().await;
        sim.advance(Duration::from_millis(5)).await;
        let readings = sleeper.await.expect("the clocks agree");
        let whole: Vec<u128> = readings.iter().map(Duration::as_millis).collect();
        assert_eq!(whole, [5, 6, 8, 16]);
    });
}

/// tokio moves its clock and then lets others run before `advance` is done.
#[test]
fn clocks_agree_in_tasks_while_another_task_advances() {
    Sim::new(1).run(|sim| async move {
        let start = Clocks::read();
        let sleeper = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            start.moved()
        });
        let advancing = tokio::spawn(async move {
            sim.advance(Duration::from_millis(50)).await;
            start.moved()
        });
        for task in [sleeper, advancing] {
            assert_eq!(task.await.expect("the clocks agree"), 50 * MS);
        }
    });
}

#[test]
fn a_sleep_of_less_than_a_millisecond_moves_all_clocks_alike() {
    Sim::new(1).run(|_| async {
        let start = Clocks::read();
        for nth in 1..=10 {
            tokio::time::sleep(Duration::from_micros(300)).await;
            assert_eq!(start.moved(), nth * MS, "tokio's timers have steps of a millisecond");
        }
    });
}

#[test]
fn the_wall_clock_starts_where_the_simulation_does() {
    // The last one leaves just enough room for the limit of ten years.
    for start in [Time(0), Time(1), START, Time(951_782_400_123), Time(18_131_304_000_000)] {
        let seen = Sim::new(1)
            .start_at(start)
            .try_run(|sim| async move {
                let seen = SystemTime::now().duration_since(UNIX_EPOCH).expect("not before 1970");
                sim.sleep(Duration::from_secs(86_400)).await;
                let later = SystemTime::now().duration_since(UNIX_EPOCH).expect("not before 1970");
                Ok::<_, String>((seen, later))
            })
            .unwrap_or_else(|failure| panic!("{failure}"))
            .value;
        assert_eq!(seen.0, Duration::from_millis(start.0));
        assert_eq!(seen.1, Duration::from_millis(start.0 + 86_400_000));
    }
}

/// Inside a simulation nobody needs tokio's clock to run freely. Who lets it
/// run and then waits gets an error and no hang: virtual time stands still.
#[test]
fn waiting_on_a_resumed_clock_ends_at_the_limit_on_real_time() {
    let limits = Limits { real_time: Duration::from_millis(200), ..Limits::default() };
    let failure = Sim::new(1)
        .limits(limits)
        .try_run(|_| async {
            tokio::time::resume();
            tokio::time::sleep(Duration::from_millis(20)).await;
        })
        .expect_err("time does not move");
    assert_eq!(failure.cause, Cause::RealTimeLimit);
}
