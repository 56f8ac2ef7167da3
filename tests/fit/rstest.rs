//! Cases and fixtures of rstest.

use std::time::Duration;

use duroxide_sim::{Handle, Sim};
use rstest::{fixture, rstest};

use crate::week::{DAY, sim, week};

#[fixture]
fn five_days() -> Sim {
    sim(5)
}

#[rstest]
#[case::early(DAY)]
#[case::late(20 * DAY)]
fn cases_are_simulations(five_days: Sim, #[case] approved: Duration, #[values(1, 3)] items: u32) {
    let done = five_days.run(move |sim| week(sim, items, approved));
    assert_eq!(done, "6");
}

#[rstest]
#[case::one(1)]
#[case::two(2)]
#[duroxide_sim::test]
async fn cases_run_in_simulations(#[case] days: u32) {
    let before = tokio::time::Instant::now();
    tokio::time::sleep(days * DAY).await;
    assert_eq!(before.elapsed(), days * DAY);
}

#[rstest]
#[case::small(1..=2)]
#[case::large(100..=200)]
fn cases_are_explored(#[case] range: std::ops::RangeInclusive<u64>) {
    let ran = duroxide_sim::explore().seeds(4).workers(1).run(
        |sim| sim,
        move |sim: Handle| {
            let range = range.clone();
            async move {
                let number = sim.input("number", range.clone());
                assert!(range.contains(&number));
            }
        },
    );
    assert!(ran.name.starts_with("rstest::cases_are_explored::case_"), "{}", ran.name);
}

#[rstest]
#[case::named(9)]
fn a_failing_case_leaves_files_of_its_own(#[case] seed: u64) {
    let failed = std::panic::catch_unwind(|| {
        Sim::new(seed).run(|_| async { Err::<(), _>("to be looked at") });
    });
    let text = *failed.expect_err("it fails").downcast::<String>().expect("it panics with a text");
    let name = "rstest.a_failing_case_leaves_files_of_its_own.case_1_named/9.html";
    assert!(text.contains(name), "{text}");
    assert!(text.contains("-- --exact rstest::a_failing_case_leaves_files_of_its_own::case_1_named"), "{text}");
}
