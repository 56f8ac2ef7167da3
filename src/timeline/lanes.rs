//! The lanes: nodes, then clients, then instances, each child below its parent.

use std::collections::BTreeMap;

use super::item::At;
use super::lane::{Lane, LaneKind, Life};
use super::order::Order;
use super::source::Source;
use crate::text;

/// The lane indices by name.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub nodes: BTreeMap<String, usize>,
    pub instances: BTreeMap<String, usize>,
}

/// The lanes of the page.
pub(super) struct Lanes {
    pub list: Vec<Lane>,
    pub index: Index,
}

/// The lanes of one or two runs.
pub(super) fn lanes(sources: &[Source<'_>], order: &Order) -> Lanes {
    let mut lanes = Lanes { list: Vec::new(), index: Index::default() };
    nodes(sources, &mut lanes);
    instances(sources, &mut lanes);
    let begins: Vec<BTreeMap<usize, usize>> =
        sources.iter().enumerate().map(|(run, source)| begins(run, source, order, &lanes.index)).collect();
    let ends: Vec<BTreeMap<&str, &(String, At)>> = sources.iter().map(|source| ends(source)).collect();
    for (number, lane) in lanes.list.iter_mut().enumerate() {
        let life = |(run, source): (usize, &Source<'_>)| {
            let ended = ends[run].get(&*lane.name).copied();
            life(run, source, order, lane, *begins[run].get(&number)?, ended)
        };
        lane.lives = sources.iter().enumerate().map(life).collect();
        // Formatted only now, because the unformatted names are the keys for finding lanes.
        (lane.name, lane.about) = (text::line(&lane.name), text::line(&lane.about));
    }
    lanes
}

fn nodes(sources: &[Source<'_>], lanes: &mut Lanes) {
    let mut kinds: BTreeMap<&str, bool> = BTreeMap::new();
    let mut names: Vec<&str> = Vec::new();
    for (name, is_node) in sources.iter().flat_map(|source| &source.walked.nodes) {
        let kind = kinds.entry(name).or_insert_with(|| {
            names.push(name);
            false
        });
        *kind |= *is_node;
    }
    names.sort_by_key(|name| !kinds[name]);
    for name in names {
        lanes.index.nodes.insert(name.to_owned(), lanes.list.len());
        let kind = if kinds[name] { LaneKind::Node } else { LaneKind::Client };
        lanes.list.push(lane(kind, name, "", None, 0));
    }
}

fn lane(kind: LaneKind, name: &str, about: &str, parent: Option<usize>, depth: usize) -> Lane {
    let (name, about) = (name.to_owned(), about.to_owned());
    Lane { kind, name, about, parent, depth, lives: Vec::new(), rows: 1 }
}

fn instances(sources: &[Source<'_>], lanes: &mut Lanes) {
    let mut known: BTreeMap<&str, (&str, Option<&str>)> = BTreeMap::new();
    let mut names: Vec<&str> = Vec::new();
    for (name, instance) in sources.iter().flat_map(|source| &source.walked.instances) {
        let facts = known.entry(name).or_insert_with(|| {
            names.push(name);
            ("", None)
        });
        if facts.0.is_empty() {
            *facts = (&instance.orchestration, instance.parent.as_deref());
        }
    }
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut stack: Vec<(&str, Option<usize>, usize)> = Vec::new();
    for name in names.iter().rev() {
        match known[name].1.filter(|parent| known.contains_key(parent) && parent != name) {
            Some(parent) => children.entry(parent).or_default().push(name),
            None => stack.push((name, None, 0)),
        }
    }
    // Only a fabricated trace contains a cycle of parents; such instances come last.
    stack.splice(0..0, names.iter().rev().map(|name| (*name, None, 0)));
    // Iterative, because a chain of children may be long.
    while let Some((name, parent, depth)) = stack.pop() {
        if lanes.index.instances.contains_key(name) {
            continue;
        }
        let number = lanes.list.len();
        lanes.index.instances.insert(name.to_owned(), number);
        lanes.list.push(lane(LaneKind::Instance, name, known[name].0, parent, depth));
        let below = children.get(name).into_iter().flatten();
        stack.extend(below.map(|child| (*child, Some(number), depth + 1)));
    }
}

/// Where the items of each lane begin.
fn begins(run: usize, source: &Source<'_>, order: &Order, index: &Index) -> BTreeMap<usize, usize> {
    let mut begins = BTreeMap::new();
    for item in &source.walked.items {
        let from = order.moment(run, item.from);
        let instance = item.instance.as_ref().map(|name| index.instances[name]);
        let node = item.node.as_ref().map(|name| index.nodes[name]);
        for lane in [instance, node].into_iter().flatten() {
            let begin = begins.entry(lane).or_insert(from);
            *begin = from.min(*begin);
        }
    }
    begins
}

/// The final status of each instance that has ended.
fn ends<'a>(source: &'a Source<'_>) -> BTreeMap<&'a str, &'a (String, At)> {
    let ended = |(name, instance): &'a (String, super::walk::Instance)| Some((&**name, instance.ended.as_ref()?));
    source.walked.instances.iter().filter_map(ended).collect()
}

fn life(
    run: usize,
    source: &Source<'_>,
    order: &Order,
    lane: &Lane,
    from: usize,
    ended: Option<&(String, At)>,
) -> Option<Life> {
    let end = order.moment(run, At::End);
    if lane.kind != LaneKind::Instance {
        return Some(Life { from: 0, to: end, state: String::new(), waits: String::new() });
    }
    let waits = source.failure.iter().flat_map(|failure| &failure.waits).find(|one| one.instance == lane.name);
    Some(Life {
        from,
        to: ended.map_or(end, |(_, at)| order.moment(run, *at)),
        state: text::line(ended.map_or("unfinished", |(status, _)| status)),
        waits: waits.filter(|one| !one.waits.is_empty()).map(text::line).unwrap_or_default(),
    })
}
