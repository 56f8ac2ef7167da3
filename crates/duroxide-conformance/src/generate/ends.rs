//! Stories about completed instances: bulk deletion and pruning.

use duroxide_sim::call::{Call, InstanceQuery, KeepRule};

use super::draft::Draft;
use super::turns::Outcome;
use crate::script::HERE;

impl Draft {
    /// Instances end at different or nearly equal times, and those that ended
    /// before one of these times are deleted.
    pub fn removed_at_the_end(&mut self) {
        let count = 1 + self.random.below(3);
        for _ in 0..count {
            self.begin();
            self.wake();
            self.take_turn();
            let outcome = if self.random.one_in(4) { Outcome::Continues } else { Outcome::Ends };
            self.finish_turn(outcome);
            self.pass();
        }
        if self.random.one_in(3) {
            let force = self.random.one_in(4);
            self.call(Call::DeleteInstance { instance: HERE.to_owned(), force });
            return self.look();
        }
        let timed = self.random.below(4) > 1;
        let query = InstanceQuery {
            instance_ids: match self.random.below(8) {
                0 => Some(Vec::new()),
                1 | 2 => Some(self.members()),
                _ => None,
            },
            completed_before: if timed { Some(self.before()) } else { None },
            limit: if self.random.one_in(3) { Some(self.random.below(3) as u32) } else { None },
        };
        self.call(Call::DeleteInstanceBulk { query });
        self.look();
    }

    /// An instance goes through several executions, some of which are pruned,
    /// perhaps while its next turn is in progress.
    pub fn pruned(&mut self) {
        if self.random.one_in(4) {
            self.values_story();
        }
        self.go_on_as_new();
        self.pass();
        self.wake();
        if self.random.one_in(2) {
            self.take_turn();
        }
        let times = 1 + self.random.below(2);
        for _ in 0..times {
            let keep = self.keep();
            self.prune_with(keep);
            self.look();
        }
        self.finish_turn(Outcome::Any);
    }

    fn members(&mut self) -> Vec<String> {
        let count = 1 + self.random.below(4);
        (0..count).map(|_| self.family_member()).collect()
    }

    fn prune_with(&mut self, keep: KeepRule) {
        if self.random.one_in(3) {
            let limit = if self.random.one_in(2) { Some(1 + self.random.below(4) as u32) } else { None };
            let instance_ids = match self.random.below(6) {
                0 => Some(Vec::new()),
                1 => Some(self.members()),
                _ => None,
            };
            let query = InstanceQuery { limit, instance_ids, ..InstanceQuery::default() };
            return self.call(Call::PruneExecutionsBulk { query, keep });
        }
        self.call(Call::PruneExecutions { instance: HERE.to_owned(), keep });
    }
}
