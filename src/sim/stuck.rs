//! [`Stuck`]: a simulation's thread that does not answer.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::no_progress::Code;

/// What is known about a simulation's thread that does not answer ([`super::Cause::Hang`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// The code that was being polled, if known.
    pub code: Option<Code>,
    /// Whether the thread is running. Otherwise it is blocked.
    pub busy: bool,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = |f: &mut fmt::Formatter<'_>| match &self.code {
            Some(code) => write!(f, "{code}"),
            None => f.write_str("code that is not visible from outside, such as a spawned task"),
        };
        if self.busy {
            f.write_str("the simulation's thread was abandoned, because ")?;
            code(f)?;
            return f.write_str(
                " keeps it busy and never yields to other tasks: it loops without an await (a loop of \
                 std::thread::yield_now does too), or computes for longer than Limits::stuck. Let it end, or await \
                 something in it (tokio::task::yield_now).",
            );
        }
        f.write_str("the simulation's thread does not answer and was abandoned. It is blocked on real time in ")?;
        code(f)?;
        f.write_str(
            ": by a lock, another thread, or a wait of std with a time-out (Condvar::wait_timeout, \
             thread::park_timeout, mpsc::recv_timeout), which does not follow the virtual clock. Use tokio's \
             equivalents in a simulation.",
        )
    }
}
