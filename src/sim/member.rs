//! [`Member`]: a node of a running simulation, and whether it runs.

use std::sync::Arc;
use std::time::Duration;

use super::life::{NodeHealth, ProcessRun};
use super::node::{Build, Node};
use super::node_error::NodeError;
use super::up::Up;

/// A node of a running simulation.
pub(super) struct Member {
    pub builds: Vec<Build>,
    /// The index of the current build, or of the last one if the node is down.
    pub build: usize,
    pub health: Arc<NodeHealth>,
    pub state: State,
    pub starts: u64,
    /// How long its activities may continue when it shuts down.
    pub grace: Option<Duration>,
}

/// Whether a node runs.
pub(super) enum State {
    Down,
    Starting(Arc<ProcessRun>),
    /// A runtime that the body starts by itself, on the provider of this life.
    ByHand(Arc<ProcessRun>),
    Up(Up),
}

impl Member {
    pub fn new(spec: Node) -> (String, Member) {
        // The cluster starts those that do not begin down.
        let Node { name, builds, grace, down: _ } = spec;
        let node = Member { builds, build: 0, health: Arc::default(), state: State::Down, starts: 0, grace };
        (name, node)
    }

    /// The place of a runtime that the body starts by itself.
    pub fn by_hand(health: Arc<NodeHealth>, life: Arc<ProcessRun>) -> Member {
        Member { builds: Vec::new(), build: 0, health, state: State::ByHand(life), starts: 1, grace: None }
    }

    pub fn life(&self) -> Option<&Arc<ProcessRun>> {
        match &self.state {
            State::Down => None,
            State::Starting(life) | State::ByHand(life) | State::Up(Up { life, .. }) => Some(life),
        }
    }

    pub fn build_named(&self, node: &str, build: &str) -> Result<usize, NodeError> {
        let names = || self.builds.iter().map(|build| build.name.clone()).collect();
        let at = self.builds.iter().position(|known| known.name == build);
        at.ok_or_else(|| NodeError::NoBuild { node: node.to_owned(), build: build.to_owned(), builds: names() })
    }
}
