//! Time: one clock for the provider, tokio and std.
//!
//! [`Time`] is a moment, in milliseconds since the Unix epoch. [`now`] reads the system clock. On a
//! simulating thread that clock is virtual, and so are `std::time::Instant`, `SystemTime` and
//! tokio's clock, which all show the same time. Virtual time moves only when tokio's paused clock
//! moves, which is when nothing on the thread can run.
//!
//! Tokio's paused clock is authoritative. A thread-local cell follows it, and this crate's
//! overrides of the C library's clock functions answer from that cell (`libc.rs`). The cell is
//! updated when tokio wakes from a park, which is the only place where tokio moves time by itself,
//! and wherever this crate moves time. The overrides never ask tokio, because tokio reads std's
//! clock while it holds its own clock's lock.
//!
//! A [`Warp`] is the alternative for code that cannot be simulated: it stops the wall clock of the
//! whole process, and no other clock.
//!
//! This module does not know what the time is used for, and starts no threads.

pub(crate) mod alone;
mod chance;
mod idle;
// Where virtual time cannot reach std, `absent.rs` replaces `libc.rs`.
pub(crate) mod escapes;
#[cfg_attr(
    not(all(
        feature = "interpose",
        target_os = "linux",
        target_env = "gnu",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )),
    path = "clock/absent.rs"
)]
mod libc;
pub(crate) mod stopwatch;
#[allow(dead_code)] // Where `absent.rs` stands in.
mod threads;
mod time;
mod warp;
mod yields;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use escapes::{Escape, Escapes, Seen};
pub use idle::settle;
pub(crate) use libc::SUPPORTED;
#[cfg(target_os = "linux")]
#[allow(unused_imports)] // Where `absent.rs` stands in.
pub(crate) use libc::{Forked, end_by_interruption, end_when_interrupted, fork, memory_file, ring_when_interrupted};
pub(crate) use stopwatch::Stopwatch;
pub(crate) use threads::Thread;
#[allow(unused_imports)] // Where `absent.rs` stands in.
use threads::alone_in_process;
pub use time::Time;
pub use warp::{Claim, Warp, WarpError};
pub(crate) use yields::Yields;

use crate::seed::Stream;

/// Returns the current time: virtual on a simulating thread; elsewhere the system's, which stands
/// still during a [`Warp`].
pub fn now() -> Time {
    if libc::on() {
        return Time(libc::now_ns() / 1_000_000);
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Whether this thread runs on virtual time.
pub fn is_virtual() -> bool {
    libc::on()
}

/// Whether tokio's clock is ahead of std's on this thread, because it was paused by other code than
/// a simulation (`tokio::time::pause`, `start_paused`).
pub(crate) fn is_paused_elsewhere() -> bool {
    const MOMENT: Duration = Duration::from_secs(1);
    !libc::on() && tokio::time::Instant::now().into_std() > std::time::Instant::now() + MOMENT
}

/// Waits until `deadline`; forever if it is [`Time::MAX`].
pub async fn sleep_until(deadline: Time) {
    if deadline == Time::MAX {
        return std::future::pending().await;
    }
    // Tokio's timers have millisecond steps that begin at the runtime's start, so they may fire
    // within the millisecond before the deadline.
    loop {
        let now = now();
        if now >= deadline {
            return;
        }
        tokio::time::sleep(deadline - now).await;
    }
}

/// Virtual time on this thread, from `enter` to drop.
pub(crate) struct Virtual {
    // Not `Send`, because the state is thread-local.
    _thread: std::marker::PhantomData<*const ()>,
}

thread_local! {
    /// A pair of simultaneous times by which the clocks are matched: tokio's instant and the cell's
    /// nanoseconds.
    static MEETING: std::cell::Cell<Option<(tokio::time::Instant, u64)>> = const { std::cell::Cell::new(None) };
}

impl Virtual {
    /// Puts this thread on virtual time that starts at `start`, with entropy from `entropy`. Only
    /// one may exist per thread.
    pub(crate) fn enter(start: Time, entropy: &Stream) -> Virtual {
        MEETING.set(None);
        libc::enter(start.as_nanos(), entropy);
        Virtual { _thread: std::marker::PhantomData }
    }

    /// Connects this thread's time to the tokio runtime that the thread has just entered, whose
    /// clock is paused, and seeds its unbiased `select!` from `select`. Returns whether seeding
    /// works with this version of tokio.
    pub(crate) fn tie(&self, select: &Stream) -> bool {
        MEETING.set(Some((tokio::time::Instant::now(), libc::now_ns())));
        chance::seed(select)
    }
}

impl Drop for Virtual {
    fn drop(&mut self) {
        MEETING.set(None);
        idle::clear();
        libc::leave();
    }
}

/// Builds a tokio runtime for a thread on virtual time. `parks` is called before the thread parks,
/// which is when nothing can run, and `unparks` after it, when time has moved.
pub(crate) fn paused_runtime(
    parks: impl Fn() + Send + Sync + 'static,
    unparks: impl Fn() + Send + Sync + 'static,
) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        // Check timers only when nothing else can run.
        .event_interval(1 << 16)
        .on_thread_park(move || {
            parks();
            idle::wake_idle();
        })
        .on_thread_unpark(move || {
            sync();
            unparks();
        })
        .build()
}

/// Updates std's clock from tokio's. Does nothing on a thread that is not simulating.
pub(crate) fn sync() {
    if !libc::on() {
        return;
    }
    if let Some((tokio_then, ours_then)) = MEETING.get() {
        let moved = tokio::time::Instant::now().saturating_duration_since(tokio_then);
        let moved = u64::try_from(moved.as_nanos()).unwrap_or(u64::MAX);
        libc::set_ns(ours_then.saturating_add(moved));
    }
}

/// Moves virtual time forward by `by`, and lets timers that became due fire.
pub(crate) async fn advance(by: Duration) {
    let mut moving = std::pin::pin!(tokio::time::advance(by));
    std::future::poll_fn(|cx| {
        let moved = moving.as_mut().poll(cx);
        // Tokio moves its clock and lets other tasks run before `advance` completes, so std's clock
        // must move too.
        sync();
        moved
    })
    .await;
}

/// Runs `f` with only the wall clock shifted by `nanos`. This is for ids made from a timestamp's
/// last digits, and for machines with a wrong clock. [`now`] is not affected.
pub(crate) fn shifted<T>(nanos: i64, f: impl FnOnce() -> T) -> T {
    struct Back(Option<i64>);
    impl Drop for Back {
        fn drop(&mut self) {
            libc::set_wall_ns(self.0);
        }
    }
    let _back = Back(libc::shift_ns());
    libc::set_wall_ns(Some(nanos));
    f()
}
