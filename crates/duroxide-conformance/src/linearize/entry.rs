//! What a history demands of an order: one entry for each call, or several for
//! a call that the documents do not promise to be one step.
//!
//! - What lists many instances (`list_instances`, `get_instance_tree`, …) and
//!   what counts many things (`get_instance_stats`) is right if each part of the
//!   answer was true at some moment of the call. So is `read`, which first finds
//!   the latest execution and then reads its history.
//! - A bulk operation goes from instance to instance: each may have been dealt
//!   with at any moment of the call, and no total is checked. `delete_instance`
//!   reads the tree first ("race condition: new child spawned after
//!   get_instance_tree"), so it may be refused where others call.
//! - A fetch that meets another call that takes or frees something may find
//!   nothing ("another dispatcher has the lock").
//! - An error that a retry may cure leaves it open whether the call took effect,
//!   until nobody calls any more; where no answer came, for good.

use duroxide_sim::call::{Call, InstanceQuery, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::store::{Choice, Pick, Store};

use super::Made;
use super::habits::Habits;
use super::order::Orders;
use crate::oracle::{Aspect, Mismatch, Reading, picks, step};

/// One thing to be put in order.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    /// The call's place in the history.
    pub call: usize,
    pub made: &'a Made,
    pub at: Time,
    pub part: Part,
    pub standing: Standing,
    /// Whether other calls may have kept it from doing what it would have done.
    pub contended: bool,
    /// Whether the messages of the turn may lie in the order they have.
    pub well_ordered: bool,
}

/// What of a call.
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
    /// What a bulk operation does to this instance.
    Of(String),
}

/// What is known of a call's effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has happened, and the answer says how.
    Certain,
    /// It has happened before it was answered, or not at all.
    Perhaps,
    /// It may have happened by the end of the segment.
    Soon,
    /// It may happen at any later moment.
    Ever,
}

/// The entries of one call. `whole` where nothing else is called meanwhile.
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

/// What other callers do while a call is under way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Others {
    /// Something that changes what is stored.
    pub change: bool,
    /// Something that takes or frees what a fetch may want.
    pub take_or_free: bool,
}

/// The numbers that the statistics have.
const STATS: [&str; 5] =
    ["history_event_count", "history_size_bytes", "queue_pending_count", "kv_user_key_count", "kv_total_value_bytes"];

impl Entry<'_> {
    /// Whether the answer says that nothing changed.
    pub fn is_quiet(&self) -> bool {
        self.standing == Standing::Certain
            && (self.made.call.is_read()
                || matches!(self.made.reply, Some(Reply::Refused(_) | Reply::Turn(None) | Reply::Job(None))))
    }

    /// Moves a world on, if it explains the answer.
    pub fn explain(&self, world: &mut Store, reading: Reading, habits: &Habits) -> Result<(), Box<Mismatch>> {
        match self.explain_strictly(world, reading) {
            Err(_) if self.deletes_nothing(world) => Ok(()),
            Err(mismatch) if habits.have(self.made.call.method().name(), &mismatch.aspect) => Ok(()),
            // What is wrong with the whole may show in any part.
            Err(_) if self.part != Part::Whole && habits.have_any(self.made.call.method().name()) => Ok(()),
            result => result,
        }
    }

    /// A deletion of a tree reads the tree, and then deletes what it has read:
    /// where somebody else has deleted it meanwhile, it deletes nothing. How many
    /// instances it says it has deleted is not looked at then.
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
            Part::Names(name) => agree(world, self.at, call, got, "names", |reply| names(reply).contains(name)),
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
            Err(mismatch) if mismatch.aspect == Aspect::Part("message order") && self.well_ordered => Ok(()),
            result => result,
        }
    }

    /// The worlds it may lead to, if it happens.
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

/// Whether a read would be answered the same in one respect.
fn agree<T: PartialEq>(
    world: &mut Store,
    at: Time,
    call: &Call,
    got: &Reply,
    part: &'static str,
    respect: impl Fn(&Reply) -> T,
) -> Result<(), Box<Mismatch>> {
    let expected = world.apply(at, call, &Choice::new("", Pick::Oldest));
    if respect(&expected) == respect(got) {
        return Ok(());
    }
    Err(Box::new(Mismatch { aspect: Aspect::Part(part), expected }))
}

fn names(reply: &Reply) -> &[String] {
    match reply {
        Reply::Names(names) => names,
        Reply::Tree(tree) => &tree.all_ids,
        _ => &[],
    }
}

/// Of an instance that is gone when it is counted there is nothing.
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
