//! [`NodeError`]: why an operation on a node failed.

use std::fmt;

use crate::text::Line;

/// Why an operation on a node or an activity failed. `Debug` prints the same text as `Display`,
/// so that `unwrap` and `expect` show it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeError {
    /// There is no node of this name. The second field lists the names of the nodes.
    Unknown(String, Vec<String>),
    /// The node is not running.
    Down(String),
    /// The node is already running.
    Up(String),
    /// The node has no build of this name. `builds` lists the names that exist.
    #[allow(missing_docs)]
    NoBuild { node: String, build: String, builds: Vec<String> },
    /// The node crashed while it was starting.
    Crashed(String),
    /// The plan cannot be carried out, for the reason in the text.
    Plan(String),
    /// No call of this activity is held ([`super::Handle::release`]).
    NotHeld(String),
    /// The activity has no double ([`super::Handle::release`]). `nearest` is the most similar name of one that has.
    #[allow(missing_docs)]
    NoDouble { activity: String, nearest: Option<String> },
    /// The body made this runtime by itself ([`crate::provider()`]), so only the body can start it again.
    ByHand(String),
    /// The runtime of this node keeps no metrics.
    NoMetrics(String),
    /// The simulation of this handle is over.
    Over,
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            NodeError::Unknown(name, names) => {
                format!("The simulation has no node {name:?}; it has {names:?}. Add it with Sim::node.")
            }
            NodeError::Down(name) => format!("Node {name:?} is not running. Start it first."),
            NodeError::Up(name) => format!("Node {name:?} is running already. Stop or crash it first."),
            NodeError::NoBuild { node, build, builds } => {
                format!("Node {node:?} has no build {build:?}; it has {builds:?}. Add it with Node::with_build.")
            }
            NodeError::Crashed(name) => format!("Node {name:?} crashed while it was starting. Start it again."),
            NodeError::Plan(why) => why.clone(),
            NodeError::NotHeld(activity) => format!(
                "No call of activity {activity:?} is held at this moment. Wait until one is (Handle::until), and give \
                 the activity a double that holds calls (Double::held)."
            ),
            NodeError::NoDouble { activity, nearest } => {
                let nearest = nearest.as_ref().map(|near| format!("; the nearest name of one that has is {near:?}"));
                let nearest = nearest.unwrap_or_default();
                format!("Activity {activity:?} has no double{nearest}. Correct the name, or add one with Sim::double.")
            }
            NodeError::ByHand(name) => format!(
                "{name:?} is not a node of the simulation: the body has started its runtime by itself, and has to \
                 start the next one."
            ),
            NodeError::NoMetrics(name) => format!(
                "The runtime of node {name:?} keeps no metrics, because duroxide could not set them up. Check \
                 RuntimeOptions::observability."
            ),
            NodeError::Over => {
                "The simulation that this handle belongs to is over. Use a handle only inside the body.".to_owned()
            }
        };
        Line(sentence).fmt(f)
    }
}

impl fmt::Debug for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for NodeError {}
