//! The oracle: what a provider may answer, worked out from what it has
//! answered before.
//!
//! For each call and the answer that was seen it works out the [`Choice`] that
//! would explain the answer (the token, the instance or job picked, the reading
//! where two are allowed), applies it to the store and compares. Where it is
//! not known whether a call took effect (its future was dropped, the process
//! died, the error was one that a retry may cure) it follows both worlds, until
//! a later answer rules one out.
//!
//! It makes no calls, and names no rules: `blame` does.

use std::collections::BTreeSet;

use duroxide_sim::call::{Call, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::store::{Choice, Ineligible, Leeway, OrphanPolicy, Pick, Store};

use super::compare::{Differs, compare};

/// How an answer deviates from every answer that is allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// In what.
    pub aspect: Aspect,
    /// An answer that would have been right. For a fetch that found nothing,
    /// what it would have returned.
    pub expected: Reply,
}

impl Mismatch {
    /// How far a world is from explaining the answer: where a part is wrong the
    /// rest is right, and what was never there explains nothing.
    fn distance(&self) -> u8 {
        match self.aspect {
            Aspect::Part(_) | Aspect::Retryable => 0,
            // Better a world in which it is there, and may not be taken yet.
            Aspect::Barred(Ineligible::Absent) => 3,
            Aspect::Barred(_) | Aspect::Missed => 2,
            _ => 1,
        }
    }
}

/// In what an answer deviates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// The call had to be refused, and was not.
    Accepted,
    /// The call was refused, and there was no reason to.
    Refused,
    /// The error says that a retry may help, and none can.
    Retryable,
    /// A fetch found nothing, though there was something to fetch.
    Missed,
    /// A fetch took something that it must not take.
    Barred(Ineligible),
    /// A fetch returned a token that it had returned before.
    Token,
    /// This part of the answer is wrong.
    Part(&'static str),
    /// The call panicked.
    Panicked,
    /// The call did not answer.
    Hung,
}

/// What is known of a provider.
#[derive(Clone, Debug)]
pub(crate) struct Oracle {
    /// Never empty. The first is the one to explain mismatches with.
    worlds: Vec<Store>,
    tokens: BTreeSet<String>,
    reading: Reading,
    doubts: u64,
    /// What the last answer would have been wrong in, in worlds that it ruled
    /// out.
    ruled_out: Vec<Mismatch>,
}

/// What the contract leaves to a provider, and this one has declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whether timestamps in answers (`created_at`, `completed_at`, …) follow
    /// the clock that the check moves.
    pub timestamps: bool,
    /// Whether `enqueue_for_orchestrator` heeds its delay ("Providers without
    /// delayed_visibility support can ignore this").
    pub delayed_visibility: bool,
}

impl Default for Reading {
    fn default() -> Reading {
        Reading { timestamps: true, delayed_visibility: true }
    }
}

/// How many worlds are followed at once; past it a run is inconclusive.
const MOST_WORLDS: usize = 64;

/// Too much is unknown to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyWorlds;

impl Oracle {
    /// An empty provider.
    pub fn new(reading: Reading) -> Oracle {
        Oracle { worlds: vec![Store::new()], tokens: BTreeSet::new(), reading, doubts: 0, ruled_out: Vec::new() }
    }

    /// What the last answer would have been wrong in, had a call that is in doubt
    /// gone otherwise. Nobody is told twice.
    pub fn take_ruled_out(&mut self) -> Vec<Mismatch> {
        std::mem::take(&mut self.ruled_out)
    }

    /// The likeliest state.
    pub fn store(&self) -> &Store {
        &self.worlds[0]
    }

    /// Takes note of an answer, or says why it is none.
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
            && other_mails(world, now, call, got).is_empty()
        {
            return step(world, now, call, got, self.reading);
        }
        let (mut wrong, mut left): (Vec<Box<Mismatch>>, _) = (Vec::new(), Vec::new());
        for world in &self.worlds {
            for mail in std::iter::once(OrphanPolicy::Dropped).chain(other_mails(world, now, call, got)) {
                let mut world = world.clone();
                match step_with(&mut world, now, call, got, self.reading, mail) {
                    Ok(()) if !left.contains(&world) => left.push(world),
                    Ok(()) => {}
                    Err(mismatch) => wrong.push(mismatch),
                }
            }
        }
        if left.is_empty() {
            // The first of the nearest.
            let nearest = wrong.into_iter().min_by_key(|mismatch| mismatch.distance());
            return Err(nearest.expect("each of the worlds, of which there is one at least, explains it or not"));
        }
        if self.doubts > 0 {
            self.ruled_out.extend(wrong.into_iter().map(|mismatch| *mismatch));
        }
        self.worlds = left;
        Ok(())
    }

    /// Whether more worlds are left than can be followed.
    pub fn is_lost(&self) -> bool {
        self.worlds.len() > MOST_WORLDS
    }

    /// Takes note of a call of which it is not known whether it took effect.
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

    /// The stored histories of an instance become unreadable. Says whether there
    /// are any in every world.
    pub fn corrupt(&mut self, instance: &str) -> bool {
        let known = self.worlds.iter().all(|world| !world.executions_of(instance).iter().all(|e| e.3.is_empty()));
        known && self.worlds.iter_mut().all(|world| world.corrupt_history(instance))
    }

    /// What would be answered now, and by which rule of the store.
    pub fn forecast(&self, now: Time, call: &Call) -> Reply {
        self.worlds[0].clone().apply(now, call, &Choice::new("forecast", Pick::Oldest))
    }
}

/// Everything that a fetch whose answer is unknown may have taken.
pub(crate) fn picks(world: &Store, now: Time, call: &Call) -> Vec<Pick> {
    match call {
        Call::FetchOrchestrationItem { versions, .. } => {
            let names = world.eligible_turns(now, versions.as_deref());
            names.into_iter().map(|name| Pick::Instance(name.to_owned())).collect()
        }
        Call::FetchWorkItem { session, tags, .. } => {
            (0..world.eligible_jobs(now, session.as_ref(), tags)).map(Pick::Nth).collect()
        }
        _ => vec![Pick::Oldest],
    }
}

/// What may have become of queue messages that nobody has a use for, beside that
/// all were dropped. A fetch drops those that it finds ("Work Queues", implementation guide); one that
/// returns the turn of another instance need not have come to them, and one
/// that returns nothing has come to one at least.
fn other_mails(world: &Store, now: Time, call: &Call, got: &Reply) -> Vec<OrphanPolicy> {
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

/// Moves one world on, if it explains the answer.
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
    mail: OrphanPolicy,
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
    let choice = Choice { mail, ..explain(call, got) };
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

/// The choice that explains an answer, if any does.
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
