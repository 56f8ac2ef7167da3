//! Single calls that delete and prune.

use duroxide_sim::call::{Call, InstanceQuery, KeepRule};

use super::draft::Draft;
use super::numbers;
use crate::script::HERE;

impl Draft {
    pub fn delete_one(&mut self) {
        let (instance, force) = (self.some_instance(), self.random.one_in(2));
        self.call(Call::DeleteInstance { instance, force });
    }

    pub fn delete_set(&mut self) {
        let count = [0, 1, 1, 2, 2, 3, 4, 8][self.random.below(8) as usize];
        let instances = (0..count).map(|_| self.family_member()).collect();
        let force = self.random.one_in(2);
        self.call(Call::DeleteInstancesAtomic { instances, force });
    }

    /// One of the script's instances, or a descendant of one.
    pub fn family_member(&mut self) -> String {
        let name = match self.random.below(4) {
            0 => HERE.to_owned(),
            1 => self.instance(),
            _ => self.known_instance(),
        };
        match self.random.below(6) {
            0 => format!("{name}::2"),
            1 if self.random.one_in(2) => format!("{name}::2::2"),
            2 if self.random.one_in(4) => "nobody".to_owned(),
            _ => name,
        }
    }

    pub fn delete_bulk(&mut self) {
        let query = self.query();
        self.call(Call::DeleteInstanceBulk { query });
    }

    fn query(&mut self) -> InstanceQuery {
        let named = self.random.one_in(3);
        let count = [0, 1, 1, 2, 3, 4, 6, 8][self.random.below(8) as usize];
        let count = if self.swarm.crowded && self.random.one_in(8) { 600 } else { count };
        InstanceQuery {
            instance_ids: named.then(|| (0..count).map(|_| self.family_member()).collect()),
            completed_before: if self.random.one_in(2) { Some(self.before()) } else { None },
            limit: if self.random.one_in(3) { Some(numbers::count(&mut self.random, 4)) } else { None },
        }
    }

    pub fn keep(&mut self) -> KeepRule {
        KeepRule {
            keep_last: if self.random.one_in(2) { Some(numbers::count(&mut self.random, 4)) } else { None },
            completed_before: if self.random.one_in(2) { Some(self.before()) } else { None },
        }
    }

    pub fn prune_one(&mut self) {
        let instance = if self.random.one_in(2) { self.some_instance() } else { HERE.to_owned() };
        let keep = self.keep();
        self.call(Call::PruneExecutions { instance, keep });
    }

    pub fn prune_bulk(&mut self) {
        let (query, keep) = (self.query(), self.keep());
        self.call(Call::PruneExecutionsBulk { query, keep });
    }
}
