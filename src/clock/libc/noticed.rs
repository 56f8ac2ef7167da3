//! The functions that are noticed on a simulating thread, and then done.

use std::ffi::{c_int, c_void};

use super::next::next;
use crate::clock::strays::{self, Stray};

/// Names the functions; see the caller.
pub(super) fn link() {
    std::hint::black_box((nanosleep as *const c_void, clock_nanosleep as *const c_void));
    std::hint::black_box(pthread_create as *const c_void);
}

/// What a thread begins with.
type Start = extern "C" fn(*mut c_void) -> *mut c_void;

/// # Safety
///
/// As for the C function.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_create(
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    strays::notice(Stray::Thread);
    next!(c"pthread_create"(
        thread: *mut libc::pthread_t, attributes: *const libc::pthread_attr_t, start: Start, argument: *mut c_void
    ) -> c_int, or libc::EAGAIN)
}

/// # Safety
///
/// As for the C function: `left` is null or valid for a write.
#[unsafe(no_mangle)]
unsafe extern "C" fn nanosleep(time: *const libc::timespec, left: *mut libc::timespec) -> c_int {
    strays::notice(Stray::Sleep);
    next!(c"nanosleep"(time: *const libc::timespec, left: *mut libc::timespec) -> c_int, or -1)
}

/// # Safety
///
/// As for the C function: `left` is null or valid for a write.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_nanosleep(
    clock: libc::clockid_t,
    flags: c_int,
    time: *const libc::timespec,
    left: *mut libc::timespec,
) -> c_int {
    strays::notice(Stray::Sleep);
    next!(c"clock_nanosleep"(
        clock: libc::clockid_t, flags: c_int, time: *const libc::timespec, left: *mut libc::timespec
    ) -> c_int, or libc::EINVAL)
}
