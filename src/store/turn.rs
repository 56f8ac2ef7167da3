//! Turns: fetching an instance with its messages, and committing the outcome.

use std::collections::BTreeSet;
use std::time::Duration;

use duroxide::EventKind;
use duroxide::providers::WorkItem;
use semver::Version;

use super::instance::{Execution, History, RUNNING, Record};
use super::queue::{Lease, Message};
use super::{Choice, Key, OrphanPolicy, Pick, Store, invalid, lock_lost};
use crate::call::{AckTurn, Item, Refusal, Reply, Turn, VersionRange, instance_of, is_job, kind_of, named_instance};
use crate::clock::Time;

/// Whether a filter accepts an execution with this pinned version. Every filter but an empty one
/// accepts an execution without a pinned version.
pub(super) fn compatible(versions: Option<&[VersionRange]>, pinned: &Option<Version>) -> bool {
    match (versions, pinned) {
        (None, _) => true,
        (Some(ranges), None) => !ranges.is_empty(),
        (Some(ranges), Some(version)) => ranges.iter().any(|range| range.contains(version)),
    }
}

/// Refuses a message that does not name its instance.
pub(super) fn named(operation: &str, item: &Item) -> Result<(), Refusal> {
    match named_instance(item) {
        Some(_) => Ok(()),
        None => Err(invalid(
            operation,
            format!("A {} names no instance, so it could never be fetched. Send it to an instance.", kind_of(item)),
        )),
    }
}

impl Store {
    pub(super) fn enqueue_message(
        &mut self,
        now: Time,
        item: &Item,
        delay: Option<Duration>,
    ) -> Result<Reply, Refusal> {
        if is_job(item) {
            let message = "An ActivityExecute belongs in the worker queue; use enqueue_for_worker.";
            return Err(invalid("enqueue_for_orchestrator", message));
        }
        named("enqueue_for_orchestrator", item)?;
        self.push_message(item.clone(), now + delay.unwrap_or_default());
        Ok(Reply::Done)
    }

    pub(super) fn push_message(&mut self, item: Item, visible_at: Time) {
        let key = self.intern(&instance_of(&item));
        let message = Message { id: self.next_id(), item, visible_at, attempts: 0 };
        if !self.row(key).is_known() && matches!(*message.item, WorkItem::QueueMessage { .. }) {
            self.mail.insert((visible_at, key));
        }
        self.row(key).queue.push(message);
        self.relist(key);
    }

    pub(super) fn fetch_turn(
        &mut self,
        now: Time,
        lock_for: Duration,
        versions: Option<&[VersionRange]>,
        choice: &Choice,
    ) -> Option<Box<Turn>> {
        self.drop_unclaimed_mail(now, &choice.mail);
        let key = self.pick_turn(now, versions, &choice.pick)?;
        let row = self.instances.get_mut(&key).expect("a listed instance must have a row");
        if let Some((lease, batch)) = row.lease.take() {
            self.turn_tokens.remove(&lease.token);
            batch.into_iter().for_each(|message| row.queue.push(message));
        }
        let mut batch = row.queue.take_visible(now);
        batch.iter_mut().for_each(|message| message.attempts = message.attempts.saturating_add(1));

        let (orchestration_name, version) = row.identity(&batch);
        let execution = row.current();
        let history = row.histories.get(execution);
        let history_error = history.and_then(History::error);
        let readable = history.filter(|_| history_error.is_none());
        let turn = Turn {
            instance: row.name.clone(),
            orchestration_name,
            execution,
            version,
            history: readable.map(|history| history.events.clone()).unwrap_or_default(),
            messages: batch.iter().map(|message| message.item.clone()).collect(),
            kv_snapshot: if history_error.is_none() { row.kv.snapshot() } else { Default::default() },
            history_error,
            token: choice.token.clone(),
            attempts: batch.iter().map(|message| message.attempts).max().unwrap_or(0),
        };
        row.lease = Some((Lease::new(&choice.token, now, lock_for), batch));
        self.turn_tokens.insert(choice.token.clone(), key);
        self.relist(key);
        Some(Box::new(turn))
    }

    /// Chooses the instance to fetch: eligible ones in the order in which they became eligible, so
    /// that none starves. The filter is applied before the lock is taken
    /// (`DispatcherCapabilityFilter`).
    pub(super) fn pick_turn(&self, now: Time, versions: Option<&[VersionRange]>, pick: &Pick) -> Option<Key> {
        if let Pick::Instance(name) = pick {
            let key = self.names.get(name).copied()?;
            let (pinned, (at, ..)) = self.instances[&key].listed.as_ref()?;
            return (*at <= now && compatible(versions, pinned)).then_some(key);
        }
        let sets = self.ready.iter().filter(|(pinned, _)| compatible(versions, pinned)).map(|(_, set)| set);
        pick.of(sets, (now, u64::MAX, Key::MAX)).map(|(_, _, key)| key)
    }

    /// Drops orphan messages, as the implementation guide requires under "Work Queues".
    fn drop_unclaimed_mail(&mut self, now: Time, mail: &OrphanPolicy) {
        let mut kept = Vec::new();
        while let Some((at, key)) = self.mail.first().copied().filter(|(at, _)| *at <= now) {
            self.mail.remove(&(at, key));
            let Some(row) = self.instances.get_mut(&key).filter(|row| !row.is_known()) else { continue };
            match &row.lease {
                // A first turn is in progress or will be fetched again; the messages it leaves are
                // examined when its lock is released (`after_release`).
                Some(_) => {}
                None if *mail == OrphanPolicy::Kept
                    || matches!(mail, OrphanPolicy::DropOnly(name) if *name != row.name) =>
                {
                    kept.push((at, key));
                }
                None => {
                    row.queue.drop_unclaimed_mail(now);
                    self.relist(key);
                    self.forget_if_empty(key);
                }
            }
        }
        self.mail.extend(kept);
    }

    /// The instances whose orphan messages a fetch at `now` drops, if it examines them.
    pub fn unclaimed_mail(&self, now: Time) -> BTreeSet<&str> {
        let due = self.mail.range(..=(now, Key::MAX)).filter_map(|(_, key)| self.instances.get(key));
        due.filter(|row| !row.is_known() && row.lease.is_none() && row.queue.has_unclaimed_mail(now))
            .map(|row| &*row.name)
            .collect()
    }

    pub(super) fn ack_turn(&mut self, now: Time, ack: &AckTurn) -> Result<Reply, Refusal> {
        const OPERATION: &str = "ack_orchestration_item";
        let key = self.held_turn(OPERATION, &ack.token, now)?;
        self.check_ack(OPERATION, key, ack)?;

        self.tally(key, |total, part| *total -= part);
        self.turn_tokens.remove(&ack.token);
        self.row(key).lease = None;
        self.record(now, key, ack);
        self.write_history(now, key, ack);
        self.tally(key, |total, part| *total += part);
        // Enqueue before cancelling: an activity that is scheduled and dropped in the same turn is
        // in both lists (implementation guide, "Critical ordering").
        for item in &ack.jobs {
            self.push_job(now, item.clone());
        }
        for activity in &ack.cancelled {
            self.cancel_jobs(activity);
        }
        for item in &ack.messages {
            let visible_at = match &**item {
                WorkItem::TimerFired { fire_at_ms, .. } => Time(*fire_at_ms),
                _ => now,
            };
            self.push_message(item.clone(), visible_at);
        }
        self.after_release(now, key);
        self.forget_if_empty(key);
        Ok(Reply::Done)
    }

    /// Checks everything that could refuse an ack, before anything is changed.
    fn check_ack(&self, operation: &str, key: Key, ack: &AckTurn) -> Result<(), Refusal> {
        let empty = History::default();
        let history = self.instances[&key].histories.get(ack.execution).unwrap_or(&empty);
        if let Some(refusal) = history.refusal(operation, &ack.history) {
            return Err(refusal);
        }
        if let Some(item) = ack.jobs.iter().find(|item| !is_job(item)) {
            let message = format!("A {} does not belong in the worker queue.", kind_of(item));
            return Err(invalid(operation, message));
        }
        if ack.messages.iter().any(|item| is_job(item)) {
            let message = "An ActivityExecute does not belong in the orchestrator queue.";
            return Err(invalid(operation, message));
        }
        ack.messages.iter().try_for_each(|item| named(operation, item))
    }

    /// Creates or updates the records of the instance and the execution.
    fn record(&mut self, now: Time, key: Key, ack: &AckTurn) {
        let created_id = self.next_id();
        let row = self.instances.get_mut(&key).expect("a locked instance must have a row");
        let metadata = &ack.metadata;
        if let (Some(name), None) = (&metadata.orchestration_name, &row.record) {
            row.record = Some(Record {
                orchestration_name: name.clone(),
                orchestration_version: None,
                current: ack.execution,
                parent: metadata.parent_instance_id.clone(),
                created_at: now,
                created_id,
                updated_at: now,
                custom_status: None,
                custom_status_version: 0,
            });
            self.created.insert((now, created_id, key));
            if let Some(parent) = &metadata.parent_instance_id {
                self.children.entry(parent.clone()).or_default().insert(key);
            }
        }
        if let Some(record) = &mut row.record {
            record.updated_at = now;
            record.current = record.current.max(ack.execution);
            if let Some(name) = &metadata.orchestration_name {
                record.orchestration_name.clone_from(name);
            }
            if metadata.orchestration_version.is_some() {
                record.orchestration_version.clone_from(&metadata.orchestration_version);
            }
            let status = ack.history.iter().rev().find_map(|event| match &event.kind {
                EventKind::CustomStatusUpdated { status } => Some(status),
                _ => None,
            });
            if let Some(status) = status {
                record.custom_status.clone_from(status);
                record.custom_status_version += 1;
            }
        }
    }

    /// Appends the events, and updates the execution and the values.
    fn write_history(&mut self, now: Time, key: Key, ack: &AckTurn) {
        let row = self.row(key);
        let metadata = &ack.metadata;
        let execution = row.executions.or_insert_with(ack.execution, || Execution {
            status: RUNNING.to_owned(),
            output: None,
            started_at: now,
            completed_at: None,
            pinned: None,
        });
        if metadata.pinned_duroxide_version.is_some() {
            execution.pinned.clone_from(&metadata.pinned_duroxide_version);
        }
        if let Some(status) = &metadata.status {
            execution.status.clone_from(status);
            execution.output.clone_from(&metadata.output);
            execution.completed_at = (status != RUNNING).then_some(now);
        }
        row.append(ack.execution, &ack.history);
        row.kv.write(&ack.history);
        if matches!(metadata.status.as_deref(), Some("Completed" | "Failed" | "ContinuedAsNew")) {
            row.kv.merge();
        }
    }

    pub(super) fn abandon_turn(
        &mut self,
        now: Time,
        token: &str,
        delay: Option<Duration>,
        ignore_attempt: bool,
    ) -> Result<Reply, Refusal> {
        let key = self.held_turn("abandon_orchestration_item", token, now)?;
        self.turn_tokens.remove(token);
        let row = self.row(key);
        let batch = row.lease.take().map(|(_, batch)| batch).unwrap_or_default();
        for mut message in batch {
            message.visible_at = now + delay.unwrap_or_default();
            message.attempts = message.attempts.saturating_sub(u32::from(ignore_attempt));
            row.queue.push(message);
        }
        self.after_release(now, key);
        Ok(Reply::Done)
    }

    pub(super) fn renew_turn(&mut self, now: Time, token: &str, extend_for: Duration) -> Result<Reply, Refusal> {
        let key = self.held_turn("renew_orchestration_item_lock", token, now)?;
        if let Some((lease, _)) = &mut self.row(key).lease {
            lease.until = now + extend_for;
        }
        self.relist(key);
        Ok(Reply::Done)
    }

    /// The instance that is currently locked with `token`.
    fn held_turn(&self, operation: &str, token: &str, now: Time) -> Result<Key, Refusal> {
        let key = self.turn_tokens.get(token).copied();
        key.filter(|key| self.instances[key].lease.as_ref().is_some_and(|(lease, _)| lease.holds(now)))
            .ok_or_else(|| lock_lost(operation, token))
    }

    /// Returns the instance to the indexes after its lock is released.
    fn after_release(&mut self, now: Time, key: Key) {
        if !self.instances[&key].is_known() {
            self.mail.insert((now, key));
        }
        self.relist(key);
    }

    /// Updates the index of fetchable instances for one instance.
    pub(super) fn relist(&mut self, key: Key) {
        let row = self.instances.get_mut(&key).expect("a key in an index must have a row");
        let first = match &row.lease {
            Some((lease, batch)) => Some((lease.until, batch.first().map_or(0, |message| message.id))),
            None if row.is_known() => row.queue.first(),
            None => row.queue.first_start(),
        };
        let listed = first.map(|(at, id)| {
            let pinned = row.current_execution().and_then(|execution| execution.pinned.clone());
            (pinned, (at, id, key))
        });
        if row.listed == listed {
            return;
        }
        let old = std::mem::replace(&mut row.listed, listed.clone());
        if let Some((pinned, entry)) = old {
            let set = self.ready.get_mut(&pinned).expect("a listed version must have a set");
            set.remove(&entry);
            if set.is_empty() {
                self.ready.remove(&pinned);
            }
        }
        if let Some((pinned, entry)) = listed {
            self.ready.entry(pinned).or_default().insert(entry);
        }
    }

    /// The highest attempt count among the messages of an instance.
    pub fn max_attempts(&self, instance: &str) -> u32 {
        let Some(row) = self.find(instance) else { return 0 };
        row.messages().map(|message| message.attempts).max().unwrap_or(0)
    }

    /// Removes the row of an instance if it is empty.
    pub(super) fn forget_if_empty(&mut self, key: Key) {
        if self.instances.get(&key).is_some_and(|row| row.is_empty())
            && let Some(row) = self.instances.remove(&key)
        {
            self.names.remove(&row.name);
        }
    }
}
