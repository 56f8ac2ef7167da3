//! What a run was given besides its seed: inputs, client calls of its plan, and doubles.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::sim::{Observed, Plan};
use crate::text::{self, counted};

/// The number of lines of a list that the page shows.
const MOST: usize = 100;

/// A list of what the run was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Given {
    pub title: &'static str,
    pub lines: Vec<String>,
}

/// Returns the lists that are not empty.
pub(super) fn lists(plan: Option<&Plan>, observed: Option<&Observed>) -> Vec<Given> {
    let inputs = plan.iter().flat_map(|plan| &plan.inputs).map(|(name, input)| format!("{name}: {}", input.value));
    let calls = plan.iter().flat_map(|plan| &plan.entries).filter(|entry| entry.is_client_call());
    let lists = [
        ("Inputs", inputs.collect()),
        ("Client calls of the plan", calls.map(ToString::to_string).collect()),
        ("Activities answered by doubles", doubles(observed)),
    ];
    lists.into_iter().filter_map(|(title, lines)| list(title, lines)).collect()
}

/// The activities that doubles answered.
fn doubles(observed: Option<&Observed>) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for call in observed.iter().flat_map(|observed| observed.activities.iter()).filter(|call| call.double) {
        *counts.entry(&call.name).or_default() += 1;
    }
    counts.into_iter().map(|(name, count)| format!("{name}: {}", counted(count, "call", "calls"))).collect()
}

fn list(title: &'static str, mut lines: Vec<String>) -> Option<Given> {
    let more = lines.len().saturating_sub(MOST);
    lines.truncate(MOST);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let lines: Vec<String> = lines.into_iter().map(text::line).collect();
    (!lines.is_empty()).then_some(Given { title, lines })
}
