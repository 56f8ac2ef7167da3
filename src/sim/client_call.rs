//! [`ClientCall`]: what a plan does as a client, as plain data.

use std::fmt;

use duroxide::{Client, ClientError, PruneOptions};
use serde::{Deserialize, Serialize};

use crate::text::{Line, Quoted};

/// The name under which the calls of plans appear in traces.
pub(super) const CALLER: &str = "plan";

/// A request to duroxide's `Client` that a plan makes at a virtual time ([`super::Action::Client`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)] // The fields are the parameters of the client's methods.
pub enum ClientCall {
    /// Starts an orchestration (`start_orchestration`).
    Start { instance: String, orchestration: String, input: String },
    /// Raises an external event (`raise_event`).
    RaiseEvent { instance: String, event: String, data: String },
    /// Enqueues an event (`enqueue_event`).
    EnqueueEvent { instance: String, queue: String, data: String },
    /// Cancels an instance (`cancel_instance`).
    Cancel { instance: String, reason: String },
    /// Deletes an instance (`delete_instance`).
    Delete { instance: String, force: bool },
    /// Removes all executions of an instance but the last ones (`prune_executions`).
    Prune { instance: String, keep_last: u32 },
}

/// What comes first if a client call of a plan is due at the very millisecond at which a
/// message becomes visible, such as an event exactly at its time-out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tie {
    /// The order is drawn from the seed and becomes an input of the plan.
    #[default]
    Drawn,
    /// The client call comes first, one millisecond before: the clock's smallest step.
    First,
    /// The client call comes last, once all that is due has happened.
    Last,
}

impl ClientCall {
    /// Starts an orchestration.
    pub fn start(instance: &str, orchestration: &str, input: &str) -> ClientCall {
        let (orchestration, input) = (orchestration.to_owned(), input.to_owned());
        ClientCall::Start { instance: instance.to_owned(), orchestration, input }
    }

    /// Raises an external event.
    pub fn raise_event(instance: &str, event: &str, data: &str) -> ClientCall {
        ClientCall::RaiseEvent { instance: instance.to_owned(), event: event.to_owned(), data: data.to_owned() }
    }

    /// Enqueues an event.
    pub fn enqueue_event(instance: &str, queue: &str, data: &str) -> ClientCall {
        ClientCall::EnqueueEvent { instance: instance.to_owned(), queue: queue.to_owned(), data: data.to_owned() }
    }

    /// Cancels an instance.
    pub fn cancel(instance: &str, reason: &str) -> ClientCall {
        ClientCall::Cancel { instance: instance.to_owned(), reason: reason.to_owned() }
    }

    /// Deletes an instance, even a running one if `force` is set.
    pub fn delete(instance: &str, force: bool) -> ClientCall {
        ClientCall::Delete { instance: instance.to_owned(), force }
    }

    /// Removes all executions of an instance but the last `keep_last`.
    pub fn prune(instance: &str, keep_last: u32) -> ClientCall {
        ClientCall::Prune { instance: instance.to_owned(), keep_last }
    }

    /// Whether the other call is of the same kind and for the same instance.
    pub(super) fn is_like(&self, other: &ClientCall) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.instance() == other.instance()
    }

    /// Whether duroxide accepts the call for an instance that there is not, and drops it.
    pub(super) fn is_lost_without_instance(&self) -> bool {
        match self {
            ClientCall::RaiseEvent { .. } | ClientCall::Cancel { .. } => true,
            // A queue keeps what it gets before its instance starts; duroxide refuses the others.
            ClientCall::Start { .. }
            | ClientCall::EnqueueEvent { .. }
            | ClientCall::Delete { .. }
            | ClientCall::Prune { .. } => false,
        }
    }

    pub(super) fn instance(&self) -> &str {
        match self {
            ClientCall::Start { instance, .. }
            | ClientCall::RaiseEvent { instance, .. }
            | ClientCall::EnqueueEvent { instance, .. }
            | ClientCall::Cancel { instance, .. }
            | ClientCall::Delete { instance, .. }
            | ClientCall::Prune { instance, .. } => instance,
        }
    }

    /// Makes the call.
    pub(super) async fn make(&self, client: &Client) -> Result<(), ClientError> {
        match self {
            ClientCall::Start { instance, orchestration, input } => {
                client.start_orchestration(instance, orchestration, input.as_str()).await
            }
            ClientCall::RaiseEvent { instance, event, data } => {
                client.raise_event(instance, event, data.as_str()).await
            }
            ClientCall::EnqueueEvent { instance, queue, data } => {
                client.enqueue_event(instance, queue, data.as_str()).await
            }
            ClientCall::Cancel { instance, reason } => client.cancel_instance(instance, reason.as_str()).await,
            ClientCall::Delete { instance, force } => client.delete_instance(instance, *force).await.map(drop),
            ClientCall::Prune { instance, keep_last } => {
                let options = PruneOptions { keep_last: Some(*keep_last), ..PruneOptions::default() };
                client.prune_executions(instance, options).await.map(drop)
            }
        }
    }
}

impl fmt::Display for ClientCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientCall::Start { instance, orchestration, input } => {
                write!(f, "a client starts {} as {} with {}", Line(instance), Line(orchestration), Quoted(input))
            }
            ClientCall::RaiseEvent { instance, event, data } => {
                write!(f, "a client raises the event {} for {} with {}", Quoted(event), Line(instance), Quoted(data))
            }
            ClientCall::EnqueueEvent { instance, queue, data } => {
                write!(f, "a client enqueues {} in {} for {}", Quoted(data), Quoted(queue), Line(instance))
            }
            ClientCall::Cancel { instance, reason } => {
                write!(f, "a client cancels {}: {}", Line(instance), Quoted(reason))
            }
            ClientCall::Delete { instance, force: false } => write!(f, "a client deletes {}", Line(instance)),
            ClientCall::Delete { instance, force: true } => write!(f, "a client deletes {} by force", Line(instance)),
            ClientCall::Prune { instance, keep_last } => {
                write!(f, "a client prunes {} to its last {keep_last} executions", Line(instance))
            }
        }
    }
}
