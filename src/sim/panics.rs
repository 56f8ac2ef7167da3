//! Detection of panics that are reported nowhere else.
//!
//! A panic in a tokio task ends in its `JoinHandle`, which may never be checked. So a panic
//! hook, installed once per process before the first simulation, records every panic on a
//! simulation's thread and then calls the previous hook. Panics with a report of their own
//! are not recorded: those of the body, which is in no task, of properties, and of
//! activities, which duroxide records in histories. A panic that the task survives is
//! removed again: the task shows that the panic was caught by making another provider call.
//! duroxide handles panics of orchestrations in this way (`replay_engine.rs`), and records
//! them in histories too. A panic of an activity fails the activity (`up.rs`).
//!
//! This module only records; `run` decides the outcome.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::sync::Once;

use serde::{Deserialize, Serialize};

use crate::text::{Line, Lines};

/// A panic of a task that is reported nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskPanic {
    /// The message of the panic.
    pub text: String,
    /// The source location, such as `tests/orders.rs:17`; empty if unknown.
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

/// Returns the message of a panic.
pub(super) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a message".to_owned())
}

struct Noted {
    task: tokio::task::Id,
    panic: TaskPanic,
}

thread_local! {
    /// Whether a run on this thread records panics.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// The nesting depth of regions whose panics are reported elsewhere.
    static REPORTED: Cell<u32> = const { Cell::new(0) };
    static NOTED: RefCell<Vec<Noted>> = const { RefCell::new(Vec::new()) };
    /// Whether `NOTED` is non-empty.
    static ANY: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Starts recording the panics on this thread.
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

/// Stops recording, and returns the panics that are reported nowhere else.
pub(super) fn end() -> Vec<TaskPanic> {
    WATCHED.set(false);
    ANY.set(false);
    NOTED.take().into_iter().map(|noted| noted.panic).collect()
}

/// Whether there is a panic that is reported nowhere else. Called when nothing on this
/// thread can run.
pub(super) fn any() -> bool {
    ANY.get()
}

/// Removes the panics of the current task, which has survived them: it makes a provider
/// call.
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
    // A panic while this list is borrowed does not come from a task.
    NOTED.with(|all| {
        if let Ok(mut all) = all.try_borrow_mut() {
            all.push(Noted { task, panic });
            ANY.set(true);
        }
    });
}

/// Returns a path without cargo's directory for the sources of dependencies.
fn file(path: &str) -> &str {
    match path.split_once("/registry/src/") {
        Some((_, library)) => library.split_once('/').map_or(library, |(_, file)| file),
        None => path,
    }
}
