//! [`Missed`]: what a test asked for and a run did not do.
//!
//! A test whose crash never happened proves nothing of crashes. It judges what
//! was scripted only: what a storm draws, and what is replayed, need not happen.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::executor::Record;
use super::plan::{PlanEntry, Trigger};
use crate::faults::Counts;
use crate::text::{Line, Quoted};
use crate::trace::Span;

/// Something that was asked for and did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Missed {
    /// An entry of the plan.
    #[allow(missing_docs)]
    Entry { entry: PlanEntry, why: Why },
    /// A number of the plan's that the body never asked for with
    /// [`super::Handle::input`]: its name, and the names that it asked for.
    #[allow(missing_docs)]
    Input { name: String, asked: Vec<String> },
}

/// Why an entry of a plan did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Why {
    /// Its caller made this many calls of the method. Where that is enough, the
    /// call had no effect, or was made before the entry was added.
    Calls(u64),
    /// No node and no client has the name of its caller. The names there are
    /// follow.
    NoCaller(Vec<String>),
    /// The run ended before it, so long after the start.
    Ended(Duration),
    /// Its moment came, and it could not be carried out: a sentence says why.
    NotDone(String),
}

/// What a run missed that has come to `elapsed`. `counts` are the calls of each
/// node and client.
pub(super) fn in_run(record: &Record, counts: &BTreeMap<String, Counts>, elapsed: Duration) -> Vec<Missed> {
    let asked = || record.plan.entries.iter().zip(&record.demanded).filter(|(_, demanded)| **demanded);
    let unreached = record.plan.entries.iter().zip(record.demanded.iter().zip(&record.reached));
    let unreached = unreached.filter(|(_, (demanded, reached))| **demanded && !**reached).map(|(entry, _)| entry);
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
    /// A full sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (entry, why) = match self {
            Missed::Entry { entry, why } => (entry, why),
            Missed::Input { name, asked } => {
                let asked = Line(format_args!("{asked:?}"));
                return write!(f, "The input {}: the body never asks for it. It asks for {asked}.", Quoted(name));
            }
        };
        write!(f, "{entry}: ")?;
        match (why, &entry.when) {
            (Why::Calls(made), Trigger::Before(point) | Trigger::After(point)) => {
                let (node, method) = (Line(&point.node), point.method);
                match made {
                    0 => write!(f, "{node} made no call of {method}.")?,
                    1 => write!(f, "{node} made 1 call of {method}.")?,
                    _ => write!(f, "{node} made {made} calls of {method}.")?,
                }
                if *made >= point.nth {
                    write!(f, " This one had no effect, or was made before the entry was added.")?;
                }
                Ok(())
            }
            (Why::Calls(made), Trigger::At(_)) => write!(f, "{made} calls were made."),
            (Why::NoCaller(callers), _) => {
                write!(
                    f,
                    "no node and no client has the name of its caller. Those that made calls are {}.",
                    Line(format_args!("{callers:?}"))
                )
            }
            (Why::Ended(elapsed), _) => write!(f, "the run ended at +{}, before it.", Span(*elapsed)),
            (Why::NotDone(why), _) => write!(f, "it could not be carried out. {}", Line(why)),
        }
    }
}
