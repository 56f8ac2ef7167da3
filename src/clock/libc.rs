//! Overrides of the C library's clock and entropy functions, for simulating threads and for a warp;
//! and `fork`, for one process per seed, with the functions such processes need
//! (`libc/process.rs`).
//!
//! This file and those in its folder are the only ones in the crate that contain `unsafe` code.
//! Their contract:
//!
//! - `clock_gettime`, `gettimeofday`, `time`, `getrandom`, `syscall` and the functions in
//!   `noticed.rs` are defined here under their C names and so take precedence over the C library's
//!   in every binary that links this crate. On a thread that is not simulating, and while no warp
//!   is active, they call the next definition (found once with `dlsym(RTLD_NEXT)`) with the
//!   caller's own arguments. For such a thread the only additional cost is one thread-local read
//!   and, if it reads the wall clock, one relaxed load; the clock still goes through the vDSO.
//! - On a simulating thread the clock functions answer the wall and monotonic clocks from
//!   [`VIRTUAL`], and `getrandom` (also through `syscall`) answers from the seed. `nanosleep`,
//!   `clock_nanosleep`, `pthread_create`, waits on a futex (through `syscall`) and functions that
//!   use the network, write files or start processes (`noticed.rs`) are recorded as escapes and
//!   then carried out with the caller's own arguments. A new thread, however, begins in a function
//!   of this crate, which calls the caller's function with the caller's argument, so that input and
//!   output on that thread, and on the threads it starts, is recorded too. `getenv` is also carried
//!   out; a request for `RUST_LOG` shows that a duroxide runtime is starting. Everything else is
//!   passed on.
//! - On every other thread the wall clock comes from [`WARP`] while a warp is active. The monotonic
//!   clocks and entropy stay real.
//! - Only calls of these symbols are seen: not the C library's internal calls, raw system calls, or
//!   the kernel's own clocks (file times, timeouts).
//! - The overrides of clocks and entropy never allocate, panic, lock or call back into Rust's
//!   runtime, because they can run inside an allocator, a lock or a thread's exit. The thread-local
//!   is `const` and has no destructor, so it exists from a thread's first instruction to its last.
//! - Pointers come from the caller under the C functions' own contracts; each is written only where
//!   the C function would write it.
//! - `syscall` is variadic in C. On x86-64 and AArch64 Linux a variadic call passes integer
//!   arguments as a plain call does, so a definition with six arguments sees what the caller
//!   passed, and forwards as many.
//! - [`fork`] forks only if no thread of the process is active except the one that forks, which it
//!   checks first. A main thread may sleep, as libtest's does until the test's thread ends. Locks
//!   that a sleeping thread holds stay locked in the new process, so nothing half-written can be
//!   read there; glibc itself releases the allocator's locks. Only the given work runs in the new
//!   process, which then exits without returning to its caller, running destructors or flushing
//!   buffers that the parent also has.
//! - [`stack_of`] interrupts another thread of this process with a signal that is ignored by
//!   default, and restores the previous signal action (`stack.rs`).
//! - [`with_locals`] reads and writes the memory of the calling thread's own thread-locals, within
//!   the bounds that the loader reports. Words in it that other threads can reach, such as a
//!   lock's, are atomics for them too, so this memory is read with atomic loads. The only words
//!   written are those whose owner is known (`chance.rs`): a `Cell` of this thread, at a moment
//!   when no code of its owner runs.

use std::cell::Cell;
use std::ffi::{c_int, c_long, c_uint, c_void};
use std::sync::atomic::{AtomicU64, Ordering};

use super::escapes;
use crate::seed::{Seed, Stream};

mod locals;
mod next;
mod noticed;
mod process;
mod stack;

pub(super) use locals::with_locals;
use next::next;
pub(crate) use process::{Forked, end_by_interruption, end_when_interrupted, fork, memory_file, ring_when_interrupted};
pub(super) use stack::stack_of;

/// Whether virtual time can reach std in this build.
pub(crate) const SUPPORTED: bool = true;

/// The state of one thread's simulation.
struct Virtual {
    on: Cell<bool>,
    now_ns: Cell<u64>,
    /// The shift that is added to the wall clock alone, if any.
    wall_ns: Cell<Option<i64>>,
    /// The number of runtimes started while the wall clock was not shifted.
    starts: Cell<u64>,
    /// The instant of the last such start, and how far the wall clock is ahead at that instant.
    apart: Cell<(u64, u64)>,
    entropy: Cell<u64>,
}

thread_local! {
    static VIRTUAL: Virtual = const {
        Virtual {
            on: Cell::new(false),
            now_ns: Cell::new(0),
            wall_ns: Cell::new(None),
            starts: Cell::new(0),
            apart: Cell::new((u64::MAX, 0)),
            entropy: Cell::new(0),
        }
    };
}

/// The value of [`WARP`] while no warp is active. A warp's times are whole milliseconds, which this
/// is not.
const OFF: u64 = u64::MAX;

/// The wall clock of the process, in nanoseconds since the epoch.
///
/// Relaxed ordering is enough, because no other data depends on it; a thread that learns by any
/// means that the clock was moved also sees it moved.
static WARP: AtomicU64 = AtomicU64::new(OFF);

/// Makes this thread a simulating one.
pub(super) fn enter(now_ns: u64, entropy: &Stream) {
    VIRTUAL.with(|v| {
        v.now_ns.set(now_ns);
        v.wall_ns.set(None);
        v.starts.set(0);
        v.apart.set((u64::MAX, 0));
        v.entropy.set(entropy.state());
        v.on.set(true);
    });
    link();
}

/// References the functions, so that the linker includes their object file in every binary that can
/// simulate or warp; it may omit an archive member that nothing references.
fn link() {
    std::hint::black_box((clock_gettime as *const c_void, gettimeofday as *const c_void, time as *const c_void));
    std::hint::black_box((getrandom as *const c_void, syscall as *const c_void));
    noticed::link();
}

/// Returns this thread to the real clock.
pub(super) fn leave() {
    VIRTUAL.with(|v| v.on.set(false));
}

/// Whether this thread simulates.
pub(super) fn on() -> bool {
    VIRTUAL.with(|v| v.on.get())
}

/// The virtual time of a simulating thread, in nanoseconds since the epoch.
pub(super) fn now_ns() -> u64 {
    VIRTUAL.with(|v| v.now_ns.get())
}

/// Sets the virtual time.
pub(super) fn set_ns(now_ns: u64) {
    VIRTUAL.with(|v| v.now_ns.set(now_ns));
}

/// Shifts the wall clock, and only it.
pub(super) fn set_wall_ns(wall_ns: Option<i64>) {
    VIRTUAL.with(|v| v.wall_ns.set(wall_ns));
}

/// The shift of this thread's wall clock, if any.
pub(super) fn shift_ns() -> Option<i64> {
    VIRTUAL.with(|v| v.wall_ns.get())
}

/// Sets the process's wall clock to `now_ns`, a whole millisecond.
pub(super) fn warp(now_ns: u64) {
    debug_assert_ne!(now_ns, OFF, "whole milliseconds");
    WARP.store(now_ns, Ordering::Relaxed);
    link();
}

/// Returns the process to the real wall clock.
pub(super) fn unwarp() {
    WARP.store(OFF, Ordering::Relaxed);
}

/// The wall clock's time on this thread, if it is not the real time.
fn wall_ns() -> Option<u64> {
    if on() {
        return Some(VIRTUAL.with(|v| {
            let (now, (instant, ahead)) = (v.now_ns.get(), v.apart.get());
            match v.wall_ns.get() {
                Some(shift) => now.saturating_add_signed(shift),
                None if instant == now => now.saturating_add(ahead),
                None => now,
            }
        }));
    }
    let warp = WARP.load(Ordering::Relaxed);
    (warp != OFF).then_some(warp)
}

/// Called when a duroxide runtime starts on this thread. The runtime then forms its id from the
/// last 16 bits of the wall clock's nanoseconds, and owns sessions by this id. Several runtimes
/// started at one instant of virtual time would get the same id, so the wall clock is ahead by a
/// different number of nanoseconds for each of them until time moves. If the wall clock is already
/// shifted, as for a node, that shift makes the id unique.
fn runtime_starts() {
    // Nodes use the lower half of the 16-bit range.
    const HALF: u64 = 1 << 15;
    VIRTUAL.with(|v| {
        if v.on.get() && v.wall_ns.get().is_none() {
            v.starts.set(v.starts.get() + 1);
            v.apart.set((v.now_ns.get(), HALF + v.starts.get() % HALF));
        }
    });
}

/// The real monotonic clock in nanoseconds, on any thread.
pub(super) fn steady_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // Makes the system call directly, because the C function may answer virtual time.
    // SAFETY: the pointer is to a local.
    unsafe { libc::syscall(libc::SYS_clock_gettime, libc::CLOCK_MONOTONIC, &raw mut time) };
    (time.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(time.tv_nsec as u64)
}

/// # Safety
///
/// As for the C function: `time` is null or valid for a write.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    let ns = match clock {
        libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE | libc::CLOCK_TAI => wall_ns(),
        libc::CLOCK_MONOTONIC | libc::CLOCK_MONOTONIC_RAW | libc::CLOCK_MONOTONIC_COARSE | libc::CLOCK_BOOTTIME => {
            on().then(now_ns)
        }
        _ => None,
    };
    if let Some(ns) = ns
        && !time.is_null()
    {
        // SAFETY: the caller's pointer is valid for a write, and not null.
        unsafe {
            (*time).tv_sec = (ns / 1_000_000_000) as libc::time_t;
            (*time).tv_nsec = (ns % 1_000_000_000) as c_long;
        }
        return 0;
    }
    next!(c"clock_gettime"(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int, or -1)
}

/// # Safety
///
/// As for the C function: each pointer is null or valid for a write.
#[unsafe(no_mangle)]
unsafe extern "C" fn gettimeofday(time: *mut libc::timeval, zone: *mut c_void) -> c_int {
    // A caller that also asks for the obsolete time zone gets the zone from the C library, and only
    // the time from here.
    let ns = wall_ns().filter(|_| !time.is_null());
    let answer = match zone.is_null() && ns.is_some() {
        true => 0,
        false => next!(c"gettimeofday"(time: *mut libc::timeval, zone: *mut c_void) -> c_int, or -1),
    };
    if let Some(ns) = ns {
        // SAFETY: the caller's pointer is valid for a write, and not null.
        unsafe {
            (*time).tv_sec = (ns / 1_000_000_000) as libc::time_t;
            (*time).tv_usec = (ns % 1_000_000_000 / 1000) as libc::suseconds_t;
        }
    }
    answer
}

/// # Safety
///
/// As for the C function: `time` is null or valid for a write.
#[unsafe(no_mangle)]
unsafe extern "C" fn time(time: *mut libc::time_t) -> libc::time_t {
    if let Some(ns) = wall_ns() {
        let seconds = (ns / 1_000_000_000) as libc::time_t;
        if !time.is_null() {
            // SAFETY: the caller's pointer is valid for a write, and not null.
            unsafe { *time = seconds };
        }
        return seconds;
    }
    next!(c"time"(time: *mut libc::time_t) -> libc::time_t, or -1)
}

/// # Safety
///
/// As for the C function: `buffer` is valid for writes of `length` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut c_void, length: usize, flags: c_uint) -> isize {
    if on() {
        // SAFETY: the caller's buffer is valid for `length` bytes.
        return unsafe { fill(buffer, length) };
    }
    next!(c"getrandom"(buffer: *mut c_void, length: usize, flags: c_uint) -> isize, or -1)
}

/// # Safety
///
/// As for the C function, for the system call that is asked for.
#[unsafe(no_mangle)]
unsafe extern "C" fn syscall(
    number: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    if number == libc::SYS_getrandom && on() {
        // SAFETY: the caller's buffer `a` is valid for `b` bytes.
        return unsafe { fill(a as *mut c_void, b as usize) as c_long };
    }
    // The system call does not read arguments that the caller did not pass.
    let call = || next!(c"syscall"(number: c_long, a: c_long, b: c_long, c: c_long, d: c_long, e: c_long, f: c_long) -> c_long, or -1);
    if number != libc::SYS_futex || !on() || !waits(b) {
        return call();
    }
    if escapes::is_looked_at() {
        return call();
    }
    let (began, answer) = (steady_ns(), call());
    escapes::notice_wait(steady_ns() - began);
    answer
}

/// Whether this futex operation waits.
fn waits(operation: c_long) -> bool {
    let command = operation as c_int & libc::FUTEX_CMD_MASK;
    command == libc::FUTEX_WAIT || command == libc::FUTEX_WAIT_BITSET
}

/// Fills a buffer from this thread's entropy. Returns 0 for a length of 0, as the probes of some
/// libraries expect.
///
/// # Safety
///
/// `buffer` is valid for writes of `length` bytes.
unsafe fn fill(buffer: *mut c_void, length: usize) -> isize {
    if length == 0 || buffer.is_null() {
        return 0;
    }
    VIRTUAL.with(|v| {
        let mut stream = Seed(v.entropy.get()).stream();
        // SAFETY: this function's own contract.
        let bytes = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length) };
        stream.fill(bytes);
        v.entropy.set(stream.state());
    });
    length as isize
}

#[cfg(test)]
mod tests {
    //! Unit tests, because calling a C function is `unsafe`, which is allowed only in this file.

    /// Some libraries probe for the system call with a length of 0.
    #[test]
    fn asking_for_no_entropy_is_no_error() {
        fn probe() -> (isize, i64) {
            let nothing = std::ptr::null_mut::<libc::c_void>();
            // SAFETY: for a length of 0 nothing is written.
            unsafe { (libc::getrandom(nothing, 0, 0), libc::syscall(libc::SYS_getrandom, nothing, 0_usize, 0)) }
        }
        super::enter(0, &crate::seed::Seed(1).stream());
        let inside = probe();
        super::leave();
        assert_eq!(inside, (0, 0));
        assert_eq!(probe(), (0, 0), "as outside of a simulation");
    }

    /// The time that each of C's wall clocks shows, in nanoseconds, to its own precision.
    fn wall_clocks() -> [u64; 7] {
        let second = 1_000_000_000;
        let by_id = |clock| {
            let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            // SAFETY: the pointer is to a local.
            assert_eq!(unsafe { libc::clock_gettime(clock, &raw mut time) }, 0);
            time.tv_sec as u64 * second + time.tv_nsec as u64
        };
        let of_day = |zone: *mut libc::c_void| {
            let mut time = libc::timeval { tv_sec: 0, tv_usec: 0 };
            // SAFETY: the pointer is to a local; the zone's is null or to 8 bytes.
            assert_eq!(unsafe { libc::gettimeofday(&raw mut time, zone.cast()) }, 0);
            time.tv_sec as u64 * second + time.tv_usec as u64 * 1000
        };
        let (mut zone, mut seconds) = ([0_i32; 2], 0);
        // SAFETY: a pointer may be null, and the second is to a local.
        let returned = unsafe { (libc::time(std::ptr::null_mut()), libc::time(&raw mut seconds)).0 };
        [
            by_id(libc::CLOCK_REALTIME),
            by_id(libc::CLOCK_REALTIME_COARSE),
            by_id(libc::CLOCK_TAI),
            of_day(std::ptr::null_mut()),
            of_day((&raw mut zone).cast()),
            returned as u64 * second,
            seconds as u64 * second,
        ]
    }

    /// `ns`, to the precision of each of [`wall_clocks`].
    fn shown(ns: u64) -> [u64; 7] {
        let (micros, seconds) = (ns / 1000 * 1000, ns / 1_000_000_000 * 1_000_000_000);
        [ns, ns, ns, micros, micros, seconds, seconds]
    }

    /// The only test of this binary that warps.
    #[test]
    fn all_wall_clocks_of_c_agree() {
        const FAR_NS: u64 = 13_569_465_600_987_000_000;
        let real = || wall_clocks().into_iter().all(|ns| (1_700_000_000_000_000_000..FAR_NS / 2).contains(&ns));
        assert!(real(), "{:?}", wall_clocks());
        for ns in [0, FAR_NS] {
            super::warp(ns);
            let (here, elsewhere) = (wall_clocks(), std::thread::spawn(wall_clocks).join());
            super::enter(5_000_000_000, &crate::seed::Seed(1).stream());
            super::set_wall_ns(Some(1234));
            let simulating = wall_clocks();
            super::leave();
            super::unwarp();
            assert_eq!((here, elsewhere.ok()), (shown(ns), Some(shown(ns))));
            assert_eq!(simulating, shown(5_000_001_234), "a simulating thread keeps its own time");
        }
        assert!(real(), "{:?}", wall_clocks());
    }

    /// Like the C library, which has nowhere to write to.
    #[test]
    fn null_pointers_are_not_written_to() {
        fn probe() -> i32 {
            // SAFETY: null is allowed.
            unsafe { libc::gettimeofday(std::ptr::null_mut(), std::ptr::null_mut()) }
        }
        assert_eq!(probe(), 0);
        super::enter(0, &crate::seed::Seed(1).stream());
        let inside = probe();
        super::leave();
        assert_eq!(inside, 0);
    }
}
