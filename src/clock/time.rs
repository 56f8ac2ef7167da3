//! [`Time`]: a moment in milliseconds since the Unix epoch.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since the Unix epoch.
///
/// Arithmetic saturates at [`Time::MAX`], which is never reached: a lock until that time never
/// expires, and a message visible from that time never becomes visible. A duration that is not in
/// whole milliseconds is rounded up, so that nothing happens earlier than requested.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub u64);

impl Time {
    /// The end of time.
    pub const MAX: Time = Time(u64::MAX);

    /// The default start of virtual time.
    pub(crate) const START: Time = Time(1_735_689_600_000);

    /// The last moment that the virtual and warped clocks can show: they count nanoseconds in 64
    /// bits.
    pub(crate) const LAST: Time = Time(u64::MAX / 1_000_000);

    /// Nanoseconds since the epoch, at most `u64::MAX`.
    pub(crate) fn as_nanos(self) -> u64 {
        self.0.saturating_mul(1_000_000)
    }

    /// Returns this moment minus `by`, but not before the epoch.
    pub fn before(self, by: Duration) -> Time {
        Time(self.0.saturating_sub(millis(by)))
    }
}

/// Whole milliseconds, rounded up, at most `u64::MAX`.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, by: Duration) -> Time {
        Time(self.0.saturating_add(millis(by)))
    }
}

impl Sub for Time {
    type Output = Duration;

    /// Returns the time from `other` to this moment; zero if `other` is later.
    fn sub(self, other: Time) -> Duration {
        Duration::from_millis(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Time {
    /// Formats the time in UTC, for example `2026-01-31 23:59:59.999`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Time::MAX {
            return f.write_str("the end of time");
        }
        let (seconds, ms) = (self.0 / 1000, self.0 % 1000);
        let (year, month, day) = civil(seconds / 86_400);
        let (h, m, s) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {h:02}:{m:02}:{s:02}.{ms:03}")
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Time({})", self.0)
    }
}

/// The date of a day counted from the epoch (Hinnant, "chrono-compatible low-level date
/// algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}
