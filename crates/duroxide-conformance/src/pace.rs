//! [`Pace`]: how time passes while a script runs.
//!
//! It moves time and says what time it is; what that means for a lock is the
//! oracle's to say.

use std::time::Duration;

use duroxide_sim::clock::{self, Time, Warp};

use super::storage::TimeSource;

/// How time passes.
#[derive(Debug)]
pub(crate) enum Pace {
    /// The thread is on virtual time, and the provider follows it.
    Virtual,
    /// The wall clock of the process stands still and is moved; by whole ticks,
    /// if there are any.
    Warp { warp: Warp, tick: Option<Duration> },
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

/// How far a clock is ahead of a server's that begins ahead: further than any
/// two clocks are apart, and nearer than certificates end.
const AHEAD: Duration = Duration::from_secs(86_400);

/// A tick has two halves.
const SHORTEST_TICK: Duration = Duration::from_millis(2);

/// How many ticks it takes for so much time to pass.
fn ticks(by: Duration, tick: Duration) -> Result<u32, Late> {
    u32::try_from(by.as_millis().div_ceil(tick.as_millis().max(1))).map_err(|_| Late)
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
            TimeSource::WarpAhead { tick } => Pace::warped(AHEAD, Some(tick.max(SHORTEST_TICK))).await,
            _ => Pace::warped(Duration::ZERO, None).await,
        }
    }

    async fn warped(ahead: Duration, tick: Option<Duration>) -> Result<Pace, String> {
        let claim = Warp::claim().await.map_err(|error| error.to_string())?;
        // Storage that keeps timestamps must not see time go back.
        let start = Warp::latest().max(Some(clock::now() + ahead));
        let warp = claim.start(start).map_err(|error| error.to_string())?;
        Ok(Pace::Warp { warp, tick })
    }

    /// The time that a call made now is answered at.
    pub fn now(&self) -> Time {
        match self {
            Pace::Virtual => clock::now(),
            Pace::Warp { warp, .. } => warp.now(),
            Pace::Real(ticks) => ticks.now(),
        }
    }

    /// Lets `ms` milliseconds pass; on a grid, as many whole ticks.
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

    /// Whether every call so far was answered in the time that the script gave
    /// it.
    pub fn is_in_time(&self) -> bool {
        match self {
            Pace::Virtual | Pace::Warp { .. } => true,
            Pace::Real(ticks) => ticks.is_in_time(),
        }
    }

    /// Begins a new script: what earlier ones took is of no account any more.
    pub fn restart(&mut self) {
        if let Pace::Real(ticks) = self {
            *ticks = Ticks::new(ticks.tick);
        }
    }

    /// The step of time that counts, where not every millisecond does.
    pub fn tick(&self) -> Option<Duration> {
        match self {
            Pace::Virtual => None,
            Pace::Warp { tick, .. } => *tick,
            Pace::Real(ticks) => Some(ticks.tick),
        }
    }

    /// In words.
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

    /// A quarter of a tick may be used up; the next quarter is the margin for
    /// the provider's own clock.
    fn is_in_time(&self) -> bool {
        self.began.elapsed() < self.tick * self.passed + self.tick / 4
    }
}
