//! [`Under`]: a [`Handler`] over any duroxide provider.
//!
//! This is the only place where the provider traits are called. With [`super::Port`] on top, layers
//! can wrap a provider that knows nothing of them.

use std::fmt;
use std::sync::Arc;

use duroxide::providers::{Provider, ProviderAdmin, ProviderError};

use super::translate as t;
use crate::call::{Answering, Call, Class, Handler, Job, Refusal, Reply, Turn};

/// Wraps a provider as a handler.
pub struct Under(Arc<dyn Provider>);

impl fmt::Debug for Under {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Under").field(&self.0.name()).finish()
    }
}

impl Under {
    /// Creates a handler that passes every call to `provider`.
    pub fn new(provider: Arc<dyn Provider>) -> Under {
        Under(provider)
    }
}

impl Handler for Under {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        Answering::wait(async move { self.pass_on(&call).await })
    }

    fn describe(&self) -> String {
        self.0.name().to_owned()
    }

    fn has_admin(&self) -> bool {
        self.0.as_management_capability().is_some()
    }
}

impl Under {
    async fn pass_on(&self, call: &Call) -> Reply {
        let admin = self.0.as_management_capability();
        match work(&*self.0, call).await {
            Some(reply) => reply,
            None => match admin {
                Some(admin) => manage(admin, call).await,
                None => {
                    let message = format!("{} has no management capability.", self.0.name());
                    Reply::Refused(Refusal::permanent(Class::Invalid, call.method().name(), message))
                }
            },
        }
    }
}

/// The successful answer, or the refusal.
fn reply<T>(result: Result<T, ProviderError>, into: impl FnOnce(T) -> Reply) -> Reply {
    match result {
        Ok(value) => into(value),
        Err(error) => Reply::Refused(Refusal {
            class: Class::Other,
            operation: error.operation,
            message: error.message,
            retryable: error.retryable,
        }),
    }
}

fn events(events: Vec<duroxide::Event>) -> Reply {
    Reply::Events(t::shared(events))
}

fn done(result: Result<(), ProviderError>) -> Reply {
    reply(result, |()| Reply::Done)
}

/// The calls of `Provider`; `None` for those of `ProviderAdmin`.
#[rustfmt::skip] // One arm for each method, in the trait's order.
async fn work(provider: &dyn Provider, call: &Call) -> Option<Reply> {
    Some(match call {
        Call::FetchOrchestrationItem { lock_for, poll_for, versions } => {
            let filter = versions.as_deref().map(t::versions_out);
            let fetched = provider.fetch_orchestration_item(*lock_for, *poll_for, filter.as_ref()).await;
            reply(fetched, |fetched| Reply::Turn(fetched.map(turn)))
        }
        Call::AckOrchestrationItem(ack) => {
            let cancelled = ack.cancelled.iter().cloned().map(t::activity_out).collect();
            done(provider.ack_orchestration_item(
                &ack.token, ack.execution, t::owned(&ack.history), t::owned(&ack.jobs), t::owned(&ack.messages),
                t::metadata_out(ack.metadata.clone()), cancelled,
            ).await)
        }
        Call::AbandonOrchestrationItem { token, delay, ignore_attempt } =>
            done(provider.abandon_orchestration_item(token, *delay, *ignore_attempt).await),
        Call::Read { instance } => reply(provider.read(instance).await, events),
        Call::ReadWithExecution { instance, execution } =>
            reply(provider.read_with_execution(instance, *execution).await, events),
        Call::AppendWithExecution { instance, execution, events } =>
            done(provider.append_with_execution(instance, *execution, t::owned(events)).await),
        Call::EnqueueForWorker { item } => done(provider.enqueue_for_worker((**item).clone()).await),
        Call::FetchWorkItem { lock_for, poll_for, session, tags } => {
            let session = session.as_ref().map(t::session_out);
            let fetched = provider.fetch_work_item(*lock_for, *poll_for, session.as_ref(), &t::tags_out(tags)).await;
            reply(fetched, |fetched| {
                Reply::Job(fetched.map(|(item, token, attempts)| Box::new(Job { item: item.into(), token, attempts })))
            })
        }
        Call::AckWorkItem { token, completion } => done(provider.ack_work_item(token, completion.as_deref().cloned()).await),
        Call::RenewWorkItemLock { token, extend_for } =>
            done(provider.renew_work_item_lock(token, *extend_for).await),
        Call::RenewSessionLock { owners, extend_for, idle_for } => {
            let owners: Vec<&str> = owners.iter().map(String::as_str).collect();
            reply(provider.renew_session_lock(&owners, *extend_for, *idle_for).await, Reply::Count)
        }
        Call::CleanupOrphanedSessions { idle_for } =>
            reply(provider.cleanup_orphaned_sessions(*idle_for).await, Reply::Count),
        Call::AbandonWorkItem { token, delay, ignore_attempt } =>
            done(provider.abandon_work_item(token, *delay, *ignore_attempt).await),
        Call::RenewOrchestrationItemLock { token, extend_for } =>
            done(provider.renew_orchestration_item_lock(token, *extend_for).await),
        Call::EnqueueForOrchestrator { item, delay } =>
            done(provider.enqueue_for_orchestrator((**item).clone(), *delay).await),
        Call::GetCustomStatus { instance, last_seen_version } =>
            reply(provider.get_custom_status(instance, *last_seen_version).await, Reply::CustomStatus),
        Call::GetKvValue { instance, key } => reply(provider.get_kv_value(instance, key).await, Reply::Value),
        Call::GetKvAllValues { instance } =>
            reply(provider.get_kv_all_values(instance).await, |values| Reply::Values(values.into_iter().collect())),
        Call::GetInstanceStats { instance } => reply(provider.get_instance_stats(instance).await, Reply::Stats),
        // The calls of `ProviderAdmin`, by name: a new call must not end here.
        Call::ListInstances | Call::ListInstancesByStatus { .. } | Call::ListExecutions { .. }
        | Call::ReadHistoryWithExecutionId { .. } | Call::ReadHistory { .. } | Call::LatestExecutionId { .. }
        | Call::GetInstanceInfo { .. } | Call::GetExecutionInfo { .. } | Call::GetSystemMetrics
        | Call::GetQueueDepths | Call::ListChildren { .. } | Call::GetParentId { .. }
        | Call::DeleteInstancesAtomic { .. } | Call::GetInstanceTree { .. } | Call::DeleteInstance { .. }
        | Call::DeleteInstanceBulk { .. } | Call::PruneExecutions { .. }
        | Call::PruneExecutionsBulk { .. } => return None,
    })
}

/// The calls of `ProviderAdmin`.
#[rustfmt::skip] // As above.
async fn manage(admin: &dyn ProviderAdmin, call: &Call) -> Reply {
    match call {
        Call::ListInstances => reply(admin.list_instances().await, Reply::Names),
        Call::ListInstancesByStatus { status } =>
            reply(admin.list_instances_by_status(status).await, Reply::Names),
        Call::ListExecutions { instance } => reply(admin.list_executions(instance).await, Reply::Numbers),
        Call::ReadHistoryWithExecutionId { instance, execution } =>
            reply(admin.read_history_with_execution_id(instance, *execution).await, events),
        Call::ReadHistory { instance } => reply(admin.read_history(instance).await, events),
        Call::LatestExecutionId { instance } => reply(admin.latest_execution_id(instance).await, Reply::Number),
        Call::GetInstanceInfo { instance } =>
            reply(admin.get_instance_info(instance).await, |info| Reply::Instance(Box::new(t::instance(info)))),
        Call::GetExecutionInfo { instance, execution } =>
            reply(admin.get_execution_info(instance, *execution).await, |info| Reply::Execution(Box::new(t::execution(info)))),
        Call::GetSystemMetrics => reply(admin.get_system_metrics().await, |m| Reply::Metrics(t::metrics(m))),
        Call::GetQueueDepths => reply(admin.get_queue_depths().await, |d| Reply::QueueDepths(t::depths(d))),
        Call::ListChildren { instance } => reply(admin.list_children(instance).await, Reply::Names),
        Call::GetParentId { instance } => reply(admin.get_parent_id(instance).await, Reply::Value),
        Call::DeleteInstancesAtomic { instances, force } =>
            reply(admin.delete_instances_atomic(instances, *force).await, |n| Reply::Deleted(t::deleted(n))),
        Call::GetInstanceTree { instance } =>
            reply(admin.get_instance_tree(instance).await, |tree| Reply::Tree(t::tree(tree))),
        Call::DeleteInstance { instance, force } =>
            reply(admin.delete_instance(instance, *force).await, |n| Reply::Deleted(t::deleted(n))),
        Call::DeleteInstanceBulk { query } =>
            reply(admin.delete_instance_bulk(t::query_out(query.clone())).await, |n| Reply::Deleted(t::deleted(n))),
        Call::PruneExecutions { instance, keep } =>
            reply(admin.prune_executions(instance, t::keep_out(*keep)).await, |n| Reply::Pruned(t::pruned(n))),
        Call::PruneExecutionsBulk { query, keep } => {
            let pruned = admin.prune_executions_bulk(t::query_out(query.clone()), t::keep_out(*keep)).await;
            reply(pruned, |n| Reply::Pruned(t::pruned(n)))
        }
        Call::FetchOrchestrationItem { .. } | Call::AckOrchestrationItem(_)
        | Call::AbandonOrchestrationItem { .. } | Call::RenewOrchestrationItemLock { .. } | Call::Read { .. }
        | Call::ReadWithExecution { .. } | Call::AppendWithExecution { .. } | Call::EnqueueForWorker { .. }
        | Call::FetchWorkItem { .. } | Call::AckWorkItem { .. } | Call::RenewWorkItemLock { .. }
        | Call::AbandonWorkItem { .. } | Call::RenewSessionLock { .. } | Call::CleanupOrphanedSessions { .. }
        | Call::EnqueueForOrchestrator { .. } | Call::GetCustomStatus { .. } | Call::GetKvValue { .. }
        | Call::GetKvAllValues { .. } | Call::GetInstanceStats { .. } =>
            Reply::Refused(Refusal::permanent(Class::Invalid, call.method().name(), "This is not a management call.")),
    }
}

fn turn((item, token, attempts): (duroxide::providers::OrchestrationItem, String, u32)) -> Box<Turn> {
    Box::new(Turn {
        instance: item.instance,
        orchestration_name: item.orchestration_name,
        execution: item.execution_id,
        version: item.version,
        history: t::shared(item.history),
        messages: t::shared(item.messages),
        history_error: item.history_error,
        kv_snapshot: t::kv(item.kv_snapshot),
        token,
        attempts,
    })
}
