//! The store: the complete state of a provider, and one pure function over it.
//!
//! [`Store::apply`] answers one call at one moment. What the provider contract leaves open (the
//! lock token, which of the eligible items a fetch takes) is an argument, [`Choice`], and never
//! decided here. So one function serves both the in-memory provider, which makes the choices by a
//! policy, and an oracle, which takes them from another provider's observed answers.
//!
//! The store never reads a clock, never waits, never invents execution or event ids, and changes
//! nothing when it refuses a call. No call iterates over all instances except those that list them.
//!
//! [`crate::contract`] lists the document that each rule follows.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use crate::call::{Call, Changes, Class, Item, Refusal, Reply};
use crate::clock::Time;

mod admin;
mod chain;
mod delete;
mod explain;
mod fingerprint;
mod instance;
mod job;
mod kv;
mod prune;
mod queue;
mod session;
mod turn;

pub use explain::Ineligible;
pub use fingerprint::StateFingerprint;
use instance::{Instance, Record};
use job::Jobs;
use session::Session;

/// The number of an instance. A call looks up the name only once.
type Key = u64;

/// The choices that the contract leaves open in one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The lock token, if the call issues one. It must be new.
    pub token: String,
    /// Which of the eligible items a fetch takes.
    pub pick: Pick,
    /// Which reading applies, where the documentation allows two.
    pub leeway: Leeway,
    /// What happens to orphan messages: queue messages for instances that were never started.
    pub mail: OrphanPolicy,
}

/// Which visible orphan messages (queue messages for instances that were never started) a fetch of
/// an orchestration item drops. A fetch drops those of the instances that it examines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrphanPolicy {
    /// All of them: the fetch has examined every instance.
    Dropped,
    /// None of them: the fetch has found another instance first.
    Kept,
    /// Only those of this instance.
    DropOnly(String),
}

impl Choice {
    /// Creates a choice with `pick` and [`crate::Memory`]'s own readings.
    pub fn new(token: impl Into<String>, pick: Pick) -> Choice {
        Choice { token: token.into(), pick, leeway: Leeway::None, mail: OrphanPolicy::Dropped }
    }
}

/// Which of the eligible items a fetch takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Pick {
    /// The one that has been eligible longest.
    Oldest,
    /// The n-th by time of eligibility, counted from 0, modulo their number.
    Nth(usize),
    /// The instance with this name; nothing if it is not eligible.
    Instance(String),
    /// A job with this item, preferably one that has been fetched this many times before; nothing
    /// if none is eligible.
    Job(Item, u32),
    /// Nothing.
    Nothing,
}

/// A reading of the documentation that is allowed besides [`crate::Memory`]'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leeway {
    /// Memory's own readings.
    None,
    /// `append_with_execution` skips events that already exist ("IGNORE (idempotent append)")
    /// instead of refusing all events.
    IgnoreDuplicates,
    /// `abandon_work_item` refuses a token whose lock has expired.
    RefuseExpired,
    /// `cleanup_orphaned_sessions` removes nothing for now ("0 is valid if … the provider handles
    /// cleanup through other means").
    KeepSessions,
}

impl Pick {
    /// The entry that it takes from those in `sets` that are not after `due`, if it picks by their
    /// order.
    fn of<'a, T: Ord + Copy + 'a>(&self, sets: impl Iterator<Item = &'a BTreeSet<T>>, due: T) -> Option<T> {
        match self {
            Pick::Oldest => sets.filter_map(BTreeSet::first).filter(|entry| **entry <= due).min().copied(),
            Pick::Nth(n) => {
                let mut all: Vec<_> = sets.flat_map(|set| set.range(..=due)).collect();
                all.sort_unstable();
                if all.is_empty() { None } else { Some(*all[n % all.len()]) }
            }
            Pick::Instance(_) | Pick::Job(..) | Pick::Nothing => None,
        }
    }
}

/// The complete state of a provider.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Store {
    names: BTreeMap<String, Key>,
    instances: BTreeMap<Key, Instance>,
    /// For each pinned version, the instances that can be fetched and from when on. Each instance
    /// has at most one entry.
    ready: BTreeMap<Option<Version>, BTreeSet<(Time, u64, Key)>>,
    /// When to look for orphan messages, by instance.
    mail: BTreeSet<(Time, Key)>,
    turn_tokens: BTreeMap<String, Key>,
    jobs: Jobs,
    sessions: BTreeMap<String, Session>,
    children: BTreeMap<String, BTreeSet<Key>>,
    /// The instances in the order of their creation.
    created: BTreeSet<(Time, u64, Key)>,
    totals: crate::call::Metrics,
    last_id: u64,
}

impl Store {
    /// Creates an empty store.
    pub fn new() -> Store {
        Store::default()
    }

    /// Answers `call` at `now`. A refused call changes nothing.
    pub fn apply(&mut self, now: Time, call: &Call, choice: &Choice) -> Reply {
        self.dispatch(now, call, choice).unwrap_or_else(Reply::Refused)
    }

    #[rustfmt::skip] // One line for each call reads as the table it is.
    fn dispatch(&mut self, now: Time, call: &Call, choice: &Choice) -> Result<Reply, Refusal> {
        match call {
            Call::FetchOrchestrationItem { lock_for, versions, .. } =>
                Ok(Reply::Turn(self.fetch_turn(now, *lock_for, versions.as_deref(), choice))),
            Call::AckOrchestrationItem(ack) => self.ack_turn(now, ack),
            Call::AbandonOrchestrationItem { token, delay, ignore_attempt } =>
                self.abandon_turn(now, token, *delay, *ignore_attempt),
            Call::RenewOrchestrationItemLock { token, extend_for } => self.renew_turn(now, token, *extend_for),
            Call::EnqueueForOrchestrator { item, delay } => self.enqueue_message(now, item, *delay),

            Call::EnqueueForWorker { item } => self.enqueue_job(now, item),
            Call::FetchWorkItem { lock_for, session, tags, .. } =>
                Ok(Reply::Job(self.fetch_job(now, *lock_for, session.as_ref(), tags, choice))),
            Call::AckWorkItem { token, completion } => self.ack_job(now, token, completion.as_ref()),
            Call::RenewWorkItemLock { token, extend_for } => self.renew_job(now, token, *extend_for),
            Call::AbandonWorkItem { token, delay, ignore_attempt } =>
                self.abandon_job(now, token, *delay, *ignore_attempt, choice.leeway),
            Call::RenewSessionLock { owners, extend_for, idle_for } =>
                Ok(Reply::Count(self.renew_sessions(now, owners, *extend_for, *idle_for))),
            Call::CleanupOrphanedSessions { .. } if choice.leeway == Leeway::KeepSessions => Ok(Reply::Count(0)),
            Call::CleanupOrphanedSessions { .. } => Ok(Reply::Count(self.sweep_sessions(now))),

            Call::Read { instance } | Call::ReadHistory { instance } => self.read(call.method().name(), instance, None),
            Call::ReadWithExecution { instance, execution }
            | Call::ReadHistoryWithExecutionId { instance, execution } =>
                self.read(call.method().name(), instance, Some(*execution)),
            Call::AppendWithExecution { instance, execution, events } =>
                self.append(instance, *execution, events, choice.leeway),
            Call::LatestExecutionId { instance } => Ok(Reply::Number(self.latest_execution(instance))),
            Call::GetCustomStatus { instance, last_seen_version } =>
                Ok(Reply::CustomStatus(self.custom_status(instance, *last_seen_version))),
            Call::GetKvValue { instance, key } => Ok(Reply::Value(self.kv_value(instance, key))),
            Call::GetKvAllValues { instance } => Ok(Reply::Values(self.kv_values(instance))),
            Call::GetInstanceStats { instance } => self.stats(instance),

            Call::ListInstances => Ok(Reply::Names(self.list_instances(None))),
            Call::ListInstancesByStatus { status } => Ok(Reply::Names(self.list_instances(Some(status)))),
            Call::ListExecutions { instance } => Ok(Reply::Numbers(self.list_executions(instance))),
            Call::GetInstanceInfo { instance } => self.instance_info(instance),
            Call::GetExecutionInfo { instance, execution } => self.execution_info(instance, *execution),
            Call::GetSystemMetrics => Ok(Reply::Metrics(self.totals)),
            Call::GetQueueDepths => Ok(Reply::QueueDepths(self.queue_depths(now))),
            Call::ListChildren { instance } => Ok(Reply::Names(self.list_children(instance))),
            Call::GetParentId { instance } => self.parent_id(instance),
            Call::GetInstanceTree { instance } => Ok(Reply::Tree(self.tree(instance))),

            Call::DeleteInstancesAtomic { instances, force } =>
                self.delete(call.method().name(), instances, *force).map(Reply::Deleted),
            Call::DeleteInstance { instance, force } => self.delete_tree(instance, *force),
            Call::DeleteInstanceBulk { query } => self.delete_bulk(query),
            Call::PruneExecutions { instance, keep } => self.prune(instance, keep).map(Reply::Pruned),
            Call::PruneExecutionsBulk { query, keep } => self.prune_bulk(query, keep),
        }
    }

    /// The next time after `now` at which another turn becomes fetchable, if no call comes first.
    pub fn next_turn_after(&self, now: Time) -> Option<Time> {
        let after = (std::ops::Bound::Excluded((now, u64::MAX, Key::MAX)), std::ops::Bound::Unbounded);
        self.ready.values().filter_map(|set| set.range(after).next()).map(|entry| entry.0).min()
    }

    /// The next time after `now` at which another job becomes fetchable, if no call comes first.
    pub fn next_job_after(&self, now: Time) -> Option<Time> {
        let job = self.jobs.next_after(now);
        let session = self.sessions.iter().filter(|(id, s)| s.until > now && self.jobs.of_session(id) > 0);
        job.into_iter().chain(session.map(|(_, s)| s.until)).min()
    }

    /// The instances whose histories, status or values `call` may change.
    pub fn touched_by(&self, call: &Call) -> Touched {
        let one = |name: Option<&str>| name.map_or(Touched::None, |name| Touched::One(name.to_owned()));
        match call.method().changes() {
            Changes::Nothing => Touched::None,
            Changes::Locked => {
                let locked = call.token().and_then(|token| self.turn_tokens.get(token));
                one(locked.map(|key| self.instances[key].name.as_ref()))
            }
            Changes::Named => one(call.instance()),
            Changes::Any => Touched::Any,
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn find(&self, name: &str) -> Option<&Instance> {
        self.names.get(name).map(|key| &self.instances[key])
    }

    /// An instance that has been created, with its record.
    fn recorded(&self, operation: &str, instance: &str) -> Result<(&Instance, &Record), Refusal> {
        let known = self.find(instance).and_then(|row| Some((row, row.record.as_ref()?)));
        known.ok_or_else(|| {
            Refusal::permanent(Class::NotFound, operation, format!("Instance {instance:?} was not found."))
        })
    }

    /// The key of an instance. An unknown instance gets an empty row.
    fn intern(&mut self, name: &str) -> Key {
        if let Some(key) = self.names.get(name) {
            return *key;
        }
        let key = self.next_id();
        self.names.insert(name.to_owned(), key);
        self.instances.insert(key, Instance::new(name));
        key
    }

    fn row(&mut self, key: Key) -> &mut Instance {
        self.instances.get_mut(&key).expect("a key in an index must have a row")
    }
}

/// The result of [`Store::touched_by`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// No instance.
    None,
    /// The instance with this name.
    One(String),
    /// Any instance.
    Any,
}

/// The refusal of a token whose lock is not held.
fn lock_lost(operation: &str, token: &str) -> Refusal {
    Refusal::permanent(
        Class::LockLost,
        operation,
        format!("Invalid lock token {token:?}: it was never issued, or its lock was released, taken over or expired."),
    )
}

fn invalid(operation: &str, message: impl Into<String>) -> Refusal {
    Refusal::permanent(Class::Invalid, operation, message)
}
