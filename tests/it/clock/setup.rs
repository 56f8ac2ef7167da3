//! Simulations that cannot be run say why.

use std::process::{Command, Output};
use std::time::Duration;

use duroxide_sim::Sim;
use duroxide_sim::clock::Time;
use duroxide_sim::sim::{Cause, Limits, START};

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Why a simulation could not be set up.
#[track_caller]
fn refusal(sim: Sim) -> String {
    let failure = sim.try_run(|_| async {}).map(drop).expect_err("it cannot be run");
    let Cause::Setup(why) = &failure.cause else { panic!("another failure: {failure}") };
    assert_eq!(failure.to_string(), format!("The simulation could not be run. {why}"));
    assert!(failure.trace.entries.is_empty());
    why.clone()
}

#[test]
fn a_simulation_inside_a_simulation_is_refused() {
    let why = Sim::new(1).try_run(|_| async { Ok::<_, String>(refusal(Sim::new(2))) });
    let why = why.unwrap_or_else(|failure| panic!("{failure}")).value;
    assert_eq!(why, "A simulation cannot be started inside a simulation. Start it from a test's own thread.");
}

#[test]
fn a_simulation_on_another_thread_of_a_simulation_runs() {
    Sim::new(1).run(|sim| async move {
        let inner = || Sim::new(2).run(|sim| async move { sim.sleep(YEAR).await });
        tokio::task::spawn_blocking(inner).await.expect("the other simulation runs");
        assert_eq!(sim.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_start_past_the_end_of_the_virtual_clock_is_refused() {
    // The clock counts nanoseconds in 64 bits: up to July 2554.
    let end = u64::MAX / 1_000_000;
    for start in [Time::MAX, Time(end + 1), Time(end - 1)] {
        let why = refusal(Sim::new(1).start_at(start));
        assert!(why.starts_with("The virtual clock cannot start at ") && why.ends_with("year 2554."), "{why}");
    }
    let limits = Limits { virtual_time: Duration::from_millis(5), ..Limits::default() };
    Sim::new(1).start_at(Time(end - 5)).limits(limits).run(|sim| async move {
        sim.sleep(Duration::from_millis(4)).await;
    });
}

#[test]
fn a_limit_past_the_end_of_the_virtual_clock_is_refused() {
    for virtual_time in [Duration::MAX, 200 * YEAR + Duration::from_nanos(1)] {
        let why = refusal(Sim::new(1).limits(Limits { virtual_time, ..Limits::default() }));
        assert!(why.contains("above 200 years"), "{why}");
    }
    let limits = Limits { virtual_time: 200 * YEAR, ..Limits::default() };
    let elapsed = Sim::new(1)
        .limits(limits)
        .try_run(|sim| async move {
            sim.sleep(199 * YEAR).await;
            Ok::<_, String>(sim.now())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(elapsed.value, START + 199 * YEAR);
}

#[test]
fn limits_that_are_never_reached_are_no_error() {
    let limits = Limits { steps: u64::MAX, real_time: Duration::MAX, stuck: Duration::MAX, ..Limits::default() };
    Sim::new(1).limits(limits).run(|sim| async move { sim.sleep(YEAR).await });
}

/// Set in a child process to the seed that the body runs with.
const CHILD: &str = "DUROXIDE_SIM_IT_CHILD";

/// What the test `name` does in a process of its own with `variable` as
/// `DUROXIDE_SIM_SEED`.
fn child(name: &str, variable: &str) -> Output {
    let program = std::env::current_exe().expect("the test binary has a path");
    let mut command = Command::new(program);
    command.args(["--exact", name, "--nocapture"]).env(CHILD, "1").env("DUROXIDE_SIM_SEED", variable);
    command.output().expect("the test binary starts")
}

#[test]
fn the_seed_variable_is_used_or_refused() {
    if std::env::var_os(CHILD).is_some() {
        let seed = Sim::new(5).try_run(|sim| async move { Ok::<_, String>(sim.seed()) });
        println!("ran with {}", seed.unwrap_or_else(|failure| panic!("{failure}")).value);
        return;
    }
    let test = "clock::setup::the_seed_variable_is_used_or_refused";
    let good = child(test, "0x2a");
    let text = String::from_utf8_lossy(&good.stdout);
    assert!(good.status.success() && text.contains("ran with 42\n"), "{text}");

    for bad in ["-1", "", "abc", "18446744073709551616"] {
        let refused = child(test, bad);
        let text = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success(), "{bad:?} is no seed");
        let named = format!("The simulation could not be run. {bad:?} is not a seed. Give a decimal number");
        assert!(text.contains(&named) && text.contains("DUROXIDE_SIM_SEED"), "{text}");
    }
}
