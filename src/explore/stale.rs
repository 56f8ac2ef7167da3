//! [`Stale`]: a capsule that proves nothing here.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::place::Place;
use super::reason::Reason;
use super::{Capsule, Problem};
use crate::sim::{Failure, PlanEntry};
use crate::text::{Line, Quoted};

/// A capsule that proves nothing in the exploration that repeats it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stale {
    /// The file.
    pub capsule: PathBuf,
    /// Why.
    pub why: Outdated,
}

/// Why a capsule proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Outdated {
    /// It is of another test than the one that repeats it.
    #[allow(missing_docs)]
    OtherTest { of: String, here: String },
    /// Its run goes well, but without all that is in its plan.
    Unreached {
        /// The entries that happened when it was made and do not any more.
        entries: Vec<PlanEntry>,
        /// How many entries its plan has.
        of: usize,
        /// The inputs that the body does not ask for any more.
        inputs: Vec<String>,
    },
}

pub(super) fn of_another_test(path: &Path, capsule: &Capsule, place: &Place) -> Problem {
    let why = Outdated::OtherTest { of: capsule.test.clone(), here: place.name.clone() };
    Problem::Stale(Box::new(Stale { capsule: path.to_owned(), why }))
}

/// Whether a run of the capsule that went well proves anything.
pub(super) fn check(path: &Path, capsule: &Capsule, answer: &Answer, place: &Place) -> Result<(), Problem> {
    if capsule.test != place.name {
        return Err(of_another_test(path, capsule, place));
    }
    match outdated(capsule, answer) {
        Some(why) => Err(Problem::Stale(Box::new(Stale { capsule: path.to_owned(), why }))),
        None => Ok(()),
    }
}

/// What a run of the capsule that failed left out of it.
pub(super) fn note(capsule: &Capsule, answer: &Answer) -> Option<String> {
    outdated(capsule, answer).map(|why| format!("The run is not the one that the capsule was made of: {why}"))
}

/// What whoever replays the capsule has to know where it fails for another reason.
pub(super) fn other_failure(capsule: &Capsule, failure: &Failure) -> Option<String> {
    let same = Reason::of(&capsule.failure()).is_shown_by(&Reason::of(failure));
    (!same).then(|| format!("This is not the failure that the capsule was made of, which is: {}", Line(&capsule.cause)))
}

fn outdated(capsule: &Capsule, answer: &Answer) -> Option<Outdated> {
    let missed = answer.unreached.iter().filter(|entry| !capsule.unreached.contains(entry));
    let entries: Vec<PlanEntry> = missed.cloned().collect();
    let inputs = capsule.plan.inputs.keys().filter(|name| !answer.inputs.contains(*name));
    let inputs: Vec<String> = inputs.cloned().collect();
    let of = capsule.plan.entries.len();
    (!entries.is_empty() || !inputs.is_empty()).then_some(Outdated::Unreached { entries, of, inputs })
}

impl fmt::Display for Outdated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outdated::OtherTest { of, here } => {
                write!(f, "It is of the test {}, and this is {}.", Quoted(of), Quoted(here))
            }
            Outdated::Unreached { entries, of, inputs } => {
                const MOST: usize = 10;
                let count = entries.len();
                if count > 0 {
                    write!(f, "{count} of the {of} entries of its plan did not happen:")?;
                }
                entries.iter().take(MOST).try_for_each(|entry| write!(f, "\n  {entry}"))?;
                if count > MOST {
                    write!(f, "\n  and {} more.", count - MOST)?;
                }
                let gap = if count > 0 { "\n" } else { "" };
                if !inputs.is_empty() {
                    write!(f, "{gap}The body does not ask for its inputs {}.", Line(format_args!("{inputs:?}")))?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The capsule {} proves nothing here. {}", Quoted(self.capsule.display()), self.why)?;
        match &self.why {
            Outdated::OtherTest { here, .. } => write!(
                f,
                "Repeat it with that test. If the test was renamed, write {} into the file's \"test\"; if it is \
                 meant to be repeated here, say so with Explore::allow_stale_capsules.",
                Quoted(here)
            ),
            Outdated::Unreached { .. } => write!(
                f,
                "Nobody makes those calls any more, or the run is shorter. Remove the capsule if what it showed cannot \
                 happen any more, or keep it with Explore::allow_stale_capsules."
            ),
        }
    }
}
