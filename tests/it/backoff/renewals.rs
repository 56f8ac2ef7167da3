//! When locks are renewed, and sessions kept and swept.
//!
//! A lock of 15 s or more is renewed each time all but its buffer is over, at
//! least a second later; a shorter one after half its time, rounded up to whole
//! seconds, whatever the buffer. The ticks are counted from the first moment:
//! a fraction of a millisecond delays each of them, and they do not add up.

use std::time::Duration;

use duroxide_sim::call::Call;
use duroxide_sim::call::Reply;
use duroxide_sim::duroxide::runtime::RuntimeOptions;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext};
use duroxide_sim::trace::{Answer, Entry};
use duroxide_sim::{Node, Sim};
use proptest::prelude::*;

use super::{asked, ceil_ms, jobs_fetched, ms, no_activities, run, since_start, text, timed};
use crate::check;

const SECOND: Duration = Duration::from_secs(1);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

fn interval(timeout: Duration, buffer: Duration) -> Duration {
    if timeout >= 15 * SECOND {
        timeout.saturating_sub(buffer).max(SECOND)
    } else {
        let halves = timeout.as_nanos().div_ceil(2 * SECOND.as_nanos());
        SECOND * u32::try_from(halves).unwrap().max(1)
    }
}

/// The ticks of `interval` before `until`, the one at 0 left out.
fn ticks(interval: Duration, until: u64) -> Vec<u64> {
    let all = (1..).map(|n| ceil_ms(interval * n));
    all.take_while(|at| *at < until).collect()
}

fn micros(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_micros)
}

fn timeouts() -> impl Strategy<Value = Duration> {
    let edge = prop_oneof![Just(ms(15_000)), Just(Duration::from_nanos(14_999_999_999))];
    prop_oneof![3 => micros(1_000_000..15_000_000), 3 => micros(15_000_000..120_000_000), 1 => edge]
}

/// The trace of one activity that takes `takes` ms under a lock.
fn long_activity(timeout: Duration, buffer: Duration, takes: u64) -> Result<Vec<Entry>, TestCaseError> {
    let sleep = move |_: ActivityContext, _| async move {
        tokio::time::sleep(ms(takes)).await;
        Ok(String::new())
    };
    let activities = ActivityRegistry::builder().register("Sleep", sleep).build();
    let go = |ctx: OrchestrationContext, _| async move { ctx.schedule_activity("Sleep", "").await };
    let orchestrations = OrchestrationRegistry::builder().register("Go", go).build();
    let options =
        RuntimeOptions { worker_lock_timeout: timeout, worker_lock_renewal_buffer: buffer, ..Sim::default_options() };
    let sim = Sim::new(14).node(Node::new("a", activities, orchestrations).options(options));
    let run = run(sim, move |sim| async move {
        sim.client().start_orchestration("one", "Go", "").await.map_err(text)?;
        sim.sleep(ms(takes + 1_000)).await;
        Ok(())
    })?;
    Ok(run.trace.entries)
}

#[test]
fn a_long_activity_renews_its_lock_in_time_and_runs_once() {
    let strategy = (timeouts(), micros(0..130_000_000), 0..600_000u64);
    check(64, strategy, |(timeout, buffer, takes)| {
        let every = interval(timeout, buffer);
        // A lock that ends by the time it is renewed is another test's.
        prop_assume!(ceil_ms(every) < ceil_ms(timeout));
        let until = ticks(every, takes);
        prop_assume!(ceil_ms(every * (until.len() as u32 + 1)) != takes);
        let entries = long_activity(timeout, buffer, takes)?;
        let mut renewed = Vec::new();
        for entry in &entries {
            if let Call::RenewWorkItemLock { extend_for, .. } = &*entry.call {
                prop_assert_eq!(*extend_for, timeout);
                prop_assert_eq!(&entry.answer, &Answer::Reply(Reply::Done));
                renewed.push(since_start(entry.asked));
            }
        }
        prop_assert_eq!(renewed, until);
        prop_assert_eq!(jobs_fetched(&entries), vec![0]);
        Ok(())
    });
}

#[test]
fn a_lock_that_is_over_when_it_is_renewed_is_lost() {
    // A lock of up to a second is renewed after a second; one without a buffer
    // at its very end.
    let short = micros(1..1_000_001).prop_map(|timeout| (timeout, Duration::ZERO));
    let bare = micros(15_000_000..60_000_000).prop_map(|timeout| (timeout, Duration::ZERO));
    check(32, prop_oneof![short, bare], |(timeout, buffer)| {
        let entries = long_activity(timeout, buffer, 70_000)?;
        let first = entries.iter().find_map(|entry| match &entry.answer {
            Answer::Job(job) => Some(job.token.clone()),
            _ => None,
        });
        let mut renewals = Vec::new();
        for entry in &entries {
            if let Call::RenewWorkItemLock { token, .. } = &*entry.call
                && Some(token) == first.as_ref()
            {
                prop_assert!(matches!(entry.answer, Answer::Reply(Reply::Refused(_))), "{:?}", entry.answer);
                renewals.push(since_start(entry.asked));
            }
        }
        prop_assert_eq!(renewals, vec![ceil_ms(interval(timeout, buffer))]);
        // Somebody else has it from the moment the lock was over.
        prop_assert_eq!(jobs_fetched(&entries)[..2].to_vec(), vec![0, ceil_ms(timeout)]);
        Ok(())
    });
}

#[test]
fn sessions_are_kept_and_swept_at_their_intervals() {
    let strategy = (timeouts(), micros(0..130_000_000), micros(1_000..200_000_000), 1..5usize, 1..400_000u64);
    check(48, strategy, |(timeout, buffer, sweep, workers, until)| {
        let options = RuntimeOptions {
            session_lock_timeout: timeout,
            session_lock_renewal_buffer: buffer,
            session_cleanup_interval: sweep.max(ms(until / 500 + 1)),
            session_idle_timeout: YEAR,
            worker_concurrency: workers,
            ..Sim::default_options()
        };
        let sweep = options.session_cleanup_interval;
        let sim = Sim::new(15).node(Node::new("a", no_activities(), timed()).options(options));
        let run = run(sim, move |sim| async move {
            sim.sleep(ms(until)).await;
            Ok(())
        })?;
        let before = |all: Vec<u64>| all.into_iter().filter(|at| *at < until).collect::<Vec<u64>>();
        let kept = asked(&run.trace, "a", |call| {
            matches!(call, Call::RenewSessionLock { owners, extend_for, idle_for }
                if owners.len() == workers && *extend_for == timeout && *idle_for == YEAR)
        });
        prop_assert_eq!(before(kept), ticks(interval(timeout, buffer), until));
        let swept = asked(
            &run.trace,
            "a",
            |call| matches!(call, Call::CleanupOrphanedSessions { idle_for } if *idle_for == YEAR),
        );
        prop_assert_eq!(before(swept), ticks(sweep, until));
        Ok(())
    });
}

/// A session's lock is renewed for as long as somebody has used it within the
/// idle time, and swept when it is over and no work is left.
#[test]
fn a_session_ends_after_its_idle_time_and_is_then_swept() {
    let strategy = (1..30u64, 15_000..40_000u64, 60_000..200_000u64, 30_000..100_000u64);
    check(32, strategy, |(takes, lock, idle, sweep)| {
        let quick = move |_: ActivityContext, _| async move {
            tokio::time::sleep(ms(takes)).await;
            Ok(String::new())
        };
        let go = |ctx: OrchestrationContext, _| async move { ctx.schedule_activity_on_session("Quick", "", "s").await };
        let options = RuntimeOptions {
            session_lock_timeout: ms(lock),
            session_lock_renewal_buffer: ms(5_000),
            session_idle_timeout: ms(idle),
            session_cleanup_interval: ms(sweep),
            ..Sim::default_options()
        };
        let activities = ActivityRegistry::builder().register("Quick", quick).build();
        let orchestrations = OrchestrationRegistry::builder().register("Go", go).build();
        let run =
            run(Sim::new(16).node(Node::new("a", activities, orchestrations).options(options)), |sim| async move {
                sim.client().start_orchestration("one", "Go", "").await.map_err(text)?;
                sim.sleep(ms(600_000)).await;
                Ok(())
            })?;
        // Last used at `takes`: renewed at each tick before `idle` has passed.
        let every = ms(lock - 5_000);
        let kept = ticks(every, takes + idle);
        let over = kept.last().copied().unwrap_or(0) + lock;
        let swept = ticks(ms(sweep), 600_000).into_iter().find(|at| *at > over);
        let counted = |wanted: fn(&Call) -> bool| {
            let entries = run.trace.entries.iter().filter(move |entry| wanted(&entry.call));
            let some = entries.filter(|entry| matches!(entry.answer, Answer::Reply(Reply::Count(1))));
            some.map(|entry| since_start(entry.asked)).collect::<Vec<u64>>()
        };
        prop_assert_eq!(counted(|call| matches!(call, Call::RenewSessionLock { .. })), kept);
        let sweeps = counted(|call| matches!(call, Call::CleanupOrphanedSessions { .. }));
        prop_assert_eq!(sweeps, swept.into_iter().collect::<Vec<u64>>());
        Ok(())
    });
}
