//! Advice for failures whose text comes from tokio or duroxide and does not say what to do.

use duroxide::providers::WorkItem;
use duroxide::{ConfigErrorKind, ErrorDetails, EventKind};

use super::cause::Cause;
use crate::call::{Call, Event};
use crate::clock::escapes;
use crate::trace::Trace;

const INSTEAD_OF_CHANCE: &str = "duroxide replays orchestration code from its history, and this code did not schedule \
    the same work in the same order as before. Inside orchestration code, take the time from ctx.utc_now(), unique \
    values from ctx.new_guid(), and everything else that can vary from an activity; iterate over ordered maps \
    (BTreeMap), not over a HashMap; and if the code itself was changed, register it as a new version.";

const SNAPSHOTS_LATER: &str = "If it is the test itself that reads or writes files, as snapshots do, let the body \
    return the text (sim.history(..), sim.activities(..)), and compare it after the run.";

const ANSWER: &str = "Nothing is left to happen but calls that doubles do not answer. Let them go with Handle::release, or \
    give the doubles another answer. If a task of the body does that later, it has to wait with Handle::sleep: a timer of \
    tokio's in it cannot be seen.";

/// Returns the advice for a run that failed with this cause, one paragraph each. `unanswered`
/// says whether doubles did not answer calls.
pub(super) fn of(cause: &Cause, trace: &Trace, unanswered: bool) -> Vec<&'static str> {
    let advice = [
        (lacks_io(cause, trace), escapes::INSTEAD_OF_IO),
        (matches!(cause, Cause::RealIo), SNAPSHOTS_LATER),
        (replays_differently(trace), INSTEAD_OF_CHANCE),
        (unanswered && matches!(cause, Cause::Stalled { .. }), ANSWER),
    ];
    advice.into_iter().filter_map(|(fits, text)| fits.then_some(text)).collect()
}

/// Whether the failure comes from input and output, which a simulation does not have.
fn lacks_io(cause: &Cause, trace: &Trace) -> bool {
    // Parts of tokio's panic messages, which advise changing the runtime's builder.
    const SIGNS: [&str; 2] = ["enable_io", "there is no reactor running"];
    let says = |text: &str| SIGNS.iter().any(|sign| text.contains(sign));
    let failed = |call: &Call| {
        let Call::AckWorkItem { completion: Some(item), .. } = call else { return false };
        matches!(&**item, WorkItem::ActivityFailed { details, .. } if says(&details.display_message()))
    };
    matches!(cause, Cause::RealIo) || says(&cause.to_string()) || trace.entries.iter().any(|entry| failed(&entry.call))
}

/// Whether duroxide detected nondeterministic orchestration code in this run.
fn replays_differently(trace: &Trace) -> bool {
    let found = |event: &Event| {
        let EventKind::OrchestrationFailed { details } = &event.kind else { return false };
        matches!(details, ErrorDetails::Configuration { kind: ConfigErrorKind::Nondeterminism, .. })
    };
    trace.entries.iter().any(|entry| entry.call.added().events.iter().any(found))
}
