//! A process for each seed: a copy of this one.

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
    // SAFETY: no other thread does anything (see the contract above).
    match unsafe { libc::fork() } {
        -1 => Err(format!("No process could be forked: {}.", std::io::Error::last_os_error())),
        0 => {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            // SAFETY: ends the process; nothing runs after it.
            unsafe { libc::_exit(if done.is_ok() { 0 } else { 101 }) }
        }
        pid => Ok(Forked(pid)),
    }
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
