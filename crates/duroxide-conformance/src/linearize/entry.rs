//! The constraints of a history on an order: one entry for each call, or
//! several for a call that is not documented to be atomic.
//!
//! - A call that lists instances (`list_instances`, `get_instance_tree`, …) or counts
//!   several things (`get_instance_stats`) is right if each part of the answer was
//!   true at some moment of the call. So is `read`, which first finds the latest
//!   execution and then reads its history.
//! - A bulk operation processes one instance after the other: each at any moment of
//!   the call, and totals are not checked. `delete_instance` reads the tree first
//!   ("race condition: new child spawned after get_instance_tree"), so it may be
//!   refused while other callers are active.
//! - A fetch that overlaps a call that takes or releases a lock may find nothing
//!   ("another dispatcher has the lock").
//! - After a retryable error the call may have taken effect, at the latest when no
//!   call is pending; a call without an answer may take effect at any later moment.

use duroxide_sim::call::{Call, InstanceQuery, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::store::{Choice, Pick, Store};

use super::Made;
use super::anomalies::SequentialAnomalies;
use super::order::Orders;
use crate::mismatch::{self, Aspect, Field, Mismatch, NamesPart, TurnPart};
use crate::oracle::{picks, step};
use crate::reading::Reading;

/// One item to be ordered.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    /// The index of the call in the history.
    pub call: usize,
    pub made: &'a Made,
    pub at: Time,
    pub part: Part,
    pub standing: Standing,
    /// Whether other calls may have prevented its effect.
    pub contended: bool,
    /// Whether the order of the turn's messages is possible.
    pub well_ordered: bool,
}

/// A part of a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Whole,
    /// Whether the answer names this instance.
    Names(String),
    /// That this execution is the latest.
    Latest(u64),
    /// That this execution has the history that was read.
    History(u64),
    /// One number of the statistics.
    Stat(usize),
    /// The effect of a bulk operation on this instance.
    Of(String),
}

/// The certainty of a call's effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The call took effect as its answer says.
    Certain,
    /// The call took effect before it was answered, or not at all.
    Perhaps,
    /// The call may take effect until the end of the segment.
    Soon,
    /// The call may take effect at any later moment.
    Ever,
}

/// The entries of one call. It has only one if no other call changes anything
/// meanwhile.
pub(super) fn entries<'a>(
    call: usize,
    made: &'a Made,
    others: Others,
    orders: &Orders,
    names: &[String],
) -> Vec<Entry<'a>> {
    let contended = others.take_or_free;
    let entry = |part, standing| Entry {
        call,
        made,
        at: made.at,
        part,
        standing,
        contended,
        well_ordered: orders.is_sound(call),
    };
    let Some(reply) = &made.reply else { return vec![entry(Part::Whole, Standing::Ever)] };
    if made.is_open() {
        return vec![entry(Part::Whole, Standing::Soon)];
    }
    if !others.change {
        return vec![entry(Part::Whole, Standing::Certain)];
    }
    let certain = |parts: Vec<Part>| parts.into_iter().map(|part| entry(part, Standing::Certain)).collect();
    match (&*made.call, reply) {
        (Call::ListInstances | Call::ListInstancesByStatus { .. }, Reply::Names(_)) => {
            certain(names.iter().cloned().map(Part::Names).collect())
        }
        (Call::ListChildren { .. } | Call::GetInstanceTree { .. }, Reply::Names(_) | Reply::Tree(_)) => {
            certain(names.iter().cloned().map(Part::Names).collect())
        }
        (Call::GetInstanceStats { .. }, Reply::Stats(Some(_))) => certain((0..STATS.len()).map(Part::Stat).collect()),
        (Call::Read { .. } | Call::ReadHistory { .. }, Reply::Events(events)) if !events.is_empty() => {
            let execution = events[0].execution_id;
            certain(vec![Part::Latest(execution), Part::History(execution)])
        }
        (Call::DeleteInstanceBulk { query } | Call::PruneExecutionsBulk { query, .. }, _) => {
            let asked = |name: &&String| query.instance_ids.as_ref().is_none_or(|ids| ids.contains(name));
            names.iter().filter(asked).map(|name| entry(Part::Of(name.clone()), Standing::Perhaps)).collect()
        }
        _ => certain(vec![Part::Whole]),
    }
}

/// What other callers do while a call is pending.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Others {
    /// They change what is stored.
    pub change: bool,
    /// They take or release a lock that a fetch may want.
    pub take_or_free: bool,
}

/// The fields of the statistics.
const STATS: [Field; 5] = [
    Field::HistoryEventCount,
    Field::HistorySizeBytes,
    Field::QueuePendingCount,
    Field::KvUserKeyCount,
    Field::KvTotalValueBytes,
];

impl Entry<'_> {
    /// Whether the answer says that nothing changed.
    pub fn is_quiet(&self) -> bool {
        self.standing == Standing::Certain
            && (self.made.call.is_read()
                || matches!(self.made.reply, Some(Reply::Refused(_) | Reply::Turn(None) | Reply::Job(None))))
    }

    /// Advances a world, if it explains the answer.
    pub fn explain(
        &self,
        world: &mut Store,
        reading: Reading,
        anomalies: &SequentialAnomalies,
    ) -> Result<(), Box<Mismatch>> {
        match self.explain_strictly(world, reading) {
            Err(_) if self.deletes_nothing(world) => Ok(()),
            Err(mismatch) if anomalies.contains(self.made.call.method(), &mismatch.aspect) => Ok(()),
            // A known deviation of the whole answer may show in any of its
            // parts.
            Err(_) if self.part != Part::Whole && anomalies.has_any_of(self.made.call.method()) => Ok(()),
            result => result,
        }
    }

    /// Whether the call deleted a tree that another caller had deleted
    /// meanwhile: a deletion reads the tree first and then deletes what it has
    /// read. The number of deleted instances is not checked then.
    fn deletes_nothing(&self, world: &Store) -> bool {
        let (Call::DeleteInstance { instance, .. }, Some(Reply::Deleted(got)), true) =
            (&*self.made.call, &self.made.reply, self.contended)
        else {
            return false;
        };
        let counts = [got.executions_deleted, got.events_deleted, got.queue_messages_deleted];
        counts == [0; 3] && world.created_at(instance).is_none()
    }

    fn explain_strictly(&self, world: &mut Store, reading: Reading) -> Result<(), Box<Mismatch>> {
        let call = &*self.made.call;
        let Some(got) = &self.made.reply else { return Ok(()) };
        match &self.part {
            Part::Whole => self.explain_whole(world, got, reading),
            Part::Names(name) => {
                agree(world, self.at, call, got, NamesPart::Names, |reply| names(reply).contains(name))
            }
            Part::Stat(number) => agree(world, self.at, call, got, STATS[*number], |reply| stat(reply, *number)),
            Part::Latest(execution) => {
                let latest = Call::LatestExecutionId { instance: call.instance().unwrap_or_default().to_owned() };
                step(world, self.at, &latest, &Reply::Number(*execution), reading)
            }
            Part::History(execution) => {
                let instance = call.instance().unwrap_or_default().to_owned();
                let read = Call::ReadHistoryWithExecutionId { instance, execution: *execution };
                step(world, self.at, &read, got, reading)
            }
            Part::Of(_) => Ok(()),
        }
    }

    fn explain_whole(&self, world: &mut Store, got: &Reply, reading: Reading) -> Result<(), Box<Mismatch>> {
        let call = &*self.made.call;
        match (call, got) {
            (_, Reply::Turn(None) | Reply::Job(None)) if self.contended => {
                world.apply(self.at, call, &Choice::new("", Pick::Nothing));
                return Ok(());
            }
            (Call::DeleteInstance { .. }, Reply::Refused(_)) if self.contended => return Ok(()),
            _ => {}
        }
        match step(world, self.at, call, got, reading) {
            Err(mismatch) if mismatch.aspect == Aspect::Part(TurnPart::MessageOrder.into()) && self.well_ordered => {
                Ok(())
            }
            result => result,
        }
    }

    /// The worlds that the call may lead to, if it takes effect.
    pub fn imagine(&self, world: &Store) -> Vec<Store> {
        let call = match (&*self.made.call, &self.part) {
            (Call::DeleteInstanceBulk { query }, Part::Of(name)) => {
                Call::DeleteInstanceBulk { query: only(query, name) }
            }
            (Call::PruneExecutionsBulk { query, keep }, Part::Of(name)) => {
                Call::PruneExecutionsBulk { query: only(query, name), keep: *keep }
            }
            (call, _) => call.clone(),
        };
        let token = self.made.issued().map_or_else(|| format!("unseen {}", self.call), str::to_owned);
        let lead = |pick| {
            let mut next = world.clone();
            let choice = Choice::new(token.clone(), pick);
            let reply = next.apply(self.at, &call, &choice);
            (!matches!(reply, Reply::Refused(_))).then_some(next)
        };
        picks(world, self.at, &call).into_iter().filter_map(lead).collect()
    }
}

fn only(query: &InstanceQuery, name: &str) -> InstanceQuery {
    InstanceQuery { instance_ids: Some(vec![name.to_owned()]), ..query.clone() }
}

/// Checks that a read gives the same answer in one respect.
fn agree<T: PartialEq>(
    world: &mut Store,
    at: Time,
    call: &Call,
    got: &Reply,
    part: impl Into<mismatch::Part>,
    respect: impl Fn(&Reply) -> T,
) -> Result<(), Box<Mismatch>> {
    let expected = world.apply(at, call, &Choice::new("", Pick::Oldest));
    if respect(&expected) == respect(got) {
        return Ok(());
    }
    Err(Box::new(Mismatch { aspect: Aspect::Part(part.into()), expected }))
}

fn names(reply: &Reply) -> &[String] {
    match reply {
        Reply::Names(names) => names,
        Reply::Tree(tree) => &tree.all_ids,
        _ => &[],
    }
}

/// The numbers of an instance that is gone when it is counted are 0.
fn stat(reply: &Reply, number: usize) -> u64 {
    let Reply::Stats(Some(stats)) = reply else { return 0 };
    let all = [
        stats.history_event_count,
        stats.history_size_bytes,
        stats.queue_pending_count,
        stats.kv_user_key_count,
        stats.kv_total_value_bytes,
    ];
    all[number]
}
