//! Determines which clock a provider follows, and runs a check on that clock.

use std::sync::Arc;
use std::time::Duration;

use duroxide::providers::{Provider, WorkItem};
use duroxide_sim::seed::Seed;
use duroxide_sim::unstable::clock::{START, run_alone};

use super::pace::Pace;
use super::storage::{Storage, TimeSource};

/// The default tick of real time.
const TICK: Duration = Duration::from_millis(100);

/// Runs `body` on the storage's clock. For virtual time this starts a thread
/// and blocks until it ends.
///
/// # Errors
///
/// A message, if that clock is not available.
pub(crate) async fn on_its_clock<T: Send>(
    storage: &dyn Storage,
    seed: Seed,
    body: impl AsyncFnOnce(Pace) -> T + Send,
) -> Result<T, String> {
    let (source, _) = settled(storage).await?;
    on_clock(source, seed, body).await
}

/// The storage's clock and, if it had to be detected, the evidence for it.
///
/// # Errors
///
/// A message, if the clock cannot be determined.
pub(crate) async fn settled(storage: &dyn Storage) -> Result<(TimeSource, Option<String>), String> {
    match storage.time() {
        TimeSource::Detect => detect(storage).await.map(|found| (found.source, Some(found.why))),
        source => Ok((source, None)),
    }
}

/// Runs `body` on the given clock.
///
/// # Errors
///
/// A message, if that clock is not available.
pub(crate) async fn on_clock<T: Send>(
    source: TimeSource,
    seed: Seed,
    body: impl AsyncFnOnce(Pace) -> T + Send,
) -> Result<T, String> {
    if source != TimeSource::Virtual {
        return Ok(body(Pace::new(source).await?).await);
    }
    let alone = || run_alone(START, seed, body(Pace::Virtual));
    let thread = std::thread::Builder::new().name(thread_name()).stack_size(16 << 20);
    std::thread::scope(|scope| {
        let thread =
            thread.spawn_scoped(scope, alone).map_err(|error| format!("No thread could be started: {error}."))?;
        thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    })
}

/// The name of the current test's thread: libtest captures the output of
/// threads with that name.
pub(super) fn thread_name() -> String {
    std::thread::current().name().unwrap_or("conformance").to_owned()
}

/// A detected clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub source: TimeSource,
    /// The evidence, as a full sentence.
    pub why: String,
}

/// What a lock or delay shows when this process's clock is moved past its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shows {
    /// It was in force before and not after: the provider reads this clock.
    Moved,
    /// It is still in force.
    StoodStill,
    /// It was never in force.
    Nothing,
}

impl Shows {
    fn of(before: bool, after: bool) -> Shows {
        match (before, after) {
            (true, true) => Shows::Moved,
            (true, false) => Shows::StoodStill,
            (false, _) => Shows::Nothing,
        }
    }
}

/// The duration of the lock and the delay in the probe. The clock is moved
/// further than this, so that locks of a slightly wrong duration, which the
/// check itself should report, have expired too.
const LASTS: Duration = Duration::from_secs(60);
const MOVED: Duration = Duration::from_secs(600);

/// Tests whether a lock or a message's delay follows a warped clock. One of the
/// two is enough, because nothing else ends them immediately.
///
/// # Errors
///
/// A message, if neither identifies the clock or the provider refuses a call.
pub(crate) async fn detect(storage: &dyn Storage) -> Result<Found, String> {
    let mut pace = Pace::new(TimeSource::Warp).await?;
    let provider = storage.create_provider().await;
    let tried = probe(&provider, &mut pace).await;
    storage.dispose(provider).await;
    let [lock, delay] = tried
        .map_err(|error| format!("The provider's clock could not be detected: {error}. Set it with Storage::time."))?;
    let (lasts, moved) = (LASTS.as_secs(), MOVED.as_secs());
    let found = |source, what: &str, how: &str| {
        let why = format!(
            "Time source: {what} of {lasts} s {how} when the system clock of this process was advanced by {moved} s \
             (detected; Storage::time overrides it)."
        );
        Ok(Found { source, why })
    };
    let real = TimeSource::Real { tick: TICK };
    match (lock, delay) {
        (Shows::Moved, _) => found(TimeSource::Warp, "the system clock of this process: a lock", "expired"),
        (_, Shows::Moved) => found(TimeSource::Warp, "the system clock of this process: a delay", "had ended"),
        (Shows::StoodStill, _) => found(real, "real time: a lock", "was still held"),
        (_, Shows::StoodStill) => found(real, "real time: a delay", "had not ended"),
        (Shows::Nothing, Shows::Nothing) => Err(format!(
            "The provider's clock cannot be detected: neither a lock of {lasts} s nor a message delay of {lasts} s has \
             any effect. Set the clock with Storage::time, and run the check again."
        )),
    }
}

/// Returns what a lock and a delay show.
async fn probe(
    provider: &Arc<dyn Provider>,
    pace: &mut Pace,
) -> Result<[Shows; 2], duroxide::providers::ProviderError> {
    let fetch = async || {
        let turn = provider.fetch_orchestration_item(LASTS, Duration::ZERO, None).await?;
        Ok::<_, duroxide::providers::ProviderError>(turn.map(|(turn, ..)| turn.instance))
    };
    let is = |found: &Option<String>, name: &str| found.as_deref() == Some(name);
    provider.enqueue_for_orchestrator(start(LOCKED), None).await?;
    let first = fetch().await?;
    let second = fetch().await?;
    let held = is(&first, LOCKED) && second.is_none();
    provider.enqueue_for_orchestrator(start(DELAYED), Some(LASTS)).await?;
    let third = fetch().await?;
    let held_back = third.is_none();
    let moved = pace.wait(MOVED.as_millis() as u64).await.is_ok();
    // The two messages may arrive in either order.
    let after = [fetch().await?, fetch().await?];
    let came = |name: &str| moved && after.iter().any(|found| is(found, name));
    Ok([Shows::of(held, came(LOCKED)), Shows::of(held_back, came(DELAYED))])
}

const LOCKED: &str = "probe";
const DELAYED: &str = "probe-delayed";

fn start(instance: &str) -> WorkItem {
    WorkItem::StartOrchestration {
        instance: instance.to_owned(),
        orchestration: "Probe".to_owned(),
        input: String::new(),
        version: None,
        parent_instance: None,
        parent_id: None,
        parent_execution_id: None,
        execution_id: 1,
    }
}
