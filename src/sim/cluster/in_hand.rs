//! The runtimes of nodes in the hand of the test: graceful shutdown, and metrics.

use std::sync::Arc;
use std::time::Duration;

use duroxide::runtime::observability::MetricsSnapshot;

use super::Cluster;
use crate::logs::{self, Origin};
use crate::sim::member::State;
use crate::sim::node_error::NodeError;
use crate::sim::up::Up;
use crate::trace::NodeEvent;

/// A node that begins to shut down.
pub(super) struct Stopping {
    up: Up,
    /// How long its activities may continue; `None` for duroxide's default.
    grace: Option<Duration>,
}

impl Cluster {
    /// Shuts a node down within its grace, or the one that is given. The node counts as down from
    /// the beginning of the shutdown.
    pub async fn stop(self: &Arc<Self>, name: &str, grace: Option<Duration>) -> Result<(), NodeError> {
        let stopping = self.begin_stop(name)?;
        let grace = grace.or(stopping.grace);
        Stopping { grace, ..stopping }.ended().await;
        self.log.mark(name, NodeEvent::Stopped);
        Ok(())
    }

    pub(super) fn begin_stop(&self, name: &str) -> Result<Stopping, NodeError> {
        self.with(name, |node| match std::mem::replace(&mut node.state, State::Down) {
            State::Up(up) => {
                self.log.mark(name, NodeEvent::Stopping);
                Ok(Stopping { up, grace: node.grace })
            }
            state => {
                node.state = state;
                Err(NodeError::Down(name.to_owned()))
            }
        })
    }

    pub(super) fn finish_stop(&self, name: &str, stopping: Stopping) {
        let (log, name) = (self.log.clone(), name.to_owned());
        tokio::spawn(async move {
            stopping.ended().await;
            log.mark(&name, NodeEvent::Stopped);
        });
    }

    /// Returns the counters of a running node.
    pub fn metrics(&self, name: &str) -> Result<MetricsSnapshot, NodeError> {
        self.with(name, |node| match &node.state {
            State::Up(up) => up.runtime.metrics_snapshot().ok_or_else(|| NodeError::NoMetrics(name.to_owned())),
            State::ByHand(_) => Err(NodeError::ByHand(name.to_owned())),
            State::Starting(_) | State::Down => Err(NodeError::Down(name.to_owned())),
        })
    }
}

impl Stopping {
    /// Shuts the runtime down, and returns when all of its tasks have ended.
    async fn ended(self) {
        let Stopping { up: Up { runtime, life }, grace } = self;
        // Zero aborts at once, so a grace below a millisecond is one millisecond.
        let ms = |grace: Duration| u64::try_from(grace.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        let origin = Origin { node: life.name.clone(), ..Origin::default() };
        logs::from(origin, runtime.shutdown(grace.map(ms))).await;
    }
}
