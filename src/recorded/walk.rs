//! Replays an execution turn by turn and finds the first event that differs.
//!
//! Where one turn ends and the next begins is not recorded, but actions are recorded after the
//! events that woke their turn. So the history is cut before each run of actions: the code is given
//! everything before the run, and must do what the run says. Successive turns without actions are
//! replayed as one, as duroxide does.

use duroxide::{Event, EventKind};

use super::end;
use super::engine::{Code, Turn};
use super::role::{Role, is_same_action};
use super::verdict::{Divergence, GoesOn, Verdict, Wanted};

/// A part of a history: the events received, and then what the code did about them.
struct Part<'a> {
    /// The index of the first action or note, or of what follows where there is none.
    at: usize,
    /// The number of events received just before.
    received: usize,
    /// The actions, with their indices.
    actions: Vec<(usize, &'a EventKind)>,
    /// The index of the event after the part, if any.
    next: Option<usize>,
}

/// Replays the events of an execution.
pub(super) fn verdict(code: &Code, events: &[Event]) -> Verdict {
    if let Some(unknown) = events.iter().find(|event| Role::of(&event.kind) == Role::Unknown) {
        return Verdict::Unreadable(format!("Event {} is of a kind that this build does not know.", unknown.event_id));
    }
    let closed = events.iter().position(|event| Role::of(&event.kind) == Role::End);
    if closed.is_some_and(|at| at + 1 != events.len()) {
        return Verdict::Unreadable("There are events after the one that ends the execution.".to_owned());
    }
    let parts = parts(events, closed.unwrap_or(events.len()));
    let last = parts.len() - 1;
    for (number, part) in parts.iter().enumerate() {
        let is_last = number == last;
        let recorded_end = closed.filter(|_| is_last).map(|at| end::of_event(&events[at].kind));
        if recorded_end == Some(None) && part.actions.is_empty() {
            // duroxide ended the execution in this turn, before the code's part of it was recorded.
            return Verdict::Replays;
        }
        let turn = code.turn(&events[..part.at], part.received);
        if let Err(divergence) = compare(events, part, &turn, is_last && closed.is_none()) {
            return Verdict::Diverges(divergence);
        }
        let wanted = end::of_turn(&turn.result);
        match recorded_end {
            // The next part shows that the code had to go on.
            None if !is_last => {
                if let Some(end) = wanted {
                    return diverges(events, part.next, Wanted::End(end), None);
                }
            }
            None => return going_on(part, &turn, events),
            Some(None) => {}
            Some(Some(recorded)) => {
                if wanted.as_ref() != Some(&recorded) {
                    let wanted = wanted.map_or(Wanted::Nothing, Wanted::End);
                    return diverges(events, closed, wanted, None);
                }
            }
        }
    }
    Verdict::Replays
}

/// Compares the recorded actions of a part with those of the code. Where `may_add`, the code may do
/// more than is recorded.
fn compare(events: &[Event], part: &Part<'_>, turn: &Turn, may_add: bool) -> Result<(), Box<Divergence>> {
    let differs = |at: Option<usize>, wanted: Wanted, reason: Option<String>| {
        Err(Box::new(Divergence { recorded: at.map(|at| events[at].clone()), wanted, reason }))
    };
    if let Some(reason) = &turn.nondeterminism {
        return differs(part.at.checked_sub(1), Wanted::Nothing, Some(reason.clone()));
    }
    let mut wanted = turn.actions.iter();
    for (at, recorded) in &part.actions {
        match wanted.next() {
            Some(action) if is_same_action(recorded, action) => {}
            Some(action) => return differs(Some(*at), Wanted::Action(action.clone()), None),
            None => {
                let wanted = end::of_turn(&turn.result).map_or(Wanted::Nothing, Wanted::End);
                return differs(Some(*at), wanted, None);
            }
        }
    }
    match wanted.next() {
        Some(action) if !may_add => differs(part.next, Wanted::Action(action.clone()), None),
        _ => Ok(()),
    }
}

fn diverges(events: &[Event], at: Option<usize>, wanted: Wanted, reason: Option<String>) -> Verdict {
    Verdict::Diverges(Box::new(Divergence { recorded: at.map(|at| events[at].clone()), wanted, reason }))
}

/// The verdict on an execution that had not ended.
fn going_on(part: &Part<'_>, turn: &Turn, events: &[Event]) -> Verdict {
    let next = turn.actions[part.actions.len()..].to_vec();
    let ends = end::of_turn(&turn.result);
    let is_open = |event: &&Event| {
        let id = Some(event.event_id);
        Role::of(&event.kind) == Role::Action
            && is_wait(&event.kind)
            && !events.iter().any(|other| other.source_event_id == id)
    };
    let waits_for = events.iter().filter(is_open).cloned().collect();
    Verdict::GoesOn(Box::new(GoesOn { next, ends, waits_for }))
}

/// Whether the action is one whose result arrives as a later event that refers to it.
fn is_wait(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::ActivityScheduled { .. }
            | EventKind::TimerCreated { .. }
            | EventKind::SubOrchestrationScheduled { .. }
    )
}

/// Cuts the events before `end`, at least one, into parts.
fn parts(events: &[Event], end: usize) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < end || parts.is_empty() {
        let is_received = |at: &usize| Role::of(&events[*at].kind) == Role::Received;
        let received = (at..end).take_while(is_received).count();
        let start = at + received;
        let rest = (start..end).take_while(|at| !is_received(at));
        let rest: Vec<usize> = rest.collect();
        at = start + rest.len();
        let is_action = |at: &usize| Role::of(&events[*at].kind) == Role::Action;
        let actions = rest.into_iter().filter(is_action).map(|at| (at, &events[at].kind)).collect();
        parts.push(Part { at: start, received, actions, next: (at < events.len()).then_some(at) });
    }
    parts
}
