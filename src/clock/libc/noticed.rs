//! Functions that are recorded as escapes on a simulating thread, and then carried out.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::Arc;

use super::next::next;
use crate::clock::escapes::{self, Escape};
use crate::clock::yields;

/// References the functions; see the caller.
pub(super) fn link() {
    std::hint::black_box((nanosleep as *const c_void, clock_nanosleep as *const c_void, sched_yield as *const c_void));
    std::hint::black_box((pthread_create as *const c_void, connect as *const c_void, bind as *const c_void));
    std::hint::black_box((sendto as *const c_void, sendmsg as *const c_void, getaddrinfo as *const c_void));
    std::hint::black_box((open as *const c_void, open64 as *const c_void, openat as *const c_void));
    std::hint::black_box((openat64 as *const c_void, creat as *const c_void, creat64 as *const c_void));
    std::hint::black_box((mkdir as *const c_void, rmdir as *const c_void, unlink as *const c_void));
    std::hint::black_box((rename as *const c_void, posix_spawn as *const c_void, posix_spawnp as *const c_void));
    std::hint::black_box((fork as *const c_void, execve as *const c_void, getenv as *const c_void));
}

/// The start function of a thread.
type Start = unsafe extern "C-unwind" fn(*mut c_void) -> *mut c_void;

/// The start function and argument of a thread whose escapes are recorded.
struct Begin {
    started: Arc<escapes::Started>,
    start: Start,
    argument: *mut c_void,
}

/// Runs on a new thread that was started by a simulating thread, directly or indirectly.
///
/// # Safety
///
/// `begin` is a leaked box of a [`Begin`] that only this thread owns.
unsafe extern "C-unwind" fn begin(begin: *mut c_void) -> *mut c_void {
    // SAFETY: this function's own contract.
    let Begin { started, start, argument } = *unsafe { Box::from_raw(begin.cast::<Begin>()) };
    started.adopt();
    // SAFETY: this is the call that the thread's creator requested.
    unsafe { start(argument) }
}

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
    escapes::notice(Escape::Thread);
    let boxed = escapes::started().map(|started| Box::into_raw(Box::new(Begin { started, start, argument })));
    let (start, argument) = boxed.map_or((start, argument), |boxed| (begin as Start, boxed.cast::<c_void>()));
    let answer = next!(c"pthread_create"(
        thread: *mut libc::pthread_t, attributes: *const libc::pthread_attr_t, start: Start, argument: *mut c_void
    ) -> c_int, or libc::EAGAIN);
    if let Some(boxed) = boxed.filter(|_| answer != 0) {
        // SAFETY: this function leaked the box, and no thread was created to take it.
        drop(unsafe { Box::from_raw(boxed) });
    }
    answer
}

/// # Safety
///
/// As for the C function: `left` is null or valid for a write.
#[unsafe(no_mangle)]
unsafe extern "C" fn nanosleep(time: *const libc::timespec, left: *mut libc::timespec) -> c_int {
    escapes::notice(Escape::Sleep);
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
    escapes::notice(Escape::Sleep);
    next!(c"clock_nanosleep"(
        clock: libc::clockid_t, flags: c_int, time: *const libc::timespec, left: *mut libc::timespec
    ) -> c_int, or libc::EINVAL)
}

/// # Safety
///
/// As for the C function.
#[unsafe(no_mangle)]
unsafe extern "C" fn sched_yield() -> c_int {
    yields::notice();
    next!(c"sched_yield"() -> c_int, or -1)
}

/// # Safety
///
/// As for the C function.
#[unsafe(no_mangle)]
unsafe extern "C" fn connect(socket: c_int, address: *const libc::sockaddr, length: libc::socklen_t) -> c_int {
    escapes::notice(Escape::Network);
    next!(c"connect"(socket: c_int, address: *const libc::sockaddr, length: libc::socklen_t) -> c_int, or -1)
}

/// # Safety
///
/// As for the C function.
#[unsafe(no_mangle)]
unsafe extern "C" fn bind(socket: c_int, address: *const libc::sockaddr, length: libc::socklen_t) -> c_int {
    escapes::notice(Escape::Network);
    next!(c"bind"(socket: c_int, address: *const libc::sockaddr, length: libc::socklen_t) -> c_int, or -1)
}

/// # Safety
///
/// As for the C function.
#[unsafe(no_mangle)]
unsafe extern "C" fn sendto(
    socket: c_int,
    bytes: *const c_void,
    length: usize,
    flags: c_int,
    address: *const libc::sockaddr,
    address_length: libc::socklen_t,
) -> isize {
    escapes::notice(Escape::Network);
    next!(c"sendto"(
        socket: c_int, bytes: *const c_void, length: usize, flags: c_int, address: *const libc::sockaddr,
        address_length: libc::socklen_t
    ) -> isize, or -1)
}

/// # Safety
///
/// As for the C function.
#[unsafe(no_mangle)]
unsafe extern "C" fn sendmsg(socket: c_int, message: *const libc::msghdr, flags: c_int) -> isize {
    escapes::notice(Escape::Network);
    next!(c"sendmsg"(socket: c_int, message: *const libc::msghdr, flags: c_int) -> isize, or -1)
}

/// # Safety
///
/// As for the C function.
#[unsafe(no_mangle)]
unsafe extern "C" fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const libc::addrinfo,
    found: *mut *mut libc::addrinfo,
) -> c_int {
    escapes::notice(Escape::Network);
    next!(c"getaddrinfo"(
        node: *const c_char, service: *const c_char, hints: *const libc::addrinfo, found: *mut *mut libc::addrinfo
    ) -> c_int, or libc::EAI_FAIL)
}

/// Records that a file is opened, unless only for reading. Writing to `/dev/null` has no effect and
/// is not recorded.
///
/// # Safety
///
/// `path` is null or a C string.
unsafe fn opens(path: *const c_char, flags: c_int) {
    let writes = flags & libc::O_ACCMODE != libc::O_RDONLY || flags & libc::O_CREAT != 0;
    // SAFETY: the caller's path is a C string.
    if writes && !path.is_null() && unsafe { CStr::from_ptr(path) } != c"/dev/null" {
        escapes::notice(Escape::File);
    }
}

/// Defines C functions that open files. The mode is variadic in C, which makes no difference here
/// (see `syscall`).
macro_rules! opening {
    ($($name:ident, $text:literal;)*) => {$(
        /// # Safety
        ///
        /// As for the C function.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(path: *const c_char, flags: c_int, mode: libc::mode_t) -> c_int {
            // SAFETY: the caller's path.
            unsafe { opens(path, flags) };
            next!($text(path: *const c_char, flags: c_int, mode: libc::mode_t) -> c_int, or -1)
        }
    )*};
}

/// Like `opening!`, for functions that open a path relative to a folder.
macro_rules! opening_at {
    ($($name:ident, $text:literal;)*) => {$(
        /// # Safety
        ///
        /// As for the C function.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(folder: c_int, path: *const c_char, flags: c_int, mode: libc::mode_t) -> c_int {
            // SAFETY: the caller's path.
            unsafe { opens(path, flags) };
            next!($text(folder: c_int, path: *const c_char, flags: c_int, mode: libc::mode_t) -> c_int, or -1)
        }
    )*};
}

/// Defines C functions that create, remove or rename files.
macro_rules! changing {
    ($($name:ident, $text:literal($($argument:ident: $type:ty),*);)*) => {$(
        /// # Safety
        ///
        /// As for the C function.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($argument: $type),*) -> c_int {
            escapes::notice(Escape::File);
            next!($text($($argument: $type),*) -> c_int, or -1)
        }
    )*};
}

opening! {
    open, c"open";
    open64, c"open64";
}

opening_at! {
    openat, c"openat";
    openat64, c"openat64";
}

changing! {
    creat, c"creat"(path: *const c_char, mode: libc::mode_t);
    creat64, c"creat64"(path: *const c_char, mode: libc::mode_t);
    mkdir, c"mkdir"(path: *const c_char, mode: libc::mode_t);
    rmdir, c"rmdir"(path: *const c_char);
    unlink, c"unlink"(path: *const c_char);
    rename, c"rename"(from: *const c_char, to: *const c_char);
}

/// Defines C functions that start a process from a program.
macro_rules! spawning {
    ($($name:ident, $text:literal;)*) => {$(
        /// # Safety
        ///
        /// As for the C function.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(
            pid: *mut libc::pid_t,
            program: *const c_char,
            actions: *const libc::posix_spawn_file_actions_t,
            attributes: *const libc::posix_spawnattr_t,
            arguments: *const *mut c_char,
            environment: *const *mut c_char,
        ) -> c_int {
            escapes::notice(Escape::Process);
            next!($text(
                pid: *mut libc::pid_t, program: *const c_char, actions: *const libc::posix_spawn_file_actions_t,
                attributes: *const libc::posix_spawnattr_t, arguments: *const *mut c_char,
                environment: *const *mut c_char
            ) -> c_int, or libc::ENOSYS)
        }
    )*};
}

spawning! {
    posix_spawn, c"posix_spawn";
    posix_spawnp, c"posix_spawnp";
}

/// # Safety
///
/// As for the C function.
#[unsafe(no_mangle)]
unsafe extern "C" fn fork() -> libc::pid_t {
    escapes::notice(Escape::Process);
    next!(c"fork"() -> libc::pid_t, or -1)
}

/// # Safety
///
/// As for the C function.
#[unsafe(no_mangle)]
unsafe extern "C" fn execve(
    program: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
) -> c_int {
    escapes::notice(Escape::Process);
    next!(c"execve"(program: *const c_char, arguments: *const *const c_char, environment: *const *const c_char) -> c_int, or -1)
}

/// A duroxide runtime reads `RUST_LOG` when it starts, just before it reads the wall clock for its
/// id.
///
/// # Safety
///
/// As for the C function: `name` is a C string.
#[unsafe(no_mangle)]
unsafe extern "C" fn getenv(name: *const c_char) -> *mut c_char {
    // SAFETY: the caller's name is a C string.
    if super::on() && !name.is_null() && unsafe { CStr::from_ptr(name) } == c"RUST_LOG" {
        super::runtime_starts();
    }
    next!(c"getenv"(name: *const c_char) -> *mut c_char, or std::ptr::null_mut())
}
