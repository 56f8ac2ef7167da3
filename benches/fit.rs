//! Measures 250 cases of a five-day workflow under proptest, as ratios: to a plain loop over as
//! many simulations, and to the virtual time that passes in them.
//!
//! `cargo bench --bench fit`.
#![allow(missing_docs)]

#[path = "../tests/fit/week.rs"]
mod week;

use std::cell::Cell;
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, TestCaseError, TestRunner};

use week::{sim, week};

const CASES: u32 = 250;

/// Runs one case, and returns the virtual time that passes in it.
fn case(seed: u64, items: u32, hours: u32) -> Result<Duration, String> {
    let approved = Duration::from_secs(3600) * hours;
    let run = sim(seed).try_run(move |sim| week(sim, items, approved));
    run.map(|run| run.elapsed).map_err(|failure| failure.to_string())
}

fn main() {
    let simulated = Cell::new(Duration::ZERO);
    let began = Instant::now();
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let cases = TestRunner::new(config).run(&(0_u64..u64::MAX, 0_u32..1_000, 0_u32..400), |(seed, items, hours)| {
        let elapsed = case(seed, items, hours).map_err(TestCaseError::fail)?;
        simulated.set(simulated.get() + elapsed);
        Ok(())
    });
    cases.expect("every week ends");
    let with_proptest = began.elapsed();
    let began = Instant::now();
    for n in 0..CASES {
        case(u64::from(n), n * 4, n % 400).expect("every week ends");
    }
    let alone = began.elapsed();
    let ratio = with_proptest.as_secs_f64() / alone.as_secs_f64();
    let times = simulated.get().as_secs_f64() / with_proptest.as_secs_f64();
    println!(
        "{CASES} cases of a five-day workflow under proptest: {ratio:.2} times a plain loop over {CASES} simulations,"
    );
    println!("and {times:.1e} times as fast as the {} virtual days in them", simulated.get().as_secs() / 86_400);
}
