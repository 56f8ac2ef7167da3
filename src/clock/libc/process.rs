//! Processes: one for each seed, a copy of this one; what they print into; and
//! what Ctrl-C does while seeds are run.
//!
//! The handler of the signal calls only what a handler may: it writes a byte into
//! a pipe, from which a thread learns of it.

use std::ffi::c_int;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

/// A process that was forked off. Whoever has it waits for it.
#[derive(Debug)]
pub(crate) struct Forked(libc::pid_t);

/// Runs `work` in a new process, a copy of this one, which then ends: well, or
/// with the code 101 after a panic.
///
/// # Errors
///
/// A sentence, where other threads run in this process, or none can be forked.
pub(crate) fn fork(work: impl FnOnce()) -> Result<Forked, String> {
    crate::clock::alone_in_process()?;
    let parent = std::process::id();
    // SAFETY: no other thread does anything (see the contract above).
    match unsafe { libc::fork() } {
        -1 => Err(format!("No process could be forked: {}.", std::io::Error::last_os_error())),
        0 => {
            end_with_parent(parent);
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            // SAFETY: ends the process; nothing runs after it.
            unsafe { libc::_exit(if done.is_ok() { 0 } else { 101 }) }
        }
        pid => Ok(Forked(pid)),
    }
}

/// Lets the system end this process, at once, when the thread that started it in
/// process `parent` ends; ends it now if that has happened.
fn end_with_parent(parent: u32) {
    // SAFETY: asks for a signal, and touches no memory.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    if std::os::unix::process::parent_id() != parent {
        // SAFETY: ends the process; nothing runs after it.
        unsafe { libc::_exit(1) };
    }
}

/// A file in memory, without a name, to print into: nobody has to read it
/// meanwhile, and no disk can be full.
pub(crate) fn memory_file() -> std::io::Result<File> {
    // SAFETY: the name is a C string; the descriptor is new and nobody else's.
    let file = unsafe {
        match libc::memfd_create(c"duroxide-sim output".as_ptr(), libc::MFD_CLOEXEC) {
            -1 => return Err(std::io::Error::last_os_error()),
            new => OwnedFd::from_raw_fd(new),
        }
    };
    // Opened once more, to append: its writers do not share a place in it.
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    std::fs::OpenOptions::new().read(true).append(true).open(path)
}

/// The pipe that the handler writes into; -1 where none is to be written into.
static BELL: AtomicI32 = AtomicI32::new(-1);

/// Rings the first time, and ends the process the second.
extern "C" fn interrupted(signal: c_int) {
    let bell = BELL.swap(-1, Ordering::Relaxed);
    // SAFETY: both may be called in a handler; the byte is a static's.
    unsafe {
        if bell == -1 || libc::write(bell, c"x".as_ptr().cast(), 1) != 1 {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
    }
}

/// Writes a byte into `bell` when the process is interrupted (SIGINT), in place
/// of ending it. Says whether it does: not where somebody else handles that
/// already, or it is ignored. `bell` has to stay open until
/// [`end_when_interrupted`].
pub(crate) fn ring_when_interrupted(bell: &impl AsRawFd) -> bool {
    BELL.store(bell.as_raw_fd(), Ordering::Relaxed);
    // SAFETY: the handler does only what a handler may.
    let before = unsafe { libc::signal(libc::SIGINT, interrupted as *const () as libc::sighandler_t) };
    if before == libc::SIG_DFL {
        return true;
    }
    // SAFETY: gives back what was there.
    unsafe { libc::signal(libc::SIGINT, before) };
    BELL.store(-1, Ordering::Relaxed);
    false
}

/// Lets an interruption end the process again, as it does unless somebody says
/// otherwise.
pub(crate) fn end_when_interrupted() {
    // SAFETY: the default is restored.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    BELL.store(-1, Ordering::Relaxed);
}

/// Ends the process as an interruption does.
pub(crate) fn end_by_interruption() {
    end_when_interrupted();
    // SAFETY: sends a signal to this thread, which ends the process.
    unsafe { libc::raise(libc::SIGINT) };
}

impl Forked {
    /// Ends the process at once.
    pub fn kill(&self) {
        // SAFETY: it has not been waited for, so the number is still its own.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
    }

    /// Waits for its end.
    pub fn wait(self) -> std::process::ExitStatus {
        let mut status = 0;
        // SAFETY: the pointer is to a local.
        while unsafe { libc::waitpid(self.0, &raw mut status, 0) } == -1
            && std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted
        {}
        std::os::unix::process::ExitStatusExt::from_raw(status)
    }
}
