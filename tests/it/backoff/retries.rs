//! `schedule_activity_with_retry`: the moments at which the activity runs.
//!
//! After the n-th failed attempt the orchestration sleeps on a durable timer:
//! not at all without a backoff, always the same time with a fixed one, n times
//! the base with a linear one, base · multiplier^(n-1) with an exponential one,
//! never more than the maximum. Whole milliseconds of it count. An attempt that
//! takes as long as its timeout ends the call, without another attempt.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, BackoffStrategy, OrchestrationContext, RetryPolicy};
use duroxide_sim::{Node, Sim};
use proptest::prelude::*;

use super::{first_end, jobs_fetched, ms, run, text};
use crate::check;

#[derive(Clone, Debug)]
enum Backoff {
    None,
    Fixed(u64),
    Linear {
        base: u64,
        max: u64,
    },
    /// The multiplier in quarters: such powers are exact in floating point.
    Exponential {
        base: u64,
        quarters: u64,
        max: u64,
    },
}

impl Backoff {
    /// Microseconds, of which the fraction is cut.
    fn micros(&self, failed: u32) -> u64 {
        match *self {
            Backoff::None => 0,
            Backoff::Fixed(delay) => delay,
            Backoff::Linear { base, max } => (base * u64::from(failed)).min(max),
            Backoff::Exponential { base, quarters, max } => {
                let power = |n: u64| u128::from(n).pow(failed - 1);
                let delay = u128::from(base) * power(quarters) / power(4);
                (delay as u64).min(max)
            }
        }
    }

    fn strategy(&self) -> BackoffStrategy {
        let micros = Duration::from_micros;
        match *self {
            Backoff::None => BackoffStrategy::None,
            Backoff::Fixed(delay) => BackoffStrategy::Fixed { delay: micros(delay) },
            Backoff::Linear { base, max } => BackoffStrategy::Linear { base: micros(base), max: micros(max) },
            Backoff::Exponential { base, quarters, max } => {
                let multiplier = quarters as f64 / 4.0;
                BackoffStrategy::Exponential { base: micros(base), multiplier, max: micros(max) }
            }
        }
    }
}

fn backoffs() -> impl Strategy<Value = Backoff> {
    let delay = || prop_oneof![0..2_000u64, 2_000..3_000_000u64];
    let max = || prop_oneof![0..3_000_000u64, 3_000_000..600_000_000u64];
    prop_oneof![
        1 => Just(Backoff::None),
        2 => delay().prop_map(Backoff::Fixed),
        3 => (delay(), max()).prop_map(|(base, max)| Backoff::Linear { base, max }),
        3 => (delay(), 0..17u64, max())
            .prop_map(|(base, quarters, max)| Backoff::Exponential { base, quarters, max }),
    ]
}

/// An activity that takes `takes[n]` ms in its n-th attempt, and fails in all
/// but the last of them.
#[derive(Clone, Debug)]
struct Case {
    backoff: Backoff,
    attempts: u32,
    takes: Vec<u64>,
    /// In microseconds.
    timeout: Option<u64>,
}

fn cases() -> impl Strategy<Value = Case> {
    let takes = prop::collection::vec(0..3_000u64, 1..7);
    let timeout = prop::option::of(1_000_000..4_000_000u64);
    let case = (backoffs(), 1..7u32, takes, timeout);
    case.prop_map(|(backoff, attempts, takes, timeout)| Case { backoff, attempts, takes, timeout }).prop_filter(
        // What then comes first is nobody's promise.
        "an attempt ends just when its time does",
        |case| case.timeout.is_none_or(|timeout| !case.takes.contains(&(timeout / 1_000))),
    )
}

/// When the attempts begin, when the orchestration ends, and how.
fn expected(case: &Case) -> (Vec<u64>, (u64, String)) {
    let (mut begun, mut now) = (Vec::new(), 0);
    for n in 1..=case.attempts {
        begun.push(now);
        let takes = case.takes[(n as usize - 1).min(case.takes.len() - 1)];
        if let Some(timeout) = case.timeout.map(|micros| micros / 1_000).filter(|timeout| *timeout < takes) {
            return (begun, (now + timeout, "Failed".to_owned()));
        }
        now += takes;
        if n as usize >= case.takes.len() {
            return (begun, (now, "Completed".to_owned()));
        }
        if n < case.attempts {
            now += case.backoff.micros(n) / 1_000;
        }
    }
    (begun, (now, "Failed".to_owned()))
}

fn policy(case: &Case) -> RetryPolicy {
    let policy = RetryPolicy::new(case.attempts).with_backoff(case.backoff.strategy());
    match case.timeout {
        Some(micros) => policy.with_timeout(Duration::from_micros(micros)),
        None => policy,
    }
}

fn activity(takes: Vec<u64>) -> ActivityRegistry {
    let attempt = Arc::new(AtomicU32::new(0));
    let flaky = move |_: ActivityContext, _: String| {
        let n = attempt.fetch_add(1, Ordering::Relaxed) as usize;
        let (takes, last) = (takes[n.min(takes.len() - 1)], n + 1 >= takes.len());
        async move {
            tokio::time::sleep(ms(takes)).await;
            if last { Ok(String::new()) } else { Err("not yet".to_owned()) }
        }
    };
    ActivityRegistry::builder().register("Flaky", flaky).build()
}

#[test]
fn attempts_begin_when_the_policy_says() {
    check(96, cases(), |case| {
        let (begun, end) = expected(&case);
        let policy = policy(&case);
        let retry = move |ctx: OrchestrationContext, _: String| {
            let policy = policy.clone();
            async move { ctx.schedule_activity_with_retry("Flaky", "", policy).await }
        };
        let orchestrations = OrchestrationRegistry::builder().register("Retry", retry).build();
        let until = end.0 + 3_600_000;
        let run =
            run(Sim::new(13).node(Node::new("a", activity(case.takes), orchestrations)), move |sim| async move {
                sim.client().start_orchestration("one", "Retry", "").await.map_err(text)?;
                sim.sleep(ms(until)).await;
                Ok(())
            })?;
        prop_assert_eq!(jobs_fetched(&run.trace.entries), begun);
        prop_assert_eq!(first_end(&run.trace.entries), Some(end));
        Ok(())
    });
}
