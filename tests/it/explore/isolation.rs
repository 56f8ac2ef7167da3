//! Each seed has a process of its own, and what happens in it stays there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use duroxide_sim::explore::Problem;
use duroxide_sim::sim::{Cause, Failure, Storm};

use super::{explore, is_unlucky, order, shop};

static RUNS: AtomicU64 = AtomicU64::new(0);

#[test]
fn statics_do_not_leak_from_seed_to_seed() {
    let report = explore().seeds(100).run(shop, |sim| async move {
        assert_eq!(RUNS.fetch_add(1, Ordering::Relaxed), 0, "this process has run a seed before");
        order(sim).await
    });
    assert_eq!(report.seeds, 100);
    assert_eq!(RUNS.load(Ordering::Relaxed), 0, "no seed was run in the test's own process");
    assert!(report.calls > 1_000 && report.states >= 2, "{report}");
}

#[track_caller]
fn failure(problem: Result<duroxide_sim::explore::ExplorationReport, Box<Problem>>) -> Failure {
    match problem.map_err(|problem| *problem) {
        Err(Problem::Failed(finding)) => finding.failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_seed_that_fails_is_found_whatever_the_workers() {
    for workers in [1, 2, 5] {
        let found = explore().seeds(60).workers(workers).try_run(shop, |sim| async move {
            if is_unlucky(&sim) { Err(format!("planted for {}", sim.seed())) } else { Ok(()) }
        });
        let failure = failure(found);
        assert_eq!(failure.seed.0, 7);
        assert_eq!(failure.cause, Cause::Error("planted for 7".to_owned()));
    }
}

#[test]
fn a_process_that_dies_is_its_seeds_failure() {
    let found = explore().seeds(20).try_run(shop, |sim| async move {
        if is_unlucky(&sim) {
            std::process::abort();
        }
        order(sim).await
    });
    let failure = failure(found);
    assert_eq!(failure.seed.0, 7);
    assert!(matches!(&failure.cause, Cause::Died(how) if how.contains("SIGABRT")), "{failure}");
}

#[test]
fn a_stack_that_overflows_is_its_seeds_failure() {
    fn deep(n: u64) -> u64 {
        let page = std::hint::black_box([n; 512]);
        if n == 0 { 0 } else { deep(n - 1) + page[7] }
    }
    let found = explore().seeds(20).try_run(shop, |sim| async move {
        if is_unlucky(&sim) {
            std::hint::black_box(deep(1 << 20));
        }
        order(sim).await
    });
    let failure = failure(found);
    assert!(matches!(&failure.cause, Cause::Died(_)) && failure.seed.0 == 7, "{failure}");
}

#[test]
fn a_process_that_hangs_is_its_seeds_failure() {
    let within = Duration::from_millis(300);
    // Every candidate hangs as long as the seed did.
    let explore = explore().seeds(20).seed_time_limit(within).shrink_time_limit(within);
    let found = explore.try_run(shop, |sim| async move {
        while is_unlucky(&sim) {
            std::hint::spin_loop();
        }
        order(sim).await
    });
    let failure = failure(found);
    assert!(matches!(failure.cause, Cause::Hang(_)) && failure.seed.0 == 7, "{failure}");
}

#[test]
fn explorations_of_one_test_follow_each_other() {
    let first = explore().seeds(3).run(shop, order);
    assert_eq!(first.seeds, 3);
    let failed =
        explore().seeds(30).try_run(shop, |sim| async move { if is_unlucky(&sim) { Err("planted") } else { Ok(()) } });
    assert_eq!(failure(failed).seed.0, 7);
    let last = explore().seeds(5).run(|sim| shop(sim).storm(Storm::new()), order);
    assert_eq!(last.seeds, 5);
}

#[test]
fn a_simulation_of_another_seed_is_refused() {
    let found = explore().seeds(3).try_run(|sim| shop(sim.seed(7)), order).map_err(|problem| *problem);
    assert!(matches!(&found, Err(Problem::Setup(why)) if why.contains("do not change its seed")), "{found:?}");
}

#[test]
fn a_test_that_has_threads_is_told_so() {
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || ended.recv());
    let found = explore().seeds(3).try_run(shop, order).map_err(|problem| *problem);
    assert!(matches!(&found, Err(Problem::Setup(why)) if why.contains("Explore before the test starts")), "{found:?}");
    drop(end);
    assert!(thread.join().is_ok());
}
