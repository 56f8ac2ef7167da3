//! [`Busy`]: what keeps a run from being at rest.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::text::Line;
use crate::trace::Span;

/// Something that keeps a run from being at rest. Times count from the start of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Busy {
    /// The calm of the storm has not begun.
    Storm {
        /// When the calm begins.
        until: Duration,
    },
    /// The agenda of the plan is not empty: an entry, the start of a node, or the end of a
    /// partition is due.
    Planned {
        /// When it is due.
        at: Duration,
    },
    /// A node is starting.
    Start {
        /// The node.
        node: String,
    },
    /// An activity is running.
    Activity {
        /// The node.
        node: String,
        /// The activity's name.
        activity: String,
        /// The instance it works for.
        instance: String,
        /// When it started.
        since: Duration,
    },
    /// A node holds the lock of the instance.
    Turn {
        /// The instance.
        instance: String,
        /// When the lock expires.
        until: Duration,
    },
    /// A message for an instance is queued.
    Message {
        /// The instance.
        instance: String,
        /// The message as text.
        message: String,
        /// When the message becomes visible.
        due: Duration,
    },
    /// An activity is in the worker queue.
    Job {
        /// The instance.
        instance: String,
        /// The work item as text.
        job: String,
        /// When the work item becomes visible.
        due: Duration,
        /// The number of fetches.
        attempts: u32,
    },
    /// Tasks of the body are in [`super::Handle::sleep`].
    Sleepers {
        /// The number of tasks.
        tasks: u64,
    },
    /// Tasks of the body are in [`super::Handle::output`].
    Waiters {
        /// The number of tasks.
        tasks: u64,
    },
    /// Further items that are not listed.
    More {
        /// The number of items.
        things: usize,
    },
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Busy::Storm { until } => write!(f, "the storm lasts until +{}", Span(*until)),
            Busy::Planned { at } => write!(f, "the plan's agenda has an action at +{}", Span(*at)),
            Busy::Start { node } => write!(f, "node {} is starting", Line(node)),
            Busy::Activity { node, activity, instance, since } => write!(
                f,
                "activity {} of {} has been running on node {} since +{}",
                Line(activity),
                Line(instance),
                Line(node),
                Span(*since)
            ),
            Busy::Turn { instance, until } => write!(f, "{} is locked until +{}", Line(instance), Span(*until)),
            Busy::Message { instance, message, due } => {
                write!(
                    f,
                    "the message {} for {} is queued, visible from +{}",
                    Line(message),
                    Line(instance),
                    Span(*due)
                )
            }
            Busy::Job { instance, job, due, attempts } => write!(
                f,
                "{} of {} is in the worker queue, fetched {attempts} times, visible from +{}",
                Line(job),
                Line(instance),
                Span(*due)
            ),
            Busy::Sleepers { tasks } => write!(f, "tasks of the body in Handle::sleep: {tasks}"),
            Busy::Waiters { tasks } => write!(f, "tasks of the body in Handle::output: {tasks}"),
            Busy::More { things } => write!(f, "and {things} more"),
        }
    }
}
