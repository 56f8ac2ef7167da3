//! Translates duroxide's types to this crate's and back, field by field.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use duroxide::providers as d;

use crate::call as c;

/// Defines two conversion functions between a pair of structs whose fields have the same names.
macro_rules! mirror {
    ($out:ident, $into:ident, $ours:ident = $theirs:ident { $($field:ident),* }) => {
        pub(super) fn $out(ours: c::$ours) -> d::$theirs {
            d::$theirs { $($field: ours.$field),* }
        }

        pub(super) fn $into(theirs: d::$theirs) -> c::$ours {
            c::$ours { $($field: theirs.$field),* }
        }
    };
}

mirror!(
    metadata_out,
    metadata,
    Metadata = ExecutionMetadata {
        status,
        output,
        orchestration_name,
        orchestration_version,
        parent_instance_id,
        pinned_duroxide_version
    }
);
mirror!(
    instance_out,
    instance,
    Instance = InstanceInfo {
        instance_id,
        orchestration_name,
        orchestration_version,
        current_execution_id,
        status,
        output,
        created_at,
        updated_at,
        parent_instance_id
    }
);
mirror!(
    execution_out,
    execution,
    Execution = ExecutionInfo { execution_id, status, output, started_at, completed_at, event_count }
);
mirror!(
    metrics_out,
    metrics,
    Metrics = SystemMetrics {
        total_instances,
        total_executions,
        running_instances,
        completed_instances,
        failed_instances,
        total_events
    }
);
mirror!(depths_out, depths, QueueDepths = QueueDepths { orchestrator_queue, worker_queue, timer_queue });
mirror!(tree_out, tree, Tree = InstanceTree { root_id, all_ids });
mirror!(
    deleted_out,
    deleted,
    DeleteCounts =
        DeleteInstanceResult { instances_deleted, executions_deleted, events_deleted, queue_messages_deleted }
);
mirror!(pruned_out, pruned, PruneCounts = PruneResult { instances_processed, executions_deleted, events_deleted });
mirror!(query_out, query, InstanceQuery = InstanceFilter { instance_ids, completed_before, limit });
mirror!(keep_out, keep, KeepRule = PruneOptions { keep_last, completed_before });
mirror!(kv_entry_out, kv_entry, KvEntry = KvEntry { value, last_updated_at_ms });
mirror!(range_out, range, VersionRange = SemverRange { min, max });

pub(super) fn versions(filter: &d::DispatcherCapabilityFilter) -> Vec<c::VersionRange> {
    filter.supported_duroxide_versions.iter().cloned().map(range).collect()
}

pub(super) fn versions_out(ranges: &[c::VersionRange]) -> d::DispatcherCapabilityFilter {
    d::DispatcherCapabilityFilter { supported_duroxide_versions: ranges.iter().cloned().map(range_out).collect() }
}

pub(super) fn activity(id: d::ScheduledActivityIdentifier) -> c::ActivityId {
    c::ActivityId { instance: id.instance, execution: id.execution_id, activity: id.activity_id }
}

pub(super) fn activity_out(id: c::ActivityId) -> d::ScheduledActivityIdentifier {
    d::ScheduledActivityIdentifier { instance: id.instance, execution_id: id.execution, activity_id: id.activity }
}

pub(super) fn session(config: &d::SessionFetchConfig) -> c::SessionClaim {
    c::SessionClaim { owner: config.owner_id.clone(), lock_for: config.lock_timeout }
}

pub(super) fn session_out(claim: &c::SessionClaim) -> d::SessionFetchConfig {
    d::SessionFetchConfig { owner_id: claim.owner.clone(), lock_timeout: claim.lock_for }
}

pub(crate) fn tags(filter: &d::TagFilter) -> c::Tags {
    match filter {
        d::TagFilter::DefaultOnly => c::Tags::DefaultOnly,
        d::TagFilter::Tags(set) => c::Tags::Tags(set.iter().cloned().collect()),
        d::TagFilter::DefaultAnd(set) => c::Tags::DefaultAnd(set.iter().cloned().collect()),
        d::TagFilter::Any => c::Tags::Any,
        d::TagFilter::None => c::Tags::None,
    }
}

pub(super) fn tags_out(tags: &c::Tags) -> d::TagFilter {
    match tags {
        c::Tags::DefaultOnly => d::TagFilter::DefaultOnly,
        c::Tags::Tags(set) => d::TagFilter::Tags(set.iter().cloned().collect()),
        c::Tags::DefaultAnd(set) => d::TagFilter::DefaultAnd(set.iter().cloned().collect()),
        c::Tags::Any => d::TagFilter::Any,
        c::Tags::None => d::TagFilter::None,
    }
}

/// Unwraps shared values, copying only those that are still shared.
pub(super) fn taken<T: Clone>(shared: Vec<Arc<T>>) -> Vec<T> {
    shared.into_iter().map(Arc::unwrap_or_clone).collect()
}

/// Copies shared values.
pub(super) fn owned<T: Clone>(shared: &[Arc<T>]) -> Vec<T> {
    shared.iter().map(|value| (**value).clone()).collect()
}

pub(super) fn shared<T>(owned: Vec<T>) -> Vec<Arc<T>> {
    owned.into_iter().map(Arc::new).collect()
}

pub(super) fn kv_out(entries: BTreeMap<String, c::KvEntry>) -> HashMap<String, d::KvEntry> {
    entries.into_iter().map(|(key, entry)| (key, kv_entry_out(entry))).collect()
}

pub(super) fn kv(entries: HashMap<String, d::KvEntry>) -> BTreeMap<String, c::KvEntry> {
    entries.into_iter().map(|(key, entry)| (key, kv_entry(entry))).collect()
}
