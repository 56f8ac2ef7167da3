//! [`Port`]: implements duroxide's two provider traits over any [`Handler`].
//!
//! This is the only place where the traits are implemented. It translates and decides nothing.

use std::any::type_name_of_val;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use duroxide::providers::{
    DeleteInstanceResult, DispatcherCapabilityFilter, ExecutionInfo, ExecutionMetadata, InstanceFilter, InstanceInfo,
    InstanceTree, KvEntry, OrchestrationItem, Provider, ProviderAdmin, ProviderError, PruneOptions, PruneResult,
    QueueDepths, ScheduledActivityIdentifier, SessionFetchConfig, SystemMetrics, TagFilter, WorkItem,
};
use duroxide::{Event, SystemStats};

use super::translate as t;
use crate::call::{AckTurn, Answering, Call, Handler, Refusal, Reply};

/// A duroxide provider backed by a handler.
#[derive(Debug)]
pub struct Port<H> {
    pub(super) handler: H,
    name: String,
}

impl<H: Handler> Port<H> {
    /// Creates a provider that passes every call to `handler`.
    pub fn over(handler: H) -> Port<H> {
        let name = handler.describe();
        Port { handler, name }
    }

    async fn ask<T>(&self, call: Call, read: impl FnOnce(Reply) -> Result<T, Reply>) -> Result<T, ProviderError> {
        let method = call.method();
        match read(self.handler.handle(Arc::new(call)).await) {
            Ok(answer) => Ok(answer),
            Err(Reply::Refused(refusal)) => Err(error(refusal)),
            // Answering a call with another call's reply is a bug in a layer, but the caller should
            // get an error rather than a panic.
            Err(reply) => {
                let message =
                    format!("A layer answered this call with the wrong kind of reply ({}).", type_name_of_val(&reply));
                Err(ProviderError::permanent(method.name(), message))
            }
        }
    }
}

fn error(refusal: Refusal) -> ProviderError {
    ProviderError { operation: refusal.operation, message: refusal.message, retryable: refusal.retryable }
}

/// Extracts the value of one kind of reply, and returns any other as an error.
macro_rules! take {
    ($kind:ident) => {
        |reply| match reply {
            Reply::$kind(value) => Ok(value),
            other => Err(other),
        }
    };
}

fn done(reply: Reply) -> Result<(), Reply> {
    if reply == Reply::Done { Ok(()) } else { Err(reply) }
}

impl<H: Handler> Handler for Port<H> {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        self.handler.handle(call)
    }

    fn describe(&self) -> String {
        self.name.clone()
    }

    fn has_admin(&self) -> bool {
        self.handler.has_admin()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<H: Handler + 'static> Provider for Port<H> {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    async fn fetch_orchestration_item(
        &self,
        lock_timeout: Duration,
        poll_timeout: Duration,
        filter: Option<&DispatcherCapabilityFilter>,
    ) -> Result<Option<(OrchestrationItem, String, u32)>, ProviderError> {
        let versions = filter.map(t::versions);
        let call = Call::FetchOrchestrationItem { lock_for: lock_timeout, poll_for: poll_timeout, versions };
        let turn = self.ask(call, take!(Turn)).await?;
        Ok(turn.map(|turn| {
            let kv_snapshot: HashMap<String, KvEntry> = t::kv_out(turn.kv_snapshot);
            let item = OrchestrationItem {
                instance: turn.instance,
                orchestration_name: turn.orchestration_name,
                execution_id: turn.execution,
                version: turn.version,
                history: t::taken(turn.history),
                messages: t::taken(turn.messages),
                history_error: turn.history_error,
                kv_snapshot,
            };
            (item, turn.token, turn.attempts)
        }))
    }

    async fn ack_orchestration_item(
        &self,
        lock_token: &str,
        execution_id: u64,
        history_delta: Vec<Event>,
        worker_items: Vec<WorkItem>,
        orchestrator_items: Vec<WorkItem>,
        metadata: ExecutionMetadata,
        cancelled_activities: Vec<ScheduledActivityIdentifier>,
    ) -> Result<(), ProviderError> {
        let ack = AckTurn {
            token: lock_token.to_owned(),
            execution: execution_id,
            history: t::shared(history_delta),
            jobs: t::shared(worker_items),
            messages: t::shared(orchestrator_items),
            metadata: t::metadata(metadata),
            cancelled: cancelled_activities.into_iter().map(t::activity).collect(),
        };
        self.ask(Call::AckOrchestrationItem(Box::new(ack)), done).await
    }

    async fn abandon_orchestration_item(
        &self,
        lock_token: &str,
        delay: Option<Duration>,
        ignore_attempt: bool,
    ) -> Result<(), ProviderError> {
        let token = lock_token.to_owned();
        self.ask(Call::AbandonOrchestrationItem { token, delay, ignore_attempt }, done).await
    }

    async fn read(&self, instance: &str) -> Result<Vec<Event>, ProviderError> {
        self.ask(Call::Read { instance: instance.to_owned() }, take!(Events)).await.map(t::taken)
    }

    async fn read_with_execution(&self, instance: &str, execution_id: u64) -> Result<Vec<Event>, ProviderError> {
        let call = Call::ReadWithExecution { instance: instance.to_owned(), execution: execution_id };
        self.ask(call, take!(Events)).await.map(t::taken)
    }

    async fn append_with_execution(
        &self,
        instance: &str,
        execution_id: u64,
        new_events: Vec<Event>,
    ) -> Result<(), ProviderError> {
        let instance = instance.to_owned();
        self.ask(Call::AppendWithExecution { instance, execution: execution_id, events: t::shared(new_events) }, done)
            .await
    }

    async fn enqueue_for_worker(&self, item: WorkItem) -> Result<(), ProviderError> {
        self.ask(Call::EnqueueForWorker { item: item.into() }, done).await
    }

    async fn fetch_work_item(
        &self,
        lock_timeout: Duration,
        poll_timeout: Duration,
        session: Option<&SessionFetchConfig>,
        tag_filter: &TagFilter,
    ) -> Result<Option<(WorkItem, String, u32)>, ProviderError> {
        let call = Call::FetchWorkItem {
            lock_for: lock_timeout,
            poll_for: poll_timeout,
            session: session.map(t::session),
            tags: t::tags(tag_filter),
        };
        let job = self.ask(call, take!(Job)).await?;
        Ok(job.map(|job| (Arc::unwrap_or_clone(job.item), job.token, job.attempts)))
    }

    async fn ack_work_item(&self, token: &str, completion: Option<WorkItem>) -> Result<(), ProviderError> {
        self.ask(Call::AckWorkItem { token: token.to_owned(), completion: completion.map(Arc::new) }, done).await
    }

    async fn renew_work_item_lock(&self, token: &str, extend_for: Duration) -> Result<(), ProviderError> {
        self.ask(Call::RenewWorkItemLock { token: token.to_owned(), extend_for }, done).await
    }

    async fn renew_session_lock(
        &self,
        owner_ids: &[&str],
        extend_for: Duration,
        idle_timeout: Duration,
    ) -> Result<usize, ProviderError> {
        let owners = owner_ids.iter().map(|owner| (*owner).to_owned()).collect();
        self.ask(Call::RenewSessionLock { owners, extend_for, idle_for: idle_timeout }, take!(Count)).await
    }

    async fn cleanup_orphaned_sessions(&self, idle_timeout: Duration) -> Result<usize, ProviderError> {
        self.ask(Call::CleanupOrphanedSessions { idle_for: idle_timeout }, take!(Count)).await
    }

    async fn abandon_work_item(
        &self,
        token: &str,
        delay: Option<Duration>,
        ignore_attempt: bool,
    ) -> Result<(), ProviderError> {
        self.ask(Call::AbandonWorkItem { token: token.to_owned(), delay, ignore_attempt }, done).await
    }

    async fn renew_orchestration_item_lock(&self, token: &str, extend_for: Duration) -> Result<(), ProviderError> {
        self.ask(Call::RenewOrchestrationItemLock { token: token.to_owned(), extend_for }, done).await
    }

    async fn enqueue_for_orchestrator(&self, item: WorkItem, delay: Option<Duration>) -> Result<(), ProviderError> {
        self.ask(Call::EnqueueForOrchestrator { item: item.into(), delay }, done).await
    }

    /// Always returns this port and never the inner provider, which would let the client bypass
    /// every layer.
    fn as_management_capability(&self) -> Option<&dyn ProviderAdmin> {
        self.handler.has_admin().then_some(self as &dyn ProviderAdmin)
    }

    async fn get_custom_status(
        &self,
        instance: &str,
        last_seen_version: u64,
    ) -> Result<Option<(Option<String>, u64)>, ProviderError> {
        let instance = instance.to_owned();
        self.ask(Call::GetCustomStatus { instance, last_seen_version }, take!(CustomStatus)).await
    }

    async fn get_kv_value(&self, instance: &str, key: &str) -> Result<Option<String>, ProviderError> {
        let call = Call::GetKvValue { instance: instance.to_owned(), key: key.to_owned() };
        self.ask(call, take!(Value)).await
    }

    async fn get_kv_all_values(&self, instance: &str) -> Result<HashMap<String, String>, ProviderError> {
        let values = self.ask(Call::GetKvAllValues { instance: instance.to_owned() }, take!(Values)).await?;
        Ok(values.into_iter().collect())
    }

    async fn get_instance_stats(&self, instance: &str) -> Result<Option<SystemStats>, ProviderError> {
        self.ask(Call::GetInstanceStats { instance: instance.to_owned() }, take!(Stats)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<H: Handler + 'static> ProviderAdmin for Port<H> {
    async fn list_instances(&self) -> Result<Vec<String>, ProviderError> {
        self.ask(Call::ListInstances, take!(Names)).await
    }

    async fn list_instances_by_status(&self, status: &str) -> Result<Vec<String>, ProviderError> {
        self.ask(Call::ListInstancesByStatus { status: status.to_owned() }, take!(Names)).await
    }

    async fn list_executions(&self, instance: &str) -> Result<Vec<u64>, ProviderError> {
        self.ask(Call::ListExecutions { instance: instance.to_owned() }, take!(Numbers)).await
    }

    async fn read_history_with_execution_id(
        &self,
        instance: &str,
        execution_id: u64,
    ) -> Result<Vec<Event>, ProviderError> {
        let call = Call::ReadHistoryWithExecutionId { instance: instance.to_owned(), execution: execution_id };
        self.ask(call, take!(Events)).await.map(t::taken)
    }

    async fn read_history(&self, instance: &str) -> Result<Vec<Event>, ProviderError> {
        self.ask(Call::ReadHistory { instance: instance.to_owned() }, take!(Events)).await.map(t::taken)
    }

    async fn latest_execution_id(&self, instance: &str) -> Result<u64, ProviderError> {
        self.ask(Call::LatestExecutionId { instance: instance.to_owned() }, take!(Number)).await
    }

    async fn get_instance_info(&self, instance: &str) -> Result<InstanceInfo, ProviderError> {
        let call = Call::GetInstanceInfo { instance: instance.to_owned() };
        self.ask(call, take!(Instance)).await.map(|info| t::instance_out(*info))
    }

    async fn get_execution_info(&self, instance: &str, execution_id: u64) -> Result<ExecutionInfo, ProviderError> {
        let call = Call::GetExecutionInfo { instance: instance.to_owned(), execution: execution_id };
        self.ask(call, take!(Execution)).await.map(|info| t::execution_out(*info))
    }

    async fn get_system_metrics(&self) -> Result<SystemMetrics, ProviderError> {
        self.ask(Call::GetSystemMetrics, take!(Metrics)).await.map(t::metrics_out)
    }

    async fn get_queue_depths(&self) -> Result<QueueDepths, ProviderError> {
        self.ask(Call::GetQueueDepths, take!(QueueDepths)).await.map(t::depths_out)
    }

    async fn list_children(&self, instance_id: &str) -> Result<Vec<String>, ProviderError> {
        self.ask(Call::ListChildren { instance: instance_id.to_owned() }, take!(Names)).await
    }

    async fn get_parent_id(&self, instance_id: &str) -> Result<Option<String>, ProviderError> {
        self.ask(Call::GetParentId { instance: instance_id.to_owned() }, take!(Value)).await
    }

    async fn delete_instances_atomic(
        &self,
        ids: &[String],
        force: bool,
    ) -> Result<DeleteInstanceResult, ProviderError> {
        let call = Call::DeleteInstancesAtomic { instances: ids.to_vec(), force };
        self.ask(call, take!(Deleted)).await.map(t::deleted_out)
    }

    async fn get_instance_tree(&self, instance_id: &str) -> Result<InstanceTree, ProviderError> {
        let call = Call::GetInstanceTree { instance: instance_id.to_owned() };
        self.ask(call, take!(Tree)).await.map(t::tree_out)
    }

    async fn delete_instance(&self, instance_id: &str, force: bool) -> Result<DeleteInstanceResult, ProviderError> {
        let call = Call::DeleteInstance { instance: instance_id.to_owned(), force };
        self.ask(call, take!(Deleted)).await.map(t::deleted_out)
    }

    async fn delete_instance_bulk(&self, filter: InstanceFilter) -> Result<DeleteInstanceResult, ProviderError> {
        let call = Call::DeleteInstanceBulk { query: t::query(filter) };
        self.ask(call, take!(Deleted)).await.map(t::deleted_out)
    }

    async fn prune_executions(&self, instance_id: &str, options: PruneOptions) -> Result<PruneResult, ProviderError> {
        let call = Call::PruneExecutions { instance: instance_id.to_owned(), keep: t::keep(options) };
        self.ask(call, take!(Pruned)).await.map(t::pruned_out)
    }

    async fn prune_executions_bulk(
        &self,
        filter: InstanceFilter,
        options: PruneOptions,
    ) -> Result<PruneResult, ProviderError> {
        let call = Call::PruneExecutionsBulk { query: t::query(filter), keep: t::keep(options) };
        self.ask(call, take!(Pruned)).await.map(t::pruned_out)
    }
}
