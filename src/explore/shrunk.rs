//! [`Shrunk`]: how far the plan of a failing run was shrunk.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::text::Lines;

/// How far the plan of a failing run was shrunk.
///
/// A plan is *minimal* when no single entry can be left out and no number halved
/// towards its least with the run still failing for the same reason. The numbers
/// are the inputs, whose least is that of their range; which call an entry is
/// about, whose least is 1; and, in whole milliseconds, the times, durations and
/// skews of entries and the beginning of the calm, whose least is 0. Shrinking
/// ends by running exactly these candidates.
///
/// A run fails for the same *reason* when the kind of its cause is the same and so
/// is the property, the law, or the first line of the error or the panic apart from
/// its numbers; and where instances do not end, when one of them waits for the same
/// kind of thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Shrunk {
    /// In how many runs. Those that several workers ran ahead, and whose answer was
    /// not needed, do not count: it is the same number for any number of
    /// workers.
    pub runs: u64,
    /// How many entries the plan had.
    pub entries: usize,
    /// How many are left.
    pub left: usize,
    /// Whether the plan that is left is minimal.
    pub minimal: bool,
    /// How many of the candidates that would show a plan to be minimal were not
    /// run: 0 where it is.
    pub untried: u64,
    /// Why it stopped before.
    pub stopped: Option<Stopped>,
}

/// Why shrinking stopped before the plan was known to be minimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Stopped {
    /// It had taken this much real time ([`super::Explore::shrink_time_limit`]).
    Time(Duration),
    /// It had taken this many runs.
    Runs(u64),
    /// Nothing more could be run; the text says why: full sentences.
    Broken(String),
}

impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shrunk { runs, entries, left, untried, .. } = self;
        let runs = if *runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
        let Some(stopped) = self.stopped.as_ref().filter(|_| !self.minimal) else {
            let entries = match (entries, left) {
                (0, _) => "the plan has no entries".to_owned(),
                (_, 0) => format!("all of the {entries} entries were left out"),
                (_, 1) => format!("of {entries} entries 1 is left, which cannot be left out"),
                (_, left) => format!("of {entries} entries {left} are left, and none of these can be left out"),
            };
            return write!(f, "Shrunk in {runs}; the plan is minimal: {entries}, and no number can be halved.");
        };
        match stopped {
            Stopped::Time(time) => {
                write!(f, "Shrinking stopped after its {time:?} (Explore::shrink_time_limit), {runs}")?
            }
            Stopped::Runs(_) => write!(f, "Shrinking stopped after {runs}, the most there are")?,
            Stopped::Broken(_) => write!(f, "Shrinking stopped after {runs}, because nothing more could be run")?,
        }
        let left = if *left == 0 { "none".to_owned() } else { left.to_string() };
        let untried = if *untried == 1 { "1 candidate was".to_owned() } else { format!("{untried} candidates were") };
        write!(f, ", with {left} of {entries} entries left; the plan may not be minimal: {untried} not tried.")?;
        match stopped {
            Stopped::Broken(why) => write!(f, " {}", Lines(why)),
            Stopped::Time(_) | Stopped::Runs(_) => Ok(()),
        }
    }
}
