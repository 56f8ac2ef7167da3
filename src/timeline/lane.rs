//! [`Lane`]: a line of the page.

use serde::Serialize;

/// A lane: a node, a client or an instance.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Lane {
    pub kind: LaneKind,
    pub name: String,
    /// The orchestration, if it is an instance.
    pub about: String,
    pub parent: Option<usize>,
    pub depth: usize,
    /// The state of the lane in each run, if the run has it.
    pub lives: Vec<Option<Life>>,
    pub rows: usize,
}

/// The kind of a lane.
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
    /// What it waits for, if that is known.
    pub waits: String,
}
