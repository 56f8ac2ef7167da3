//! The clock and entropy symbols of the C library, for simulating threads.
//!
//! This is the one file of the crate with `unsafe` in it. Its contract:
//!
//! - `clock_gettime`, `getrandom` and `syscall` are defined here under their C
//!   names and so win over the C library's in every binary that links this
//!   crate. On a thread that is not simulating they call the next definition
//!   (found once by `dlsym(RTLD_NEXT)`), with the caller's own arguments: for
//!   such a thread nothing changes but one thread-local read, and the clock
//!   still goes through the vDSO.
//! - On a simulating thread `clock_gettime` answers the wall and monotonic
//!   clocks from [`VIRTUAL`], and `getrandom` (also through `syscall`) answers
//!   from the seed. Everything else falls through.
//! - The overrides never allocate, panic, lock or call back into Rust's
//!   runtime: they can run inside an allocator, a lock or a thread's exit.
//!   The thread-local is `const` and has no destructor, so it is there from a
//!   thread's first instruction to its last.
//! - Pointers come from the caller under the C functions' own contracts; each
//!   is written only where the C function would write it.
//! - `syscall` is variadic in C. On x86-64 and AArch64 Linux a variadic call
//!   passes integer arguments as a plain call does, so a definition with six
//!   of them sees what the caller passed, and forwards as many.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_long, c_uint, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::seed::{Seed, Stream};

/// Whether virtual time can reach std in this build.
pub(crate) const SUPPORTED: bool = true;

/// The state of one thread's simulation.
struct Virtual {
    on: Cell<bool>,
    now_ns: Cell<u64>,
    /// Added to the wall clock alone, below a millisecond.
    wall_ns: Cell<u64>,
    entropy: Cell<u64>,
}

thread_local! {
    static VIRTUAL: Virtual = const {
        Virtual {
            on: Cell::new(false),
            now_ns: Cell::new(0),
            wall_ns: Cell::new(0),
            entropy: Cell::new(0),
        }
    };
}

/// Makes this thread a simulating one.
pub(super) fn enter(now_ns: u64, entropy: &Stream) {
    VIRTUAL.with(|v| {
        v.now_ns.set(now_ns);
        v.wall_ns.set(0);
        v.entropy.set(entropy.state());
        v.on.set(true);
    });
    // Naming the functions pulls their object file into every binary that can
    // simulate; an archive member nobody names may be left out by the linker.
    std::hint::black_box((clock_gettime as *const c_void, getrandom as *const c_void, syscall as *const c_void));
}

/// Gives this thread the real clock back.
pub(super) fn leave() {
    VIRTUAL.with(|v| v.on.set(false));
}

/// Whether this thread simulates.
pub(super) fn on() -> bool {
    VIRTUAL.with(|v| v.on.get())
}

/// Virtual nanoseconds since the epoch, on a simulating thread.
pub(super) fn now_ns() -> u64 {
    VIRTUAL.with(|v| v.now_ns.get())
}

/// Moves virtual time.
pub(super) fn set_ns(now_ns: u64) {
    VIRTUAL.with(|v| v.now_ns.set(now_ns));
}

/// Shifts the wall clock, and only it, by less than a millisecond.
pub(super) fn set_wall_ns(wall_ns: u64) {
    VIRTUAL.with(|v| v.wall_ns.set(wall_ns));
}

/// # Safety
///
/// As for the C function: `time` is null or valid for a write.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    let wall = matches!(clock, libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE | libc::CLOCK_TAI);
    let steady = matches!(
        clock,
        libc::CLOCK_MONOTONIC | libc::CLOCK_MONOTONIC_RAW | libc::CLOCK_MONOTONIC_COARSE | libc::CLOCK_BOOTTIME
    );
    if on() && (wall || steady) && !time.is_null() {
        let shift = if wall { VIRTUAL.with(|v| v.wall_ns.get()) } else { 0 };
        let ns = now_ns().saturating_add(shift);
        // SAFETY: the caller's pointer is valid for a write, and not null.
        unsafe {
            (*time).tv_sec = (ns / 1_000_000_000) as libc::time_t;
            (*time).tv_nsec = (ns % 1_000_000_000) as c_long;
        }
        return 0;
    }
    static REAL: Next = Next::new(c"clock_gettime");
    type Function = unsafe extern "C" fn(libc::clockid_t, *mut libc::timespec) -> c_int;
    match REAL.address() {
        0 => -1,
        // SAFETY: the address is that of the C library's function of this
        // name and type; the arguments are the caller's.
        real => unsafe { std::mem::transmute::<usize, Function>(real)(clock, time) },
    }
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
    static REAL: Next = Next::new(c"getrandom");
    type Function = unsafe extern "C" fn(*mut c_void, usize, c_uint) -> isize;
    match REAL.address() {
        0 => -1,
        // SAFETY: the C library's function of this name and type, with the
        // caller's arguments.
        real => unsafe { std::mem::transmute::<usize, Function>(real)(buffer, length, flags) },
    }
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
    static REAL: Next = Next::new(c"syscall");
    type Function = unsafe extern "C" fn(c_long, c_long, c_long, c_long, c_long, c_long, c_long) -> c_long;
    match REAL.address() {
        0 => -1,
        // SAFETY: the C library's function, with the caller's arguments; what
        // the caller did not pass, the system call does not read.
        real => unsafe { std::mem::transmute::<usize, Function>(real)(number, a, b, c, d, e, f) },
    }
}

/// Fills a buffer from this thread's entropy. A length of 0 answers 0, as the
/// probe of some libraries expects.
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

/// The next definition of a symbol after ours, looked up once.
struct Next {
    name: &'static std::ffi::CStr,
    address: AtomicUsize,
}

impl Next {
    const fn new(name: &'static std::ffi::CStr) -> Next {
        Next { name, address: AtomicUsize::new(0) }
    }

    fn address(&self) -> usize {
        let known = self.address.load(Ordering::Relaxed);
        if known != 0 {
            return known;
        }
        // SAFETY: the name is a C string, and dlsym may be called anywhere.
        let found = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr() as *const c_char) } as usize;
        self.address.store(found, Ordering::Relaxed);
        found
    }
}

#[cfg(test)]
mod tests {
    //! Here and not among the other tests, because to call a C function is
    //! `unsafe`, and that is kept in this file.

    /// Some libraries ask for nothing first, to see whether there is such a call.
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
}
