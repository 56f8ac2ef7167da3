//! The activity of this process's threads: whether the process can be forked, and whether a thread
//! that does not respond is busy.

use std::io::Result;
use std::time::Duration;

use super::{escapes, libc};

/// Waits briefly until no other thread is active, except that a main thread may sleep, as that of a
/// test harness does soon after it has started the test's thread.
///
/// # Errors
///
/// A sentence, if other threads are active or the threads cannot be counted.
pub(super) fn alone_in_process() -> std::result::Result<(), String> {
    for wait_ms in [1, 10, 100, 1000] {
        if others_awake().is_ok_and(|count| count == 0) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(wait_ms));
    }
    match others_awake() {
        Ok(0) => Ok(()),
        Ok(count) => Err(format!("The process has {count} other active threads, and can be forked only without them.")),
        Err(error) => Err(format!("The threads of the process cannot be counted in /proc: {error}.")),
    }
}

/// Counts the other threads, except a main thread that sleeps.
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

/// A thread of this process.
#[derive(Debug)]
pub(crate) struct Thread {
    id: i32,
    /// The thread's `stat` file in /proc.
    stat: std::path::PathBuf,
}

impl Thread {
    /// Returns the current thread, if /proc is available.
    pub fn current() -> Option<Thread> {
        let own = std::fs::read_link("/proc/thread-self").ok()?;
        let id = own.file_name()?.to_str()?.parse().ok()?;
        Some(Thread { id, stat: std::path::Path::new("/proc").join(own).join("stat") })
    }

    /// Whether the thread is running or runnable in the majority of several samples.
    pub fn is_busy(&self) -> bool {
        const LOOKS: usize = 9;
        let runs = || {
            std::thread::sleep(Duration::from_millis(2));
            std::fs::read_to_string(&self.stat).is_ok_and(|stat| stat.contains(") R "))
        };
        (0..LOOKS).filter(|_| runs()).count() > LOOKS / 2
    }

    /// The functions on the thread's stack, innermost first, without those of this crate and of
    /// libraries. The thread is interrupted for this and must not be relied on afterwards.
    pub fn stack(&self, is_busy: bool) -> Vec<String> {
        const MOST: usize = 16;
        let stack = libc::stack_of(self.id, !is_busy).map(|stack| stack.to_string()).unwrap_or_default();
        escapes::frames(&stack).take(MOST).collect()
    }
}
