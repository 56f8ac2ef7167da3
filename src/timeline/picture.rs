//! [`Picture`]: all that the page shows, as plain data.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::calls;
use super::difference::{Difference, Side};
use super::item::{At, Item, Kind, State};
use super::order::{Course, Order};
use super::rows;
use super::walk::Walked;
use crate::sim::Unfinished;
use crate::text::{self, Lines};
use crate::trace::Trace;
use crate::versions::versions;

/// All that the page shows.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Picture {
    pub title: String,
    pub versions: BTreeMap<&'static str, String>,
    pub runs: Vec<RunFacts>,
    /// Times since the start, in milliseconds, that never go back.
    pub moments: Vec<u64>,
    pub lanes: Vec<Lane>,
    pub items: Vec<Shown>,
    pub difference: Option<ShownDifference>,
}

/// What is said of a run as a whole.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct RunFacts {
    pub name: String,
    pub started: u64,
    /// In milliseconds.
    pub elapsed: u64,
    pub seed: Option<String>,
    /// How many calls there were, how many of them are left out because they say
    /// nothing, and how many because there are too many.
    pub calls: usize,
    pub quiet: usize,
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: usize,
    pub failure: Option<ShownFailure>,
}

/// How a run failed.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct ShownFailure {
    /// In one sentence.
    pub headline: String,
    /// With all that is known.
    pub text: String,
    /// The moment.
    pub at: usize,
    /// The instances that it is about.
    pub lanes: Vec<usize>,
}

/// Where two runs differ first.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct ShownDifference {
    pub at: usize,
    pub sides: Vec<ShownSide>,
}

/// What a run has where two runs differ first.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct ShownSide {
    /// The line of its call, if it has one.
    pub call: Option<usize>,
    /// In words, if it is no call.
    pub text: String,
    /// When, in milliseconds since the start.
    pub time: u64,
}

/// A lane: a node, a client or an instance.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Lane {
    pub kind: LaneKind,
    pub name: String,
    /// What it is an instance of.
    pub about: String,
    pub parent: Option<usize>,
    pub depth: usize,
    /// For each run that has it.
    pub lives: Vec<Option<Life>>,
    pub rows: usize,
}

/// What a lane is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LaneKind {
    Node,
    Client,
    Instance,
}

/// A lane in one run.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Life {
    pub from: usize,
    pub to: usize,
    /// How it ended, or that it has not.
    pub state: String,
    /// What it waits for, where that is known.
    pub waits: String,
}

/// An item as the page has it.
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
    /// The lane of its node, if it has an instance too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<usize>,
    #[serde(skip_serializing_if = "is_zero")]
    pub node_row: usize,
    pub label: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The lines of its calls.
    pub calls: Vec<usize>,
    /// The items that brought it about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<usize>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde calls it.
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A run that is to be shown.
pub(super) struct Source<'a> {
    pub name: String,
    pub trace: &'a Trace,
    /// The numbers of its calls in the whole run, where it has not all of them.
    pub numbers: Vec<usize>,
    /// How many calls the whole run had.
    pub calls: usize,
    pub seed: Option<String>,
    /// In milliseconds.
    pub elapsed: u64,
    pub failure: Option<SourceFailure>,
    pub walked: Walked,
}

/// How a run that is to be shown failed.
pub(super) struct SourceFailure {
    pub headline: String,
    pub text: String,
    /// In milliseconds since the start.
    pub at: u64,
    pub instances: Vec<String>,
    /// What unfinished instances wait for.
    pub waits: Vec<Unfinished>,
}

/// The picture of one run or two, and the lines of their calls.
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
        failure: source.failure.as_ref().map(|failure| ShownFailure {
            headline: Lines(&failure.headline).to_string(),
            text: failure.text.clone(),
            at: at(source, run, failure.at),
            lanes: failure.instances.iter().filter_map(|name| lanes.index.instances.get(name).copied()).collect(),
        }),
    };
    let picture = Picture {
        title: text::line(title),
        versions: versions(),
        runs: sources.iter().enumerate().map(facts).collect(),
        difference: difference.map(|_| ShownDifference { at: order.difference(shared.unwrap_or(0)), sides }),
        moments: order.moments,
        lanes: lanes.list,
        items,
    };
    (picture, lines)
}

fn order(sources: &[Source<'_>], shared: Option<usize>) -> Order {
    let mut times = BTreeSet::new();
    for source in sources {
        let places =
            source.walked.items.iter().flat_map(|item| [Some(item.from), Some(item.to), item.since, item.tail]);
        times.extend(places.flatten().filter_map(|at| match at {
            At::Time(time) if time < source.elapsed => Some(time),
            _ => None,
        }));
        times.extend(source.failure.as_ref().map(|failure| failure.at).filter(|at| *at < source.elapsed));
    }
    let courses: Vec<Course<'_>> =
        sources.iter().map(|source| Course { steps: &source.walked.steps, end: source.elapsed }).collect();
    // Two runs without a difference share all of their steps.
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
        lane: instance.or(node).expect("an item has an instance or a node"),
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

/// Gives every item its row, and every lane its height.
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
        // Beside the points lie the turns of an instance, of which there is one at a time.
        let packed: Vec<usize> = members
            .iter()
            .map(|(number, _)| *number)
            .filter(|number| match items[*number].kind {
                Kind::Turn => lane.kind != LaneKind::Instance,
                Kind::Activity | Kind::Timer | Kind::Wait | Kind::Child => true,
                _ => false,
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
