//! [`Picture`]: the data that the page shows.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::calls;
use super::difference::{Difference, Side};
use super::given::Given;
use super::item::{At, Item, Kind, State};
use super::lane::{Lane, LaneKind};
use super::order::{Course, Order};
use super::rows;
use super::source::{Source, SourceFailure};
use crate::text::{self, Lines};
use crate::trace::Trace;
use crate::versions::Versions;

/// The data that the page shows.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Picture {
    pub title: String,
    pub versions: Versions,
    pub runs: Vec<RunFacts>,
    /// Times since the start in milliseconds, in ascending order.
    pub moments: Vec<u64>,
    pub lanes: Vec<Lane>,
    pub items: Vec<Shown>,
    pub difference: Option<ShownDifference>,
}

/// The facts about a whole run.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct RunFacts {
    pub name: String,
    pub started: u64,
    /// In milliseconds.
    pub elapsed: u64,
    pub seed: Option<String>,
    /// The number of calls, of calls left out because they carry no information, and of calls left
    /// out because there are too many.
    pub calls: usize,
    pub quiet: usize,
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: usize,
    pub failure: Option<ShownFailure>,
    /// What the run was given besides its seed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<Given>,
}

/// How a run failed.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct ShownFailure {
    /// The failure in one sentence.
    pub headline: String,
    /// The full report.
    pub text: String,
    /// The moment of the failure.
    pub at: usize,
    /// The moment of its cause, if that is known and earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<ShownCause>,
    /// The lanes of the instances that it is about.
    pub lanes: Vec<usize>,
}

/// What caused a failure.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct ShownCause {
    pub at: usize,
    pub why: String,
}

/// The first difference between two runs.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct ShownDifference {
    pub at: usize,
    pub sides: Vec<ShownSide>,
}

/// What a run has at the first difference.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct ShownSide {
    /// The line of its call, if it is a call.
    pub call: Option<usize>,
    /// A description, if it is not a call.
    pub text: String,
    /// The time since the start, in milliseconds.
    pub time: u64,
}

/// An item in the form that the page reads.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Shown {
    pub run: usize,
    pub kind: Kind,
    pub state: State,
    pub from: usize,
    pub to: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tail: Option<usize>,
    /// The lane of its instance, or of its node if it has no instance.
    pub lane: usize,
    pub row: usize,
    /// The lane of its node, if it also has an instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<usize>,
    #[serde(skip_serializing_if = "is_zero")]
    pub node_row: usize,
    pub label: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The lines of its calls.
    pub calls: Vec<usize>,
    /// The items that caused it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<usize>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde calls it.
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Creates the picture of one or two runs, and the lines of their calls.
pub(super) fn picture(title: String, sources: &[Source<'_>], difference: Option<Difference>) -> (Picture, Vec<String>) {
    let shared = sources.iter().filter_map(|source| source.walked.shared).min();
    let order = order(sources, shared);
    let mut lanes = super::lanes::lanes(sources, &order);
    let mut lines = Vec::new();
    let mut items = Vec::new();
    let mut sides = Vec::new();
    for (run, source) in sources.iter().enumerate() {
        let wanted = source.walked.items.iter().flat_map(|item| item.entries.iter().copied());
        let (text, places) = calls::lines(source.trace, &source.numbers, wanted);
        let first = items.len();
        items.extend(source.walked.items.iter().map(|item| shown(run, item, &order, &lanes.index, &places, first)));
        sides.extend(difference.map(|difference| side(source.trace, difference.sides[run], &places)));
        lines.push(text);
    }
    arrange(&mut items, &mut lanes.list, sources.len());
    let at = |source: &Source<'_>, run: usize, time: u64| {
        let end = time >= source.elapsed;
        order.moment(run, if end { At::End } else { At::Time(time) })
    };
    let facts = |(run, source): (usize, &Source<'_>)| RunFacts {
        name: text::line(&source.name),
        started: source.trace.started.0,
        elapsed: source.elapsed,
        seed: source.seed.clone(),
        calls: source.calls,
        left_out: source.calls.saturating_sub(source.trace.entries.len()),
        quiet: source.walked.quiet,
        given: source.given.clone(),
        failure: source.failure.as_ref().map(|failure| ShownFailure {
            headline: Lines(&failure.headline).to_string(),
            text: failure.text.clone(),
            at: at(source, run, failure.at),
            cause: shown_cause(failure, at(source, run, failure.at), |at| order.moment(run, at)),
            lanes: failure.instances.iter().filter_map(|name| lanes.index.instances.get(name).copied()).collect(),
        }),
    };
    let picture = Picture {
        title: text::line(title),
        versions: Versions::here(),
        runs: sources.iter().enumerate().map(facts).collect(),
        difference: difference.map(|_| ShownDifference { at: order.difference(shared.unwrap_or(0)), sides }),
        moments: order.moments,
        lanes: lanes.list,
        items,
    };
    (picture, lines)
}

/// The cause of a failure, if it is known and earlier than the failure itself.
fn shown_cause(failure: &SourceFailure, failed: usize, moment: impl Fn(At) -> usize) -> Option<ShownCause> {
    let cause = failure.cause.as_ref()?;
    let at = moment(cause.at);
    (at < failed).then(|| ShownCause { at, why: text::line(&cause.why) })
}

fn order(sources: &[Source<'_>], shared: Option<usize>) -> Order {
    let mut times = BTreeSet::new();
    for source in sources {
        let places =
            source.walked.items.iter().flat_map(|item| [Some(item.from), Some(item.to), item.since, item.tail]);
        times.extend(places.flatten().filter_map(|at| match at {
            At::Time(time) => Some(time).filter(|time| *time < source.elapsed),
            At::Step(_) | At::Near(_) | At::End => None,
        }));
        let failure = source.failure.as_ref();
        let cause = failure.and_then(|failure| match failure.cause.as_ref()?.at {
            At::Time(time) => Some(time),
            At::Step(_) | At::Near(_) | At::End => None,
        });
        times.extend(failure.map(|failure| failure.at).into_iter().chain(cause).filter(|at| *at < source.elapsed));
    }
    let courses: Vec<Course<'_>> =
        sources.iter().map(|source| Course { steps: &source.walked.steps, end: source.elapsed }).collect();
    // Two runs without a difference share all steps.
    let whole = courses.iter().map(|course| course.steps.len()).min().unwrap_or(0);
    Order::new(&courses, shared.unwrap_or(whole), &times)
}

fn shown(
    run: usize,
    item: &Item,
    order: &Order,
    index: &super::lanes::Index,
    places: &BTreeMap<usize, usize>,
    first: usize,
) -> Shown {
    let moment = |at: At| order.moment(run, at);
    let instance = item.instance.as_ref().map(|name| index.instances[name]);
    let node = item.node.as_ref().map(|name| index.nodes[name]);
    let from = moment(item.from);
    let to = moment(item.to).max(from);
    Shown {
        run,
        kind: item.kind,
        state: item.state,
        from,
        to,
        since: item.since.map(moment),
        tail: item.tail.map(|at| moment(at).max(to)),
        lane: instance.or(node).expect("an item must have an instance or a node"),
        row: 0,
        node: instance.and(node),
        node_row: 0,
        label: item.label.clone(),
        note: item.note.clone(),
        calls: item.entries.iter().map(|entry| places[entry]).collect(),
        causes: item.causes.iter().map(|cause| cause + first).collect(),
    }
}

fn side(trace: &Trace, side: Side, places: &BTreeMap<usize, usize>) -> ShownSide {
    let since = |time: crate::clock::Time| time.0.saturating_sub(trace.started.0);
    match side {
        Side::Call(number) => ShownSide {
            call: places.get(&number).copied(),
            text: String::new(),
            time: since(trace.entries[number].answered),
        },
        Side::Mark(number) => {
            let mark = &trace.marks[number];
            ShownSide {
                call: None,
                text: text::line(format_args!("{} {}.", mark.node, mark.what)),
                time: since(mark.at),
            }
        }
        Side::Nothing => {
            let time = trace.entries.last().map_or(0, |entry| since(entry.answered));
            ShownSide { call: None, text: "The run has ended.".to_owned(), time }
        }
    }
}

/// Assigns a row to every item and a height to every lane.
fn arrange(items: &mut [Shown], lanes: &mut [Lane], runs: usize) {
    let mut groups: Vec<Vec<(usize, bool)>> = vec![Vec::new(); lanes.len() * runs];
    let mut sorted: Vec<usize> = (0..items.len()).collect();
    sorted.sort_by_key(|item| (items[*item].from, items[*item].to));
    for number in sorted {
        let item = &items[number];
        groups[item.lane * runs + item.run].push((number, true));
        if let Some(node) = item.node {
            groups[node * runs + item.run].push((number, false));
        }
    }
    for (group, members) in groups.iter().enumerate() {
        let lane = &mut lanes[group / runs];
        // The turns of an instance never overlap, so they lie beside the points.
        let packed: Vec<usize> = members
            .iter()
            .map(|(number, _)| *number)
            .filter(|number| match items[*number].kind {
                Kind::Turn => lane.kind != LaneKind::Instance,
                Kind::Activity | Kind::Timer | Kind::Wait | Kind::Child => true,
                Kind::Event | Kind::End | Kind::Call | Kind::Node | Kind::Fault | Kind::Latency | Kind::Law => false,
                // They often come at one moment with others, which they must not cover.
                Kind::Log | Kind::Effect => true,
            })
            .collect();
        let points = packed.len() < members.len();
        let bars: Vec<(usize, usize)> = packed.iter().map(|number| (items[*number].from, items[*number].to)).collect();
        let (rows, count) = rows::pack(&bars, usize::from(points));
        for (number, row) in packed.iter().zip(&rows) {
            let item = &mut items[*number];
            if item.lane == group / runs {
                item.row = *row;
            } else {
                item.node_row = *row;
            }
        }
        lane.rows = lane.rows.max(count).max(1);
    }
}
