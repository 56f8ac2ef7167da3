//! Runs a script against a provider, with the oracle following along.
//!
//! This module makes the calls and records the answers. The callers decide what
//! to run and how to handle a deviation.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use duroxide::providers::Provider;
use duroxide_sim::call::{Answering, Call, Handler, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::provider::Under;

use super::calls::reads;
use super::grid::Grid;
use super::mismatch::{Aspect, Mismatch};
use super::oracle::Oracle;
use super::pace::{Late, Pace};
use super::panics::catch;
use super::resolve::Bindings;
use super::script::{Act, Script, Step};
use super::storage::Storage;

/// A call that was made, and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The step of the script that made the call.
    pub step: usize,
    /// Whether the storage was reopened just before this call.
    pub reopened: bool,
    /// When the call was made.
    pub at: Time,
    /// The call.
    pub call: Arc<Call>,
    /// The answer; `None` if the future was dropped before it was done, or
    /// never completed.
    pub reply: Option<Reply>,
    /// The message and location of the panic, if the call panicked.
    pub panic: Option<String>,
}

impl Observed {
    /// A call that does not come from a step of this process's script.
    pub(crate) fn unscripted(at: Time, call: Arc<Call>, reply: Option<Reply>) -> Observed {
        Observed { step: 0, reopened: false, at, call, reply, panic: None }
    }
}

/// An answer that no correct provider gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Deviation {
    /// The index of the observed call with that answer; the last one when the
    /// deviation was found.
    pub observed: usize,
    /// How the answer deviates.
    pub mismatch: Mismatch,
}

/// How a run of a script ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// Every answer was allowed.
    Agrees,
    /// An answer was not allowed.
    Deviates(Deviation),
    /// The run gives no result, for this reason.
    Inconclusive(String),
}

/// One run of a script.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// When the run began.
    pub base: Time,
    /// The calls and answers, in order.
    pub observed: Vec<Observed>,
    /// How the run ended.
    pub end: End,
    /// Deviations that did not end the run, because they are waived.
    pub waived: Vec<Deviation>,
    /// Steps whose calls were skipped.
    pub avoided: BTreeSet<usize>,
    /// Deviations that would have occurred if a dropped call had had the other
    /// outcome. The oracle ruled those outcomes out, and the rest of the run
    /// depends on that.
    pub ruled_out: Vec<Deviation>,
}

impl Run {
    /// Whether the run ended with a deviation.
    pub(crate) fn deviates(&self) -> bool {
        matches!(self.end, End::Deviates(_))
    }
}

/// How to proceed after a deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnDeviation {
    /// End the run.
    Stop,
    /// Continue as if the answer had been right.
    GoOn,
}

/// Decides how to proceed after a deviation, from the calls observed so far.
pub(crate) type Policy<'a> = &'a (dyn Fn(&[Observed], &Mismatch) -> OnDeviation + Sync);

/// Decides whether to skip a call that should be refused, from the calls
/// observed so far and this one, as if it had been accepted.
pub(crate) type SkipPolicy<'a> = &'a (dyn Fn(&[Observed], &Mismatch) -> bool + Sync);

/// Whether the last of these calls is a read: a wrong answer to it leaves the
/// state unchanged.
pub(crate) fn ends_with_read(observed: &[Observed]) -> bool {
    observed.last().is_some_and(|last| last.call.is_read())
}

/// Ends the run at every deviation.
pub(crate) fn stop_at_once(_: &[Observed], _: &Mismatch) -> OnDeviation {
    OnDeviation::Stop
}

/// Continues after deviating reads, and ends the run at any other deviation.
pub(crate) fn past_reads(observed: &[Observed], _: &Mismatch) -> OnDeviation {
    if ends_with_read(observed) { OnDeviation::GoOn } else { OnDeviation::Stop }
}

/// An event that an observer of a run receives.
pub(crate) enum Seen<'a> {
    /// A call is about to be made.
    Asked(Time, &'a Call),
    /// The call was answered.
    Answered(&'a Reply),
}

/// Observes a run, call by call.
pub(crate) type Observer<'a> = &'a (dyn Fn(Seen<'_>) + Sync);

/// An observer that ignores every event.
pub(crate) fn ignore_events(_: Seen<'_>) {}

/// The environment that a script runs in.
pub(crate) struct Stage<'a> {
    pub provider: Arc<dyn Provider>,
    pub storage: &'a dyn Storage,
    pub pace: &'a mut Pace,
    pub policy: Policy<'a>,
    pub skip: Option<SkipPolicy<'a>>,
    pub observer: Observer<'a>,
    /// The real time that a call may take.
    pub patience: Duration,
}

/// Runs a script to its end, or to the first deviation that ends the run.
pub(crate) async fn play(script: &Script, stage: Stage<'_>) -> Run {
    stage.pace.restart();
    let base = stage.pace.now();
    let mut play = Play::new(stage, base);
    play.steps(script).await;
    play.run
}

/// Continues `script` where a run of another process stopped; `observed` are
/// the calls of that run, possibly ending with a call that was not answered.
pub(crate) async fn resume(observed: Vec<Observed>, script: &Script, stage: Stage<'_>) -> Run {
    let base = observed.first().map_or_else(|| stage.pace.now(), |seen| seen.at);
    let mut play = Play::new(stage, base);
    for seen in observed {
        let (at, call, reply) = (seen.at, seen.call.clone(), seen.reply.clone());
        play.run.observed.push(seen);
        let over = match reply {
            Some(reply) => play.answered(at, &call, reply).map(drop),
            None => play.doubt(at, &call),
        };
        if over.is_err() {
            return play.run;
        }
    }
    play.steps(script).await;
    play.run
}

/// The run is over; `Play::run` holds its end.
pub(super) struct Over;

/// A run in progress.
pub(super) struct Play<'a> {
    stage: Stage<'a>,
    handler: Under,
    bindings: Bindings,
    pub(super) oracle: Oracle,
    /// Every instance named in a call or an answer.
    pub(super) names: BTreeSet<String>,
    run: Run,
    step: usize,
    /// Whether the storage was reopened since the last call.
    reopened: bool,
}

impl<'a> Play<'a> {
    fn new(stage: Stage<'a>, base: Time) -> Play<'a> {
        Play {
            bindings: Bindings::new(base),
            oracle: Oracle::new(stage.storage.reading()),
            names: BTreeSet::new(),
            run: Run {
                base,
                observed: Vec::new(),
                end: End::Agrees,
                waived: Vec::new(),
                avoided: BTreeSet::new(),
                ruled_out: Vec::new(),
            },
            handler: Under::new(stage.provider.clone()),
            stage,
            step: 0,
            reopened: false,
        }
    }
}

impl Play<'_> {
    async fn steps(&mut self, script: &Script) {
        for (number, step) in script.steps.iter().enumerate() {
            self.step = number;
            if self.step(step).await.is_err() {
                return;
            }
        }
    }

    async fn step(&mut self, step: &Step) -> Result<(), Over> {
        match step {
            Step::Wait(ms) => self.wait(*ms).await,
            Step::Call(act) => {
                if !self.clears_ticks(act) {
                    return self
                        .inconclusive("A deadline is too close to a tick: the duration of a call would decide it.");
                }
                self.act(act).await.map(drop)
            }
            Step::ReadBack => self.read_back().await,
            Step::Drain => self.drain().await,
            Step::Corrupt(instance) => {
                if self.stage.storage.can_corrupt() && self.oracle.corrupt(instance) {
                    self.stage.storage.corrupt_instance_history(instance).await;
                }
                Ok(())
            }
            Step::Reopen => {
                self.reopen().await;
                Ok(())
            }
        }
    }

    /// Opens the storage a second time. The first provider stays open, but
    /// receives no more calls.
    async fn reopen(&mut self) {
        let storage = self.stage.storage;
        let Some(location) = storage.location(&self.stage.provider) else { return };
        if let Some(provider) = storage.open(&location).await {
            self.handler = Under::new(provider);
            self.reopened = true;
        }
    }

    pub(super) fn now(&self) -> Time {
        self.stage.pace.now()
    }

    /// The clock's tick, where time passes by itself.
    pub(super) fn tick(&self) -> Option<Duration> {
        self.stage.pace.tick()
    }

    fn clears_ticks(&self, act: &Act) -> bool {
        let base = self.run.base;
        self.tick().is_none_or(|tick| Grid { base, tick }.clears(&self.bindings.resolve(act)))
    }

    pub(super) fn has_admin(&self) -> bool {
        self.handler.has_admin()
    }

    pub(super) async fn wait(&mut self, ms: u64) -> Result<(), Over> {
        match self.stage.pace.wait(ms).await {
            Ok(()) => Ok(()),
            Err(Late) => self.inconclusive("Time cannot advance that far."),
        }
    }

    fn inconclusive(&mut self, why: &str) -> Result<(), Over> {
        self.run.end = End::Inconclusive(why.to_owned());
        Err(Over)
    }

    /// Makes a call whose numbers are absolute.
    pub(super) async fn make(&mut self, call: Call) -> Result<Option<Reply>, Over> {
        self.act(&Act { call, relative: false, dropped_after: None }).await
    }

    async fn act(&mut self, act: &Act) -> Result<Option<Reply>, Over> {
        let call = Arc::new(self.bindings.resolve(act));
        if call.is_admin() && !self.has_admin() {
            return Ok(None);
        }
        let at = self.now();
        if self.skips(at, &call) {
            self.run.avoided.insert(self.step);
            return Ok(None);
        }
        (self.stage.observer)(Seen::Asked(at, &call));
        let asked = ask(&self.handler, call.clone(), act.dropped_after, self.stage.patience).await;
        if !self.stage.pace.is_in_time() {
            self.inconclusive("The machine was too slow for the script's real time.")?;
        }
        let (reply, panic) = match &asked {
            Asked::Answered(reply) => (Some(reply.clone()), None),
            Asked::Panicked(said) => (None, Some(said.clone())),
            Asked::Dropped | Asked::Hung => (None, None),
        };
        reply.iter().for_each(|reply| (self.stage.observer)(Seen::Answered(reply)));
        let reopened = std::mem::take(&mut self.reopened);
        self.run.observed.push(Observed { step: self.step, reopened, at, call: call.clone(), reply, panic });
        let aspect = match asked {
            Asked::Answered(reply) => return self.answered(at, &call, reply),
            Asked::Dropped => {
                self.stage.storage.settle(&self.stage.provider).await;
                return self.doubt(at, &call).map(|()| None);
            }
            Asked::Panicked(_) => Aspect::Panicked,
            Asked::Hung => Aspect::Hung,
        };
        let expected = self.oracle.forecast(at, &call);
        self.deviates(Mismatch { aspect, expected })?;
        Ok(None)
    }

    fn skips(&mut self, at: Time, call: &Arc<Call>) -> bool {
        let Some(skip) = self.stage.skip.filter(|_| !call.is_read()) else { return false };
        let expected = self.oracle.forecast(at, call);
        if !matches!(expected, Reply::Refused(_)) {
            return false;
        }
        let accepted = Observed {
            step: self.step,
            reopened: self.reopened,
            at,
            call: call.clone(),
            reply: Some(Reply::Done),
            panic: None,
        };
        self.run.observed.push(accepted);
        let skips = skip(&self.run.observed, &Mismatch { aspect: Aspect::Accepted, expected });
        self.run.observed.pop();
        skips
    }

    fn answered(&mut self, at: Time, call: &Call, reply: Reply) -> Result<Option<Reply>, Over> {
        self.learn_names(call, &reply);
        match &reply {
            // The storage may be unreachable for a moment, so it is unknown
            // whether the call took effect.
            Reply::Refused(refusal) if refusal.retryable && !self.is_refusal_due(at, call) => {
                // A fetch that returned an error holds no lock.
                if !matches!(call, Call::FetchOrchestrationItem { .. }) {
                    self.doubt(at, call)?;
                }
            }
            _ => match self.oracle.follow(at, call, &reply) {
                Ok(()) if self.oracle.is_lost() => self.lost()?,
                Ok(()) => {
                    self.bindings.note(call, &reply);
                    let observed = self.run.observed.len() - 1;
                    let ruled_out = self.oracle.take_ruled_out().into_iter();
                    self.run.ruled_out.extend(ruled_out.map(|mismatch| Deviation { observed, mismatch }));
                }
                Err(mismatch) => self.deviates(*mismatch)?,
            },
        }
        Ok(Some(reply))
    }

    fn is_refusal_due(&self, at: Time, call: &Call) -> bool {
        matches!(self.oracle.forecast(at, call), Reply::Refused(_))
    }

    fn doubt(&mut self, at: Time, call: &Call) -> Result<(), Over> {
        match self.oracle.doubt(at, call) {
            Ok(()) => Ok(()),
            Err(_) => self.lost(),
        }
    }

    fn lost(&mut self) -> Result<(), Over> {
        self.inconclusive("It is unknown for too many calls whether they took effect, and no later answer shows it.")
    }

    fn deviates(&mut self, mismatch: Mismatch) -> Result<(), Over> {
        let next = (self.stage.policy)(&self.run.observed, &mismatch);
        let deviation = Deviation { observed: self.run.observed.len() - 1, mismatch };
        match next {
            OnDeviation::Stop => {
                self.run.end = End::Deviates(deviation);
                Err(Over)
            }
            OnDeviation::GoOn => {
                self.run.waived.push(deviation);
                Ok(())
            }
        }
    }

    fn learn_names(&mut self, call: &Call, reply: &Reply) {
        let mut learn = |name: &str| {
            if !self.names.contains(name) {
                self.names.insert(name.to_owned());
            }
        };
        call.instance().into_iter().for_each(&mut learn);
        match call {
            Call::EnqueueForOrchestrator { item, .. } | Call::EnqueueForWorker { item } => {
                learn(&duroxide_sim::call::instance_of(item));
            }
            reads!()
            | Call::FetchOrchestrationItem { .. }
            | Call::AckOrchestrationItem(_)
            | Call::AbandonOrchestrationItem { .. }
            | Call::RenewOrchestrationItemLock { .. }
            | Call::AppendWithExecution { .. }
            | Call::FetchWorkItem { .. }
            | Call::AckWorkItem { .. }
            | Call::RenewWorkItemLock { .. }
            | Call::AbandonWorkItem { .. }
            | Call::RenewSessionLock { .. }
            | Call::CleanupOrphanedSessions { .. }
            | Call::DeleteInstancesAtomic { .. }
            | Call::DeleteInstance { .. }
            | Call::DeleteInstanceBulk { .. }
            | Call::PruneExecutions { .. }
            | Call::PruneExecutionsBulk { .. } => {}
        }
        if let Reply::Turn(Some(turn)) = reply {
            learn(&turn.instance);
        }
    }
}

pub(super) enum Asked {
    Answered(Reply),
    Dropped,
    /// The panic message.
    Panicked(String),
    Hung,
}

/// Makes one call.
pub(super) async fn ask(
    handler: &dyn Handler,
    call: Arc<Call>,
    dropped_after: Option<u32>,
    patience: Duration,
) -> Asked {
    let mut answering = handler.handle(call);
    let mut polls = 0;
    let mut answer = std::future::poll_fn(move |cx| {
        if dropped_after.is_some_and(|limit| polls >= limit) {
            return Poll::Ready(Asked::Dropped);
        }
        polls += 1;
        match catch(|| Pin::<&mut Answering<'_>>::new(&mut answering).poll(cx)) {
            Ok(poll) => poll.map(Asked::Answered),
            Err(said) => Poll::Ready(Asked::Panicked(said)),
        }
    });
    // Most calls of an in-memory provider are answered on the first poll and
    // need no timer.
    let first = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut answer).poll(cx))).await;
    match first {
        Poll::Ready(asked) => asked,
        Poll::Pending => tokio::time::timeout(patience, answer).await.unwrap_or(Asked::Hung),
    }
}
