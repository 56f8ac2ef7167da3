//! [`Pace`]: how time passes while a script runs.
//!
//! It moves time and says what time it is; what that means for a lock is the
//! oracle's to say.

use std::time::Duration;

use crate::clock::{self, Time};

/// How time passes.
#[derive(Debug)]
pub(crate) enum Pace {
    /// The thread is on virtual time, and the provider follows it.
    Virtual,
}

impl Pace {
    /// The time that a call made now is answered at.
    pub fn now(&self) -> Time {
        match self {
            Pace::Virtual => clock::now(),
        }
    }

    /// Lets `ms` milliseconds pass.
    pub async fn wait(&mut self, ms: u64) {
        match self {
            Pace::Virtual => clock::sleep_until(clock::now() + Duration::from_millis(ms)).await,
        }
    }
}
