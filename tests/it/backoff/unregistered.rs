//! Work for a handler that no node has comes back later and later: after the
//! n-th fetch it is put back for base · 2^(n-1), from the seventh fetch on
//! base · 64, and never longer than the maximum. The fetch after `max_attempts`
//! of them makes it poison.

use std::time::Duration;

use duroxide_sim::call::Call;
use duroxide_sim::duroxide::providers::WorkItem;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::runtime::{RuntimeOptions, UnregisteredBackoffConfig};
use duroxide_sim::duroxide::{ActivityContext, ErrorDetails, OrchestrationContext, OrchestrationStatus};
use duroxide_sim::trace::Trace;
use duroxide_sim::{Node, Sim};
use proptest::prelude::*;

use super::{ceil_ms, jobs_fetched, ms, no_activities, run, text, turns_fetched};
use crate::check;

#[derive(Clone, Copy, Debug)]
struct Backoff {
    base: Duration,
    max: Duration,
    attempts: u32,
}

impl Backoff {
    /// When the work is fetched; the last fetch is the one that ends it.
    fn fetches(self) -> Vec<u64> {
        let mut at = vec![0];
        for n in 1..=self.attempts {
            let factor = [1u32, 2, 4, 8, 16, 32, 64][(n as usize - 1).min(6)];
            at.push(at[n as usize - 1] + ceil_ms((self.base * factor).min(self.max)));
        }
        at
    }

    fn options(self) -> RuntimeOptions {
        RuntimeOptions {
            unregistered_backoff: UnregisteredBackoffConfig { base_delay: self.base, max_delay: self.max },
            max_attempts: self.attempts,
            ..Sim::default_options()
        }
    }
}

/// Bases and maxima with fractions of a millisecond, the maximum below the
/// base, between it and 64 times it, and above.
fn backoffs() -> impl Strategy<Value = Backoff> {
    let base = prop_oneof![0..3_000u64, 3_000..5_000_000u64];
    (base, 0..100_000u64, 0..14u32).prop_map(|(base, thousandth, attempts)| Backoff {
        base: Duration::from_micros(base),
        max: Duration::from_micros(base * thousandth / 1_000),
        attempts,
    })
}

/// Orchestrations that are no use without somebody else: `Asks` calls the
/// activity `Nobody`.
fn asks() -> OrchestrationRegistry {
    let builder = OrchestrationRegistry::builder();
    builder
        .register("Asks", |ctx: OrchestrationContext, _| async move { ctx.schedule_activity("Nobody", "").await })
        .build()
}

fn poison(details: &ErrorDetails, limit: u32) -> bool {
    matches!(details, ErrorDetails::Poison { attempt_count, max_attempts, .. }
        if *attempt_count == limit + 1 && *max_attempts == limit)
}

/// The trace of one run with one instance of `orchestration`, and its status
/// well after the last fetch.
fn one(backoff: Backoff, orchestration: &'static str) -> Result<(Trace, OrchestrationStatus), TestCaseError> {
    let end = backoff.fetches().last().copied().unwrap_or(0);
    let sim =
        Sim::new(11).node(Node::new("a", no_activities(), asks()).options(backoff.options())).allow_unknown_handlers();
    let run = run(sim, move |sim| async move {
        let client = sim.client();
        client.start_orchestration("one", orchestration, "").await.map_err(text)?;
        sim.sleep(ms(end + 3_600_000)).await;
        client.get_orchestration_status("one").await.map_err(text)
    })?;
    Ok((run.trace, run.value))
}

#[test]
fn an_unregistered_orchestration_comes_back_by_its_backoff_until_it_is_poison() {
    check(64, backoffs(), |backoff| {
        let (trace, status) = one(backoff, "Nobody")?;
        prop_assert_eq!(turns_fetched(&trace.entries), backoff.fetches());
        let ended = matches!(&status, OrchestrationStatus::Failed { details, .. } if poison(details, backoff.attempts));
        prop_assert!(ended, "{:?}", status);
        Ok(())
    });
}

#[test]
fn an_unregistered_activity_comes_back_by_its_backoff_until_it_is_poison() {
    // With no attempts at all the orchestration itself would be poison.
    check(64, backoffs().prop_map(|b| Backoff { attempts: b.attempts.max(1), ..b }), |backoff| {
        let (trace, status) = one(backoff, "Asks")?;
        prop_assert_eq!(jobs_fetched(&trace.entries), backoff.fetches());
        let completions: Vec<&WorkItem> = trace
            .entries
            .iter()
            .filter_map(|entry| match &*entry.call {
                Call::AckWorkItem { completion, .. } => completion.as_deref(),
                _ => None,
            })
            .collect();
        let ended =
            matches!(completions[..], [WorkItem::ActivityFailed { details, .. }] if poison(details, backoff.attempts));
        prop_assert!(ended, "{:?}", completions);
        prop_assert!(matches!(status, OrchestrationStatus::Failed { .. }), "{:?}", status);
        Ok(())
    });
}

/// Which handler is there only later.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Late {
    Orchestration,
    Activity,
}

fn whole() -> (ActivityRegistry, OrchestrationRegistry) {
    let nobody = |_: ActivityContext, _| async { Ok("somebody".to_owned()) };
    let done = |_: OrchestrationContext, _| async { Ok("somebody".to_owned()) };
    let asks = |ctx: OrchestrationContext, _| async move { ctx.schedule_activity("Nobody", "").await };
    let orchestrations = OrchestrationRegistry::builder().register("Nobody", done).register("Asks", asks);
    (ActivityRegistry::builder().register("Nobody", nobody).build(), orchestrations.build())
}

#[test]
fn work_is_done_at_its_next_fetch_once_a_node_has_the_handler() {
    let late = prop_oneof![Just(Late::Orchestration), Just(Late::Activity)];
    // The gap between two fetches in which the new node takes over, and how
    // far into it.
    let strategy = (late, 2_000..5_000_000u64, 1..120_000u64, 1..9u32, 1..1_000u64);
    check(48, strategy, |(late, base, max, gap, part)| {
        let (base, max) = (Duration::from_micros(base), ms(max + 2));
        let backoff = Backoff { base, max, attempts: 10 };
        let fetches = backoff.fetches();
        let (before, after) = (fetches[gap as usize - 1], fetches[gap as usize]);
        let takeover = before + 1 + (after - before - 1) * part / 1_000;
        let (activities, orchestrations) = whole();
        let sim = Sim::new(12)
            .node(Node::new("old", no_activities(), asks()).options(backoff.options()))
            .node(Node::new("new", activities, orchestrations).options(backoff.options()));
        let run = run(sim, move |sim| async move {
            sim.crash("new").map_err(text)?;
            let client = sim.client();
            let name = if late == Late::Orchestration { "Nobody" } else { "Asks" };
            client.start_orchestration("one", name, "").await.map_err(text)?;
            sim.sleep(ms(takeover)).await;
            sim.crash("old").map_err(text)?;
            sim.start("new").await.map_err(text)?;
            sim.sleep(ms(after - takeover + 1_000)).await;
            client.get_orchestration_status("one").await.map_err(text)
        })?;
        let done = matches!(&run.value, OrchestrationStatus::Completed { output, .. } if output == "somebody");
        prop_assert!(done, "{:?}", run.value);
        let ended = super::first_end(&run.trace.entries);
        prop_assert_eq!(ended, Some((after, "Completed".to_owned())));
        Ok(())
    });
}
