//! Pruning: deleting old executions of an instance that is kept.

use super::Store;
use crate::call::{InstanceQuery, KeepRule, PruneCounts, Refusal, Reply};

impl Store {
    /// Never prunes the current execution or a running one, whatever the rule says
    /// (`prune_executions`, "Provider Contract").
    pub(super) fn prune(&mut self, instance: &str, keep: &KeepRule) -> Result<PruneCounts, Refusal> {
        let (row, _) = self.recorded("prune_executions", instance)?;
        let kept = keep.keep_last.unwrap_or(0) as usize;
        let old = row.executions.iter().rev().skip(kept).filter(|(id, execution)| {
            let before =
                keep.completed_before.is_none_or(|before| execution.completed_at.is_some_and(|at| at.0 < before));
            *id != row.current() && execution.status != super::instance::RUNNING && before
        });
        let ids: Vec<u64> = old.map(|(id, _)| id).collect();
        let key = self.names[instance];

        self.tally(key, |total, part| *total -= part);
        let mut counts = PruneCounts { instances_processed: 1, ..PruneCounts::default() };
        let row = self.row(key);
        for id in ids {
            row.executions.remove(id);
            counts.executions_deleted += 1;
            let events = row.histories.remove(id).map_or(0, |history| history.events.len() as u64);
            row.events -= events;
            counts.events_deleted += events;
        }
        self.tally(key, |total, part| *total += part);
        Ok(counts)
    }

    pub(super) fn prune_bulk(&mut self, query: &InstanceQuery, keep: &KeepRule) -> Result<Reply, Refusal> {
        let mut sum = PruneCounts::default();
        for instance in self.select(query, |_| true) {
            let one = self.prune(&instance, keep)?;
            sum.instances_processed += one.instances_processed;
            sum.executions_deleted += one.executions_deleted;
            sum.events_deleted += one.events_deleted;
        }
        Ok(Reply::Pruned(sum))
    }
}
