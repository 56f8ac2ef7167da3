//! The oracle: determines which answers a provider may give, from its earlier
//! answers.
//!
//! For each call and observed answer, the oracle derives the [`Choice`] that
//! would explain the answer (the token, the instance or work item picked, the
//! reading where two are allowed), applies it to the store and compares the
//! results. Where it is unknown whether a call took effect (its future was
//! dropped, the process died, or the error was retryable) the oracle follows
//! both worlds until a later answer rules one out.
//!
//! It makes no calls and names no rules; `blame` does the latter.

use std::collections::BTreeSet;

use duroxide_sim::call::{Call, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::store::{Choice, Ineligible, Leeway, OrphanPolicy, Pick, Store};

use super::calls::reads;
use super::compare::{Differs, compare};
use super::mismatch::{Aspect, Mismatch};
use super::reading::Reading;

/// The possible states of a provider.
#[derive(Clone, Debug)]
pub(crate) struct Oracle {
    /// Never empty. The first explains mismatches when all are equally close.
    worlds: Vec<Store>,
    tokens: BTreeSet<String>,
    reading: Reading,
    doubts: u64,
    /// The mismatches of the last answer in the worlds that it ruled out.
    ruled_out: Vec<Mismatch>,
}

/// The maximum number of worlds; a run that exceeds it is inconclusive.
const MOST_WORLDS: usize = 64;

/// Too many calls have an unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyWorlds;

impl Oracle {
    /// The oracle of an empty provider.
    pub fn new(reading: Reading) -> Oracle {
        Oracle { worlds: vec![Store::new()], tokens: BTreeSet::new(), reading, doubts: 0, ruled_out: Vec::new() }
    }

    /// Takes the mismatches that the last answer would have had if a call of
    /// unknown outcome had gone the other way.
    pub fn take_ruled_out(&mut self) -> Vec<Mismatch> {
        std::mem::take(&mut self.ruled_out)
    }

    /// The most plausible state.
    pub fn store(&self) -> &Store {
        &self.worlds[0]
    }

    /// Follows an answer.
    ///
    /// # Errors
    ///
    /// The mismatch, if no world explains the answer.
    pub fn follow(&mut self, now: Time, call: &Call, got: &Reply) -> Result<(), Box<Mismatch>> {
        let token = match got {
            Reply::Turn(Some(turn)) => Some(&turn.token),
            Reply::Job(Some(job)) => Some(&job.token),
            _ => None,
        };
        if let Some(token) = token
            && !self.tokens.insert(token.clone())
        {
            return Err(Box::new(Mismatch { aspect: Aspect::Token, expected: got.clone() }));
        }
        if let [world] = &mut self.worlds[..]
            && other_orphan_policies(world, now, call, got).is_empty()
        {
            return step(world, now, call, got, self.reading);
        }
        let (mut wrong, mut left): (Vec<Box<Mismatch>>, _) = (Vec::new(), Vec::new());
        for world in &self.worlds {
            for orphans in std::iter::once(OrphanPolicy::Dropped).chain(other_orphan_policies(world, now, call, got)) {
                let mut world = world.clone();
                match step_with(&mut world, now, call, got, self.reading, orphans) {
                    Ok(()) if !left.contains(&world) => left.push(world),
                    Ok(()) => {}
                    Err(mismatch) => wrong.push(mismatch),
                }
            }
        }
        if left.is_empty() {
            // The first of equally close mismatches.
            let nearest = wrong.into_iter().min_by_key(|mismatch| mismatch.distance());
            return Err(nearest.expect("there is at least one world"));
        }
        if self.doubts > 0 {
            self.ruled_out.extend(wrong.into_iter().map(|mismatch| *mismatch));
        }
        self.worlds = left;
        Ok(())
    }

    /// Whether there are more worlds than can be followed.
    pub fn is_lost(&self) -> bool {
        self.worlds.len() > MOST_WORLDS
    }

    /// Records a call for which it is unknown whether it took effect.
    pub fn doubt(&mut self, now: Time, call: &Call) -> Result<(), TooManyWorlds> {
        if call.is_read() {
            return Ok(());
        }
        let mut worlds = self.worlds.clone();
        for world in &self.worlds {
            for pick in picks(world, now, call) {
                self.doubts += 1;
                let mut applied = world.clone();
                applied.apply(now, call, &Choice::new(format!("unseen-{}", self.doubts), pick));
                if !worlds.contains(&applied) {
                    worlds.push(applied);
                }
            }
        }
        if worlds.len() > MOST_WORLDS {
            return Err(TooManyWorlds);
        }
        self.worlds = worlds;
        Ok(())
    }

    /// Makes the stored histories of an instance unreadable. Returns whether
    /// every world has any.
    pub fn corrupt(&mut self, instance: &str) -> bool {
        let known = self.worlds.iter().all(|world| !world.executions_of(instance).iter().all(|e| e.3.is_empty()));
        known && self.worlds.iter_mut().all(|world| world.corrupt_history(instance))
    }

    /// The answer that the most plausible world gives now.
    pub fn forecast(&self, now: Time, call: &Call) -> Reply {
        self.worlds[0].clone().apply(now, call, &Choice::new("forecast", Pick::Oldest))
    }
}

/// Every item that a fetch with an unknown answer may have taken.
pub(crate) fn picks(world: &Store, now: Time, call: &Call) -> Vec<Pick> {
    match call {
        Call::FetchOrchestrationItem { versions, .. } => {
            let names = world.eligible_turns(now, versions.as_deref());
            names.into_iter().map(|name| Pick::Instance(name.to_owned())).collect()
        }
        Call::FetchWorkItem { session, tags, .. } => {
            (0..world.eligible_jobs(now, session.as_ref(), tags)).map(Pick::Nth).collect()
        }
        reads!()
        | Call::AckOrchestrationItem(_)
        | Call::AbandonOrchestrationItem { .. }
        | Call::RenewOrchestrationItemLock { .. }
        | Call::AppendWithExecution { .. }
        | Call::EnqueueForWorker { .. }
        | Call::AckWorkItem { .. }
        | Call::RenewWorkItemLock { .. }
        | Call::AbandonWorkItem { .. }
        | Call::RenewSessionLock { .. }
        | Call::CleanupOrphanedSessions { .. }
        | Call::EnqueueForOrchestrator { .. }
        | Call::DeleteInstancesAtomic { .. }
        | Call::DeleteInstance { .. }
        | Call::DeleteInstanceBulk { .. }
        | Call::PruneExecutions { .. }
        | Call::PruneExecutionsBulk { .. } => vec![Pick::Oldest],
    }
}

/// The possible fates of orphan messages, besides being dropped all at once. A
/// fetch drops the orphan messages that it encounters ("Work Queues",
/// implementation guide); a fetch that returns another instance's turn may have
/// encountered none of them, and one that returns nothing has encountered at
/// least one.
fn other_orphan_policies(world: &Store, now: Time, call: &Call, got: &Reply) -> Vec<OrphanPolicy> {
    let mut all = Vec::new();
    if matches!(call, Call::FetchOrchestrationItem { .. }) {
        let names = world.unclaimed_mail(now);
        if !names.is_empty() && matches!(got, Reply::Turn(Some(_))) {
            all.push(OrphanPolicy::Kept);
        }
        if names.len() > 1 {
            all.extend(names.into_iter().map(|name| OrphanPolicy::DropOnly(name.to_owned())));
        }
    }
    all
}

/// Advances one world, if it explains the answer.
pub(crate) fn step(
    world: &mut Store,
    now: Time,
    call: &Call,
    got: &Reply,
    reading: Reading,
) -> Result<(), Box<Mismatch>> {
    step_with(world, now, call, got, reading, OrphanPolicy::Dropped)
}

fn step_with(
    world: &mut Store,
    now: Time,
    call: &Call,
    got: &Reply,
    reading: Reading,
    orphans: OrphanPolicy,
) -> Result<(), Box<Mismatch>> {
    let mismatch = |aspect, expected| Err(Box::new(Mismatch { aspect, expected }));
    let missed = match (call, got) {
        (Call::FetchOrchestrationItem { versions, .. }, Reply::Turn(None)) => {
            world.eligible_turn(now, versions.as_deref()).is_some()
        }
        (Call::FetchWorkItem { session, tags, .. }, Reply::Job(None)) => {
            world.eligible_job(now, session.as_ref(), tags).is_some()
        }
        _ => false,
    };
    if missed {
        let expected = world.clone().apply(now, call, &Choice::new("some token", Pick::Oldest));
        return mismatch(Aspect::Missed, expected);
    }
    let choice = Choice { mail: orphans, ..explain(call, got) };
    if let (Call::EnqueueForOrchestrator { item, delay: Some(_) }, false) = (call, reading.delayed_visibility) {
        let at_once = Call::EnqueueForOrchestrator { item: item.clone(), delay: None };
        let expected = world.apply(now, &at_once, &choice);
        return judge(world, now, call, expected, got, reading);
    }
    let expected = world.apply(now, call, &choice);
    judge(world, now, call, expected, got, reading)
}

fn judge(
    world: &Store,
    now: Time,
    call: &Call,
    expected: Reply,
    got: &Reply,
    reading: Reading,
) -> Result<(), Box<Mismatch>> {
    if expected == *got {
        return Ok(());
    }
    let aspect = match compare(world, call, &expected, got, reading) {
        Differs::Not => return Ok(()),
        Differs::In(aspect) => aspect,
        Differs::Taken => Aspect::Barred(bar(world, now, call, got)),
    };
    Err(Box::new(Mismatch { aspect, expected }))
}

/// The choice that explains an answer, if there is one.
fn explain(call: &Call, got: &Reply) -> Choice {
    match (call, got) {
        (_, Reply::Turn(Some(turn))) => Choice::new(&*turn.token, Pick::Instance(turn.instance.clone())),
        (_, Reply::Job(Some(job))) => {
            Choice::new(&*job.token, Pick::Job(job.item.clone(), job.attempts.saturating_sub(1)))
        }
        (_, Reply::Turn(None) | Reply::Job(None)) => Choice::new("", Pick::Nothing),
        _ => {
            let leeway = match (call, got) {
                (Call::AppendWithExecution { .. }, Reply::Done) => Leeway::IgnoreDuplicates,
                (Call::AbandonWorkItem { .. }, Reply::Refused(_)) => Leeway::RefuseExpired,
                (Call::CleanupOrphanedSessions { .. }, Reply::Count(0)) => Leeway::KeepSessions,
                _ => Leeway::None,
            };
            Choice { leeway, ..Choice::new("some token", Pick::Oldest) }
        }
    }
}

fn bar(world: &Store, now: Time, call: &Call, got: &Reply) -> Ineligible {
    let bar = match (call, got) {
        (Call::FetchOrchestrationItem { versions, .. }, Reply::Turn(Some(turn))) => {
            world.bar_to_turn(now, &turn.instance, versions.as_deref())
        }
        (Call::FetchWorkItem { session, tags, .. }, Reply::Job(Some(job))) => {
            world.bar_to_job(now, &job.item, session.as_ref(), tags)
        }
        _ => None,
    };
    bar.unwrap_or(Ineligible::Absent)
}
