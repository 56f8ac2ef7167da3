//! Which clock a provider follows, and running something on that clock.

use std::sync::Arc;
use std::time::Duration;

use duroxide::providers::WorkItem;

use super::pace::Pace;
use super::storage::{Storage, TimeSource};
use crate::clock::{self, Time};
use crate::seed::Seed;

/// The tick of real time where nobody has named one.
const TICK: Duration = Duration::from_millis(100);

/// Runs `body` on the clock that the storage asks for. In virtual time that is
/// a thread of its own, which this one waits for.
///
/// # Errors
///
/// A sentence, where that clock is not to be had.
pub(crate) async fn on_its_clock<T: Send>(
    storage: &dyn Storage,
    seed: Seed,
    body: impl AsyncFnOnce(Pace) -> T + Send,
) -> Result<T, String> {
    let source = match storage.time() {
        TimeSource::Detect => detect(storage).await?,
        source => source,
    };
    if source != TimeSource::Virtual {
        return Ok(body(Pace::new(source).await?).await);
    }
    let alone = || clock::run_alone(Time::START, seed, body(Pace::Virtual));
    let thread = std::thread::Builder::new().name(thread_name()).stack_size(16 << 20);
    std::thread::scope(|scope| {
        let thread =
            thread.spawn_scoped(scope, alone).map_err(|error| format!("No thread could be started: {error}."))?;
        thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    })
}

/// The test's name: libtest captures the output of threads that bear it.
pub(super) fn thread_name() -> String {
    std::thread::current().name().unwrap_or("conformance").to_owned()
}

/// Tries whether locks follow a warped clock.
pub(crate) async fn detect(storage: &dyn Storage) -> Result<TimeSource, String> {
    const LOCK: Duration = Duration::from_secs(60);
    let mut pace = Pace::new(TimeSource::Warp).await?;
    let provider = storage.create_provider().await;
    let start = WorkItem::StartOrchestration {
        instance: "probe".to_owned(),
        orchestration: "Probe".to_owned(),
        input: String::new(),
        version: None,
        parent_instance: None,
        parent_id: None,
        parent_execution_id: None,
        execution_id: 1,
    };
    let told = |error: duroxide::providers::ProviderError| {
        format!("The provider could not be tried for the clock it follows: {error}. Say so with Storage::time.")
    };
    provider.enqueue_for_orchestrator(start, None).await.map_err(told)?;
    let fetch = || provider.fetch_orchestration_item(LOCK, Duration::ZERO, None);
    let first = fetch().await.map_err(told)?.is_some();
    let held = fetch().await.map_err(told)?.is_none();
    let moved = pace.wait(LOCK.as_millis() as u64).await.is_ok();
    let freed = fetch().await.map_err(told)?.is_some();
    storage.dispose(Arc::clone(&provider)).await;
    let follows = first && held && moved && freed;
    Ok(if follows { TimeSource::Warp } else { TimeSource::Real { tick: TICK } })
}
