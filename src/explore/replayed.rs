//! What the replay of a capsule proves.

use std::path::Path;

use super::answer::Answer;
use super::place::Place;
use super::reason::Reason;
use super::{Capsule, Outdated, Problem, Stale};
use crate::sim::{Failure, PlanEntry};
use crate::text::Line;

pub(super) fn of_another_test(path: &Path, capsule: &Capsule, place: &Place) -> Problem {
    let why = Outdated::OtherTest { of: capsule.test.clone(), here: place.name.clone() };
    Problem::Stale(Box::new(Stale { capsule: path.to_owned(), why }))
}

/// Returns an error if a successful run of the capsule proves nothing.
pub(super) fn check(path: &Path, capsule: &Capsule, answer: &Answer, place: &Place) -> Result<(), Problem> {
    if capsule.test != place.name {
        return Err(of_another_test(path, capsule, place));
    }
    match outdated(capsule, answer) {
        Some(why) => Err(Problem::Stale(Box::new(Stale { capsule: path.to_owned(), why }))),
        None => Ok(()),
    }
}

/// A note for a failing replay that does not carry out the capsule's whole plan.
pub(super) fn note(capsule: &Capsule, answer: &Answer) -> Option<String> {
    outdated(capsule, answer).map(|why| format!("This run is not the one in the capsule: {why}"))
}

/// A note for a replay that fails for another reason than the capsule's.
pub(super) fn other_failure(capsule: &Capsule, failure: &Failure) -> Option<String> {
    let same = Reason::of(&capsule.failure()).is_shown_by(&Reason::of(failure));
    (!same).then(|| format!("This is not the failure in the capsule, which is: {}", Line(&capsule.cause)))
}

fn outdated(capsule: &Capsule, answer: &Answer) -> Option<Outdated> {
    let missed = answer.unreached.iter().filter(|entry| !capsule.unreached.contains(entry));
    let entries: Vec<PlanEntry> = missed.cloned().collect();
    let inputs = capsule.plan.inputs.keys().filter(|name| !answer.inputs.contains(*name));
    let inputs: Vec<String> = inputs.cloned().collect();
    let of = capsule.plan.entries.len();
    (!entries.is_empty() || !inputs.is_empty()).then_some(Outdated::Unreached { entries, of, inputs })
}
