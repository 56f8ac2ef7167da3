//! The stack of another thread that does not respond.
//!
//! A signal interrupts the thread, and its handler captures a backtrace, which allocates. The
//! handler therefore does so only if the thread was not inside the C library, whose allocator lock
//! it may hold; otherwise the thread is interrupted again a moment later. A blocked thread is
//! always inside the C library, but almost never in its allocator, so its backtrace is captured
//! anyway. In either case the thread is not used again afterwards.

use std::backtrace::Backtrace;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// Serializes the captures.
static ONE: Mutex<()> = Mutex::new(());
/// The backtrace that the handler captured.
static FOUND: Mutex<Option<Backtrace>> = Mutex::new(None);
/// The state of the handler.
static STATE: AtomicU8 = AtomicU8::new(ASKED);
/// Whether the handler may capture a backtrace inside the C library.
static ANYWHERE: AtomicBool = AtomicBool::new(false);
/// The address range of the C library's code.
static C_LIBRARY: (AtomicUsize, AtomicUsize) = (AtomicUsize::new(0), AtomicUsize::new(0));

const ASKED: u8 = 0;
const INSIDE: u8 = 1;
const DONE: u8 = 2;

/// Returns the stack of the thread `id` of this process, if it can be captured within a second.
pub(in crate::clock) fn stack_of(id: libc::pid_t, is_blocked: bool) -> Option<Backtrace> {
    const TRIES: u32 = 100;
    const PAUSE: Duration = Duration::from_millis(10);
    let _one = ONE.lock();
    let (from, to) = c_library()?;
    C_LIBRARY.0.store(from, Ordering::Relaxed);
    C_LIBRARY.1.store(to, Ordering::Relaxed);
    ANYWHERE.store(is_blocked, Ordering::Relaxed);
    FOUND.lock().take();
    let before = handle(interrupted as *const () as libc::sighandler_t)?;
    STATE.store(INSIDE, Ordering::Release);
    for _ in 0..TRIES {
        if STATE.load(Ordering::Acquire) == INSIDE {
            STATE.store(ASKED, Ordering::Release);
            // SAFETY: sends a signal to a thread of this process, if it exists.
            unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), id, libc::SIGURG) };
        }
        std::thread::sleep(PAUSE);
        if STATE.load(Ordering::Acquire) == DONE {
            break;
        }
    }
    // SAFETY: restores the previous action.
    unsafe { libc::sigaction(libc::SIGURG, &raw const before, std::ptr::null_mut()) };
    FOUND.try_lock().and_then(|mut found| found.take())
}

/// Installs the signal handler, unless other code handles the signal, which is ignored by default.
/// Returns the previous action, or `None` if the handler was not installed.
fn handle(handler: libc::sighandler_t) -> Option<libc::sigaction> {
    // SAFETY: both are plain data, for which zeros are a value; the pointers are to locals.
    unsafe {
        let (mut new, mut before): (libc::sigaction, libc::sigaction) = std::mem::zeroed();
        libc::sigaction(libc::SIGURG, std::ptr::null(), &raw mut before);
        if before.sa_sigaction != libc::SIG_DFL && before.sa_sigaction != libc::SIG_IGN {
            return None;
        }
        new.sa_sigaction = handler;
        new.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        (libc::sigaction(libc::SIGURG, &raw const new, std::ptr::null_mut()) == 0).then_some(before)
    }
}

/// Captures the backtrace of the thread that it interrupts.
extern "C" fn interrupted(_: c_int, _: *const libc::siginfo_t, context: *const c_void) {
    // A second signal may arrive after the first one was handled.
    if STATE.load(Ordering::Acquire) != ASKED {
        return;
    }
    // SAFETY: the kernel gives a handler with SA_SIGINFO the context of what it interrupts.
    let at = unsafe { instruction(&*context.cast::<libc::ucontext_t>()) };
    let inside = (C_LIBRARY.0.load(Ordering::Relaxed)..C_LIBRARY.1.load(Ordering::Relaxed)).contains(&at);
    if inside && !ANYWHERE.load(Ordering::Relaxed) {
        STATE.store(INSIDE, Ordering::Release);
        return;
    }
    let stack = Backtrace::force_capture();
    if let Some(mut found) = FOUND.try_lock() {
        *found = Some(stack);
    }
    STATE.store(DONE, Ordering::Release);
}

/// The address of the interrupted instruction.
#[cfg(target_arch = "x86_64")]
fn instruction(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.gregs[libc::REG_RIP as usize] as usize
}

#[cfg(target_arch = "aarch64")]
fn instruction(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.pc as usize
}

/// Finds the address range of the C library's code.
fn c_library() -> Option<(usize, usize)> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let code =
        |line: &&str| line.contains(" r-xp ") && line.rsplit('/').next().is_some_and(|name| name.starts_with("libc"));
    let (range, _) = maps.lines().find(code)?.split_once(' ')?;
    let (from, to) = range.split_once('-')?;
    Some((usize::from_str_radix(from, 16).ok()?, usize::from_str_radix(to, 16).ok()?))
}
