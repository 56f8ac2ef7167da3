//! [`Missed`]: something that the test's plan asks for and the run did not do.
//!
//! A test whose crash never happened proves nothing about crashes. Only scripted entries
//! count: entries that a storm drew, and entries of a replayed plan, need not happen.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plan::{PlanEntry, Trigger};
use super::record::Record;
use crate::faults::Counts;
use crate::text::{Line, Quoted, times};
use crate::trace::Span;

/// Something that the plan asks for and that did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Missed {
    /// An entry of the plan.
    #[allow(missing_docs)]
    Entry { entry: PlanEntry, why: Why },
    /// A number of the plan that the body never requested with [`super::Handle::input`],
    /// and the names that it did request.
    #[allow(missing_docs)]
    Input { name: String, asked: Vec<String> },
}

/// Why an entry of a plan did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Why {
    /// The number of calls of the method that the caller made. If that is enough, the call
    /// had no effect or was made before the entry was added.
    Calls(u64),
    /// There is no node or client with the name of the caller. The list has the names that
    /// exist.
    NoCaller(Vec<String>),
    /// The run ended before the entry's time, at this time after the start.
    Ended(Duration),
    /// The entry could not be carried out when it was due, for the reason in the text.
    NotDone(String),
}

/// Returns what a run missed that lasted `elapsed`. `counts` holds the calls of each node
/// and client.
pub(super) fn in_run(record: &Record, counts: &BTreeMap<String, Counts>, elapsed: Duration) -> Vec<Missed> {
    let asked = || record.plan.entries.iter().zip(&record.demanded).filter(|(_, demanded)| **demanded);
    let unreached = record.plan.entries.iter().zip(record.demanded.iter().zip(&record.reached));
    let unreached = unreached.filter(|(_, (demanded, reached))| **demanded && !**reached);
    // What a test does after the end of the run is not missing: an approval that comes too late.
    let unreached = unreached.filter(|(entry, _)| !entry.is_client_call()).map(|(entry, _)| entry);
    let mut all: Vec<Missed> = unreached.map(|entry| entry_of(entry, why(&entry.when, counts, elapsed))).collect();
    let not_done = record.not_done.iter().filter_map(|(what, why)| {
        let (entry, _) = asked().find(|(entry, _)| entry.what == *what)?;
        Some(entry_of(entry, Why::NotDone(why.clone())))
    });
    all.extend(not_done);
    if record.demands {
        let asked: Vec<String> = record.plan.inputs.keys().cloned().collect();
        let missing = record.given.keys().filter(|name| !record.plan.inputs.contains_key(*name));
        all.extend(missing.map(|name| Missed::Input { name: name.clone(), asked: asked.clone() }));
    }
    all
}

fn entry_of(entry: &PlanEntry, why: Why) -> Missed {
    Missed::Entry { entry: entry.clone(), why }
}

fn why(when: &Trigger, counts: &BTreeMap<String, Counts>, elapsed: Duration) -> Why {
    match when {
        Trigger::At(_) => Why::Ended(elapsed),
        Trigger::Before(point) | Trigger::After(point) => match counts.get(&point.node) {
            Some(counts) => Why::Calls(counts.of(point.method)),
            None => Why::NoCaller(counts.keys().cloned().collect()),
        },
    }
}

impl fmt::Display for Missed {
    /// Writes a full sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (entry, why) = match self {
            Missed::Entry { entry, why } => (entry, why),
            Missed::Input { name, asked } => {
                let asked = Line(format_args!("{asked:?}"));
                return write!(f, "The input {}: the body never asked for it. It asked for {asked}.", Quoted(name));
            }
        };
        write!(f, "{entry}: ")?;
        match (why, &entry.when) {
            (Why::Calls(made), Trigger::Before(point) | Trigger::After(point)) => {
                let (node, method) = (Line(&point.node), point.method);
                match made {
                    0 => write!(f, "{node} never called {method}.")?,
                    made => write!(f, "{node} called {method} {}.", times(*made))?,
                }
                if *made >= point.nth {
                    write!(f, " This call had no effect, or was made before the entry was added.")?;
                }
                Ok(())
            }
            (Why::Calls(made), Trigger::At(_)) => write!(f, "The number of calls made is {made}."),
            (Why::NoCaller(callers), _) => {
                write!(
                    f,
                    "there is no node or client of that name. Calls were made by {}.",
                    Line(format_args!("{callers:?}"))
                )
            }
            (Why::Ended(elapsed), _) => write!(f, "the run ended earlier, at +{}.", Span(*elapsed)),
            (Why::NotDone(why), _) => write!(f, "it could not be carried out. {}", Line(why)),
        }
    }
}
