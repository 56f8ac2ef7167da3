//! Properties over workflows, with proptest. `cargo bench --bench fit` measures the same.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

use crate::week::{DAY, sim, week};

proptest! {
    #![proptest_config(Config { cases: 250, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_week_ends_whenever_it_is_approved(seed: u64, items in 0_u32..1_000, hours in 0_u32..400) {
        let approved = Duration::from_secs(3600) * hours;
        let run = sim(seed).try_run(move |sim| week(sim, items, approved)).map_err(|failure| failure.to_string());
        let run = run.map_err(TestCaseError::fail)?;
        prop_assert_eq!(run.value, "6");
        prop_assert!(run.elapsed >= 5 * DAY.max(approved / 5));
    }
}

#[test]
fn a_failure_is_shrunk_and_told() {
    let config =
        Config { failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..Config::default() };
    let found = TestRunner::new(config).run(&(0_u32..1_000), |items| {
        let failed = catch_unwind(AssertUnwindSafe(|| {
            sim(1).without_files().run(move |sim| async move {
                let done = week(sim, items, DAY).await.map_err(|error| error.to_string())?;
                if items < 17 { Ok(done) } else { Err(format!("{items} items are too many")) }
            })
        }));
        failed
            .map(|_| ())
            .map_err(|payload| TestCaseError::fail(*payload.downcast::<String>().expect("it panics with a text")))
    });
    let Err(TestError::Fail(why, least)) = found else { panic!("it fails: {found:?}") };
    assert_eq!(least, 17);
    assert!(why.message().contains("17 items are too many"), "{why}");
}
