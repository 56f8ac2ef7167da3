//! [`Pace`]: how time passes while a script runs.
//!
//! It moves time and says what time it is; what that means for a lock is the
//! oracle's to say.

use std::time::Duration;

use super::storage::TimeSource;
use crate::clock::{self, Time, Warp};

/// How time passes.
#[derive(Debug)]
pub(crate) enum Pace {
    /// The thread is on virtual time, and the provider follows it.
    Virtual,
    /// The wall clock of the process stands still and is moved.
    Warp(Warp),
    /// Real time, counted in whole ticks.
    Real(Ticks),
}

/// Real time on a grid. Calls are made just after a tick begins; whatever a
/// script decides by time lies half a tick away from that.
#[derive(Debug)]
pub(crate) struct Ticks {
    tick: Duration,
    /// When the grid began, as tokio measures it and as the wall clock does.
    began: tokio::time::Instant,
    wall: Time,
    /// How many ticks the script has passed.
    passed: u32,
}

/// The machine did not keep up: what a lock does was not decided by the script
/// alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late;

impl Pace {
    /// The way that `source` asks for, on this thread; [`TimeSource::Detect`]
    /// is for `check` to resolve first.
    ///
    /// # Errors
    ///
    /// A sentence, where the clock cannot be warped.
    pub async fn new(source: TimeSource) -> Result<Pace, String> {
        match source {
            TimeSource::Virtual if clock::is_virtual() => Ok(Pace::Virtual),
            TimeSource::Real { tick } => Ok(Pace::Real(Ticks::new(tick))),
            _ => {
                let claim = Warp::claim().await.map_err(|error| error.to_string())?;
                // Storage that keeps timestamps must not see time go back.
                let start = Warp::latest().max(Some(clock::now()));
                claim.start(start).map(Pace::Warp).map_err(|error| error.to_string())
            }
        }
    }

    /// The time that a call made now is answered at.
    pub fn now(&self) -> Time {
        match self {
            Pace::Virtual => clock::now(),
            Pace::Warp(warp) => warp.now(),
            Pace::Real(ticks) => ticks.now(),
        }
    }

    /// Lets `ms` milliseconds pass; on a grid, as many whole ticks.
    pub async fn wait(&mut self, ms: u64) -> Result<(), Late> {
        let by = Duration::from_millis(ms);
        match self {
            Pace::Virtual => clock::sleep_until(clock::now() + by).await,
            Pace::Warp(warp) => return warp.advance(by).map(drop).map_err(|_| Late),
            Pace::Real(ticks) => return ticks.wait(by).await,
        }
        Ok(())
    }

    /// Whether every call so far was answered in the time that the script gave
    /// it.
    pub fn is_in_time(&self) -> bool {
        match self {
            Pace::Virtual | Pace::Warp(_) => true,
            Pace::Real(ticks) => ticks.is_in_time(),
        }
    }

    /// Begins a new script: what earlier ones took is of no account any more.
    pub fn restart(&mut self) {
        if let Pace::Real(ticks) = self {
            *ticks = Ticks::new(ticks.tick);
        }
    }

    /// The step of time that counts, in milliseconds, where not every
    /// millisecond does.
    pub fn tick_ms(&self) -> Option<u64> {
        match self {
            Pace::Virtual | Pace::Warp(_) => None,
            Pace::Real(ticks) => Some(ticks.tick.as_millis() as u64),
        }
    }

    /// In words.
    pub fn describe(&self) -> String {
        match self {
            Pace::Virtual => "virtual time".to_owned(),
            Pace::Warp(_) => "a warped system clock".to_owned(),
            Pace::Real(ticks) => format!("real time, in ticks of {} ms", ticks.tick.as_millis()),
        }
    }
}

impl Ticks {
    fn new(tick: Duration) -> Ticks {
        let tick = tick.max(Duration::from_millis(2));
        Ticks { tick, began: tokio::time::Instant::now(), wall: clock::now(), passed: 0 }
    }

    fn now(&self) -> Time {
        self.wall + self.tick * self.passed
    }

    async fn wait(&mut self, by: Duration) -> Result<(), Late> {
        let ticks = by.as_millis().div_ceil(self.tick.as_millis().max(1));
        let ticks = u32::try_from(ticks).map_err(|_| Late)?;
        self.passed = self.passed.checked_add(ticks).ok_or(Late)?;
        tokio::time::sleep_until(self.began + self.tick * self.passed).await;
        Ok(())
    }

    /// A quarter of a tick may be used up; the next quarter is the margin for
    /// the provider's own clock.
    fn is_in_time(&self) -> bool {
        self.began.elapsed() < self.tick * self.passed + self.tick / 4
    }
}
