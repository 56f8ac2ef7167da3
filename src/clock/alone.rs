//! Runs a single future on virtual time.
//!
//! There is no watchdog and there are no limits; a simulation (`sim`) has both.

use super::{Time, Virtual};
use crate::seed::Seed;

/// Runs `body` on this thread until it completes, with virtual time from `start` and entropy from
/// `seed`. Use a fresh thread: what std caches per thread (the keys of its hash maps) would
/// otherwise outlive the run.
///
/// # Errors
///
/// If this build does not support virtual time, if the thread is already on virtual time, or if no
/// tokio runtime can be built.
pub fn run_alone<F: Future>(start: Time, seed: Seed, body: F) -> Result<F::Output, String> {
    if !super::SUPPORTED {
        return Err("Virtual time needs Linux with glibc on x86-64 or AArch64, and this crate's feature `interpose` \
                    (on by default)."
            .to_owned());
    }
    if super::is_virtual() {
        return Err("This thread is already on virtual time.".to_owned());
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
