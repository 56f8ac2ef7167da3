//! [`Stale`]: a capsule that no longer proves anything.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::sim::PlanEntry;
use crate::text::{Line, Quoted};

/// A capsule that proves nothing in the exploration that replays it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stale {
    /// The path of the capsule.
    pub capsule: PathBuf,
    /// Why the capsule proves nothing.
    pub why: Outdated,
}

/// Why a capsule proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Outdated {
    /// The capsule belongs to another test than the one that replays it.
    #[allow(missing_docs)]
    OtherTest { of: String, here: String },
    /// The capsule's run succeeds, but does not carry out the whole plan.
    Unreached {
        /// The entries that happened when the capsule was made and no longer do.
        entries: Vec<PlanEntry>,
        /// The number of entries in the plan.
        of: usize,
        /// The inputs that the body no longer asks for.
        inputs: Vec<String>,
    },
}

impl fmt::Display for Outdated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outdated::OtherTest { of, here } => {
                write!(f, "It belongs to the test {}, and this is {}.", Quoted(of), Quoted(here))
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
                    write!(f, "{gap}The body does not ask for the inputs {}.", Line(format_args!("{inputs:?}")))?;
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
                "Replay it with that test. If the test was renamed, set \"test\" in the file to {}. If the capsule is \
                 meant to be replayed here, use Explore::allow_stale_capsules.",
                Quoted(here)
            ),
            Outdated::Unreached { .. } => write!(
                f,
                "Those calls are no longer made, or the run is shorter. Remove the capsule if its failure can no longer \
                 happen, or keep it with Explore::allow_stale_capsules."
            ),
        }
    }
}
