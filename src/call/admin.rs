//! The data types of `ProviderAdmin`, with duroxide's fields.

#![allow(missing_docs)] // duroxide documents the fields.

use serde::{Deserialize, Serialize};

/// Mirrors `InstanceFilter`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceQuery {
    pub instance_ids: Option<Vec<String>>,
    pub completed_before: Option<u64>,
    pub limit: Option<u32>,
}

/// Mirrors `PruneOptions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepRule {
    pub keep_last: Option<u32>,
    pub completed_before: Option<u64>,
}

/// Mirrors `InstanceInfo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    pub instance_id: String,
    pub orchestration_name: String,
    pub orchestration_version: String,
    pub current_execution_id: u64,
    pub status: String,
    pub output: Option<String>,
    pub created_at: u64,
    pub updated_at: u64,
    pub parent_instance_id: Option<String>,
}

/// Mirrors `ExecutionInfo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    pub execution_id: u64,
    pub status: String,
    pub output: Option<String>,
    pub started_at: u64,
    pub completed_at: Option<u64>,
    pub event_count: usize,
}

/// Mirrors `SystemMetrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metrics {
    pub total_instances: u64,
    pub total_executions: u64,
    pub running_instances: u64,
    pub completed_instances: u64,
    pub failed_instances: u64,
    pub total_events: u64,
}

/// Mirrors `QueueDepths`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueDepths {
    pub orchestrator_queue: usize,
    pub worker_queue: usize,
    pub timer_queue: usize,
}

/// Mirrors `InstanceTree`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    pub root_id: String,
    pub all_ids: Vec<String>,
}

/// Mirrors `DeleteInstanceResult`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteCounts {
    pub instances_deleted: u64,
    pub executions_deleted: u64,
    pub events_deleted: u64,
    pub queue_messages_deleted: u64,
}

/// Mirrors `PruneResult`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneCounts {
    pub instances_processed: u64,
    pub executions_deleted: u64,
    pub events_deleted: u64,
}
