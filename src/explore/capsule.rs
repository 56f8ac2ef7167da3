//! [`Capsule`]: a failing run as a file that can be replayed.
//!
//! A capsule contains the plan as well as the seed, so it survives changes to the random generator
//! and to what storms draw. Explorations write capsules under the target folder; a test can keep
//! copies elsewhere.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};

use super::answer::{Order, Replay};
use super::place::Place;
use super::{Finding, Shrunk};
use crate::clock::Time;
use crate::command;
use crate::errors::Wrapped;
use crate::laws::Breach;
use crate::seed::Seed;
use crate::sim::{Cause, Failure, Observed, Plan, PlanEntry, Tail, Unfinished};
use crate::text::{Line, Quoted};
use crate::trace::{Trace, Wanted};
use crate::versions::Versions;

/// The format version that this crate writes and reads.
const VERSION: u32 = 2;

/// The size limit of a capsule file, in bytes. The trace is bounded, but what a test prints and
/// returns is not.
const LARGEST: u64 = 1 << 30;

/// A failing run in the form of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capsule {
    /// The version of the file format.
    pub capsule: u32,
    /// The crate versions that produced the capsule.
    pub versions: Versions,
    /// The test that failed.
    pub test: String,
    /// The index of the exploration within the test, counted from 0.
    #[serde(default)]
    pub exploration: u64,
    /// The seed, which decides everything random that is not in the plan.
    pub seed: Seed,
    /// Why the run failed.
    pub cause: Cause,
    /// The faults and inputs of the run.
    pub plan: Plan,
    /// The nodes that were left out of the simulation.
    pub without: BTreeSet<String>,
    /// How far the plan was shrunk; `None` if shrinking was not attempted or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrunk: Option<Shrunk>,
    /// The virtual time at which the run began.
    pub start: Time,
    /// The virtual time of the failure.
    pub at: Time,
    /// The instances that had not ended, with what they waited for.
    pub waits: Vec<Unfinished>,
    /// What the tasks of the body were waiting for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub awaited: Vec<String>,
    /// The calls of activities that a double held or does not answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<String>,
    /// If the body failed, the last events of the instances that the failure is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tails: Vec<Tail>,
    /// The `eventually` properties that did not hold yet, if the run failed for another reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<String>,
    /// The broken laws.
    pub breaches: Vec<Breach>,
    /// The plan entries that were never reached.
    pub unreached: Vec<PlanEntry>,
    /// If the run's thread did not respond, the functions on its stack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stack: Vec<String>,
    /// If the run's process died or had to be killed, the last lines that it printed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub printed: Vec<String>,
    /// What the run did besides its provider calls: its log, activities and effects.
    #[serde(default, skip_serializing_if = "Observed::is_empty", serialize_with = "on_one_line")]
    pub observed: Observed,
    /// The number of provider calls up to the failure.
    #[serde(default)]
    pub calls: usize,
    /// The numbers of the calls in the trace, if the run had more than 50,000 calls or 32 MiB of
    /// them: the last ones, those that break laws, and those about the instances of the failure.
    /// The trace is for reading; a replay uses the plan, which is always complete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<usize>,
    /// The provider calls up to the failure.
    #[serde(serialize_with = "on_one_line")]
    pub trace: Trace,
}

/// What is long stays on one line; the rest of a capsule is pretty-printed for readers.
fn on_one_line<S: Serializer>(long: &impl Serialize, to: S) -> Result<S::Ok, S::Error> {
    serde_json::value::to_raw_value(long).map_err(S::Error::custom)?.serialize(to)
}

/// A file that is not a capsule, or that cannot be read or written: a full sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapsuleError {
    sentence: String,
    source: Option<Wrapped>,
}

impl fmt::Display for CapsuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Line(&self.sentence).fmt(f)
    }
}

impl std::error::Error for CapsuleError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(Wrapped::source)
    }
}

impl Capsule {
    /// The capsule of an exploration's finding.
    pub(super) fn of(place: &Place, finding: &Finding) -> Capsule {
        let failure = &finding.failure;
        let waiting = failure.waits.iter().map(|wait| wait.instance.as_str());
        let calls = failure.breaches.iter().filter_map(|breach| breach.entry).collect();
        let part = failure.trace.part(&Wanted { instances: waiting.collect(), calls });
        let (trace, numbers) =
            part.map_or_else(|| (failure.trace.clone(), Vec::new()), |part| (part.trace, part.numbers));
        Capsule {
            capsule: VERSION,
            versions: Versions::here(),
            test: place.name.clone(),
            exploration: place.number(),
            seed: failure.seed,
            cause: failure.cause.clone(),
            plan: failure.plan.clone(),
            without: finding.without.clone(),
            shrunk: finding.shrunk.clone(),
            start: failure.start,
            at: failure.at,
            waits: failure.waits.clone(),
            awaited: failure.awaited.clone(),
            unanswered: failure.unanswered.clone(),
            tails: failure.tails.clone(),
            pending: failure.pending.clone(),
            breaches: failure.breaches.clone(),
            unreached: failure.unreached.clone(),
            stack: failure.stack.clone(),
            printed: failure.printed.clone(),
            observed: failure.observed.clone(),
            calls: failure.trace.entries.len(),
            numbers,
            trace,
        }
    }

    /// Reads a capsule.
    ///
    /// # Errors
    ///
    /// If the file does not exist, is not a capsule, or has a format version that this crate does
    /// not know.
    pub fn read(path: impl AsRef<Path>) -> Result<Capsule, CapsuleError> {
        #[derive(Deserialize)]
        struct Head {
            capsule: u32,
        }
        let path = path.as_ref();
        let wrong = |why: &str| CapsuleError {
            sentence: format!("The capsule {} cannot be used{why}.", Quoted(path.display())),
            source: None,
        };
        let because = |why: &str, error: Wrapped| CapsuleError { source: Some(error), ..wrong(why) };
        let unread = |error: std::io::Error| because("", Wrapped::new(error));
        let about = std::fs::metadata(path).map_err(unread)?;
        // Reading a pipe or a device may never end.
        if !about.is_file() {
            return Err(wrong(": it is not a regular file"));
        }
        if about.len() > LARGEST {
            return Err(wrong(&format!(": it has {} bytes, and the limit is {LARGEST}", about.len())));
        }
        let text = std::fs::read_to_string(path).map_err(unread)?;
        let not_a_capsule = |error: serde_json::Error| because(": it is not a capsule", Wrapped::new(error));
        let is_object = text.trim_start().starts_with('{');
        let head: Head = match serde_json::from_str(&text) {
            // An array can be read as a `Head`, too.
            Ok(head) if is_object => head,
            Err(error) if is_object || !error.is_data() => return Err(not_a_capsule(error)),
            Ok(_) | Err(_) => {
                return Err(wrong(": it is not a capsule, because it does not contain a JSON object"));
            }
        };
        if head.capsule != VERSION {
            let (theirs, ours) = (head.capsule, VERSION);
            return Err(wrong(&format!(": it has format {theirs}, and this crate reads format {ours}")));
        }
        serde_json::from_str(&text).map_err(|error| because(": it is damaged", Wrapped::new(error)))
    }

    /// Writes the capsule, creating the folder if needed. The file is written completely or not at
    /// all.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), CapsuleError> {
        let path = path.as_ref();
        let wrong = |error: std::io::Error| CapsuleError {
            sentence: format!("The capsule {} could not be written.", path.display()),
            source: Some(Wrapped::new(error)),
        };
        command::write_whole(path, &self.json()).map_err(wrong)
    }

    fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data with text keys has a JSON form") + "\n"
    }

    /// The failure that the capsule contains.
    pub fn failure(&self) -> Failure {
        let Capsule {
            cause,
            seed,
            plan,
            start,
            at,
            waits,
            awaited,
            unanswered,
            tails,
            pending,
            breaches,
            unreached,
            stack,
            printed,
            observed,
            trace,
            ..
        } = self.clone();
        let (sometimes, escapes) = Default::default();
        Failure {
            cause,
            seed,
            start,
            at,
            waits,
            awaited,
            unanswered,
            tails,
            pending,
            breaches,
            trace,
            plan,
            unreached,
            sometimes,
            escapes,
            observed,
            stack,
            printed,
        }
    }

    /// A sentence about what the trace and the page made from it leave out, if anything.
    pub fn left_out(&self) -> Option<String> {
        (!self.numbers.is_empty()).then(|| {
            format!(
                "Of the {} calls of the run, the page and the capsule's trace contain {}: the last ones, those that break \
                 laws, and those about the instances of the failure. The plan is complete and replays the whole run.",
                self.calls,
                self.numbers.len()
            )
        })
    }

    /// A warning, if the capsule's versions differ from those of this program.
    pub fn warning(&self) -> Option<String> {
        let here = Versions::here();
        (self.versions != here).then(|| {
            format!(
                "The capsule was made with {}, but this is {here}: its plan may apply to other calls than it was made for.",
                self.versions
            )
        })
    }

    pub(super) fn order(&self) -> Order {
        let replay = Replay { plan: self.plan.clone(), without: self.without.clone() };
        Order { replay: Some(replay), ..Order::of(self.seed) }
    }
}

/// The path at which the capsule of a failure is written.
pub(super) fn place(test: &str, seed: Seed) -> PathBuf {
    command::left_by(test, seed, "json")
}

/// Makes absolute a path that a test gives relative to its package's folder, so that a command with
/// it works in any folder.
pub(super) fn from_package(path: &Path) -> PathBuf {
    let path = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default().join(path);
    std::path::absolute(&path).unwrap_or(path)
}
