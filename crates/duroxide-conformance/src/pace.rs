//! [`Pace`]: the clock of a script.
//!
//! It tells and moves time. The oracle decides what that means for a lock.

use std::time::Duration;

use duroxide_sim::clock::{self, Time, Warp};

use super::storage::TimeSource;

/// How time passes.
#[derive(Debug)]
pub(crate) enum Pace {
    /// The thread runs on virtual time, which the provider follows.
    Virtual,
    /// The process's wall clock is stopped and moved, in whole ticks if a tick
    /// is given.
    Warp { warp: Warp, tick: Option<Duration> },
    /// Real time, counted in whole ticks.
    Real(Ticks),
}

/// Real time on a grid. Calls are made just after a tick begins, and everything
/// that a script decides by time is due half a tick away from that.
#[derive(Debug)]
pub(crate) struct Ticks {
    tick: Duration,
    /// The start of the grid on tokio's clock and on the wall clock.
    began: tokio::time::Instant,
    wall: Time,
    /// The number of ticks that the script has passed.
    passed: u32,
}

/// The lead over a server's clock: more than two clocks usually differ, and
/// less than would make certificates expire.
const AHEAD: Duration = Duration::from_secs(86_400);

/// A tick has two halves.
const SHORTEST_TICK: Duration = Duration::from_millis(2);

/// The number of ticks in a duration.
fn ticks(by: Duration, tick: Duration) -> Result<u32, Late> {
    u32::try_from(by.as_millis().div_ceil(tick.as_millis().max(1))).map_err(|_| Late)
}

/// The machine was too slow, so the state of a lock did not depend on the
/// script alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late;

impl Pace {
    /// Sets up the clock for `source` on this thread. [`TimeSource::Detect`]
    /// must have been resolved before.
    ///
    /// # Errors
    ///
    /// A message, if the clock cannot be warped.
    pub async fn new(source: TimeSource) -> Result<Pace, String> {
        match source {
            TimeSource::Virtual if clock::is_virtual() => Ok(Pace::Virtual),
            TimeSource::Real { tick } => Ok(Pace::Real(Ticks::new(tick))),
            TimeSource::WarpAhead { tick } => Pace::warped(AHEAD, Some(tick.max(SHORTEST_TICK))).await,
            _ => Pace::warped(Duration::ZERO, None).await,
        }
    }

    async fn warped(ahead: Duration, tick: Option<Duration>) -> Result<Pace, String> {
        let claim = Warp::claim().await.map_err(|error| error.to_string())?;
        // Storage that keeps timestamps must not see time move backwards.
        let start = Warp::latest().max(Some(clock::now() + ahead));
        let warp = claim.start(start).map_err(|error| error.to_string())?;
        Ok(Pace::Warp { warp, tick })
    }

    /// The time at which a call made now is answered.
    pub fn now(&self) -> Time {
        match self {
            Pace::Virtual => clock::now(),
            Pace::Warp { warp, .. } => warp.now(),
            Pace::Real(ticks) => ticks.now(),
        }
    }

    /// Lets `ms` milliseconds pass; on a grid, rounded to whole ticks.
    pub async fn wait(&mut self, ms: u64) -> Result<(), Late> {
        let by = Duration::from_millis(ms);
        match self {
            Pace::Virtual => clock::sleep_until(clock::now() + by).await,
            Pace::Warp { warp, tick } => {
                let by = tick.map_or(Some(by), |tick| tick.checked_mul(ticks(by, tick).ok()?)).ok_or(Late)?;
                return warp.advance(by).map(drop).map_err(|_| Late);
            }
            Pace::Real(ticks) => return ticks.wait(by).await,
        }
        Ok(())
    }

    /// Whether every call so far completed within its part of a tick.
    pub fn is_in_time(&self) -> bool {
        match self {
            Pace::Virtual | Pace::Warp { .. } => true,
            Pace::Real(ticks) => ticks.is_in_time(),
        }
    }

    /// Starts a new script; delays of earlier ones no longer matter.
    pub fn restart(&mut self) {
        if let Pace::Real(ticks) = self {
            *ticks = Ticks::new(ticks.tick);
        }
    }

    /// The smallest relevant difference in time, unless that is a millisecond.
    pub fn tick(&self) -> Option<Duration> {
        match self {
            Pace::Virtual => None,
            Pace::Warp { tick, .. } => *tick,
            Pace::Real(ticks) => Some(ticks.tick),
        }
    }

    /// A description for reports.
    pub fn describe(&self) -> String {
        match self {
            Pace::Virtual => "virtual time".to_owned(),
            Pace::Warp { tick: None, .. } => "a warped system clock".to_owned(),
            Pace::Warp { tick: Some(tick), .. } => {
                format!("a warped system clock, ahead of the server's, in ticks of {} ms", tick.as_millis())
            }
            Pace::Real(ticks) => format!("real time, in ticks of {} ms", ticks.tick.as_millis()),
        }
    }
}

impl Ticks {
    fn new(tick: Duration) -> Ticks {
        let tick = tick.max(SHORTEST_TICK);
        Ticks { tick, began: tokio::time::Instant::now(), wall: clock::now(), passed: 0 }
    }

    fn now(&self) -> Time {
        self.wall + self.tick * self.passed
    }

    async fn wait(&mut self, by: Duration) -> Result<(), Late> {
        self.passed = self.passed.checked_add(ticks(by, self.tick)?).ok_or(Late)?;
        tokio::time::sleep_until(self.began + self.tick * self.passed).await;
        Ok(())
    }

    /// A quarter of a tick may be used by calls; the next quarter is a margin
    /// for the provider's own clock.
    fn is_in_time(&self) -> bool {
        self.began.elapsed() < self.tick * self.passed + self.tick / 4
    }
}
