//! The subscriber that the test itself has set.

use duroxide::runtime::observability::{ObservabilityConfig, init_logging};
use tracing::dispatcher::{Dispatch, get_default, with_default};
use tracing::subscriber::NoSubscriber;
use tracing::{Level, enabled};

/// Returns the subscriber of this thread, to which the lines of a simulation are passed on: one
/// that the test has set for the thread or for the process. duroxide's runtimes install one of
/// their own if the process has none; lines are passed on to that only if they are to be `shown`.
pub(crate) fn theirs(shown: bool) -> Option<Dispatch> {
    let theirs = || get_default(|current| (!current.is::<NoSubscriber>()).then(|| current.clone()));
    match theirs() {
        Some(current) => (shown || !is_duroxides(&current)).then_some(current),
        None if shown => {
            // The first runtime would do the same, too late for this simulation.
            let _ = init_logging(&ObservabilityConfig::default());
            theirs()
        }
        None => None,
    }
}

/// Whether a subscriber is the one that duroxide installs without `RUST_LOG`, which can be told
/// only by its filter: `warn,duroxide::orchestration=info,duroxide::activity=info`.
fn is_duroxides(subscriber: &Dispatch) -> bool {
    with_default(subscriber, || {
        enabled!(target: "duroxide::orchestration", Level::INFO)
            && enabled!(target: "duroxide::activity", Level::INFO)
            && !enabled!(target: "duroxide::activity", Level::DEBUG)
            && !enabled!(target: "duroxide::runtime", Level::INFO)
            && !enabled!(target: "duroxide_sim::probe", Level::INFO)
            && enabled!(target: "duroxide_sim::probe", Level::WARN)
    })
}
