//! Running one future alone on virtual time.
//!
//! It has no watchdog and no limits; a simulation has (`sim`).

use super::{Time, Virtual};
use crate::seed::Seed;

/// Runs `body` on this thread, with virtual time from `start` and entropy from
/// `seed`, until it is done. The thread should be a fresh one: what std caches
/// for a thread (the keys of its hash maps) would outlive the run.
///
/// # Errors
///
/// When this build has no virtual time, the thread is on it already, or no
/// tokio runtime can be built.
pub fn run_alone<F: Future>(start: Time, seed: Seed, body: F) -> Result<F::Output, String> {
    if !super::SUPPORTED {
        return Err("Virtual time needs Linux with glibc on x86-64 or AArch64, and this crate's feature `interpose` \
                    (on by default)."
            .to_owned());
    }
    if super::is_virtual() {
        return Err("This thread is on virtual time already.".to_owned());
    }
    let clock = Virtual::enter(start, &seed.child("entropy").stream());
    let runtime =
        super::paused_runtime(|| {}, || {}).map_err(|error| format!("No tokio runtime could be built: {error}."))?;
    let output = runtime.block_on(async {
        clock.tie(&seed.child("select").stream());
        body.await
    });
    runtime.shutdown_background();
    Ok(output)
}
