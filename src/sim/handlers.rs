//! [`Handlers`]: the handlers that the builds of the nodes have, and which handlers are
//! missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use duroxide::providers::WorkItem;
use serde::{Deserialize, Serialize};

use super::node::Node;
use crate::call::{Call, Item, Reply, Tags};
use crate::provider::tags_of;

/// A handler that no build of any node has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Lack {
    /// An activity.
    Activity {
        /// The requested name.
        name: String,
        /// The most similar registered name.
        nearest: Option<String>,
    },
    /// An orchestration.
    Orchestration {
        /// The requested name.
        name: String,
        /// The most similar registered name.
        nearest: Option<String>,
    },
    /// A version of a registered orchestration.
    Version {
        /// The orchestration.
        name: String,
        /// The requested version.
        version: String,
        /// The registered versions.
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
            Lack::Orchestration { name, .. } if name.is_empty() => {
                return f.write_str(
                    "its orchestration has an empty name, which duroxide takes for no name: it drops the message that \
                     starts it",
                );
            }
            Lack::Orchestration { name, nearest } => {
                write!(f, "no node has an orchestration {name:?}")?;
                nearest
            }
            Lack::Version { name, version, known } => {
                return write!(
                    f,
                    "no node has version {version} of orchestration {name:?}; the known versions are {}",
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
    /// The missing handler.
    pub lack: Lack,
    /// The instance that requests the handler, or that is to be started with it.
    pub instance: String,
    /// The caller that stored the work: a client, or the node whose orchestration requested
    /// it.
    pub by: String,
}

impl fmt::Display for UnknownHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UnknownHandler { lack, instance, by } = self;
        write!(
            f,
            "{by:?} stored work of instance {instance} that no node can run: {lack}. Correct the name, or register the \
             handler with a node or with another build of one (Node::with_build); if this is intended, call \
             Sim::allow_unknown_handlers."
        )
    }
}

/// The activities that a build of a node takes, by their tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagsOfNode {
    /// The node.
    pub node: String,
    /// Its build.
    pub build: String,
    /// The filter (`RuntimeOptions::worker_tag_filter`).
    pub filter: Tags,
}

/// The handlers of all builds of all nodes, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Handlers {
    activities: BTreeSet<String>,
    /// The orchestrations, with their versions.
    orchestrations: BTreeMap<String, BTreeSet<String>>,
    tags: Vec<TagsOfNode>,
}

impl Handlers {
    /// The handlers of these nodes, with activities that all of them have besides.
    pub fn of(nodes: &[Node], activities: &BTreeSet<String>) -> Handlers {
        let mut handlers = Handlers { activities: activities.clone(), ..Handlers::default() };
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

    /// Returns what is missing for an activity.
    pub fn lack_activity(&self, name: &str) -> Option<Lack> {
        let builtin = name.starts_with("__duroxide_");
        let there = builtin || self.activities.contains(name);
        (!there).then(|| Lack::Activity { name: name.to_owned(), nearest: nearest(name, self.activities.iter()) })
    }

    /// Returns what is missing for an orchestration.
    pub fn lack_orchestration(&self, name: &str, version: Option<&str>) -> Option<Lack> {
        match (self.orchestrations.get(name), version) {
            // Even if a node has one of that name.
            _ if name.is_empty() => Some(Lack::Orchestration { name: String::new(), nearest: None }),
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

    /// Returns what is missing for a work item.
    pub fn lack_for(&self, item: &WorkItem) -> Option<Lack> {
        match item {
            WorkItem::StartOrchestration { orchestration, version, .. }
            | WorkItem::ContinueAsNew { orchestration, version, .. } => {
                self.lack_orchestration(orchestration, version.as_deref())
            }
            WorkItem::ActivityExecute { name, .. } => self.lack_activity(name),
            // Completions, events and cancellations need no handler of their own.
            _ => None,
        }
    }

    /// Returns the tag filters of all nodes, if none of them accepts an activity with this
    /// tag.
    pub fn shut_to(&self, tag: Option<&str>) -> Option<Vec<TagsOfNode>> {
        let shut = !self.tags.is_empty() && self.tags.iter().all(|of| !of.filter.matches(tag));
        shut.then(|| self.tags.clone())
    }

    /// Returns the first work stored by a call that no node can run.
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
        call.added().items().find_map(look)
    }
}

/// Returns the name most similar to `wanted`, if one is similar enough.
pub(super) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a String>) -> Option<String> {
    let most = wanted.chars().count() / 3 + 1;
    let near = names.map(|name| (distance(&wanted.to_lowercase(), &name.to_lowercase()), name));
    near.filter(|(distance, _)| *distance <= most).min().map(|(_, name)| name.clone())
}

/// Returns the edit distance: the number of characters to change, add or remove to turn `a`
/// into `b`.
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
