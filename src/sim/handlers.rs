//! [`Handlers`]: what the builds of the nodes can run, and what none of them can.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use duroxide::providers::WorkItem;
use serde::{Deserialize, Serialize};

use super::node::Node;
use crate::call::{AckTurn, Call, Item, Reply, Tags};
use crate::provider::tags_of;

/// A handler that no build of any node has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Lack {
    /// An activity.
    Activity {
        /// What was asked for.
        name: String,
        /// The name there is that looks most like it.
        nearest: Option<String>,
    },
    /// An orchestration.
    Orchestration {
        /// What was asked for.
        name: String,
        /// The name there is that looks most like it.
        nearest: Option<String>,
    },
    /// A version of an orchestration that there is.
    Version {
        /// The orchestration.
        name: String,
        /// What was asked for.
        version: String,
        /// The versions there are.
        known: Vec<String>,
    },
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nearest = match self {
            Lack::Activity { name, nearest } => {
                write!(f, "no node has an activity {name:?}")?;
                nearest
            }
            Lack::Orchestration { name, nearest } => {
                write!(f, "no node has an orchestration {name:?}")?;
                nearest
            }
            Lack::Version { name, version, known } => {
                return write!(
                    f,
                    "no node has version {version} of orchestration {name:?}; there is {}",
                    known.join(", ")
                );
            }
        };
        nearest.iter().try_for_each(|nearest| write!(f, "; the nearest name is {nearest:?}"))
    }
}

/// Work that was stored for a handler that no build of any node has
/// ([`super::Cause::UnknownHandler`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownHandler {
    /// What there is not.
    pub lack: Lack,
    /// The instance that asks for it, or is to be it.
    pub instance: String,
    /// Who stored the work: a client, or the node whose orchestration asked for it.
    pub by: String,
}

impl fmt::Display for UnknownHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UnknownHandler { lack, instance, by } = self;
        write!(
            f,
            "{by:?} stored work of instance {instance} that nothing here can do: {lack}. Correct the name, or register it \
             with a node or another build of one (Node::with_build); where that is meant, call Sim::allow_unknown_handlers."
        )
    }
}

/// Which activities a build of a node takes, by their tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagsOfNode {
    /// The node.
    pub node: String,
    /// Its build.
    pub build: String,
    /// The filter (`RuntimeOptions::worker_tag_filter`).
    pub filter: Tags,
}

/// What any build of any node can run, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Handlers {
    activities: BTreeSet<String>,
    /// With their versions.
    orchestrations: BTreeMap<String, BTreeSet<String>>,
    tags: Vec<TagsOfNode>,
}

impl Handlers {
    pub fn of(nodes: &[Node]) -> Handlers {
        let mut handlers = Handlers::default();
        for (spec, build) in nodes.iter().flat_map(|spec| spec.builds.iter().map(move |build| (spec, build))) {
            handlers.activities.extend(build.activities.list_names());
            for name in build.orchestrations.list_names() {
                let versions = build.orchestrations.list_versions(&name);
                let known = handlers.orchestrations.entry(name).or_default();
                known.extend(versions.iter().map(ToString::to_string));
            }
            let filter = tags_of(&build.options.worker_tag_filter);
            handlers.tags.push(TagsOfNode { node: spec.name.clone(), build: build.name.clone(), filter });
        }
        handlers
    }

    /// What is missing for an activity.
    pub fn lack_activity(&self, name: &str) -> Option<Lack> {
        let builtin = name.starts_with("__duroxide_");
        let there = builtin || self.activities.contains(name);
        (!there).then(|| Lack::Activity { name: name.to_owned(), nearest: nearest(name, self.activities.iter()) })
    }

    /// What is missing for an orchestration.
    pub fn lack_orchestration(&self, name: &str, version: Option<&str>) -> Option<Lack> {
        match (self.orchestrations.get(name), version) {
            (None, _) => {
                let nearest = nearest(name, self.orchestrations.keys());
                Some(Lack::Orchestration { name: name.to_owned(), nearest })
            }
            (Some(versions), Some(version)) if !versions.contains(version) => Some(Lack::Version {
                name: name.to_owned(),
                version: version.to_owned(),
                known: versions.iter().cloned().collect(),
            }),
            _ => None,
        }
    }

    /// What is missing for a work item.
    pub fn lack_for(&self, item: &WorkItem) -> Option<Lack> {
        match item {
            WorkItem::StartOrchestration { orchestration, version, .. }
            | WorkItem::ContinueAsNew { orchestration, version, .. } => {
                self.lack_orchestration(orchestration, version.as_deref())
            }
            WorkItem::ActivityExecute { name, .. } => self.lack_activity(name),
            // Answers, events and cancellations need no handler of their own.
            _ => None,
        }
    }

    /// The filters of all nodes, where none of them lets an activity with this tag
    /// through.
    pub fn shut_to(&self, tag: Option<&str>) -> Option<Vec<TagsOfNode>> {
        let shut = !self.tags.is_empty() && self.tags.iter().all(|of| !of.filter.matches(tag));
        shut.then(|| self.tags.clone())
    }

    /// The first work that a call has stored and nobody can do.
    pub fn unknown_in(&self, by: &str, call: &Call, reply: &Reply) -> Option<UnknownHandler> {
        let Reply::Done = reply else { return None };
        let look = |item: &Item| {
            let lack = self.lack_for(item)?;
            let instance = match &**item {
                WorkItem::StartOrchestration { instance, parent_instance, .. } => {
                    parent_instance.as_ref().unwrap_or(instance).clone()
                }
                item => crate::call::instance_of(item).into_owned(),
            };
            Some(UnknownHandler { lack, instance, by: by.to_owned() })
        };
        match call {
            Call::EnqueueForOrchestrator { item, .. } | Call::EnqueueForWorker { item } => look(item),
            Call::AckOrchestrationItem(ack) => {
                let AckTurn { jobs, messages, .. } = &**ack;
                jobs.iter().chain(messages).find_map(look)
            }
            _ => None,
        }
    }
}

/// The name that looks most like `wanted`, if one does.
pub(super) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a String>) -> Option<String> {
    let most = wanted.chars().count() / 3 + 1;
    let near = names.map(|name| (distance(&wanted.to_lowercase(), &name.to_lowercase()), name));
    near.filter(|(distance, _)| *distance <= most).min().map(|(_, name)| name.clone())
}

/// How many characters have to be changed, added or taken away to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, of_a) in a.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], i + 1);
        for (j, of_b) in b.iter().enumerate() {
            let change = before + usize::from(of_a != *of_b);
            before = row[j + 1];
            row[j + 1] = change.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
