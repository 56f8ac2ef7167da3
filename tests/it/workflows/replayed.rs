//! What the workflows did is replayed by their own code: each history as it is, and as it was
//! after each turn.

use std::cell::RefCell;

use duroxide_sim::Handle;
use duroxide_sim::duroxide::EventKind;
use duroxide_sim::duroxide::runtime::registry::OrchestrationRegistry;
use duroxide_sim::recorded::{Recorded, Replay, Verdict};

thread_local! {
    /// The orchestrations of the nodes, where all have the same.
    static ORCHESTRATIONS: RefCell<Option<OrchestrationRegistry>> = const { RefCell::new(None) };
}

pub(super) fn note(orchestrations: &OrchestrationRegistry) {
    ORCHESTRATIONS.set(Some(orchestrations.clone()));
}

/// # Panics
///
/// If a history is not replayed.
pub(super) async fn check(sim: &Handle) {
    let Some(orchestrations) = ORCHESTRATIONS.take() else { return };
    let replay = Replay::new(orchestrations);
    for recorded in Recorded::all_of(&sim.client()).await.unwrap_or_else(|error| panic!("{error}")) {
        let checked = replay.check(&recorded);
        assert!(checked.is_compatible(), "{checked}");
        for number in 0..recorded.executions.len() {
            for part in cut(&recorded, number) {
                let checked = replay.check(&part);
                let last = checked.executions.last().expect("there is one");
                let Verdict::GoesOn(how) = &last.verdict else { panic!("{checked}\n{part:#?}") };
                assert!(how.next.is_empty() && how.ends.is_none(), "{checked}\n{part:#?}");
            }
        }
    }
}

fn is_received(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::ActivityCompleted { .. }
            | EventKind::ActivityFailed { .. }
            | EventKind::TimerFired { .. }
            | EventKind::ExternalEvent { .. }
            | EventKind::QueueEventDelivered { .. }
            | EventKind::SubOrchestrationCompleted { .. }
            | EventKind::SubOrchestrationFailed { .. }
            | EventKind::OrchestrationCancelRequested { .. }
    )
}

/// The history as it was after each turn of an execution that added an action, but the last.
fn cut(recorded: &Recorded, number: usize) -> Vec<Recorded> {
    let events = &recorded.executions[number].events;
    let ends = (2..events.len()).filter(|at| is_received(&events[*at].kind) && !is_received(&events[at - 1].kind));
    let until = |end: usize| {
        let mut part = recorded.clone();
        part.executions.truncate(number + 1);
        part.executions[number].events.truncate(end);
        part
    };
    ends.map(until).collect()
}
