//! [`Deliveries`]: the work items that a process has fetched and not yet begun to run.
//!
//! duroxide does not tell an activity its id, which this learns from the fetched work item.

use duroxide::ActivityContext;
use duroxide::providers::WorkItem;
use parking_lot::Mutex;

use crate::call::{Item, Job, Reply};

#[derive(Debug, Default)]
pub(super) struct Deliveries(Mutex<Vec<(Item, u32)>>);

/// One delivery of an activity.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delivery {
    pub id: u64,
    /// Counts the deliveries from 1.
    pub number: u32,
}

impl Deliveries {
    /// Records what a fetch has delivered.
    pub fn note(&self, reply: &Reply) {
        if let Reply::Job(Some(job)) = reply {
            let Job { item, attempts, .. } = &**job;
            self.0.lock().push((item.clone(), *attempts));
        }
    }

    /// Takes the delivery that begins to run now. The latest one counts if several are
    /// equal: an older one may be left of a work item that the runtime did not run.
    pub fn take(&self, ctx: &ActivityContext, input: &str) -> Delivery {
        let mut fetched = self.0.lock();
        let is_it = |item: &WorkItem| {
            matches!(item, WorkItem::ActivityExecute { instance, execution_id, name, input: theirs, .. }
                if instance == ctx.instance_id() && *execution_id == ctx.execution_id()
                    && name == ctx.activity_name() && theirs == input)
        };
        let Some(at) = fetched.iter().rposition(|(item, _)| is_it(item)) else { return Delivery::default() };
        let (item, number) = fetched.remove(at);
        let WorkItem::ActivityExecute { id, .. } = *item else { return Delivery::default() };
        Delivery { id, number }
    }
}
