//! [`Topology`]: the nodes of a run, as fault generators see them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::node::Node;

/// The facts about the nodes that fault generators need.
#[derive(Clone, Debug)]
pub(super) struct Topology {
    /// The nodes, with the names of their builds.
    pub nodes: BTreeMap<String, Vec<String>>,
    /// The shortest lock that any node requests; latencies stay well below it.
    pub shortest_lock: Duration,
    /// The smallest `max_attempts` of any node.
    pub fewest_attempts: u32,
}

impl Topology {
    /// Returns what fault generators need to know about these nodes.
    pub fn of(nodes: &[Node]) -> Topology {
        let builds = |spec: &Node| spec.builds.iter().map(|build| build.name.clone()).collect();
        let options = || nodes.iter().flat_map(|spec| &spec.builds).map(|build| &build.options);
        let locks = options().map(|options| options.orchestrator_lock_timeout.min(options.worker_lock_timeout));
        Topology {
            nodes: nodes.iter().map(|spec| (spec.name.clone(), builds(spec))).collect::<BTreeMap<_, Vec<String>>>(),
            shortest_lock: locks.min().unwrap_or(Duration::MAX),
            fewest_attempts: options().map(|options| options.max_attempts).min().unwrap_or(u32::MAX),
        }
    }
}

/// Returns the largest `max_attempts` of any node.
pub(super) fn most_attempts(nodes: &[Node]) -> u32 {
    let attempts = nodes.iter().flat_map(|spec| &spec.builds).map(|build| build.options.max_attempts);
    attempts.max().unwrap_or_default()
}
