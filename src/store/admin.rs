//! The management calls that change nothing.

use std::collections::BTreeSet;

use super::instance::Instance;
use super::{Key, Store};
use crate::call::{self, Class, InstanceQuery, Item, QueueDepths, Refusal, Reply, Tree};
use crate::clock::Time;

impl Store {
    /// Newest first; instances created in the same millisecond are in reverse order of creation.
    pub(super) fn list_instances(&self, status: Option<&String>) -> Vec<String> {
        let rows = self.created.iter().rev().map(|(_, _, key)| &self.instances[key]);
        let wanted = |row: &&Instance| status.is_none_or(|status| row.status() == Some(status));
        rows.filter(wanted).map(|row| row.name.clone()).collect()
    }

    pub(super) fn list_executions(&self, instance: &str) -> Vec<u64> {
        self.find(instance).map(|row| row.executions.ids().collect()).unwrap_or_default()
    }

    pub(super) fn instance_info(&self, instance: &str) -> Result<Reply, Refusal> {
        let (row, record) = self.recorded("get_instance_info", instance)?;
        let execution = row.current_execution();
        Ok(Reply::Instance(Box::new(call::Instance {
            instance_id: row.name.clone(),
            orchestration_name: record.orchestration_name.clone(),
            orchestration_version: record.orchestration_version.clone().unwrap_or_else(|| "unknown".to_owned()),
            current_execution_id: record.current,
            status: row.status().unwrap_or("Unknown").to_owned(),
            output: execution.and_then(|execution| execution.output.clone()),
            created_at: record.created_at.0,
            updated_at: record.updated_at.0,
            parent_instance_id: record.parent.clone(),
        })))
    }

    pub(super) fn execution_info(&self, instance: &str, execution_id: u64) -> Result<Reply, Refusal> {
        let row = self.find(instance);
        let known = row.and_then(|row| Some((row, row.executions.get(execution_id)?)));
        let (row, execution) = known.ok_or_else(|| {
            let message = format!("Execution {execution_id} of instance {instance:?} was not found.");
            Refusal::permanent(Class::NotFound, "get_execution_info", message)
        })?;
        Ok(Reply::Execution(Box::new(call::Execution {
            execution_id,
            status: execution.status.clone(),
            output: execution.output.clone(),
            started_at: execution.started_at.0,
            completed_at: execution.completed_at.map(|at| at.0),
            event_count: row.histories.get(execution_id).map_or(0, |history| history.events.len()),
        })))
    }

    /// "Number of unlocked messages in each queue": items that are not locked at `now`, visible or
    /// not.
    pub(super) fn queue_depths(&self, now: Time) -> QueueDepths {
        let waiting: usize = self.instances.values().map(|row| row.queue.len()).sum();
        let leases = self.turn_tokens.values().filter_map(|key| self.instances[key].lease.as_ref());
        let expired: usize = leases.filter(|(lease, _)| !lease.holds(now)).map(|(_, batch)| batch.len()).sum();
        QueueDepths {
            orchestrator_queue: waiting + expired,
            worker_queue: self.jobs.count() - self.jobs.held(now),
            timer_queue: 0,
        }
    }

    pub(super) fn list_children(&self, instance: &str) -> Vec<String> {
        let keys = self.children.get(instance).into_iter().flatten();
        keys.map(|key| self.instances[key].name.clone()).collect()
    }

    pub(super) fn parent_id(&self, instance: &str) -> Result<Reply, Refusal> {
        let (_, record) = self.recorded("get_parent_id", instance)?;
        Ok(Reply::Value(record.parent.clone()))
    }

    /// The instance and all its descendants, parents first. Instances that form a cycle, which no
    /// runtime creates, appear once.
    pub(super) fn tree(&self, instance: &str) -> Tree {
        let mut all_ids = vec![instance.to_owned()];
        let mut seen = BTreeSet::from([instance.to_owned()]);
        let mut next = 0;
        while next < all_ids.len() {
            for child in self.list_children(&all_ids[next]) {
                if seen.insert(child.clone()) {
                    all_ids.push(child);
                }
            }
            next += 1;
        }
        Tree { root_id: instance.to_owned(), all_ids }
    }

    /// The recorded instances that a query selects, oldest first. All criteria of the query apply
    /// together, then `eligible`, then the limit ("applied last", 1000 by default).
    pub(super) fn select(&self, query: &InstanceQuery, eligible: impl Fn(&Instance) -> bool) -> Vec<String> {
        let allowed: Option<BTreeSet<&String>> = query.instance_ids.as_ref().map(|ids| ids.iter().collect());
        let completed_before = |row: &Instance| match query.completed_before {
            None => true,
            Some(before) => {
                row.current_execution().and_then(|execution| execution.completed_at).is_some_and(|at| at.0 < before)
            }
        };
        let mut rows: Vec<&Instance> = match &allowed {
            Some(ids) => ids.iter().filter_map(|id| self.find(id)).filter(|row| row.record.is_some()).collect(),
            None => self.created.iter().map(|(_, _, key)| &self.instances[key]).collect(),
        };
        rows.sort_by_key(|row| row.record.as_ref().map(|record| (record.created_at, record.created_id)));
        let limit = query.limit.unwrap_or(1000) as usize;
        rows.into_iter()
            .filter(|row| completed_before(row) && eligible(row))
            .take(limit)
            .map(|row| row.name.clone())
            .collect()
    }

    /// Adds an instance's share to the system metrics, or subtracts it.
    pub(super) fn tally(&mut self, key: Key, change: impl Fn(&mut u64, u64)) {
        let row = &self.instances[&key];
        let totals = &mut self.totals;
        change(&mut totals.total_executions, row.executions.len() as u64);
        change(&mut totals.total_events, row.events);
        if row.record.is_some() {
            change(&mut totals.total_instances, 1);
            match row.status() {
                Some("Running") => change(&mut totals.running_instances, 1),
                Some("Completed") => change(&mut totals.completed_instances, 1),
                Some("Failed") => change(&mut totals.failed_instances, 1),
                _ => {}
            }
        }
    }
}

/// Queries about the store that no provider method answers.
impl Store {
    /// The executions of an instance, oldest first: number, status, output and events. Events
    /// without an execution have an empty status.
    pub fn executions_of(&self, instance: &str) -> Vec<(u64, String, Option<String>, Vec<call::Event>)> {
        let Some(row) = self.find(instance) else { return Vec::new() };
        let ids: BTreeSet<u64> = row.executions.ids().chain(row.histories.ids()).collect();
        let one = |id: u64| {
            let execution = row.executions.get(id);
            let status = execution.map_or_else(String::new, |execution| execution.status.clone());
            let output = execution.and_then(|execution| execution.output.clone());
            let events = row.histories.get(id).map_or_else(Vec::new, |history| history.events.clone());
            (id, status, output, events)
        };
        ids.into_iter().map(one).collect()
    }

    /// The names of the instances that have not ended: running ones, and ones that only have
    /// messages so far.
    pub fn unfinished(&self) -> Vec<String> {
        let ended = |row: &&Instance| row.record.is_some() && row.is_terminal();
        self.names
            .values()
            .map(|key| &self.instances[key])
            .filter(|row| !ended(row))
            .map(|row| row.name.clone())
            .collect()
    }

    /// The names of the instances that have failed.
    pub fn failed(&self) -> Vec<String> {
        let rows = self.names.values().map(|key| &self.instances[key]);
        rows.filter(|row| row.status() == Some("Failed")).map(|row| row.name.clone()).collect()
    }

    /// Whether an instance has ended.
    pub fn has_ended(&self, instance: &str) -> bool {
        self.find(instance).is_some_and(|row| row.record.is_some() && row.is_terminal())
    }

    /// Whether any instance has not ended. An instance that was never started, and only has
    /// messages such as a late cancellation, does not count.
    pub fn has_unfinished(&self) -> bool {
        let begun = |row: &&Instance| row.is_known() || row.listed.is_some();
        self.instances.values().filter(begun).any(|row| !(row.record.is_some() && row.is_terminal()))
    }

    /// The names of the instances that have ended, the last to end first.
    pub fn latest_ended(&self) -> Vec<String> {
        let rows = self.names.values().map(|key| &self.instances[key]);
        let mut ended: Vec<(Time, &str)> =
            rows.filter_map(|row| Some((row.current_execution()?.completed_at?, row.name.as_str()))).collect();
        ended.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        ended.into_iter().map(|(_, name)| name.to_owned()).collect()
    }

    /// Whether any instance has ended later than `time`.
    pub fn any_ended_after(&self, time: Time) -> bool {
        let mut ends = self.instances.values().filter_map(|row| row.current_execution()?.completed_at);
        ends.any(|at| at > time)
    }

    /// Whether a job or a message is queued, or a lock on an instance is held. Messages for
    /// instances that have ended or were never started are not counted.
    pub fn is_busy(&self) -> bool {
        self.jobs.count() > 0 || self.ready.values().flatten().any(|(at, _, key)| self.is_due(*at, *key))
    }

    /// Whether a message becomes visible, or a lock on an instance expires, at this very time.
    pub fn has_message_due_at(&self, time: Time) -> bool {
        self.ready.values().flatten().any(|(at, _, _)| *at == time)
    }

    fn is_due(&self, at: Time, key: Key) -> bool {
        at < Time::MAX && !self.instances[&key].is_terminal()
    }

    /// The instances that have something queued or locked, as counted by [`Store::is_busy`].
    pub fn busy_instances(&self) -> Vec<String> {
        let due = |key: &Key, row: &Instance| row.listed.as_ref().is_some_and(|(_, (at, ..))| self.is_due(*at, *key));
        let busy = self.names.iter().filter(|(_, key)| {
            let row = &self.instances[key];
            row.jobs > 0 || due(key, row)
        });
        busy.map(|(name, _)| name.clone()).collect()
    }

    /// Whether an instance is known: it has a history, or a message that starts it.
    pub fn knows(&self, instance: &str) -> bool {
        self.find(instance).is_some_and(|row| row.is_known() || row.listed.is_some())
    }

    /// The names of all known instances.
    pub fn names(&self) -> Vec<String> {
        self.names.keys().filter(|name| self.knows(name)).cloned().collect()
    }

    /// The messages in an instance's queue, fetched or not: the item, the time at which it becomes
    /// visible (or its lock expires), and its attempt count.
    pub fn messages_of(&self, instance: &str) -> Vec<(&duroxide::providers::WorkItem, Time, u32)> {
        let Some(row) = self.find(instance) else { return Vec::new() };
        let held = row.lease.iter().flat_map(|(lease, batch)| batch.iter().map(|message| (lease.until, message)));
        let waiting = row.queue.messages().map(|message| (message.visible_at, message));
        held.chain(waiting).map(|(at, message)| (&*message.item, at, message.attempts)).collect()
    }

    /// The time until which the lock on an instance is or was held.
    pub fn lock_of(&self, instance: &str) -> Option<Time> {
        self.find(instance)?.lease.as_ref().map(|(lease, _)| lease.until)
    }

    /// The jobs of an instance: the item, the time from which it can be fetched (or its lock
    /// expires), its attempt count, and whether it is locked.
    pub fn jobs_of(&self, instance: &str) -> Vec<(&duroxide::providers::WorkItem, Time, u32, bool)> {
        let Some(key) = self.names.get(instance) else { return Vec::new() };
        self.jobs.of_instance(*key).into_iter().filter_map(|id| self.jobs.look_at(id)).collect()
    }

    /// Whether a message becomes visible later than `now`.
    pub fn awaits_a_message(&self, now: Time) -> bool {
        let later = |at: Time| at > now && at < Time::MAX;
        self.instances.values().any(|row| row.queue.messages().any(|message| later(message.visible_at)))
    }

    /// Every message and every job, fetched or not.
    pub fn queued(&self) -> (Vec<Item>, Vec<Item>) {
        let messages = self.instances.values().flat_map(Instance::messages);
        (messages.map(|message| message.item.clone()).collect(), self.jobs.items().cloned().collect())
    }
}
