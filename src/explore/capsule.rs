//! [`Capsule`]: a failing run as a file that replays.
//!
//! It holds the plan, and not only the seed: so it survives changes of the
//! random generator and of what storms draw. It is written under the target
//! folder, and kept where the test says.

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
use crate::laws::Breach;
use crate::seed::Seed;
use crate::sim::{Cause, Failure, Plan, PlanEntry, Tail, Unfinished};
use crate::text::{Line, Quoted};
use crate::trace::{Trace, Wanted};

/// The version that is written.
const VERSION: u32 = 2;

/// The largest capsule that is read, in bytes: a trace is bounded, what a test prints
/// and returns is not.
const LARGEST: u64 = 1 << 30;

/// What a failing run is kept as.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capsule {
    /// The version of the format.
    pub capsule: u32,
    /// What it was made with.
    pub versions: Versions,
    /// The test that failed.
    pub test: String,
    /// Which of the test's explorations it was, counted from 0.
    #[serde(default)]
    pub exploration: u64,
    /// The seed, for what is left to chance beside the plan.
    pub seed: Seed,
    /// Why the run failed.
    pub cause: Cause,
    /// What goes wrong in the run.
    pub plan: Plan,
    /// The nodes that are left out of it.
    pub without: BTreeSet<String>,
    /// How far the plan was shrunk; `None` where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrunk: Option<Shrunk>,
    /// When virtual time began.
    pub start: Time,
    /// The virtual time of the failure.
    pub at: Time,
    /// The instances that had not ended, and what they waited for.
    pub waits: Vec<Unfinished>,
    /// The last events of the instances that it is about, where the body failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tails: Vec<Tail>,
    /// What must eventually hold and did not yet, where the run failed for
    /// something else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<String>,
    /// The laws that were broken.
    pub breaches: Vec<Breach>,
    /// Those of the plan's entries that never happened.
    pub unreached: Vec<PlanEntry>,
    /// The functions that the run's thread was in, where it did not answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stack: Vec<String>,
    /// The last lines that the run's process printed, where that died or had to be
    /// ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub printed: Vec<String>,
    /// How many provider calls there were up to the failure.
    #[serde(default)]
    pub calls: usize,
    /// The numbers of those that the trace has, where there were more than 50,000
    /// or more than 32 MiB of them: the last ones, those that break laws, and those
    /// about the instances that the failure is about. They are for reading; what
    /// replays is the plan, and that is whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<usize>,
    /// The provider calls up to the failure.
    #[serde(serialize_with = "on_one_line")]
    pub trace: Trace,
}

/// What a person reads of a capsule is spread over lines; the trace is not that.
fn on_one_line<S: Serializer>(trace: &Trace, to: S) -> Result<S::Ok, S::Error> {
    serde_json::value::to_raw_value(trace).map_err(S::Error::custom)?.serialize(to)
}

/// The versions of the crates that decide how a run goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Versions {
    /// This crate's.
    pub duroxide_sim: String,
    /// duroxide's.
    pub duroxide: String,
}

impl Versions {
    /// Those of this program.
    pub fn here() -> Versions {
        let duroxide = duroxide::providers::current_build_version().to_string();
        Versions { duroxide_sim: env!("CARGO_PKG_VERSION").to_owned(), duroxide }
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "duroxide-sim {} and duroxide {}", Line(&self.duroxide_sim), Line(&self.duroxide))
    }
}

/// A file that is no capsule, or cannot be read or written: a full sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapsuleError(String);

impl fmt::Display for CapsuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Line(&self.0).fmt(f)
    }
}

impl std::error::Error for CapsuleError {}

impl Capsule {
    /// What an exploration has found.
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
            tails: failure.tails.clone(),
            pending: failure.pending.clone(),
            breaches: failure.breaches.clone(),
            unreached: failure.unreached.clone(),
            stack: failure.stack.clone(),
            printed: failure.printed.clone(),
            calls: failure.trace.entries.len(),
            numbers,
            trace,
        }
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// When there is no such file, it is no capsule, or one of a version that
    /// this crate does not know.
    pub fn read(path: impl AsRef<Path>) -> Result<Capsule, CapsuleError> {
        #[derive(Deserialize)]
        struct Head {
            capsule: u32,
        }
        let path = path.as_ref();
        let wrong =
            |why: String| CapsuleError(format!("The capsule {} cannot be used: {why}.", Quoted(path.display())));
        let about = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
        // A pipe may never end, and neither does a device.
        if !about.is_file() {
            return Err(wrong("it is not a regular file".to_owned()));
        }
        if about.len() > LARGEST {
            let why = format!("it has {} bytes, and capsules have {LARGEST} at most", about.len());
            return Err(wrong(why));
        }
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let no_capsule = |error: serde_json::Error| wrong(format!("it is no capsule: {error}"));
        let json: serde_json::Value = serde_json::from_str(&text).map_err(no_capsule)?;
        if !json.is_object() {
            return Err(wrong("it is no capsule: it holds no JSON object".to_owned()));
        }
        let head: Head = serde_json::from_value(json).map_err(no_capsule)?;
        if head.capsule != VERSION {
            let (theirs, ours) = (head.capsule, VERSION);
            return Err(wrong(format!("it has the format {theirs}, and this crate reads the format {ours}")));
        }
        serde_json::from_str(&text).map_err(|error| wrong(format!("it is damaged: {error}")))
    }

    /// Writes it, and makes the folder if need be. The file is written whole or not
    /// at all.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), CapsuleError> {
        let path = path.as_ref();
        let wrong = |error: std::io::Error| {
            CapsuleError(format!("The capsule {} could not be written: {error}.", path.display()))
        };
        command::write_whole(path, &self.json()).map_err(wrong)
    }

    fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data with text keys has a JSON form") + "\n"
    }

    /// The failure that it holds.
    pub fn failure(&self) -> Failure {
        let Capsule {
            cause,
            seed,
            plan,
            start,
            at,
            waits,
            tails,
            pending,
            breaches,
            unreached,
            stack,
            printed,
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
            tails,
            pending,
            breaches,
            trace,
            plan,
            unreached,
            sometimes,
            escapes,
            stack,
            printed,
        }
    }

    /// What its trace, and the page that is made of it, leave out: a sentence.
    pub fn left_out(&self) -> Option<String> {
        (!self.numbers.is_empty()).then(|| {
            format!(
                "Of the {} calls of the run the page and the capsule's trace have {}: the last ones, those that break laws, \
                 and those about the instances that the failure is about. The plan is whole, and replays all of it.",
                self.calls,
                self.numbers.len()
            )
        })
    }

    /// What the versions have to say, where they are not this program's.
    pub fn warning(&self) -> Option<String> {
        let here = Versions::here();
        (self.versions != here).then(|| {
            format!(
                "The capsule was made with {}, and this is {here}: its plan may meet other calls than it was made for.",
                self.versions
            )
        })
    }

    pub(super) fn order(&self) -> Order {
        let replay = Replay { plan: self.plan.clone(), without: self.without.clone() };
        Order { replay: Some(replay), ..Order::of(self.seed) }
    }
}

/// Where the capsule of a failure is left.
pub(super) fn place(test: &str, seed: Seed) -> PathBuf {
    command::left_by(test, seed, "json")
}

/// A path as a test gives it: from its package's folder. Whole, so that a command
/// with it can be run from any folder.
pub(super) fn from_package(path: &Path) -> PathBuf {
    let path = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default().join(path);
    std::path::absolute(&path).unwrap_or(path)
}
