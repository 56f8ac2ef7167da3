//! Moves plan entries from a virtual time to a nearby call: without latencies, the times of a plan
//! lose their meaning, but its calls do not.

use std::collections::BTreeMap;

use crate::call::Method;
use crate::clock::Time;
use crate::sim::{CallSite, PlanEntry, Trigger};
use crate::trace::{NodeEvent, Trace};

/// The number of calls on either side that are tried.
const NEAR: usize = 3;

/// Variants of `entry`, which happens at a time, that happen before or after a call that its node
/// made around that time in `trace`. The nearest come first.
pub(super) fn near(entry: &PlanEntry, trace: &Trace) -> Vec<PlanEntry> {
    let Trigger::At(after_start) = entry.when else { return Vec::new() };
    let at = trace.started + after_start;
    let points = points(entry.node(), trace);
    let (past, to_come): (Vec<_>, Vec<_>) = points.into_iter().partition(|(asked, _)| *asked <= at);
    let past = past.into_iter().rev().take(NEAR).map(|(_, point)| point);
    let sides = |point: CallSite| [Trigger::Before(point.clone()), Trigger::After(point)];
    let to_come = to_come.into_iter().take(NEAR).map(|(_, point)| Trigger::Before(point));
    let whens = past.flat_map(sides).chain(to_come);
    whens.map(|when| PlanEntry { when, what: entry.what.clone() }).collect()
}

/// The calls of a node with the times at which it made them: those that reached the provider, and
/// those that met a fault on the way.
fn points(node: &str, trace: &Trace) -> Vec<(Time, CallSite)> {
    let mut calls: Vec<_> = trace.entries.iter().filter(|entry| &*entry.by == node).collect();
    calls.sort_by_key(|entry| entry.asked);
    let mut counts = BTreeMap::<Method, u64>::new();
    let mut points = BTreeMap::<CallSite, Time>::new();
    for entry in calls {
        let method = entry.call.method();
        let nth = counts.entry(method).or_default();
        *nth += 1;
        if !entry.found_nothing() {
            points.insert(CallSite::new(node, method, *nth), entry.asked);
        }
    }
    for mark in trace.marks.iter().filter(|mark| &*mark.node == node) {
        if let NodeEvent::Fault { method, nth, .. } = &mark.what {
            points.insert(CallSite::new(node, *method, *nth), mark.at);
        }
    }
    let mut points: Vec<(Time, CallSite)> = points.into_iter().map(|(point, asked)| (asked, point)).collect();
    points.sort();
    points
}
