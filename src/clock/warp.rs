//! The warp: the wall clock of the whole process stands still, and moves forward only on command.
//!
//! This file ensures that only one warp is active, and keeps the clock's time and bounds; `libc.rs`
//! makes the process see it. A warp moves no monotonic clock and no simulation's clock, it wakes no
//! tasks, and it does not decide when to move.

use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::MutexGuard;

use super::{Time, libc};

/// The lock that the active warp holds. It is tokio's, because that is fair and works across
/// runtimes.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The latest time that any warp has reached.
static LATEST: Mutex<Option<Time>> = Mutex::new(None);

/// A wall clock that stands still, from start to drop.
///
/// It is for storage that cannot be simulated, because it has its own threads or waits for the
/// network, and that reads the system clock in this process. Locks of hours expire on command,
/// exact to the millisecond, without sleeping. `SystemTime` stands still on every thread that is
/// not simulating, and so do C's wall clocks (which SQLite's `CURRENT_TIMESTAMP` reads). `Instant`
/// and tokio's timers stay real, so connection pools and timeouts keep working.
///
/// ```standalone_crate
/// use std::time::{Duration, SystemTime};
/// use duroxide_sim::clock::Warp;
///
/// # fn main() -> Result<(), duroxide_sim::clock::WarpError> {
/// let warp = Warp::start(None)?;
/// let before = SystemTime::now();
/// warp.advance(Duration::from_secs(3600))?;
/// assert_eq!(before.elapsed().ok(), Some(Duration::from_secs(3600)));
/// # Ok(())
/// # }
/// ```
///
/// # The whole process is warped
///
/// All code in the process reads the same clock, so a test that measures or waits for wall time
/// does not work beside a test that warps. Tests that warp queue up with [`Warp::claim`]; tests
/// that need the real time belong in another binary or process.
///
/// # Time goes back at the end
///
/// Dropping the warp restores the real time, which may lie **before** the time that the warp has
/// reached. For storage that keeps timestamps, start the next warp where the last one ended, or at
/// the current time if that is later:
///
/// ```standalone_crate
/// # use duroxide_sim::clock::{self, Warp, WarpError};
/// # async fn next() -> Result<Warp, WarpError> {
/// let turn = Warp::claim().await?;
/// turn.start(Warp::latest().max(Some(clock::now())))
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(next()).unwrap();
/// ```
///
/// # Limits
///
/// - Simulating threads have their own time, inside and outside of a warp.
/// - A warp wakes no tasks. A wait for a wall-clock time (such as a long poll of
///   [`Memory`](crate::Memory)) has become a sleep on monotonic time, and continues: fetch without
///   a poll timeout, and move the clock between fetches.
/// - Other processes, such as a database server or a child process, keep the real time, and so does
///   the kernel (file times, the deadline of a `pthread_cond_timedwait` on the wall clock).
/// - Code that checks the date sees the warp's, for example when verifying a TLS certificate. Ids
///   made only from the time repeat while the clock stands still.
#[derive(Debug)]
#[must_use = "a warp ends when it is dropped"]
pub struct Warp {
    at: Mutex<Time>,
    _turn: MutexGuard<'static, ()>,
}

/// The exclusive right to start the next warp of this process, from [`Warp::claim`] to drop.
#[derive(Debug)]
#[must_use = "a claim that is dropped lets the next one in"]
pub struct Claim {
    turn: MutexGuard<'static, ()>,
}

impl Warp {
    /// Stops the wall clock at `at`, or at the current whole millisecond if it is `None`.
    ///
    /// `at` may also lie in the past.
    ///
    /// # Errors
    ///
    /// [`WarpError::Taken`] if another warp is active or claimed: this function never waits
    /// ([`Warp::claim`] does). Also every error of [`Claim::start`].
    pub fn start(at: Option<Time>) -> Result<Warp, WarpError> {
        possible()?;
        let turn = TURN.try_lock().map_err(|_| WarpError::Taken)?;
        Claim { turn }.start(at)
    }

    /// Waits until no other warp is active. Waiting callers are served in order, on any thread and
    /// in any runtime.
    ///
    /// A caller that already holds a warp deadlocks.
    ///
    /// # Errors
    ///
    /// [`WarpError::Unsupported`] and [`WarpError::Simulating`], at once.
    pub async fn claim() -> Result<Claim, WarpError> {
        possible()?;
        Ok(Claim { turn: TURN.lock().await })
    }

    /// Returns the time that the wall clock shows.
    pub fn now(&self) -> Time {
        *self.at.lock()
    }

    /// Moves the wall clock forward and returns the new time. A duration that is not in whole
    /// milliseconds is rounded up.
    ///
    /// # Errors
    ///
    /// [`WarpError::PastTheEnd`] if the clock cannot show that moment; the clock has not moved
    /// then.
    pub fn advance(&self, by: Duration) -> Result<Time, WarpError> {
        let mut at = self.at.lock();
        *at = put(*at + by)?;
        Ok(*at)
    }

    /// Returns the latest time that any warp in this process has reached, if there was one.
    pub fn latest() -> Option<Time> {
        *LATEST.lock()
    }
}

impl Claim {
    /// Stops the wall clock at `at`, or at the current whole millisecond. See [`Warp::start`].
    ///
    /// # Errors
    ///
    /// [`WarpError::PastTheEnd`] if the clock cannot show `at`, and [`WarpError::Simulating`] on a
    /// simulation's thread. The claim is released in both cases.
    pub fn start(self, at: Option<Time>) -> Result<Warp, WarpError> {
        // The claim may have been moved into a simulation.
        possible()?;
        let at = put(at.unwrap_or_else(super::now))?;
        Ok(Warp { at: Mutex::new(at), _turn: self.turn })
    }
}

impl Drop for Warp {
    fn drop(&mut self) {
        // The lock is released after this, when its field is dropped.
        libc::unwarp();
    }
}

fn possible() -> Result<(), WarpError> {
    if !libc::SUPPORTED {
        return Err(WarpError::Unsupported);
    }
    if libc::on() { Err(WarpError::Simulating) } else { Ok(()) }
}

/// Sets the wall clock to `to`, if the clock can show that time.
fn put(to: Time) -> Result<Time, WarpError> {
    if to > Time::LAST {
        return Err(WarpError::PastTheEnd(to));
    }
    libc::warp(to.as_nanos());
    let mut latest = LATEST.lock();
    *latest = (*latest).max(Some(to));
    Ok(to)
}

/// Why the wall clock was not stopped or moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarpError {
    /// Another warp in this process is active or claimed.
    Taken,
    /// This thread is simulating.
    Simulating,
    /// The clock cannot show this time.
    PastTheEnd(Time),
    /// This build of the crate cannot control the wall clock.
    Unsupported,
}

impl fmt::Display for WarpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WarpError::Taken => f.write_str(
                "The wall clock cannot be stopped: another warp of this process is active or claimed. \
                 Drop that warp first, or wait for it with Warp::claim().await.",
            ),
            WarpError::Simulating => f.write_str(
                "The wall clock cannot be stopped from inside a simulation, which has its own time. \
                 Start the warp around the simulation, or move the simulation's time with Handle::advance.",
            ),
            WarpError::PastTheEnd(to) => write!(
                f,
                "The wall clock cannot be set to {to}: the last time it can show is {}. It was not changed; start at \
                 an earlier time, or move it by less.",
                Time::LAST
            ),
            WarpError::Unsupported => f.write_str(
                "The wall clock cannot be stopped in this build: that needs Linux with glibc on x86-64 or AArch64, and \
                 this crate's feature `interpose` (on by default). Elsewhere, check storage on real time.",
            ),
        }
    }
}

impl std::error::Error for WarpError {}
