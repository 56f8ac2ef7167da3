//! Deleting instances: one tree, a given set, or all that a query selects.

use std::collections::BTreeSet;

use super::instance::Instance;
use super::{Key, Store};
use crate::call::{Class, DeleteCounts, InstanceQuery, Refusal, Reply};

impl Instance {
    /// Whether the instance has ended.
    pub fn is_terminal(&self) -> bool {
        matches!(self.status(), Some("Completed" | "Failed"))
    }
}

impl Store {
    /// Deletes exactly `instances`, or none of them.
    pub(super) fn delete(
        &mut self,
        operation: &str,
        instances: &[String],
        force: bool,
    ) -> Result<DeleteCounts, Refusal> {
        let keys: BTreeSet<Key> = instances.iter().filter_map(|id| self.names.get(id).copied()).collect();
        let alive = keys.iter().map(|key| &self.instances[key]).find(|row| row.record.is_some() && !row.is_terminal());
        if let Some(row) = alive.filter(|_| !force) {
            let message = format!(
                "Instance {:?} is still running (its status is {}). Cancel it and wait, or delete with force.",
                row.name,
                row.status().unwrap_or("unknown")
            );
            return Err(Refusal::permanent(Class::StillRunning, operation, message));
        }
        for id in instances {
            let children = self.children.get(id).into_iter().flatten();
            if let Some(left) = children.into_iter().find(|key| !keys.contains(key)) {
                let message = format!(
                    "Instance {:?} is a child of {id:?} and would be left behind. It was created after the tree was read; read it again.",
                    self.instances[left].name
                );
                return Err(Refusal::permanent(Class::ChildLeft, operation, message));
            }
        }
        let mut counts = DeleteCounts::default();
        keys.into_iter().for_each(|key| self.delete_one(key, &mut counts));
        Ok(counts)
    }

    fn delete_one(&mut self, key: Key, counts: &mut DeleteCounts) {
        self.tally(key, |total, part| *total -= part);
        let jobs = self.jobs.of_instance(key);
        let row = self.row(key);
        let record = row.record.take();
        counts.instances_deleted += u64::from(record.is_some());
        counts.executions_deleted += row.executions.len() as u64;
        counts.events_deleted += row.events;
        let batch = row.lease.as_ref().map_or(0, |(_, batch)| batch.len());
        counts.queue_messages_deleted += (row.queue.len() + batch + jobs.len()) as u64;

        let fresh = Instance { jobs: row.jobs, listed: row.listed.take(), ..Instance::new(&row.name) };
        let old = std::mem::replace(row, fresh);
        if let Some((lease, _)) = old.lease {
            // Without its lock, an ack in progress cannot recreate the instance
            // (`delete_instances_atomic`, "Prevent ack recreation").
            self.turn_tokens.remove(&lease.token);
        }
        if let Some(record) = record {
            self.created.remove(&(record.created_at, record.created_id, key));
            if let Some(parent) = record.parent
                && let Some(siblings) = self.children.get_mut(&parent)
            {
                siblings.remove(&key);
                if siblings.is_empty() {
                    self.children.remove(&parent);
                }
            }
        }
        self.relist(key);
        jobs.into_iter().for_each(|id| self.remove_job(id));
        self.forget_if_empty(key);
    }

    pub(super) fn delete_tree(&mut self, instance: &str, force: bool) -> Result<Reply, Refusal> {
        const OPERATION: &str = "delete_instance";
        let (_, record) = self.recorded(OPERATION, instance)?;
        if let Some(parent) = &record.parent {
            let message =
                format!("Instance {instance:?} is a sub-orchestration of {parent:?}; delete the root instead.");
            return Err(Refusal::permanent(Class::SubOrchestration, OPERATION, message));
        }
        let tree = self.tree(instance);
        self.delete(OPERATION, &tree.all_ids, force).map(Reply::Deleted)
    }

    /// Deletes the selected roots whose whole tree has ended: "Running instances are NEVER deleted
    /// (silently skipped)" also applies to descendants.
    pub(super) fn delete_bulk(&mut self, query: &InstanceQuery) -> Result<Reply, Refusal> {
        let whole_tree_ended = |row: &Instance| {
            let tree = self.tree(&row.name);
            tree.all_ids.iter().filter_map(|id| self.find(id)).all(Instance::is_terminal)
        };
        let root = |row: &Instance| row.record.as_ref().is_some_and(|record| record.parent.is_none());
        let roots = self.select(query, |row| root(row) && row.is_terminal() && whole_tree_ended(row));
        let all: Vec<String> = roots.iter().flat_map(|root| self.tree(root).all_ids).collect();
        self.delete("delete_instance_bulk", &all, true).map(Reply::Deleted)
    }
}
