//! What is known of the deliveries of activities besides their calls.

use std::collections::BTreeMap;

use crate::sim::{ActivityCall, Observed};
use crate::text::Quoted;

/// The deliveries of activities by instance, execution, event and number.
pub(super) type Deliveries<'a> = BTreeMap<(&'a str, u64, u64, u32), &'a ActivityCall>;

/// Returns the deliveries that were observed.
pub(super) fn deliveries(observed: &Observed) -> Deliveries<'_> {
    let key = |call: &'_ ActivityCall| (call.execution, call.id, call.delivery);
    let one = |call| {
        let (execution, id, delivery) = key(call);
        ((call.instance.as_str(), execution, id, delivery), call)
    };
    observed.activities.iter().map(one).collect()
}

/// Returns the sentences about a delivery: the input, the attempt, and whether a double answered.
pub(super) fn note(input: &str, call: Option<&ActivityCall>) -> String {
    let mut note = format!("Input: {}.", short(input));
    let Some(call) = call else { return note };
    if call.attempt > 1 {
        note += &format!(" It is call {} with this input.", call.attempt);
    }
    if call.double {
        note += " A double answered.";
    }
    note
}

/// Quotes a text that may be long. The calls contain the full text.
pub(super) fn short(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", Quoted(&text[..end])),
        None => Quoted(text).to_string(),
    }
}
