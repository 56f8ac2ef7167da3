//! The shape of a history: what happened, without ids, times and data.

use crate::recorded::Recorded;
use crate::trace::event_name;
use duroxide::EventKind;

/// A number that is the same for histories of the same shape: the kinds of events and the names in
/// them, in order. FNV-1a, because the number is part of file names and has to stay the same.
pub(super) fn shape(recorded: &Recorded) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let mut number = BASIS;
    let mut add = |text: &str| {
        for byte in text.bytes().chain([0]) {
            number = (number ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    };
    for execution in &recorded.executions {
        add("execution");
        for event in &execution.events {
            add(event_name(event));
            add(name_of(&event.kind));
            // Which of several waits it ends decides the branch.
            add(&event.source_event_id.map(|id| id.to_string()).unwrap_or_default());
        }
    }
    number
}

fn name_of(kind: &EventKind) -> &str {
    match kind {
        EventKind::OrchestrationStarted { name, .. }
        | EventKind::ActivityScheduled { name, .. }
        | EventKind::ExternalSubscribed { name }
        | EventKind::ExternalEvent { name, .. }
        | EventKind::QueueSubscribed { name }
        | EventKind::QueueEventDelivered { name, .. }
        | EventKind::OrchestrationChained { name, .. }
        | EventKind::SubOrchestrationScheduled { name, .. } => name,
        EventKind::KeyValueSet { key, .. } | EventKind::KeyValueCleared { key } => key,
        _ => "",
    }
}
