//! Processes: forking one per seed, a file for their output, and handling of Ctrl-C while seeds
//! run.
//!
//! The signal handler calls only async-signal-safe functions: it writes a byte into a pipe that a
//! thread reads.

use std::ffi::c_int;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

/// A forked process. Its owner must wait for it.
#[derive(Debug)]
pub(crate) struct Forked(libc::pid_t);

/// Runs `work` in a forked copy of this process, which then exits: with code 0, or with 101 after a
/// panic.
///
/// # Errors
///
/// A sentence, if other threads are active in this process or the fork fails.
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

/// Makes the kernel kill this process when the thread that started it in process `parent` ends;
/// exits now if that has already happened.
fn end_with_parent(parent: u32) {
    // SAFETY: asks for a signal, and touches no memory.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    if std::os::unix::process::parent_id() != parent {
        // SAFETY: ends the process; nothing runs after it.
        unsafe { libc::_exit(1) };
    }
}

/// Creates an unnamed file in memory for output. Unlike a pipe it needs no reader, and unlike a
/// file on disk it cannot fill the disk.
pub(crate) fn memory_file() -> std::io::Result<File> {
    // SAFETY: the name is a C string; the descriptor is new and not used elsewhere.
    let file = unsafe {
        match libc::memfd_create(c"duroxide-sim output".as_ptr(), libc::MFD_CLOEXEC) {
            -1 => return Err(std::io::Error::last_os_error()),
            new => OwnedFd::from_raw_fd(new),
        }
    };
    // Opened again in append mode, so that concurrent writers do not share a file position.
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    std::fs::OpenOptions::new().read(true).append(true).open(path)
}

/// The pipe that the signal handler writes into; -1 if there is none.
static BELL: AtomicI32 = AtomicI32::new(-1);

/// The signal handler: writes to the pipe the first time, and ends the process the second time.
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

/// On SIGINT, writes a byte into `bell` instead of ending the process. Returns whether that was set
/// up; it is not if other code handles SIGINT or ignores it. `bell` must stay open until
/// [`end_when_interrupted`].
pub(crate) fn ring_when_interrupted(bell: &impl AsRawFd) -> bool {
    BELL.store(bell.as_raw_fd(), Ordering::Relaxed);
    // SAFETY: the handler does only what a handler may.
    let before = unsafe { libc::signal(libc::SIGINT, interrupted as *const () as libc::sighandler_t) };
    if before == libc::SIG_DFL {
        return true;
    }
    // SAFETY: restores the previous action.
    unsafe { libc::signal(libc::SIGINT, before) };
    BELL.store(-1, Ordering::Relaxed);
    false
}

/// Restores the default action of SIGINT, which ends the process.
pub(crate) fn end_when_interrupted() {
    // SAFETY: the default is restored.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    BELL.store(-1, Ordering::Relaxed);
}

/// Ends the process as an unhandled SIGINT does.
pub(crate) fn end_by_interruption() {
    end_when_interrupted();
    // SAFETY: sends a signal to this thread, which ends the process.
    unsafe { libc::raise(libc::SIGINT) };
}

impl Forked {
    /// Kills the process.
    pub fn kill(&self) {
        // SAFETY: the process has not been waited for, so its id is still its own.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
    }

    /// Waits until the process ends.
    pub fn wait(self) -> std::process::ExitStatus {
        let mut status = 0;
        // SAFETY: the pointer is to a local.
        while unsafe { libc::waitpid(self.0, &raw mut status, 0) } == -1
            && std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted
        {}
        std::os::unix::process::ExitStatusExt::from_raw(status)
    }
}
