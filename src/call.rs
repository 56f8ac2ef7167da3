//! The provider's calls and replies as data.
//!
//! [`Call`] and [`Reply`] mirror duroxide's `Provider` and `ProviderAdmin` one to one, as plain
//! data that is ordered, comparable and serializable. The store answers calls, layers pass them on,
//! and a trace is a list of them.
//!
//! A *turn* ([`Turn`]) is an orchestration item with its messages; a *job* ([`Job`]) is a work item
//! of the worker queue.
//!
//! This module decides nothing and knows no provider.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use duroxide::SystemStats;
use semver::Version;
use serde::{Deserialize, Serialize};

mod added;
mod admin;
mod answering;
mod method;
mod refusal;
mod work;

pub use admin::{DeleteCounts, Execution, Instance, InstanceQuery, KeepRule, Metrics, PruneCounts, QueueDepths, Tree};
pub use answering::Answering;
pub(crate) use method::{Changes, Queue};
pub use method::{Effect, Method};
pub use refusal::{Class, Refusal};
pub(crate) use work::{activity_of, fields_of};
pub use work::{instance_of, is_job, is_of_session, is_start, kind_of, named_instance, tag_of};

/// A work item. It is shared and immutable: the call that carries it, the queue and the trace hold
/// the same one.
pub type Item = Arc<duroxide::providers::WorkItem>;

/// An event of a history, shared for the same reason.
pub type Event = Arc<duroxide::Event>;

/// A provider, or a layer over one: anything that answers calls.
///
/// A layer consists of one method: `Answering::wait(async move { … self.inner.handle(call).await …
/// })`.
pub trait Handler: Send + Sync {
    /// Answers one call. Dropping the future before it completes abandons the call, which then has
    /// taken effect either completely or not at all.
    fn handle(&self, call: Arc<Call>) -> Answering<'_>;

    /// The name of this handler in reports, starting with the outermost layer.
    fn describe(&self) -> String;

    /// Whether it answers the calls of `ProviderAdmin`.
    fn has_admin(&self) -> bool;
}

impl<H: Handler + ?Sized> Handler for Arc<H> {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        (**self).handle(call)
    }

    fn describe(&self) -> String {
        (**self).describe()
    }

    fn has_admin(&self) -> bool {
        (**self).has_admin()
    }
}

/// A call of `Provider` or `ProviderAdmin`, named after its method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // The fields are the methods' parameters.
pub enum Call {
    FetchOrchestrationItem { lock_for: Duration, poll_for: Duration, versions: Option<Vec<VersionRange>> },
    AckOrchestrationItem(Box<AckTurn>),
    AbandonOrchestrationItem { token: String, delay: Option<Duration>, ignore_attempt: bool },
    RenewOrchestrationItemLock { token: String, extend_for: Duration },
    Read { instance: String },
    ReadWithExecution { instance: String, execution: u64 },
    AppendWithExecution { instance: String, execution: u64, events: Vec<Event> },
    EnqueueForWorker { item: Item },
    FetchWorkItem { lock_for: Duration, poll_for: Duration, session: Option<SessionClaim>, tags: Tags },
    AckWorkItem { token: String, completion: Option<Item> },
    RenewWorkItemLock { token: String, extend_for: Duration },
    AbandonWorkItem { token: String, delay: Option<Duration>, ignore_attempt: bool },
    RenewSessionLock { owners: Vec<String>, extend_for: Duration, idle_for: Duration },
    CleanupOrphanedSessions { idle_for: Duration },
    EnqueueForOrchestrator { item: Item, delay: Option<Duration> },
    GetCustomStatus { instance: String, last_seen_version: u64 },
    GetKvValue { instance: String, key: String },
    GetKvAllValues { instance: String },
    GetInstanceStats { instance: String },
    ListInstances,
    ListInstancesByStatus { status: String },
    ListExecutions { instance: String },
    ReadHistoryWithExecutionId { instance: String, execution: u64 },
    ReadHistory { instance: String },
    LatestExecutionId { instance: String },
    GetInstanceInfo { instance: String },
    GetExecutionInfo { instance: String, execution: u64 },
    GetSystemMetrics,
    GetQueueDepths,
    ListChildren { instance: String },
    GetParentId { instance: String },
    DeleteInstancesAtomic { instances: Vec<String>, force: bool },
    GetInstanceTree { instance: String },
    DeleteInstance { instance: String, force: bool },
    DeleteInstanceBulk { query: InstanceQuery },
    PruneExecutions { instance: String, keep: KeepRule },
    PruneExecutionsBulk { query: InstanceQuery, keep: KeepRule },
}

/// The changes that `ack_orchestration_item` commits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AckTurn {
    /// The lock token of the fetched turn.
    pub token: String,
    /// The execution that `history` belongs to.
    pub execution: u64,
    /// The new events.
    pub history: Vec<Event>,
    /// The activities to enqueue.
    pub jobs: Vec<Item>,
    /// The messages to enqueue for orchestrations.
    pub messages: Vec<Item>,
    /// What the runtime determined about the execution.
    pub metadata: Metadata,
    /// The activities to remove from the worker queue.
    pub cancelled: Vec<ActivityId>,
}

impl AckTurn {
    /// An ack that completes the turn and commits no changes.
    pub fn nothing(token: impl Into<String>, execution: u64) -> AckTurn {
        AckTurn {
            token: token.into(),
            execution,
            history: Vec::new(),
            jobs: Vec::new(),
            messages: Vec::new(),
            metadata: Metadata::default(),
            cancelled: Vec::new(),
        }
    }
}

/// Mirrors `ExecutionMetadata`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // duroxide documents the fields.
pub struct Metadata {
    pub status: Option<String>,
    pub output: Option<String>,
    pub orchestration_name: Option<String>,
    pub orchestration_version: Option<String>,
    pub parent_instance_id: Option<String>,
    pub pinned_duroxide_version: Option<Version>,
}

/// Mirrors `ScheduledActivityIdentifier`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ActivityId {
    pub instance: String,
    pub execution: u64,
    pub activity: u64,
}

/// Mirrors `SemverRange`: both ends are included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct VersionRange {
    pub min: Version,
    pub max: Version,
}

impl VersionRange {
    /// Whether `version` lies in the range, by the full order of semver.
    pub fn contains(&self, version: &Version) -> bool {
        *version >= self.min && *version <= self.max
    }
}

/// Mirrors `SessionFetchConfig`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SessionClaim {
    pub owner: String,
    pub lock_for: Duration,
}

/// Mirrors `TagFilter`, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Tags {
    DefaultOnly,
    Tags(BTreeSet<String>),
    DefaultAnd(BTreeSet<String>),
    Any,
    None,
}

impl Tags {
    /// Whether an activity with this tag passes the filter.
    pub fn matches(&self, tag: Option<&str>) -> bool {
        match (self, tag) {
            (Tags::Any, _) | (Tags::DefaultOnly | Tags::DefaultAnd(_), None) => true,
            (Tags::Tags(set) | Tags::DefaultAnd(set), Some(tag)) => set.contains(tag),
            (Tags::None, _) | (Tags::DefaultOnly, Some(_)) | (Tags::Tags(_), None) => false,
        }
    }
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // Named after what the methods return.
pub enum Reply {
    Done,
    Turn(Option<Box<Turn>>),
    Job(Option<Box<Job>>),
    Events(Vec<Event>),
    Count(usize),
    CustomStatus(Option<(Option<String>, u64)>),
    Value(Option<String>),
    Values(BTreeMap<String, String>),
    Stats(Option<SystemStats>),
    Names(Vec<String>),
    Numbers(Vec<u64>),
    Number(u64),
    Instance(Box<Instance>),
    Execution(Box<Execution>),
    Metrics(Metrics),
    QueueDepths(QueueDepths),
    Tree(Tree),
    Deleted(DeleteCounts),
    Pruned(PruneCounts),
    Refused(Refusal),
}

/// A fetched orchestration item: mirrors `OrchestrationItem`, with its lock token and attempt
/// count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Turn {
    pub instance: String,
    pub orchestration_name: String,
    pub execution: u64,
    pub version: String,
    pub history: Vec<Event>,
    pub messages: Vec<Item>,
    pub history_error: Option<String>,
    pub kv_snapshot: BTreeMap<String, KvEntry>,
    pub token: String,
    pub attempts: u32,
}

/// Mirrors `KvEntry`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct KvEntry {
    pub value: String,
    pub last_updated_at_ms: u64,
}

/// A fetched work item with its lock token and attempt count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Job {
    pub item: Item,
    pub token: String,
    pub attempts: u32,
}
