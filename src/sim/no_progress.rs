//! [`NoProgress`]: what goes on for ever in a run and gets nowhere.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::call::Method;
use crate::trace::Span;

/// What goes on for ever and gets nowhere ([`super::Cause::NoProgress`]). Times count
/// from the start of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NoProgress {
    /// A chain of turns at one moment of virtual time, each caused by the one before
    /// ([`super::Limits::chain`]).
    Chain {
        /// The moment.
        at: Duration,
        /// How many turns the chain has.
        length: u64,
        /// The instances that had most turns at this moment, the one with the most first.
        instances: Vec<Circling>,
    },
    /// Turns of one instance at one moment of virtual time that brought it nothing but
    /// failures, timers of no length, and events that activities sent
    /// ([`super::Limits::barren`]): retries without a pause, or instances that signal
    /// each other.
    Barren {
        /// The moment.
        at: Duration,
        /// The instance.
        instance: String,
        /// How many such turns.
        turns: u64,
        /// The messages that brought the last of them.
        brought_by: Vec<String>,
    },
    /// Something is delivered again and again, and no ack of it is accepted
    /// ([`super::Limits::deliveries`]).
    Deliveries {
        /// The instance it is for.
        instance: String,
        /// What it is: messages of the instance, or an activity.
        work: String,
        /// How often it has been delivered.
        deliveries: u32,
        /// When it was delivered first.
        since: Duration,
        /// When it was delivered last.
        until: Duration,
        /// The node that got it last.
        node: String,
        /// How long the lock was asked for.
        lock: Duration,
        /// What the last ack of it that came was refused with.
        refusal: Option<String>,
    },
    /// Calls of the provider at one moment of virtual time, in which the thread has
    /// never been idle ([`super::Limits::calls`]).
    Calls {
        /// The moment.
        at: Duration,
        /// How many calls.
        calls: u64,
        /// Who made the last of them.
        by: String,
        /// Its method.
        method: Method,
        /// The instance that it names, if it names one.
        instance: Option<String>,
    },
    /// Code that goes on at one moment of virtual time without ever waiting for
    /// anything, though it yields ([`super::Limits::polls`]).
    Polls {
        /// The moment.
        at: Duration,
        /// Whose code, where that is known.
        code: Option<Code>,
        /// How often it was polled; 0 where that is not known.
        polls: u64,
    },
}

/// An instance that has turn after turn at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Circling {
    /// The instance.
    pub instance: String,
    /// How many turns it has had at this moment.
    pub turns: u64,
    /// How many executions these turns belong to.
    pub executions: u64,
    /// The messages that brought the last of the turns.
    pub brought_by: Vec<String>,
}

/// Whose code runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Code {
    /// The test's body.
    Body,
    /// An orchestration, in a turn.
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
    /// What it has in common with the same fault in a smaller run.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            NoProgress::Chain { .. } => "chain",
            NoProgress::Barren { .. } => "barren",
            NoProgress::Deliveries { .. } => "deliveries",
            NoProgress::Calls { .. } => "calls",
            NoProgress::Polls { .. } => "polls",
        }
    }

    /// The instances that it is about.
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

fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

impl fmt::Display for NoProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoProgress::Chain { at, length, instances } => {
                write!(
                    f,
                    "at +{} {length} turns have followed one from the other, and virtual time cannot move: ",
                    Span(*at)
                )?;
                for (n, one) in instances.iter().enumerate() {
                    let Circling { instance, turns, executions, brought_by } = one;
                    let more = if n == 0 { "" } else { "; " };
                    let (turns, executions) = (count(*turns, "turn"), count(*executions, "execution"));
                    write!(f, "{more}instance {instance} had {turns} in {executions} at this moment")?;
                    if !brought_by.is_empty() {
                        write!(f, ", the last brought by {}", brought_by.join(", "))?;
                    }
                }
                f.write_str(
                    ". Let the loop wait for a timer (ctx.schedule_timer), or raise Limits::chain if so many are meant.",
                )
            }
            NoProgress::Barren { at, instance, turns, brought_by } => write!(
                f,
                "at +{} instance {instance} has had {turns} turns that brought it nothing but failures, timers of no \
                 length and events that activities sent, the last one {}, and virtual time cannot move. Let the loop wait for \
                 a timer (ctx.schedule_timer, or a retry policy with a delay), or raise Limits::barren if so many are meant.",
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
                    write!(f, ", the last being refused with {refusal:?}")?;
                }
                f.write_str(
                    ". A lock that is over before the reply to its fetch arrives, or before the work is done, does \
                     this: make the lock longer or the delay shorter. (Limits::deliveries is how many are allowed.)",
                )
            }
            NoProgress::Calls { at, calls, by, method, instance } => {
                write!(f, "at +{} {calls} provider calls were made without a pause, the last one {method}", Span(*at))?;
                if let Some(instance) = instance {
                    write!(f, " of instance {instance}")?;
                }
                write!(
                    f,
                    " by {by}, and virtual time cannot move. Let the loop wait (sim.sleep, tokio::time::sleep), or \
                     raise Limits::calls if so many are meant."
                )
            }
            NoProgress::Polls { at, code, polls } => {
                match code {
                    Some(code) => write!(f, "at +{} {code} was polled {polls} times", Span(*at))?,
                    None => write!(f, "at +{} a task that the body or an activity has spawned goes on", Span(*at))?,
                }
                f.write_str(
                    " without a provider call and without waiting for anything, and virtual time cannot move. A loop on \
                     yield_now does this: let it wait (sim.sleep, tokio::time::sleep, a channel of tokio's).",
                )
            }
        }
    }
}
