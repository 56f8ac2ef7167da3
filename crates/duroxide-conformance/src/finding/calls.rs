//! Generates the Rust code of a call: the method and its arguments.

use std::collections::{BTreeMap, BTreeSet};

use duroxide_sim::call::{ActivityId, Call, InstanceQuery, KeepRule, Metadata, SessionClaim, Tags, VersionRange};
use duroxide_sim::clock::Time;

use super::code::{Coded, events, item, items, moment};
use super::layout::Code;

/// The variable names of tokens.
pub(super) type TokenNames = BTreeMap<String, String>;

/// The method and its arguments.
pub(super) fn method(call: &Call, base: Time, tokens: &TokenNames) -> Code {
    Code::call(call.method().name(), arguments(call, base, tokens))
}

fn token(token: &str, tokens: &TokenNames) -> Code {
    tokens.get(token).map_or_else(|| text(token), |name| Code::word(format!("&{name}")))
}

fn text(text: &str) -> Code {
    match text.to_owned().code() {
        Code::Word(repeated) if repeated.contains(".repeat(") => Code::word(format!("&{repeated}")),
        _ => Code::word(format!("{text:?}")),
    }
}

fn arguments(call: &Call, base: Time, tokens: &TokenNames) -> Vec<Code> {
    match call {
        Call::FetchOrchestrationItem { lock_for, poll_for, versions } => {
            vec![lock_for.code(), poll_for.code(), versions.as_deref().map_or_else(|| Code::word("None"), filter)]
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
            vec![text(instance), execution.code(), events(all)]
        }
        Call::EnqueueForWorker { item: one } => vec![item(one, base)],
        Call::FetchWorkItem { lock_for, poll_for, session, tags } => {
            let session = session.as_ref().map_or_else(|| Code::word("None"), claim);
            vec![lock_for.code(), poll_for.code(), session, self::tags(tags)]
        }
        Call::AckWorkItem { token: of, completion } => {
            let completion = completion.as_ref().map(|one| Code::call("Some", vec![item(one, base)]));
            vec![token(of, tokens), completion.unwrap_or_else(|| Code::word("None"))]
        }
        Call::RenewSessionLock { owners, extend_for, idle_for } => {
            vec![texts("&[", owners), extend_for.code(), idle_for.code()]
        }
        Call::CleanupOrphanedSessions { idle_for } => vec![idle_for.code()],
        Call::EnqueueForOrchestrator { item: one, delay } => vec![item(one, base), delay.code()],
        Call::GetCustomStatus { instance, last_seen_version } => vec![text(instance), last_seen_version.code()],
        Call::GetKvValue { instance, key } => vec![text(instance), text(key)],
        Call::ListInstancesByStatus { status } => vec![text(status)],
        Call::ListInstances | Call::GetSystemMetrics | Call::GetQueueDepths => Vec::new(),
        Call::DeleteInstancesAtomic { instances, force } => {
            let Code::List { parts, close, .. } = instances.code() else { return Vec::new() };
            vec![Code::List { open: "&[".to_owned(), parts, close }, force.code()]
        }
        Call::DeleteInstance { instance, force } => vec![text(instance), force.code()],
        Call::DeleteInstanceBulk { query } => vec![self::query(query, base)],
        Call::PruneExecutions { instance, keep } => vec![text(instance), self::keep(keep, base)],
        Call::PruneExecutionsBulk { query, keep } => vec![self::query(query, base), self::keep(keep, base)],
        Call::ReadWithExecution { instance, execution }
        | Call::ReadHistoryWithExecutionId { instance, execution }
        | Call::GetExecutionInfo { instance, execution } => vec![text(instance), execution.code()],
        other => other.instance().map(text).into_iter().collect(),
    }
}

fn filter(ranges: &[VersionRange]) -> Code {
    let range =
        |range: &VersionRange| Code::record("SemverRange", vec![("min", range.min.code()), ("max", range.max.code())]);
    let fields = vec![("supported_duroxide_versions", Code::vec(ranges.iter().map(range).collect()))];
    Code::call("Some", vec![Code::record("&DispatcherCapabilityFilter", fields)])
}

fn claim(claim: &SessionClaim) -> Code {
    let fields = vec![("owner_id", claim.owner.code()), ("lock_timeout", claim.lock_for.code())];
    Code::call("Some", vec![Code::record("&SessionFetchConfig", fields)])
}

fn tags(tags: &Tags) -> Code {
    let set = |name: &str, tags: &BTreeSet<String>| {
        let tags: Vec<String> = tags.iter().cloned().collect();
        // The constructors refuse more tags than a worker should have.
        let Code::List { parts, .. } = tags.code() else { return Code::word("&TagFilter::None") };
        let list = Code::List { open: "[".to_owned(), parts, close: "]" };
        Code::call(&format!("&TagFilter::{name}"), vec![Code::call("HashSet::from", vec![list])])
    };
    match tags {
        Tags::DefaultOnly => Code::word("&TagFilter::DefaultOnly"),
        Tags::Any => Code::word("&TagFilter::Any"),
        Tags::None => Code::word("&TagFilter::None"),
        Tags::Tags(tags) => set("Tags", tags),
        Tags::DefaultAnd(tags) => set("DefaultAnd", tags),
    }
}

fn texts(open: &str, all: &[String]) -> Code {
    Code::List { open: open.to_owned(), parts: all.iter().map(|one| text(one)).collect(), close: "]" }
}

fn activity(id: &ActivityId) -> Code {
    let fields = vec![
        ("instance", id.instance.code()),
        ("execution_id", id.execution.code()),
        ("activity_id", id.activity.code()),
    ];
    Code::record("ScheduledActivityIdentifier", fields)
}

/// The fields that are set, with the default for the others.
fn sparse(name: &str, all: Vec<(&'static str, Option<Code>)>) -> Code {
    let total = all.len();
    let mut fields: Vec<(&str, Code)> =
        all.into_iter().filter_map(|(name, code)| code.map(|code| (name, Code::call("Some", vec![code])))).collect();
    if fields.is_empty() {
        return Code::word(format!("{name}::default()"));
    }
    if fields.len() < total {
        fields.push(("..", Code::word("Default::default()")));
    }
    Code::record(name, fields)
}

fn metadata(metadata: &Metadata) -> Code {
    let code = |value: &Option<String>| value.as_ref().map(Coded::code);
    sparse(
        "ExecutionMetadata",
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
        "InstanceFilter",
        vec![
            ("instance_ids", query.instance_ids.as_ref().map(Coded::code)),
            ("completed_before", query.completed_before.map(|at| moment(at, base))),
            ("limit", query.limit.as_ref().map(Coded::code)),
        ],
    )
}

fn keep(keep: &KeepRule, base: Time) -> Code {
    sparse(
        "PruneOptions",
        vec![
            ("keep_last", keep.keep_last.as_ref().map(Coded::code)),
            ("completed_before", keep.completed_before.map(|at| moment(at, base))),
        ],
    )
}
