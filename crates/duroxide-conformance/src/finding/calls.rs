//! Generates the Rust code of a call: the method and its arguments.

use std::collections::{BTreeMap, BTreeSet};

use duroxide_sim::call::{ActivityId, Call, InstanceQuery, KeepRule, Metadata, SessionClaim, Tags, VersionRange};
use duroxide_sim::clock::Time;

use super::code::{Coded, events, item, items, moment};
use super::layout::Code;
use super::uses::Import;

/// The variable names of tokens.
pub(super) type TokenNames = BTreeMap<String, String>;

/// The method and its arguments.
pub(super) fn method(call: &Call, base: Time, tokens: &TokenNames) -> Code {
    Code::call(call.method().name(), arguments(call, base, tokens))
}

fn token(token: &str, tokens: &TokenNames) -> Code {
    tokens.get(token).map_or_else(|| Code::str(token), |name| Code::word(format!("&{name}")))
}

fn arguments(call: &Call, base: Time, tokens: &TokenNames) -> Vec<Code> {
    match call {
        Call::FetchOrchestrationItem { lock_for, poll_for, versions } => {
            vec![lock_for.code(), poll_for.code(), versions.as_deref().map_or_else(|| Code::None, filter)]
        }
        Call::AckOrchestrationItem(ack) => vec![
            token(&ack.token, tokens),
            ack.execution.code(),
            events(&ack.history),
            items(&ack.jobs, base),
            items(&ack.messages, base),
            metadata(&ack.metadata),
            Code::vec(ack.cancelled.iter().map(activity).collect()),
        ],
        Call::AbandonOrchestrationItem { token: of, delay, ignore_attempt }
        | Call::AbandonWorkItem { token: of, delay, ignore_attempt } => {
            vec![token(of, tokens), delay.code(), ignore_attempt.code()]
        }
        Call::RenewOrchestrationItemLock { token: of, extend_for }
        | Call::RenewWorkItemLock { token: of, extend_for } => {
            vec![token(of, tokens), extend_for.code()]
        }
        Call::AppendWithExecution { instance, execution, events: all } => {
            vec![Code::str(instance), execution.code(), events(all)]
        }
        Call::EnqueueForWorker { item: one } => vec![item(one, base)],
        Call::FetchWorkItem { lock_for, poll_for, session, tags } => {
            let session = session.as_ref().map_or_else(|| Code::None, claim);
            vec![lock_for.code(), poll_for.code(), session, self::tags(tags)]
        }
        Call::AckWorkItem { token: of, completion } => {
            let completion = completion.as_ref().map(|one| Code::call("Some", vec![item(one, base)]));
            vec![token(of, tokens), completion.unwrap_or(Code::None)]
        }
        Call::RenewSessionLock { owners, extend_for, idle_for } => {
            vec![Code::slice(owners.iter().map(|owner| Code::str(owner)).collect()), extend_for.code(), idle_for.code()]
        }
        Call::CleanupOrphanedSessions { idle_for } => vec![idle_for.code()],
        Call::EnqueueForOrchestrator { item: one, delay } => vec![item(one, base), delay.code()],
        Call::GetCustomStatus { instance, last_seen_version } => vec![Code::str(instance), last_seen_version.code()],
        Call::GetKvValue { instance, key } => vec![Code::str(instance), Code::str(key)],
        Call::ListInstancesByStatus { status } => vec![Code::str(status)],
        Call::ListInstances | Call::GetSystemMetrics | Call::GetQueueDepths => Vec::new(),
        Call::DeleteInstancesAtomic { instances, force } => {
            vec![Code::slice(instances.iter().map(Coded::code).collect()), force.code()]
        }
        Call::DeleteInstance { instance, force } => vec![Code::str(instance), force.code()],
        Call::DeleteInstanceBulk { query } => vec![self::query(query, base)],
        Call::PruneExecutions { instance, keep } => vec![Code::str(instance), self::keep(keep, base)],
        Call::PruneExecutionsBulk { query, keep } => vec![self::query(query, base), self::keep(keep, base)],
        Call::ReadWithExecution { instance, execution }
        | Call::ReadHistoryWithExecutionId { instance, execution }
        | Call::GetExecutionInfo { instance, execution } => vec![Code::str(instance), execution.code()],
        other @ (Call::Read { .. }
        | Call::GetKvAllValues { .. }
        | Call::GetInstanceStats { .. }
        | Call::ListExecutions { .. }
        | Call::ReadHistory { .. }
        | Call::LatestExecutionId { .. }
        | Call::GetInstanceInfo { .. }
        | Call::ListChildren { .. }
        | Call::GetParentId { .. }
        | Call::GetInstanceTree { .. }) => other.instance().map(Code::str).into_iter().collect(),
    }
}

fn filter(ranges: &[VersionRange]) -> Code {
    let range = |range: &VersionRange| {
        Code::record("SemverRange", vec![("min", range.min.code()), ("max", range.max.code())])
            .using(Import::SemverRange)
    };
    let fields = vec![("supported_duroxide_versions", Code::vec(ranges.iter().map(range).collect()))];
    Code::call("Some", vec![Code::record("&DispatcherCapabilityFilter", fields)])
        .using(Import::DispatcherCapabilityFilter)
}

fn claim(claim: &SessionClaim) -> Code {
    let fields = vec![("owner_id", claim.owner.code()), ("lock_timeout", claim.lock_for.code())];
    Code::call("Some", vec![Code::record("&SessionFetchConfig", fields)]).using(Import::SessionFetchConfig)
}

fn tags(tags: &Tags) -> Code {
    let set = |name: &str, tags: &BTreeSet<String>| {
        // The constructors refuse more tags than a worker should have.
        let set = Code::call("HashSet::from", vec![Code::array(tags.iter().map(Coded::code).collect())]);
        Code::call(&format!("&TagFilter::{name}"), vec![set.using(Import::Set)])
    };
    let filter = match tags {
        Tags::DefaultOnly => Code::word("&TagFilter::DefaultOnly"),
        Tags::Any => Code::word("&TagFilter::Any"),
        Tags::None => Code::word("&TagFilter::None"),
        Tags::Tags(tags) => set("Tags", tags),
        Tags::DefaultAnd(tags) => set("DefaultAnd", tags),
    };
    filter.using(Import::TagFilter)
}

fn activity(id: &ActivityId) -> Code {
    let fields = vec![
        ("instance", id.instance.code()),
        ("execution_id", id.execution.code()),
        ("activity_id", id.activity.code()),
    ];
    Code::record("ScheduledActivityIdentifier", fields).using(Import::ScheduledActivityIdentifier)
}

/// The fields that are set, with the default for the others.
fn sparse(of: Import, all: Vec<(&'static str, Option<Code>)>) -> Code {
    let total = all.len();
    let mut fields: Vec<(&str, Code)> =
        all.into_iter().filter_map(|(name, code)| code.map(|code| (name, Code::call("Some", vec![code])))).collect();
    if fields.is_empty() {
        return Code::word(format!("{}::default()", of.name())).using(of);
    }
    if fields.len() < total {
        fields.push(("..", Code::word("Default::default()")));
    }
    Code::record(of.name(), fields).using(of)
}

fn metadata(metadata: &Metadata) -> Code {
    let code = |value: &Option<String>| value.as_ref().map(Coded::code);
    sparse(
        Import::ExecutionMetadata,
        vec![
            ("status", code(&metadata.status)),
            ("output", code(&metadata.output)),
            ("orchestration_name", code(&metadata.orchestration_name)),
            ("orchestration_version", code(&metadata.orchestration_version)),
            ("parent_instance_id", code(&metadata.parent_instance_id)),
            ("pinned_duroxide_version", metadata.pinned_duroxide_version.as_ref().map(Coded::code)),
        ],
    )
}

fn query(query: &InstanceQuery, base: Time) -> Code {
    sparse(
        Import::InstanceFilter,
        vec![
            ("instance_ids", query.instance_ids.as_ref().map(Coded::code)),
            ("completed_before", query.completed_before.map(|at| moment(at, base))),
            ("limit", query.limit.as_ref().map(Coded::code)),
        ],
    )
}

fn keep(keep: &KeepRule, base: Time) -> Code {
    sparse(
        Import::PruneOptions,
        vec![
            ("keep_last", keep.keep_last.as_ref().map(Coded::code)),
            ("completed_before", keep.completed_before.map(|at| moment(at, base))),
        ],
    )
}
