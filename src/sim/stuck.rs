//! [`Stuck`]: what is known of a thread that does not answer.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::no_progress::Code;

/// What is known of a simulation's thread that does not answer ([`super::Cause::Hang`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// The code that was being polled, where that is known.
    pub code: Option<Code>,
    /// Whether the thread runs, and does not wait.
    pub busy: bool,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = |f: &mut fmt::Formatter<'_>| match &self.code {
            Some(code) => write!(f, "{code}"),
            None => f.write_str("code that is not seen from outside, such as a spawned task"),
        };
        if self.busy {
            f.write_str("the simulation's thread was given up, because ")?;
            code(f)?;
            return f.write_str(
                " keeps it busy and never yields: a loop without an await, or a computation of more than Limits::stuck. \
                 Let it end, or await something in it (tokio::task::yield_now).",
            );
        }
        f.write_str("the simulation's thread does not answer and was given up. It is blocked on real time in ")?;
        code(f)?;
        f.write_str(
            ": by a lock, another thread, or one of std's waits with a time-out (Condvar::wait_timeout, \
             thread::park_timeout, mpsc::recv_timeout), which do not follow the virtual clock. Use tokio's in a \
             simulation.",
        )
    }
}
