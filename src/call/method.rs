//! [`Method`]: duroxide's provider methods and their properties, from one table.
//!
//! A new method in duroxide needs a variant of [`Call`] and a row here; the compiler then points to
//! every place that has to handle it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AckTurn, Call};

/// The effect of a call on the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// It changes nothing.
    Read,
    /// It takes something from a queue while its lock is held.
    Fetch,
    /// It extends a lock.
    Renew,
    /// It makes any other change.
    Write,
}

/// The instances whose histories, status or values a call may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changes {
    /// No instance.
    Nothing,
    /// The instance whose turn is locked by the call's token.
    Locked,
    /// The instance that the call names.
    Named,
    /// Any instance.
    Any,
}

/// A queue that fetches wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    Orchestrator,
    Worker,
}

#[derive(PartialEq, Eq)]
enum Trait {
    Provider,
    Admin,
}

/// Access to the lock token inside a call.
trait HoldsToken {
    fn token(&self) -> &String;
    fn token_mut(&mut self) -> &mut String;
}

impl HoldsToken for String {
    fn token(&self) -> &String {
        self
    }

    fn token_mut(&mut self) -> &mut String {
        self
    }
}

impl HoldsToken for Box<AckTurn> {
    fn token(&self) -> &String {
        &self.token
    }

    fn token_mut(&mut self) -> &mut String {
        &mut self.token
    }
}

/// `Some` of the place that a row names, `None` if the brackets are empty.
macro_rules! place {
    () => {
        None
    };
    ($field:tt $place:expr) => {
        Some($place)
    };
}

macro_rules! methods {
    ($(
        $variant:ident $name:literal $of:ident $effect:ident
        [$($instance:ident)?] [$($token:tt)?] $changes:ident [$($queue:ident),*];
    )*) => {
        /// A method of duroxide's `Provider` or `ProviderAdmin`. Its text form, also in JSON,
        /// is duroxide's name for it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        #[allow(missing_docs)] // duroxide documents its methods.
        pub enum Method {
            $(#[serde(rename = $name)] $variant,)*
        }

        impl Method {
            /// All methods that duroxide calls.
            pub const ALL: &[Method] = &[$(Method::$variant),*];

            /// duroxide's name for the method.
            pub fn name(self) -> &'static str {
                match self {
                    $(Method::$variant => $name,)*
                }
            }

            /// The effect of the method on the storage.
            pub fn effect(self) -> Effect {
                match self {
                    $(Method::$variant => Effect::$effect,)*
                }
            }

            /// Whether it is a method of `ProviderAdmin`.
            pub fn is_admin(self) -> bool {
                let of = match self {
                    $(Method::$variant => Trait::$of,)*
                };
                of == Trait::Admin
            }

            pub(crate) fn changes(self) -> Changes {
                match self {
                    $(Method::$variant => Changes::$changes,)*
                }
            }

            /// Whether a call may make something available to a fetch from this queue.
            pub(crate) fn wakes(self, queue: Queue) -> bool {
                let queues: &[Queue] = match self {
                    $(Method::$variant => &[$(Queue::$queue),*],)*
                };
                queues.contains(&queue)
            }
        }

        impl Call {
            /// The method that is called.
            pub fn method(&self) -> Method {
                match self {
                    $(Call::$variant { .. } => Method::$variant,)*
                }
            }

            /// The instance that the call names, if it names exactly one.
            pub fn instance(&self) -> Option<&str> {
                let place: Option<&String> = match self {
                    $(Call::$variant { $($instance: at,)? .. } => place!($($instance at)?),)*
                };
                place.map(String::as_str)
            }

            /// Like [`Call::instance`], but mutable.
            pub fn instance_mut(&mut self) -> Option<&mut String> {
                match self {
                    $(Call::$variant { $($instance: at,)? .. } => place!($($instance at)?),)*
                }
            }

            /// The lock token in the call, if any.
            pub fn token(&self) -> Option<&str> {
                let place: Option<&String> = match self {
                    $(Call::$variant { $($token: at,)? .. } => place!($($token at.token())?),)*
                };
                place.map(String::as_str)
            }

            /// Like [`Call::token`], but mutable.
            pub fn token_mut(&mut self) -> Option<&mut String> {
                match self {
                    $(Call::$variant { $($token: at,)? .. } => place!($($token at.token_mut())?),)*
                }
            }
        }
    };
}

methods! {
    // Variant                 duroxide's name                  trait    effect instance   token   changes wakes
    FetchOrchestrationItem     "fetch_orchestration_item"       Provider Fetch  []         []      Nothing [];
    AckOrchestrationItem       "ack_orchestration_item"         Provider Write  []         [0]     Locked  [Orchestrator, Worker];
    AbandonOrchestrationItem   "abandon_orchestration_item"     Provider Write  []         [token] Nothing [Orchestrator];
    RenewOrchestrationItemLock "renew_orchestration_item_lock"  Provider Renew  []         [token] Nothing [Orchestrator];
    Read                       "read"                           Provider Read   [instance] []      Nothing [];
    ReadWithExecution          "read_with_execution"            Provider Read   [instance] []      Nothing [];
    AppendWithExecution        "append_with_execution"          Provider Write  [instance] []      Named   [Orchestrator];
    EnqueueForWorker           "enqueue_for_worker"             Provider Write  []         []      Nothing [Worker];
    FetchWorkItem              "fetch_work_item"                Provider Fetch  []         []      Nothing [];
    AckWorkItem                "ack_work_item"                  Provider Write  []         [token] Nothing [Orchestrator];
    RenewWorkItemLock          "renew_work_item_lock"           Provider Renew  []         [token] Nothing [Worker];
    AbandonWorkItem            "abandon_work_item"              Provider Write  []         [token] Nothing [Worker];
    RenewSessionLock           "renew_session_lock"             Provider Renew  []         []      Nothing [Worker];
    CleanupOrphanedSessions    "cleanup_orphaned_sessions"      Provider Write  []         []      Nothing [];
    EnqueueForOrchestrator     "enqueue_for_orchestrator"       Provider Write  []         []      Nothing [Orchestrator];
    GetCustomStatus            "get_custom_status"              Provider Read   [instance] []      Nothing [];
    GetKvValue                 "get_kv_value"                   Provider Read   [instance] []      Nothing [];
    GetKvAllValues             "get_kv_all_values"              Provider Read   [instance] []      Nothing [];
    GetInstanceStats           "get_instance_stats"             Provider Read   [instance] []      Nothing [];
    ListInstances              "list_instances"                 Admin    Read   []         []      Nothing [];
    ListInstancesByStatus      "list_instances_by_status"       Admin    Read   []         []      Nothing [];
    ListExecutions             "list_executions"                Admin    Read   [instance] []      Nothing [];
    ReadHistoryWithExecutionId "read_history_with_execution_id" Admin    Read   [instance] []      Nothing [];
    ReadHistory                "read_history"                   Admin    Read   [instance] []      Nothing [];
    LatestExecutionId          "latest_execution_id"            Admin    Read   [instance] []      Nothing [];
    GetInstanceInfo            "get_instance_info"              Admin    Read   [instance] []      Nothing [];
    GetExecutionInfo           "get_execution_info"             Admin    Read   [instance] []      Nothing [];
    GetSystemMetrics           "get_system_metrics"             Admin    Read   []         []      Nothing [];
    GetQueueDepths             "get_queue_depths"               Admin    Read   []         []      Nothing [];
    ListChildren               "list_children"                  Admin    Read   [instance] []      Nothing [];
    GetParentId                "get_parent_id"                  Admin    Read   [instance] []      Nothing [];
    DeleteInstancesAtomic      "delete_instances_atomic"        Admin    Write  []         []      Any     [];
    GetInstanceTree            "get_instance_tree"              Admin    Read   [instance] []      Nothing [];
    DeleteInstance             "delete_instance"                Admin    Write  [instance] []      Any     [];
    DeleteInstanceBulk         "delete_instance_bulk"           Admin    Write  []         []      Any     [];
    PruneExecutions            "prune_executions"               Admin    Write  [instance] []      Any     [];
    PruneExecutionsBulk        "prune_executions_bulk"          Admin    Write  []         []      Any     [];
}

impl Method {
    /// Whether the method takes or renews a lock.
    pub fn locks(self) -> bool {
        match self.effect() {
            Effect::Fetch | Effect::Renew => true,
            Effect::Read | Effect::Write => false,
        }
    }
}

impl Call {
    /// Whether the call changes nothing.
    pub fn is_read(&self) -> bool {
        self.method().effect() == Effect::Read
    }

    /// Whether the call takes something from a queue while its lock is held.
    pub(crate) fn is_fetch(&self) -> bool {
        self.method().effect() == Effect::Fetch
    }

    /// Whether the call is a method of `ProviderAdmin`.
    pub fn is_admin(&self) -> bool {
        self.method().is_admin()
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.method().name())
    }
}
