//! The warp: the wall clock of this whole process stands still, and moves
//! forward only on command.
//!
//! This file owns whose turn it is, where the clock stands and how far it may
//! go; `libc.rs` makes the process see it. It moves no monotonic clock and no
//! simulation's, it wakes nobody, and it does not decide when to move.

use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::MutexGuard;

use super::{Time, libc};

/// Whose turn it is. Tokio's, because it is fair and works across runtimes.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The latest time that any warp has reached.
static LATEST: Mutex<Option<Time>> = Mutex::new(None);

/// A wall clock that stands still, from start to drop.
///
/// It is for storage that cannot be simulated, because it has threads of its
/// own or waits for the network, and that reads the system clock in this
/// process: locks of hours expire at a command, exactly to the millisecond, and
/// nobody sleeps. `SystemTime` stands still on every thread that is not
/// simulating, and so do C's wall clocks (which SQLite's `CURRENT_TIMESTAMP`
/// reads). `Instant` and tokio's timers stay real: connection pools and
/// time-outs live.
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
/// Whatever else runs in the process reads the same clock: a test that measures
/// wall time, or waits for it, does not work beside a test that warps. Tests
/// that warp queue up with [`Warp::claim`]; those that need the real time belong
/// in another binary or another process.
///
/// # Time goes back at the end
///
/// The drop gives the real time back, which may lie **before** the time that
/// the warp has reached. For storage that keeps timestamps, begin the next warp
/// where the last one ended, or now if that is later:
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
/// # What it does not reach
///
/// - Simulating threads have their own time, inside a warp as outside.
/// - It wakes nobody. A wait until a moment of the wall clock (a fetch of
///   [`Memory`](crate::Memory)'s that polls, say) has become a sleep on
///   monotonic time, and goes on: fetch without a poll limit, and move the clock
///   between.
/// - Other processes, such as a database server or a child, have the real time,
///   and so has the kernel (the times of files, the deadline of a
///   `pthread_cond_timedwait` on the wall clock).
/// - What looks at the date sees the warp's, such as the check of a TLS
///   certificate; ids made of the time alone repeat while it stands still.
#[derive(Debug)]
#[must_use = "a warp ends when it is dropped"]
pub struct Warp {
    at: Mutex<Time>,
    _turn: MutexGuard<'static, ()>,
}

/// The right to start the next warp of this process, from [`Warp::claim`] to
/// drop.
#[derive(Debug)]
#[must_use = "a claim that is dropped lets the next one in"]
pub struct Claim {
    turn: MutexGuard<'static, ()>,
}

impl Warp {
    /// Stops the wall clock at `at`, or at the present whole millisecond.
    ///
    /// Any moment of the clock will do, also one in the past.
    ///
    /// # Errors
    ///
    /// [`WarpError::Taken`] where another warp is on, or claimed: this never
    /// waits ([`Warp::claim`] does). And whatever [`Claim::start`] refuses.
    pub fn start(at: Option<Time>) -> Result<Warp, WarpError> {
        possible()?;
        let turn = TURN.try_lock().map_err(|_| WarpError::Taken)?;
        Claim { turn }.start(at)
    }

    /// Waits until no other warp is on. Who comes first is served first, on
    /// whatever thread and in whatever runtime.
    ///
    /// Who holds a warp and waits for another waits for ever.
    ///
    /// # Errors
    ///
    /// [`WarpError::Unsupported`] and [`WarpError::Simulating`], at once.
    pub async fn claim() -> Result<Claim, WarpError> {
        possible()?;
        Ok(Claim { turn: TURN.lock().await })
    }

    /// What the wall clock shows.
    pub fn now(&self) -> Time {
        *self.at.lock()
    }

    /// Moves the wall clock forward, and says where to. A duration that is not
    /// whole milliseconds is rounded up.
    ///
    /// # Errors
    ///
    /// [`WarpError::PastTheEnd`] where the clock cannot show that moment; it
    /// has not moved then.
    pub fn advance(&self, by: Duration) -> Result<Time, WarpError> {
        let mut at = self.at.lock();
        *at = put(*at + by)?;
        Ok(*at)
    }

    /// The latest time that any warp in this process has reached, if there was
    /// any.
    pub fn latest() -> Option<Time> {
        *LATEST.lock()
    }
}

impl Claim {
    /// Stops the wall clock at `at`, or at the present whole millisecond. See
    /// [`Warp::start`].
    ///
    /// # Errors
    ///
    /// [`WarpError::PastTheEnd`] where the clock cannot show `at`, and
    /// [`WarpError::Simulating`] on a simulation's thread. The claim is over
    /// then too.
    pub fn start(self, at: Option<Time>) -> Result<Warp, WarpError> {
        // A claim may have been brought into a simulation.
        possible()?;
        let at = put(at.unwrap_or_else(super::now))?;
        Ok(Warp { at: Mutex::new(at), _turn: self.turn })
    }
}

impl Drop for Warp {
    fn drop(&mut self) {
        // The turn ends after this, with its field.
        libc::unwarp();
    }
}

fn possible() -> Result<(), WarpError> {
    if !libc::SUPPORTED {
        return Err(WarpError::Unsupported);
    }
    if libc::on() { Err(WarpError::Simulating) } else { Ok(()) }
}

/// Puts the wall clock at `to`, if it can show that.
fn put(to: Time) -> Result<Time, WarpError> {
    if to > Time::LAST {
        return Err(WarpError::PastTheEnd(to));
    }
    libc::warp(to.as_nanos());
    let mut latest = LATEST.lock();
    *latest = (*latest).max(Some(to));
    Ok(to)
}

/// Why the wall clock was not stopped, or not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarpError {
    /// Another warp is on in this process, or claimed.
    Taken,
    /// This thread simulates.
    Simulating,
    /// The clock cannot show this moment.
    PastTheEnd(Time),
    /// The crate cannot reach the wall clock in this build.
    Unsupported,
}

impl fmt::Display for WarpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WarpError::Taken => f.write_str(
                "The wall clock cannot be stopped: another warp of this process holds it or is about to. \
                 Drop that one first, or wait for it with Warp::claim().await.",
            ),
            WarpError::Simulating => f.write_str(
                "The wall clock cannot be stopped from inside a simulation, which has its own time. \
                 Start the warp around the simulation, or move the simulation's time with Handle::advance.",
            ),
            WarpError::PastTheEnd(to) => write!(
                f,
                "The wall clock cannot be put at {to}: the last moment it can show is {}. It was left as it was; \
                 start at an earlier moment, or move by less.",
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
