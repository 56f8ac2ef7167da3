//! Whether a process can be copied: what its other threads do.

use std::io::Result;
use std::time::Duration;

/// Waits for a moment until no other thread does anything: there may be a main
/// thread that sleeps, as that of a test harness does soon after it has started
/// the test's.
///
/// # Errors
///
/// A sentence, where there are others, or that cannot be told.
pub(super) fn alone_in_process() -> std::result::Result<(), String> {
    for wait_ms in [1, 10, 100, 1000] {
        if others_awake().is_ok_and(|count| count == 0) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(wait_ms));
    }
    match others_awake() {
        Ok(0) => Ok(()),
        Ok(count) => Err(format!("The process has {count} other threads, and can be copied only without.")),
        Err(error) => Err(format!("The threads of the process cannot be counted in /proc: {error}.")),
    }
}

/// How many threads there are but this one, and a main thread that sleeps.
fn others_awake() -> Result<usize> {
    let own = std::fs::read_link("/proc/thread-self")?;
    let (main, own) = (std::process::id().to_string(), own.file_name().map(ToOwned::to_owned));
    let others = std::fs::read_dir("/proc/self/task")?.filter_map(|thread| {
        let name = thread.ok()?.file_name();
        (Some(&name) != own.as_ref()).then_some(name)
    });
    let asleep = || std::fs::read_to_string("/proc/self/stat").is_ok_and(|stat| stat.contains(") S "));
    Ok(others.filter(|name| *name != *main || !asleep()).count())
}
