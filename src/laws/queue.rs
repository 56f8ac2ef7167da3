//! The laws about queues.

use std::borrow::Cow;
use std::collections::BTreeMap;

use duroxide::providers::WorkItem;

use super::Law;
use crate::call::{ActivityId, Item, Job, instance_of, is_start};
use crate::clock::Time;
use crate::seed::{FoldMap, FoldSet};
use crate::trace::{Remains, SeenTurn, describe_item};

type Found = Vec<(Law, String)>;

#[derive(Default)]
pub(super) struct Queues<'a> {
    messages: FoldMap<Cow<'a, str>, Vec<Row<'a>>>,
    turns: FoldMap<&'a str, Lease<'a>>,
    jobs: FoldMap<Activity<'a>, Vec<Row<'a>>>,
    /// The jobs by lock token.
    job_tokens: FoldMap<&'a str, Activity<'a>>,
    turn_tokens: FoldMap<&'a str, &'a str>,
    used: FoldSet<&'a str>,
    /// Instances whose queues are unknown and no longer judged.
    doubted: FoldSet<&'a str>,
}

/// An activity: its instance, execution and number.
type Activity<'a> = (&'a str, u64, u64);

#[derive(Clone, Copy)]
struct Lease<'a> {
    token: &'a str,
    until: Time,
}

struct Row<'a> {
    item: &'a Item,
    visible_at: Time,
    attempts: u32,
    lease: Option<Lease<'a>>,
    /// An orphan message: a queue message for an instance that was not started when it was sent.
    /// The provider may drop it (implementation guide, "Work Queues").
    droppable: bool,
}

impl<'a> Row<'a> {
    fn new(item: &'a Item, visible_at: Time, droppable: bool) -> Row<'a> {
        Row { item, visible_at, attempts: 0, lease: None, droppable }
    }

    fn is_held(&self, now: Time) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.until > now)
    }
}

impl<'a> Queues<'a> {
    pub fn push(&mut self, item: &'a Item, visible_at: Time, known: bool) {
        let droppable = !known && matches!(**item, WorkItem::QueueMessage { .. });
        let rows = self.messages.entry(instance_of(item)).or_default();
        rows.push(Row::new(item, visible_at, droppable));
    }

    pub fn push_job(&mut self, item: &'a Item, now: Time) {
        if let Some(id) = activity(item) {
            self.jobs.entry(id).or_default().push(Row::new(item, now, false));
        }
    }

    pub fn fetch_turn(&mut self, now: Time, turn: &'a SeenTurn, until: Time) -> Found {
        let mut found = Found::new();
        let (instance, token) = (turn.instance.as_str(), turn.token.as_str());
        if !self.used.insert(token) {
            found.push((Law::OneLiveLease, format!("Token {:?} was issued twice.", turn.token)));
        }
        if let Some(lease) = self.turns.get(instance).filter(|lease| lease.until > now) {
            let what = format!("{instance} was fetched while it was locked with {:?}.", lease.token);
            found.push((Law::OneLiveLease, what));
        }
        if let Some(old) = self.turns.insert(instance, Lease { token, until }) {
            self.turn_tokens.remove(old.token);
        }
        self.turn_tokens.insert(token, instance);
        if self.doubted.contains(instance) {
            return found;
        }
        let rows = self.messages.entry(Cow::Borrowed(instance)).or_default();
        rows.iter_mut().for_each(|row| row.lease = None);
        let mut attempts = 0;
        let mut cursor = 0;
        for item in &turn.messages {
            match take(rows, item, now, &mut cursor) {
                Ok(row) => {
                    row.lease = Some(Lease { token, until });
                    row.attempts += 1;
                    row.droppable = false;
                    attempts = attempts.max(row.attempts);
                }
                Err(why) => found.push((why.law(), why.sentence(item, instance))),
            }
        }
        if attempts != turn.attempts && !turn.messages.is_empty() {
            let what = format!("{instance} was fetched as attempt {}, but this is attempt {attempts}.", turn.attempts);
            found.push((Law::AttemptsRise, what));
        }
        let left = rows.iter().find(|row| row.lease.is_none() && row.visible_at <= now && !row.droppable);
        if let Some(row) = left {
            let what = format!("{instance} was fetched without its visible {}.", describe_item(row.item));
            found.push((Law::WholeBatch, what));
        }
        found
    }

    pub fn fetch_job(&mut self, now: Time, job: &'a Job, until: Time) -> Found {
        let mut found = Found::new();
        let Some(id) = activity(&job.item) else { return found };
        if !self.used.insert(&job.token) {
            found.push((Law::OneLiveLease, format!("Token {:?} was issued twice.", job.token)));
        }
        if self.doubted.contains(id.0) {
            return found;
        }
        let rows = self.jobs.entry(id).or_default();
        let same = |row: &&mut Row<'_>| *row.item == job.item;
        let all_held = rows.iter().any(|row| *row.item == job.item) && rows.iter().all(|row| row.is_held(now));
        if all_held {
            let what = format!("{} was fetched while it was locked.", describe_item(&job.item));
            found.push((Law::OneLiveLease, what));
        }
        let free = rows.iter_mut().filter(same).find(|row| !row.is_held(now) || all_held);
        let Some(row) = free else {
            found.push((Law::AckedOnce, Unavailable::Gone.sentence(&job.item, id.0)));
            return found;
        };
        if row.visible_at > now {
            found.push((Law::NothingInvisible, Unavailable::Invisible.sentence(&job.item, id.0)));
        }
        row.attempts += 1;
        if row.attempts != job.attempts {
            let what = format!(
                "{} of {} was fetched as attempt {}, but this is attempt {}.",
                describe_item(&job.item),
                id.0,
                job.attempts,
                row.attempts
            );
            found.push((Law::AttemptsRise, what));
        }
        if let Some(old) = row.lease.replace(Lease { token: &job.token, until }) {
            self.job_tokens.remove(old.token);
        }
        self.job_tokens.insert(&job.token, id);
        found
    }

    /// Removes the turn with this token. Returns its instance, and what is wrong with the ack, if
    /// anything.
    pub fn ack_turn(&mut self, now: Time, token: &str) -> (Option<&'a str>, Option<String>) {
        let expired = self.not_live(now, token, "acked");
        let instance = self.turn_tokens.remove(token);
        if let Some(instance) = instance {
            self.turns.remove(instance);
            if let Some(rows) = self.messages.get_mut(instance) {
                rows.retain(|row| row.lease.as_ref().is_none_or(|lease| lease.token != token));
                if rows.is_empty() {
                    self.messages.remove(instance);
                }
            }
        }
        (instance, expired)
    }

    pub fn abandon_turn(
        &mut self,
        now: Time,
        token: &str,
        visible_at: Time,
        ignore_attempt: bool,
        known: impl Fn(&str) -> bool,
    ) -> Option<String> {
        let expired = self.not_live(now, token, "abandoned");
        if let Some(instance) = self.turn_tokens.remove(token) {
            self.turns.remove(instance);
            let known = known(instance);
            for row in self.messages.get_mut(instance).into_iter().flatten() {
                if row.lease.take_if(|lease| lease.token == token).is_some() {
                    row.visible_at = visible_at;
                    row.attempts = row.attempts.saturating_sub(u32::from(ignore_attempt));
                    // If a first turn is abandoned, the queue messages become orphans again until
                    // its start is visible.
                    row.droppable = !known && matches!(**row.item, WorkItem::QueueMessage { .. });
                }
            }
        }
        expired
    }

    pub fn renew_turn(&mut self, now: Time, token: &str, until: Time) -> Option<String> {
        let expired = self.not_live(now, token, "renewed");
        let instance = *self.turn_tokens.get(token)?;
        if let Some(lease) = self.turns.get_mut(instance) {
            lease.until = until;
        }
        expired
    }

    fn not_live(&self, now: Time, token: &str, what: &str) -> Option<String> {
        let instance = self.turn_tokens.get(token);
        let live = instance.and_then(|instance| self.turns.get(*instance)).is_some_and(|lease| lease.until > now);
        (!live).then(|| format!("A turn was {what} with token {token:?}, whose lock is not held."))
    }

    pub fn ack_job(&mut self, now: Time, token: &str) -> Option<String> {
        let live = self.job_lease(token).is_some_and(|lease| lease.until > now);
        if let Some(id) = self.job_tokens.remove(token)
            && let Some(rows) = self.jobs.get_mut(&id)
        {
            rows.retain(|row| row.lease.as_ref().is_none_or(|lease| lease.token != token));
            if rows.is_empty() {
                self.jobs.remove(&id);
            }
        }
        (!live).then(|| format!("A job was acked with token {token:?}, whose lock is not held."))
    }

    pub fn renew_job(&mut self, now: Time, token: &str, until: Time) -> Option<String> {
        match self.job_lease(token) {
            Some(lease) if lease.until > now => {
                lease.until = until;
                None
            }
            _ => Some(format!("A job was renewed with token {token:?}, whose lock is not held.")),
        }
    }

    pub fn abandon_job(&mut self, token: &str, visible_at: Time, ignore_attempt: bool) {
        let Some(id) = self.job_tokens.remove(token) else { return };
        for row in self.jobs.get_mut(&id).into_iter().flatten() {
            if row.lease.take_if(|lease| lease.token == token).is_some() {
                row.visible_at = visible_at;
                row.attempts = row.attempts.saturating_sub(u32::from(ignore_attempt));
            }
        }
    }

    fn job_lease(&mut self, token: &str) -> Option<&mut Lease<'a>> {
        let rows = self.jobs.get_mut(self.job_tokens.get(token)?)?;
        rows.iter_mut().filter_map(|row| row.lease.as_mut()).find(|lease| lease.token == token)
    }

    pub fn cancel(&mut self, id: &'a ActivityId) {
        self.remove_jobs((&id.instance, id.execution, id.activity));
    }

    fn remove_jobs(&mut self, activity: Activity<'a>) {
        for row in self.jobs.remove(&activity).unwrap_or_default() {
            if let Some(lease) = row.lease {
                self.job_tokens.remove(lease.token);
            }
        }
    }

    pub fn forget(&mut self, instance: &str) {
        self.messages.remove(instance);
        if let Some(lease) = self.turns.remove(instance) {
            self.turn_tokens.remove(lease.token);
        }
        let mine: Vec<Activity<'a>> = self.jobs.keys().filter(|id| id.0 == instance).copied().collect();
        mine.into_iter().for_each(|id| self.remove_jobs(id));
    }

    pub fn doubt(&mut self, instance: &'a str) {
        self.forget(instance);
        self.doubted.insert(instance);
    }

    /// The items that are missing at the end, or present although they should not be.
    pub fn left_over(self, remains: &Remains) -> Vec<String> {
        let mut found = Vec::new();
        let rows = self.messages.into_values().chain(self.jobs.into_values()).flatten();
        let mut expected: BTreeMap<Cow<'_, str>, Vec<Row<'_>>> = BTreeMap::new();
        rows.for_each(|row| expected.entry(instance_of(row.item)).or_default().push(row));
        for item in remains.messages.iter().chain(&remains.jobs) {
            let instance = instance_of(item);
            if self.doubted.contains(&*instance) {
                continue;
            }
            let rows = expected.entry(instance.clone()).or_default();
            match rows.iter().position(|row| row.item == item) {
                Some(at) => drop(rows.swap_remove(at)),
                None => found.push(format!(
                    "{} for {instance} is in a queue, although it was acked or never enqueued. (A call that bypasses the \
                     simulation's layers, for example on Handle::memory, looks the same.)",
                    describe_item(item)
                )),
            }
        }
        for (instance, rows) in expected {
            let lost = rows.into_iter().filter(|row| !row.droppable && !self.doubted.contains(&*instance));
            found.extend(
                lost.map(|row| format!("{} for {instance} was never acked, but is gone.", describe_item(row.item))),
            );
        }
        found
    }
}

/// Finds the row of a delivered message, starting after the last one found, because messages arrive
/// in the order in which they were sent.
fn take<'r, 'a>(
    rows: &'r mut [Row<'a>],
    item: &Item,
    now: Time,
    cursor: &mut usize,
) -> Result<&'r mut Row<'a>, Unavailable> {
    let free = |row: &Row<'_>| row.lease.is_none() && row.item == item;
    let start = (*cursor).min(rows.len());
    let order = || (start..rows.len()).chain(0..start);
    let at = order().find(|at| free(&rows[*at]) && rows[*at].visible_at <= now);
    match at {
        Some(at) => {
            *cursor = at + 1;
            Ok(&mut rows[at])
        }
        None if order().any(|at| free(&rows[at])) => Err(Unavailable::Invisible),
        None => Err(Unavailable::Gone),
    }
}

/// Why a fetched item was not available.
#[derive(Clone, Copy)]
enum Unavailable {
    Invisible,
    Gone,
}

impl Unavailable {
    fn law(self) -> Law {
        match self {
            Unavailable::Invisible => Law::NothingInvisible,
            Unavailable::Gone => Law::AckedOnce,
        }
    }

    fn sentence(self, item: &Item, instance: &str) -> String {
        let item = describe_item(item);
        match self {
            Unavailable::Invisible => format!("{item} for {instance} was fetched before it was visible."),
            Unavailable::Gone => {
                format!("{item} for {instance} was fetched, although it was acked or never enqueued.")
            }
        }
    }
}

fn activity(item: &Item) -> Option<Activity<'_>> {
    match &**item {
        WorkItem::ActivityExecute { instance, execution_id, id, .. } => Some((instance, *execution_id, *id)),
        item => {
            debug_assert!(!is_start(item), "a start is not a job");
            None
        }
    }
}
