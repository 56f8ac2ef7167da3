//! Marks of what the code of the run did besides calls: its log lines, and effects of activities.

use std::collections::VecDeque;

use super::super::item::{At, Item, Kind, State};
use super::Walk;
use crate::logs::{LogLevel, LogLine};
use crate::sim::{DoneEffect, Observed};
use crate::text;

/// The number of lines that one mark lists.
const MOST: usize = 30;

/// Something that the code of the run did between two calls.
pub(super) struct Remark<'a> {
    kind: Kind,
    state: State,
    /// The virtual time since the start, in milliseconds.
    at: u64,
    /// The number of calls before it in the trace that is shown.
    pub calls: usize,
    node: Option<&'a str>,
    instance: Option<&'a str>,
    label: &'a str,
    /// The whole of it, on one line.
    line: String,
}

/// A mark whose moment is not known yet.
pub(super) struct Placed {
    item: usize,
    at: u64,
    /// The number of steps before it.
    steps: usize,
    /// The number of remarks that it stands for.
    count: usize,
}

/// Returns all remarks about a run, in order. `numbers` holds the indices of the calls in the whole
/// run, if the trace is a part of it.
pub(super) fn all<'a>(observed: &'a Observed, numbers: &[usize]) -> VecDeque<Remark<'a>> {
    let lines = observed.log.lines.iter().map(of_line);
    let mut all: Vec<Remark<'_>> = lines.chain(observed.effects.iter().map(of_effect)).collect();
    all.sort_by_key(|remark| (remark.calls, remark.at));
    if !numbers.is_empty() {
        all.iter_mut().for_each(|remark| remark.calls = numbers.partition_point(|number| *number < remark.calls));
    }
    all.into()
}

fn of_line(line: &LogLine) -> Remark<'_> {
    Remark {
        kind: Kind::Log,
        state: if line.level == LogLevel::Error { State::Failed } else { State::Fine },
        at: u64::try_from(line.at.as_millis()).unwrap_or(u64::MAX),
        calls: line.calls,
        node: line.node.as_deref(),
        instance: line.instance.as_deref(),
        label: &line.message,
        line: line.to_string(),
    }
}

fn of_effect(effect: &DoneEffect) -> Remark<'_> {
    let by = effect.activity.as_deref().map(|activity| format!(" by activity {activity}")).unwrap_or_default();
    Remark {
        kind: Kind::Effect,
        state: State::Fine,
        at: u64::try_from(effect.at.as_millis()).unwrap_or(u64::MAX),
        calls: effect.calls,
        node: effect.node.as_deref(),
        instance: effect.instance.as_deref(),
        label: &effect.key,
        line: text::line(format_args!("The effect {:?}{by}.", effect.key)),
    }
}

impl Walk<'_> {
    /// Adds the marks of the remarks before the call with this index.
    pub(super) fn remarks_before(&mut self, number: usize) {
        while self.remarks.front().is_some_and(|remark| remark.calls <= number) {
            let Some(remark) = self.remarks.pop_front() else { return };
            self.remark(&remark);
        }
    }

    /// Adds the marks of the remarks after the last call.
    pub(super) fn last_remarks(&mut self) {
        self.remarks_before(usize::MAX);
    }

    fn remark(&mut self, remark: &Remark<'_>) {
        // What the body does has no lane but that of its client.
        let of_body = remark.node.is_none() && remark.instance.is_none();
        let node = remark.node.or(of_body.then_some(BODY));
        let steps = self.steps.len();
        if self.joins_the_last(remark, node, steps) {
            return;
        }
        let mut item = Item::point(remark.kind, At::End, remark.label).state(remark.state);
        item.note.clone_from(&remark.line);
        item.instance = remark.instance.map(str::to_owned);
        item.node = node.map(str::to_owned);
        let item = self.add(item);
        self.placed.push(Placed { item, at: remark.at, steps, count: 1 });
    }

    /// Adds a remark to the last mark, if it is about the same and comes at the same moment.
    fn joins_the_last(&mut self, remark: &Remark<'_>, node: Option<&str>, steps: usize) -> bool {
        let Some(last) = self.placed.last_mut() else { return false };
        let item = &mut self.items[last.item];
        let same = item.kind == remark.kind
            && (last.at, last.steps) == (remark.at, steps)
            && (item.instance.as_deref(), item.node.as_deref()) == (remark.instance, node);
        if same {
            last.count += 1;
            item.state = item.state.max(remark.state);
            if last.count <= MOST {
                item.note.push('\n');
                item.note.push_str(&remark.line);
            } else if last.count == MOST + 1 {
                item.note.push_str("\nand more at the same moment");
            }
        }
        same
    }

    /// Gives each mark its moment: the step that follows it or precedes it at the same time, or a
    /// moment of its own between steps.
    pub(super) fn place_remarks(&mut self) {
        for Placed { item, at, steps, count } in std::mem::take(&mut self.placed) {
            let is_then = |step: &usize| self.steps.get(*step) == Some(&at);
            let before = steps.checked_sub(1).filter(is_then);
            let step = Some(steps).filter(is_then).or(before);
            let at = step.map_or(At::Time(at), At::Step);
            let item = &mut self.items[item];
            (item.from, item.to) = (at, at);
            if count > 1 {
                item.label = format!("{} and {} more", item.label, count - 1);
            }
        }
    }
}

/// The lane for what the body does.
const BODY: &str = "client";
