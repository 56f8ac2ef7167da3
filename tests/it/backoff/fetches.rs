//! What a dispatcher does when a fetch fails.
//!
//! Some texts say that it waits "100 ms doubling to 3 s". The source counts
//! the error first and then doubles: after the n-th retryable error in a row
//! it waits 100 · 2^n ms, at most 3 s, that is 200, 400, 800, 1600, 3000, 3000
//! ms and so on. After an error that is not retryable it waits 100 ms. Any
//! other outcome sets the count to 0, and so does an error that is not
//! retryable. A fetch that is back with nothing before the minimal interval is
//! over waits for the rest of it.

use duroxide_sim::Sim;
use duroxide_sim::call::Method;
use duroxide_sim::duroxide::ActivityContext;
use duroxide_sim::duroxide::providers::{Provider, WorkItem};
use duroxide_sim::duroxide::runtime::RuntimeOptions;
use duroxide_sim::duroxide::runtime::registry::ActivityRegistry;
use proptest::prelude::*;

use super::script::{Stage, Step};
use super::{ms, run, text, timed};
use crate::check;

/// When each step's fetch is asked, and when the first one after the script.
/// The first `work` that pass find something, which is done at once.
fn expected(script: &[Step], work: usize, poll: u64, least: u64) -> Vec<u64> {
    let (mut now, mut errors, mut work) = (0, 0, work);
    let mut asked = vec![0];
    for step in script {
        match step {
            Step::Retryable => {
                errors += 1;
                now += (100 << errors).min(3000);
            }
            Step::Permanent => {
                errors = 0;
                now += 100;
            }
            Step::Pass => {
                errors = 0;
                if work == 0 {
                    now += poll.max(least);
                }
                work = work.saturating_sub(1);
            }
        }
        asked.push(now);
    }
    asked
}

fn scripts() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![6 => Just(Step::Retryable), 1 => Just(Step::Permanent), 2 => Just(Step::Pass)];
    prop::collection::vec(step, 0..14)
}

fn options(poll: u64, least: u64) -> RuntimeOptions {
    RuntimeOptions {
        orchestration_concurrency: 1,
        worker_concurrency: 1,
        dispatcher_long_poll_timeout: ms(poll),
        dispatcher_min_poll_interval: ms(least),
        ..Sim::default_options()
    }
}

/// Starts a runtime over the script and returns when it fetched, as far as the
/// script goes.
fn fetches(method: Method, case: (Vec<Step>, usize, u64, u64)) -> Result<(), TestCaseError> {
    let (script, work, poll, least) = case;
    let expected = expected(&script, work, poll, least);
    let until = expected[script.len()];
    let run = run(Sim::new(9), move |sim| async move {
        let stage = Stage::new(method, &script);
        for n in 0..work {
            if method == Method::FetchWorkItem {
                stage.memory.enqueue_for_worker(job(n as u64)).await.map_err(text)?;
            } else {
                stage.client().start_orchestration(&n.to_string(), "End", "86400000").await.map_err(text)?;
            }
        }
        let activities =
            ActivityRegistry::builder().register("Quick", |_: ActivityContext, _| async { Ok(String::new()) });
        let _runtime = stage.start(activities.build(), timed(), options(poll, least)).await;
        // The last fetch of interest may still wait when it is looked for.
        sim.sleep(ms(until + poll + least + 1)).await;
        Ok(stage.calls())
    })?;
    let seen: Vec<u64> = run.value.into_iter().take(expected.len()).collect();
    prop_assert_eq!(seen, expected);
    Ok(())
}

fn job(id: u64) -> WorkItem {
    WorkItem::ActivityExecute {
        instance: "nobody".to_owned(),
        execution_id: 1,
        id,
        name: "Quick".to_owned(),
        input: String::new(),
        session_id: None,
        tag: None,
    }
}

#[test]
fn orchestration_fetches_that_fail_back_off_and_start_over_after_a_success() {
    check(48, (scripts(), 0..4usize, 1..2_000u64, 1..300u64), |case| fetches(Method::FetchOrchestrationItem, case));
}

#[test]
fn activity_fetches_that_fail_back_off_and_start_over_after_a_success() {
    check(48, (scripts(), 0..4usize, 1..2_000u64, 1..300u64), |case| fetches(Method::FetchWorkItem, case));
}

#[test]
fn seven_failures_in_a_row_wait_200_ms_doubling_to_3_s() {
    let moments = vec![0, 200, 600, 1_400, 3_000, 6_000, 9_000, 12_000];
    assert_eq!(expected(&[Step::Retryable; 7], 0, 1, 1), moments);
}
