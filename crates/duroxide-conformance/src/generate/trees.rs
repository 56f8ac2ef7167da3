//! Stories about families: instances, their children and grandchildren.
//!
//! A child's name is its parent's followed by `::2`, as duroxide names
//! sub-orchestrations. So no instance is its own ancestor; with a cycle, the
//! trait's default `get_instance_tree` would never return.

use duroxide_sim::call::{Call, InstanceQuery};

use super::draft::Draft;
use super::turns::Outcome;

impl Draft {
    /// An instance, its child, and perhaps a grandchild and a second child.
    pub fn family(&mut self) {
        self.found_family();
    }

    fn found_family(&mut self) -> Vec<String> {
        let root = self.instance();
        let child = format!("{root}::2");
        self.begin_as(root.clone(), None);
        self.begin_as(child.clone(), Some(root.clone()));
        let mut members = vec![root.clone(), child.clone()];
        if !self.random.one_in(3) {
            members.push(format!("{child}::2"));
            self.begin_as(format!("{child}::2"), Some(child));
        }
        if self.random.one_in(3) {
            members.push(format!("{root}::3"));
            self.begin_as(format!("{root}::3"), Some(root));
        }
        members
    }

    /// Some members of a family end, and it is deleted: as a tree, as a set
    /// with a member missing, or by a query.
    pub fn family_removed(&mut self) {
        let members = self.found_family();
        let left_running = self.random.below(4) as usize;
        for (at, member) in members.iter().enumerate() {
            if at == left_running && self.random.one_in(2) {
                continue;
            }
            self.end_of(member);
        }
        if self.random.one_in(3) {
            self.take_turn();
        }
        let rounds = 1 + self.random.below(2);
        for _ in 0..rounds {
            self.remove(&members);
        }
        if self.random.one_in(3) {
            self.finish_turn(Outcome::Any);
        }
    }

    /// The member runs its last turn.
    fn end_of(&mut self, member: &str) {
        let item = duroxide::providers::WorkItem::CancelInstance { instance: member.to_owned(), reason: String::new() };
        self.enqueue(item.into(), None);
        self.take_turn();
        self.finish_turn(Outcome::Ends);
    }

    fn remove(&mut self, members: &[String]) {
        let force = self.random.one_in(3);
        match self.random.below(5) {
            0 => {
                let instance = members[0].clone();
                self.call(Call::DeleteInstance { instance, force });
            }
            1 => {
                let instance = members[self.random.below(members.len() as u64) as usize].clone();
                self.call(Call::DeleteInstance { instance, force });
            }
            2 if self.random.one_in(3) => self.delete_bulk(),
            2 => {
                let named = self.random.one_in(2);
                let member = members[self.random.below(members.len() as u64) as usize].clone();
                let query = InstanceQuery { instance_ids: named.then(|| vec![member]), ..InstanceQuery::default() };
                self.call(Call::DeleteInstanceBulk { query });
            }
            _ => {
                let mut instances = members.to_vec();
                match self.random.below(4) {
                    0 => drop(instances.remove(self.random.below(members.len() as u64) as usize)),
                    1 => instances.reverse(),
                    2 => instances.push(members[0].clone()),
                    _ => {}
                }
                self.call(Call::DeleteInstancesAtomic { instances, force });
            }
        }
    }
}
