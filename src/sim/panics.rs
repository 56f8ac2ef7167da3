//! Panics that nobody else reports.
//!
//! A panic in a task of tokio's ends in its `JoinHandle`, which may be looked at
//! by nobody. So a hook of the process, installed once before the first
//! simulation, takes note of every panic on a simulating thread, and then does
//! what was done before. What has its own report is left out: the body's own
//! code, which is in no task, properties, and the code of activities, whose panics
//! duroxide writes into histories. So is a panic that the task survives, which it shows by its next
//! provider call: somebody caught it. That is how duroxide treats the code of
//! orchestrations (`replay_engine.rs`), whose panics go into histories too. A panic
//! of an activity fails it (`node.rs`).
//!
//! It takes note; what becomes of the run is `run`'s business.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::sync::Once;

use serde::{Deserialize, Serialize};

use super::run::panic_text;
use crate::text::{Line, Lines};

/// A panic of a task, which nobody else reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskPanic {
    /// What it said.
    pub text: String,
    /// Where in the source, as in `tests/orders.rs:17`; empty if that is not known.
    pub place: String,
}

impl fmt::Display for TaskPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => Lines(&self.text).fmt(f),
            place => write!(f, "{} (at {})", Lines(&self.text), Line(place)),
        }
    }
}

struct Noted {
    task: tokio::task::Id,
    panic: TaskPanic,
}

thread_local! {
    /// Whether a run on this thread takes note of panics.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// How many regions this thread is in whose panics are reported elsewhere.
    static REPORTED: Cell<u32> = const { Cell::new(0) };
    static NOTED: RefCell<Vec<Noted>> = const { RefCell::new(Vec::new()) };
    /// Whether there are any.
    static ANY: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Begins to take note of the panics on this thread.
pub(super) fn begin() {
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            note(info);
            before(info);
        }));
    });
    NOTED.take();
    ANY.set(false);
    REPORTED.set(0);
    WATCHED.set(true);
}

/// Takes note no more, and returns what nobody else has reported.
pub(super) fn end() -> Vec<TaskPanic> {
    WATCHED.set(false);
    ANY.set(false);
    NOTED.take().into_iter().map(|noted| noted.panic).collect()
}

/// Whether there is any that nobody else has reported, now that nothing on this
/// thread can run.
pub(super) fn any() -> bool {
    ANY.get()
}

/// The task that runs now makes a provider call: it has survived its panics.
pub(super) fn survived() {
    if ANY.get() {
        let task = tokio::task::try_id();
        NOTED.with_borrow_mut(|all| {
            all.retain(|noted| Some(noted.task) != task);
            ANY.set(!all.is_empty());
        });
    }
}

/// Runs code whose panics are reported elsewhere.
pub(super) fn reported<T>(code: impl FnOnce() -> T) -> T {
    struct Back(u32);
    impl Drop for Back {
        fn drop(&mut self) {
            REPORTED.set(self.0);
        }
    }
    let _back = Back(REPORTED.replace(REPORTED.get() + 1));
    code()
}

fn note(info: &PanicHookInfo<'_>) {
    if !WATCHED.get() || REPORTED.get() > 0 {
        return;
    }
    let Some(task) = tokio::task::try_id() else { return };
    let place = info.location().map(|place| format!("{}:{}", file(place.file()), place.line())).unwrap_or_default();
    let panic = TaskPanic { text: panic_text(info.payload()), place };
    // A panic while this list is in use is none of a task's.
    NOTED.with(|all| {
        if let Ok(mut all) = all.try_borrow_mut() {
            all.push(Noted { task, panic });
            ANY.set(true);
        }
    });
}

/// A path without the folder in which cargo keeps the sources of libraries.
fn file(path: &str) -> &str {
    match path.split_once("/registry/src/") {
        Some((_, library)) => library.split_once('/').map_or(library, |(_, file)| file),
        None => path,
    }
}
