//! What the runtime does when it cannot acknowledge a turn.
//!
//! A retryable error is tried again after 10, 20, 40, 80 and 160 ms. When that
//! is of no use, or the error is not retryable, the runtime acknowledges a
//! failure of the orchestration instead, in the same way. When that fails too
//! it means to abandon the turn, but it drops the call's future before it has
//! begun: nothing is abandoned, and the turn comes back when its lock is over.

use duroxide_sim::Sim;
use duroxide_sim::call::Method;
use duroxide_sim::duroxide::runtime::RuntimeOptions;
use duroxide_sim::duroxide::runtime::registry::OrchestrationRegistry;
use duroxide_sim::duroxide::{ErrorDetails, OrchestrationContext, OrchestrationStatus};
use proptest::prelude::*;

use super::script::{Stage, Step};
use super::{ceil_ms, ms, no_activities, run, text, turns_fetched};
use crate::check;

/// When acks are tried, when turns are fetched, and whether what gets through
/// in the end is the turn's own outcome (and not the failure).
#[derive(Debug, PartialEq)]
struct Acks {
    tried: Vec<u64>,
    fetched: Vec<u64>,
    own: bool,
}

fn expected(script: &[Step], lock_for: u64) -> Acks {
    let mut script = script.iter();
    let (mut tried, mut fetched) = (Vec::new(), Vec::new());
    for fetch in (0..).map(|n| n * lock_for) {
        fetched.push(fetch);
        let mut now = fetch;
        for own in [true, false] {
            let mut retries = 0;
            loop {
                tried.push(now);
                match script.next() {
                    None | Some(Step::Pass) => return Acks { tried, fetched, own },
                    Some(Step::Retryable) if retries < 5 => {
                        now += 10 << retries;
                        retries += 1;
                    }
                    Some(_) => break,
                }
            }
        }
    }
    unreachable!("the script ends")
}

#[test]
fn acks_that_fail_are_tried_again_then_the_failure_is_and_then_the_lock_runs_out() {
    let steps = prop::collection::vec(prop_oneof![9 => Just(Step::Retryable), 1 => Just(Step::Permanent)], 0..30);
    // Below 2 s a lock is not renewed within the 620 ms that this takes.
    check(48, (steps, 700_000..1_900_000u64), |(script, lock_micros)| {
        let lock_for = std::time::Duration::from_micros(lock_micros);
        let expected = expected(&script, ceil_ms(lock_for));
        let until = expected.tried.last().copied().unwrap_or(0);
        let run = run(Sim::new(10), move |sim| async move {
            let stage = Stage::new(Method::AckOrchestrationItem, &script);
            stage.client().start_orchestration("one", "Now", "").await.map_err(text)?;
            let builder = OrchestrationRegistry::builder();
            let now = builder.register("Now", |_: OrchestrationContext, _| async { Ok("own".to_owned()) });
            let options =
                RuntimeOptions { orchestrator_lock_timeout: lock_for, max_attempts: 1_000, ..Sim::default_options() };
            let _runtime = stage.start(no_activities(), now.build(), options).await;
            sim.sleep(ms(until + 10_000)).await;
            let entries = stage.entries();
            let abandoned =
                entries.iter().filter(|entry| entry.call.method() == Method::AbandonOrchestrationItem).count();
            let status = stage.client().get_orchestration_status("one").await.map_err(text)?;
            Ok((stage.calls(), turns_fetched(&entries), abandoned, status))
        })?;
        let (tried, fetched, abandoned, status) = run.value;
        let own = match status {
            OrchestrationStatus::Completed { output, .. } => output == "own",
            OrchestrationStatus::Failed { details: ErrorDetails::Infrastructure { .. }, .. } => false,
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        prop_assert_eq!(abandoned, 0);
        prop_assert_eq!(Acks { tried, fetched, own }, expected);
        Ok(())
    });
}

#[test]
fn twelve_failures_take_a_turn_to_the_end_of_its_lock() {
    let first = [0, 10, 30, 70, 150, 310, 310, 320, 340, 380, 460, 620, 5_000];
    let seen = expected(&[Step::Retryable; 12], 5_000);
    assert_eq!(seen, Acks { tried: first.to_vec(), fetched: vec![0, 5_000], own: true });
}
