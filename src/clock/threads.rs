//! What threads of the process do: whether it can be copied, and whether one that does
//! not answer is busy.

use std::io::Result;
use std::time::Duration;

use super::{escapes, libc};

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

/// A thread of this process.
#[derive(Debug)]
pub(crate) struct Thread {
    id: i32,
    /// Where /proc tells of it.
    stat: std::path::PathBuf,
}

impl Thread {
    /// This thread, where /proc tells.
    pub fn current() -> Option<Thread> {
        let own = std::fs::read_link("/proc/thread-self").ok()?;
        let id = own.file_name()?.to_str()?.parse().ok()?;
        Some(Thread { id, stat: std::path::Path::new("/proc").join(own).join("stat") })
    }

    /// Whether it runs, or could run if there were a processor for it, in most of a few
    /// looks.
    pub fn is_busy(&self) -> bool {
        const LOOKS: usize = 9;
        let runs = || {
            std::thread::sleep(Duration::from_millis(2));
            std::fs::read_to_string(&self.stat).is_ok_and(|stat| stat.contains(") R "))
        };
        (0..LOOKS).filter(|_| runs()).count() > LOOKS / 2
    }

    /// The functions that it is in, the innermost first, those of this crate and of
    /// libraries left out. The thread is interrupted for it, and is to be given up: it is
    /// not certain that it goes on.
    pub fn stack(&self, is_busy: bool) -> Vec<String> {
        const MOST: usize = 16;
        let stack = libc::stack_of(self.id, !is_busy).map(|stack| stack.to_string()).unwrap_or_default();
        escapes::frames(&stack).take(MOST).collect()
    }
}
