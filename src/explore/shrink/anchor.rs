//! Tying what happens at a virtual time to the call that is near it: times of
//! one plan mean nothing once its latencies are gone, calls still do.

use std::collections::BTreeMap;

use crate::call::Method;
use crate::clock::Time;
use crate::sim::{Entry, Point, When};
use crate::trace::{Happening, Trace};

/// How many calls on either side are tried.
const NEAR: usize = 3;

/// The same as `entry`, which happens at a time, before or after a call of its
/// node that was made about then in `trace`. The nearest come first.
pub(super) fn near(entry: &Entry, trace: &Trace) -> Vec<Entry> {
    let When::At(after_start) = entry.when else { return Vec::new() };
    let at = trace.started + after_start;
    let points = points(entry.node(), trace);
    let (past, to_come): (Vec<_>, Vec<_>) = points.into_iter().partition(|(asked, _)| *asked <= at);
    let past = past.into_iter().rev().take(NEAR).map(|(_, point)| point);
    let sides = |point: Point| [When::Before(point.clone()), When::After(point)];
    let to_come = to_come.into_iter().take(NEAR).map(|(_, point)| When::Before(point));
    let whens = past.flat_map(sides).chain(to_come);
    whens.map(|when| Entry { when, what: entry.what.clone() }).collect()
}

/// The calls that a node made and when it asked: those that the provider was
/// asked, and those that met a fault on the way.
fn points(node: &str, trace: &Trace) -> Vec<(Time, Point)> {
    let mut calls: Vec<_> = trace.entries.iter().filter(|entry| &*entry.by == node).collect();
    calls.sort_by_key(|entry| entry.asked);
    let mut counts = BTreeMap::<Method, u64>::new();
    let mut points = BTreeMap::<Point, Time>::new();
    for entry in calls {
        let method = entry.call.method();
        let nth = counts.entry(method).or_default();
        *nth += 1;
        if !entry.is_vain() {
            points.insert(Point::new(node, method, *nth), entry.asked);
        }
    }
    for mark in trace.marks.iter().filter(|mark| &*mark.node == node) {
        if let Happening::Fault { method, nth, .. } = &mark.what {
            points.insert(Point::new(node, *method, *nth), mark.at);
        }
    }
    let mut points: Vec<(Time, Point)> = points.into_iter().map(|(point, asked)| (asked, point)).collect();
    points.sort();
    points
}
