//! [`NoProgress`]: a run that keeps working without getting anywhere.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::call::Method;
use crate::text::counted;
use crate::trace::Span;

/// Activity that never ends and achieves nothing ([`super::Cause::NoProgress`]). Times
/// count from the start of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NoProgress {
    /// A chain of turns at one moment of virtual time, each caused by the one before
    /// ([`super::Limits::chain`]).
    Chain {
        /// The moment in virtual time.
        at: Duration,
        /// The number of turns in the chain.
        length: u64,
        /// The instances with the most turns at this moment, in descending order.
        instances: Vec<Circling>,
    },
    /// Turns of one instance at one moment of virtual time that were caused only by
    /// failures, zero-length timers and events sent by activities
    /// ([`super::Limits::barren`]): retries without a pause, or instances that signal each
    /// other.
    Barren {
        /// The moment in virtual time.
        at: Duration,
        /// The instance.
        instance: String,
        /// The number of such turns.
        turns: u64,
        /// The messages that caused the last of them.
        brought_by: Vec<String>,
    },
    /// Work that is delivered again and again while no ack of it is accepted
    /// ([`super::Limits::deliveries`]).
    Deliveries {
        /// The instance of the work.
        instance: String,
        /// The work: messages of the instance, or an activity.
        work: String,
        /// The number of deliveries.
        deliveries: u32,
        /// The time of the first delivery.
        since: Duration,
        /// The time of the last delivery.
        until: Duration,
        /// The node of the last delivery.
        node: String,
        /// The requested lock duration.
        lock: Duration,
        /// The error with which the last ack was refused, if one was.
        refusal: Option<String>,
    },
    /// Provider calls at one moment of virtual time, during which the thread was never idle
    /// ([`super::Limits::calls`]).
    Calls {
        /// The moment in virtual time.
        at: Duration,
        /// The number of calls.
        calls: u64,
        /// The caller of the last one.
        by: String,
        /// The method of the last one.
        method: Method,
        /// The instance that the last one names, if any.
        instance: Option<String>,
    },
    /// Code that yields but never waits for anything, at one moment of virtual time
    /// ([`super::Limits::polls`]).
    Polls {
        /// The moment in virtual time.
        at: Duration,
        /// The code, if known.
        code: Option<Code>,
        /// The number of polls; 0 if unknown.
        polls: u64,
    },
}

/// An instance with many turns at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Circling {
    /// The instance.
    pub instance: String,
    /// The number of its turns at this moment.
    pub turns: u64,
    /// The number of executions to which these turns belong.
    pub executions: u64,
    /// The messages that caused the last of the turns.
    pub brought_by: Vec<String>,
}

/// The code that is running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Code {
    /// The test's body.
    Body,
    /// An orchestration, during a turn.
    #[allow(missing_docs)]
    Orchestration { node: String, instance: String },
    /// An activity.
    #[allow(missing_docs)]
    Activity { node: String, instance: String, activity: String },
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Code::Body => f.write_str("the body"),
            Code::Orchestration { node, instance } => {
                write!(f, "the orchestration of instance {instance} on node {node}")
            }
            Code::Activity { node, instance, activity } => {
                write!(f, "activity {activity:?} of instance {instance} on node {node}")
            }
        }
    }
}

impl NoProgress {
    /// Returns the kind of failure, which a smaller plan for the same failure must share.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            NoProgress::Chain { .. } => "chain",
            NoProgress::Barren { .. } => "barren",
            NoProgress::Deliveries { .. } => "deliveries",
            NoProgress::Calls { .. } => "calls",
            NoProgress::Polls { .. } => "polls",
        }
    }

    /// Returns the instances concerned.
    pub fn instances(&self) -> Vec<&str> {
        match self {
            NoProgress::Chain { instances, .. } => instances.iter().map(|one| one.instance.as_str()).collect(),
            NoProgress::Barren { instance, .. } | NoProgress::Deliveries { instance, .. } => vec![instance],
            NoProgress::Calls { instance, .. } => instance.iter().map(String::as_str).collect(),
            NoProgress::Polls {
                code: Some(Code::Activity { instance, .. } | Code::Orchestration { instance, .. }),
                ..
            } => vec![instance],
            NoProgress::Polls { code: Some(Code::Body) | None, .. } => Vec::new(),
        }
    }
}

/// Writes the text of [`NoProgress::Chain`].
fn chain(f: &mut fmt::Formatter<'_>, at: Duration, length: u64, instances: &[Circling]) -> fmt::Result {
    write!(
        f,
        "at +{}, a chain of {length} turns, each caused by the one before, keeps virtual time from \
         moving: ",
        Span(at)
    )?;
    for (n, one) in instances.iter().enumerate() {
        let Circling { instance, turns, executions, brought_by } = one;
        let more = if n == 0 { "" } else { "; " };
        let (turns, executions) = (counted(*turns, "turn", "turns"), counted(*executions, "execution", "executions"));
        write!(f, "{more}instance {instance} had {turns} in {executions} at this moment")?;
        if !brought_by.is_empty() {
            write!(f, ", the last caused by {}", brought_by.join(", "))?;
        }
    }
    f.write_str(
        ". Let the loop wait for a timer (ctx.schedule_timer), or raise Limits::chain if that many are \
         intended.",
    )
}

impl fmt::Display for NoProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoProgress::Chain { at, length, instances } => chain(f, *at, *length, instances),
            NoProgress::Barren { at, instance, turns, brought_by } => write!(
                f,
                "at +{}, instance {instance} has had {turns} turns that were caused only by failures, zero-length \
                 timers and events from activities, the last one by {}, and virtual time cannot move. Let the loop \
                 wait for a timer (ctx.schedule_timer, or a retry policy with a delay), or raise Limits::barren if that \
                 many are intended.",
                Span(*at),
                brought_by.join(", ")
            ),
            NoProgress::Deliveries { instance, work, deliveries, since, until, node, lock, refusal } => {
                write!(
                    f,
                    "{work} of instance {instance} was delivered {deliveries} times from +{} to +{}, the last time to \
                     node {node} under a lock of {}, and no ack of it was ever accepted",
                    Span(*since),
                    Span(*until),
                    Span(*lock),
                )?;
                if let Some(refusal) = refusal {
                    write!(f, ", the last one being refused with {refusal:?}")?;
                }
                f.write_str(
                    ". This happens when a lock expires before the reply to its fetch arrives, or before the work is \
                     done: make the lock longer or the delay shorter. (Limits::deliveries is the number of deliveries \
                     allowed.)",
                )
            }
            NoProgress::Calls { at, calls, by, method, instance } => {
                write!(
                    f,
                    "at +{}, {calls} provider calls were made without a pause, the last one {method}",
                    Span(*at)
                )?;
                if let Some(instance) = instance {
                    write!(f, " of instance {instance}")?;
                }
                write!(
                    f,
                    " by {by}, and virtual time cannot move. Let the loop wait (sim.sleep, tokio::time::sleep), or \
                     raise Limits::calls if that many are intended."
                )
            }
            NoProgress::Polls { at, code, polls } => {
                match code {
                    Some(code) => write!(f, "at +{}, {code} was polled {polls} times", Span(*at))?,
                    None => {
                        write!(f, "at +{}, a task that the body or an activity has spawned keeps running", Span(*at))?
                    }
                }
                f.write_str(
                    " without a provider call and without waiting for anything, and virtual time cannot move. A loop on \
                     yield_now does this: let it wait (sim.sleep, tokio::time::sleep, a tokio channel).",
                )
            }
        }
    }
}
