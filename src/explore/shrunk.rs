//! [`Shrunk`]: how far the plan of a failing run was shrunk.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::text::{Lines, counted};

/// How far the plan of a failing run was shrunk.
///
/// A plan is *minimal* if the run no longer fails for the same reason when any single entry is left
/// out, or when any number is halved towards its minimum. These numbers are the inputs, whose
/// minimum is that of their range; the call number of an entry, whose minimum is 1; and, in whole
/// milliseconds, the times, durations and skews of entries and the start of the calm, whose minimum
/// is 0. The last step of shrinking runs exactly these candidates.
///
/// Two runs fail for the same *reason* if their causes are of the same kind and name the same
/// property or law, or the same first line of the error or panic with its numbers ignored. If the
/// failure is that instances do not end, one of these instances must also wait for the same kind of
/// thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Shrunk {
    /// The number of candidate runs. Runs that several workers did ahead and that turned out not to
    /// be needed are not counted, so the number does not depend on the number of workers.
    pub runs: u64,
    /// The number of plan entries before shrinking.
    pub entries: usize,
    /// The number of plan entries left.
    pub left: usize,
    /// Whether the remaining plan is minimal.
    pub minimal: bool,
    /// The number of candidates that were not run although they are needed to show that the plan is
    /// minimal; 0 if it is.
    pub untried: u64,
    /// Why shrinking stopped early, if it did.
    pub stopped: Option<Stopped>,
}

/// Why shrinking stopped before the plan was known to be minimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Stopped {
    /// The time limit was reached ([`super::Explore::shrink_time_limit`]).
    Time(Duration),
    /// The limit on the number of runs was reached.
    Runs(u64),
    /// No more candidates could be run; the text says why in full sentences.
    Broken(String),
}

impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shrunk { runs, entries, left, untried, .. } = self;
        let (runs, all) = (counted(*runs, "run", "runs"), counted(*entries, "entry", "entries"));
        let Some(stopped) = self.stopped.as_ref().filter(|_| !self.minimal) else {
            let entries = match (entries, left) {
                (0, _) => "it fails without any fault".to_owned(),
                (1, 0) => "it fails without any fault, so the 1 entry was left out".to_owned(),
                (_, 0) => format!("it fails without any fault, so all {all} were left out"),
                (_, 1) => format!("1 of {all} is left and cannot be left out"),
                (_, left) => format!("{left} of {all} are left and none can be left out"),
            };
            return write!(f, "Shrunk in {runs}; the plan is minimal: {entries}, and no number can be halved.");
        };
        match stopped {
            Stopped::Time(time) => {
                write!(f, "Shrinking stopped at its time limit of {time:?} (Explore::shrink_time_limit) after {runs}")?
            }
            Stopped::Runs(_) => write!(f, "Shrinking stopped at its limit of {runs}")?,
            Stopped::Broken(_) => write!(f, "Shrinking stopped after {runs}, because no more could be started")?,
        }
        match left {
            0 => f.write_str(". The run fails without any fault, but its numbers may not be minimal")?,
            left => write!(f, ", with {left} of {all} left; the plan may not be minimal")?,
        }
        write!(f, ": {} not tried.", counted(*untried, "candidate was", "candidates were"))?;
        match stopped {
            Stopped::Broken(why) => write!(f, " {}", Lines(why)),
            Stopped::Time(_) | Stopped::Runs(_) => Ok(()),
        }
    }
}
