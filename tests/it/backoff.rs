//! When duroxide waits, it waits as long as its own source and documents say:
//! each test works the moments out by itself, and looks at virtual time.
//!
//! How fractions of a millisecond round, on every path tested here: what waits
//! on tokio's clock or becomes visible in the provider rounds up to the next
//! millisecond, and a durable timer rounds down (`schedule_timer` keeps whole
//! milliseconds of what it is given).

use std::time::Duration;

use duroxide_sim::call::Call;
use duroxide_sim::clock::Time;
use duroxide_sim::duroxide::OrchestrationContext;
use duroxide_sim::duroxide::runtime::registry::{
    ActivityRegistry, OrchestrationRegistry, OrchestrationRegistryBuilder,
};
use duroxide_sim::sim::{Handle, Run, START};
use duroxide_sim::trace::{Answer, Entry, Trace};
use proptest::test_runner::TestCaseError;

mod acks;
mod fetches;
mod long_waits;
mod renewals;
mod retries;
mod script;
mod status;
mod unregistered;
mod waits;

/// Milliseconds since a simulation's start.
fn since_start(time: Time) -> u64 {
    time.0 - START.0
}

/// A duration in whole milliseconds, rounded up.
fn ceil_ms(duration: Duration) -> u64 {
    duration.as_nanos().div_ceil(1_000_000) as u64
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// When `by` asked what `wanted` picks out.
fn asked(trace: &Trace, by: &str, wanted: impl Fn(&Call) -> bool) -> Vec<u64> {
    let entries = trace.entries.iter().filter(|entry| &*entry.by == by && wanted(&entry.call));
    entries.map(|entry| since_start(entry.asked)).collect()
}

/// When jobs were fetched.
fn jobs_fetched(entries: &[Entry]) -> Vec<u64> {
    let fetched = entries.iter().filter(|entry| matches!(entry.answer, Answer::Job(_)));
    fetched.map(|entry| since_start(entry.answered)).collect()
}

/// When turns were fetched.
fn turns_fetched(entries: &[Entry]) -> Vec<u64> {
    let fetched = entries.iter().filter(|entry| matches!(entry.answer, Answer::Turn(_)));
    fetched.map(|entry| since_start(entry.answered)).collect()
}

/// When, and as what, the first execution to end has ended.
fn first_end(entries: &[Entry]) -> Option<(u64, String)> {
    entries.iter().find_map(|entry| match &*entry.call {
        Call::AckOrchestrationItem(ack) => {
            ack.metadata.status.clone().map(|status| (since_start(entry.answered), status))
        }
        _ => None,
    })
}

fn no_activities() -> ActivityRegistry {
    ActivityRegistry::builder().build()
}

/// Orchestrations that do one thing after a time, which is their input in
/// milliseconds.
fn timed() -> OrchestrationRegistry {
    async fn wait(ctx: &OrchestrationContext, input: &str) -> Result<(), String> {
        let after = input.parse().map_err(|_| format!("{input:?} is no number"))?;
        ctx.schedule_timer(ms(after)).await;
        Ok(())
    }
    let builder: OrchestrationRegistryBuilder = OrchestrationRegistry::builder();
    builder
        .register("End", |ctx: OrchestrationContext, input: String| async move {
            wait(&ctx, &input).await?;
            Ok("ended".to_owned())
        })
        .register("Set", |ctx: OrchestrationContext, input: String| async move {
            wait(&ctx, &input).await?;
            ctx.set_kv_value("key", "value");
            ctx.schedule_wait("never").await;
            Ok(String::new())
        })
        .register("Tell", |ctx: OrchestrationContext, input: String| async move {
            wait(&ctx, &input).await?;
            ctx.set_custom_status("told");
            ctx.schedule_wait("never").await;
            Ok(String::new())
        })
        .register("Chatter", chatter)
        .register("Twice", twice)
        .build()
}

/// Changes `times` times with `every` milliseconds between, then ends. The
/// input is `times/every`.
async fn chatter(ctx: OrchestrationContext, input: String) -> Result<String, String> {
    let bad = || format!("{input:?} is not of the form times/every");
    let (times, every) = input.split_once('/').ok_or_else(bad)?;
    let (times, every): (u64, u64) = (times.parse().map_err(|_| bad())?, every.parse().map_err(|_| bad())?);
    for n in 1..=times {
        ctx.schedule_timer(ms(every)).await;
        ctx.set_custom_status(n.to_string());
        ctx.set_kv_value("other", n.to_string());
    }
    ctx.set_kv_value("key", "value");
    Ok(String::new())
}

/// Changes after `first` milliseconds, and ends `then` after that. The input
/// is `first/then`.
async fn twice(ctx: OrchestrationContext, input: String) -> Result<String, String> {
    let bad = || format!("{input:?} is not of the form first/then");
    let (first, then) = input.split_once('/').ok_or_else(bad)?;
    ctx.schedule_timer(ms(first.parse().map_err(|_| bad())?)).await;
    ctx.set_custom_status("half");
    ctx.schedule_timer(ms(then.parse().map_err(|_| bad())?)).await;
    ctx.set_kv_value("key", "value");
    Ok(String::new())
}

/// Runs `body`; a run that fails is a failed case.
fn run<B, F, T>(sim: duroxide_sim::Sim, body: B) -> Result<Run<T>, TestCaseError>
where
    B: FnOnce(Handle) -> F + Send + 'static,
    F: Future<Output = Result<T, String>> + 'static,
    T: Send + 'static,
{
    sim.try_run(body).map_err(|failure| TestCaseError::fail(failure.to_string()))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
