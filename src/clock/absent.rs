//! Replaces `libc.rs` where virtual time cannot reach std: no thread simulates, and no wall clock
//! is warped.

use std::sync::atomic::AtomicU32;

use crate::seed::Stream;

/// See the same constant in `libc.rs`.
pub(crate) const SUPPORTED: bool = false;

pub(super) fn enter(_: u64, _: &Stream) {}

pub(super) fn leave() {}

pub(super) fn on() -> bool {
    false
}

pub(super) fn now_ns() -> u64 {
    0
}

pub(super) fn set_ns(_: u64) {}

pub(super) fn set_wall_ns(_: Option<i64>) {}

pub(super) fn shift_ns() -> Option<i64> {
    None
}

pub(super) fn with_locals<T>(look: impl FnOnce(&[&[AtomicU32]]) -> T) -> T {
    look(&[])
}

/// See the same function in `libc/stack.rs`.
pub(super) fn stack_of(_: i32, _: bool) -> Option<std::backtrace::Backtrace> {
    None
}

pub(super) fn warp(_: u64) {}

pub(super) fn unwarp() {}

pub(super) fn steady_ns() -> u64 {
    static BEGAN: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    u64::try_from(BEGAN.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// See the same type in `libc.rs`; in this build it has no values.
#[derive(Debug)]
pub(crate) enum Forked {}

pub(crate) fn fork(_: impl FnOnce()) -> Result<Forked, String> {
    Err("Forking a process per seed is not supported in this build.".to_owned())
}

impl Forked {
    pub fn kill(&self) {
        match *self {}
    }

    pub fn wait(self) -> std::process::ExitStatus {
        match self {}
    }
}

/// See the same functions in `libc/process.rs`; in this build no process runs a seed.
pub(crate) fn memory_file() -> std::io::Result<std::fs::File> {
    Err(std::io::Error::other("simulations are not supported in this build"))
}

pub(crate) fn ring_when_interrupted<T>(_: &T) -> bool {
    false
}

pub(crate) fn end_when_interrupted() {}

pub(crate) fn end_by_interruption() {}
