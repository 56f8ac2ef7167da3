//! Running a script against a provider, with the oracle beside it.
//!
//! It makes the calls and keeps what was observed. What to run, and what to do
//! about a deviation, others decide.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use duroxide::providers::Provider;
use duroxide_sim::call::{Answering, Call, Handler, Reply};
use duroxide_sim::clock::Time;
use duroxide_sim::provider::Under;

use super::grid::Grid;
use super::oracle::{Aspect, Mismatch, Oracle};
use super::pace::{Late, Pace};
use super::panics::catch;
use super::resolve::Memo;
use super::script::{Act, Script, Step};
use super::storage::Storage;

/// A call that was made, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Which step of the script made it.
    pub step: usize,
    /// Whether the storage was opened anew since the call before.
    pub reopened: bool,
    /// When.
    pub at: Time,
    /// What was asked.
    pub call: Arc<Call>,
    /// What was answered; `None` where the future was dropped first, or never
    /// answered.
    pub reply: Option<Reply>,
    /// What it said when it panicked, and where.
    pub panic: Option<String>,
}

impl Observed {
    /// A call that no step of this process's script has made.
    pub(crate) fn unscripted(at: Time, call: Arc<Call>, reply: Option<Reply>) -> Observed {
        Observed { step: 0, reopened: false, at, call, reply, panic: None }
    }
}

/// An answer that no correct provider gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Deviation {
    /// Which of the observed calls was answered so; the last of them.
    pub observed: usize,
    /// In what it deviates.
    pub mismatch: Mismatch,
}

/// How a run of a script ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// Every answer was right.
    Agrees,
    /// One was not.
    Deviates(Deviation),
    /// It cannot be said, and why.
    Inconclusive(String),
}

/// One run of a script.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// When it began.
    pub base: Time,
    /// What was asked and answered, in order.
    pub observed: Vec<Observed>,
    /// How it ended.
    pub end: End,
    /// Deviations that were passed over, because they are waived.
    pub waived: Vec<Deviation>,
    /// Steps of which calls were left out.
    pub avoided: BTreeSet<usize>,
    /// How answers would have deviated, had a call whose future was dropped gone
    /// otherwise than they say: what followed counts on them.
    pub ruled_out: Vec<Deviation>,
}

impl Run {
    /// Whether it ended with a deviation.
    pub(crate) fn deviates(&self) -> bool {
        matches!(self.end, End::Deviates(_))
    }
}

/// What to do about a deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The run ends here.
    Stop,
    /// It goes on as if the answer had been right.
    GoOn,
}

/// Says what to do about a deviation, from what was observed up to it.
pub(crate) type Policy<'a> = &'a (dyn Fn(&[Observed], &Mismatch) -> Next + Sync);

/// Says whether to leave out a call that ought to be refused, from what was
/// observed up to it, as if it had been accepted.
pub(crate) type Avoid<'a> = &'a (dyn Fn(&[Observed], &Mismatch) -> bool + Sync);

/// Whether the last of these calls only looks: what it answers wrongly has
/// changed nothing.
pub(crate) fn ends_with_read(observed: &[Observed]) -> bool {
    observed.last().is_some_and(|last| last.call.is_read())
}

/// Every deviation ends the run.
pub(crate) fn stop_at_once(_: &[Observed], _: &Mismatch) -> Next {
    Next::Stop
}

/// What only looks is passed over, whatever it answers; the rest ends the run.
pub(crate) fn past_reads(observed: &[Observed], _: &Mismatch) -> Next {
    if ends_with_read(observed) { Next::GoOn } else { Next::Stop }
}

/// What somebody is told who watches a run.
pub(crate) enum Seen<'a> {
    /// A call is about to be made.
    Asked(Time, &'a Call),
    /// It was answered.
    Answered(&'a Reply),
}

/// Watches a run, call by call.
pub(crate) type Witness<'a> = &'a (dyn Fn(Seen<'_>) + Sync);

/// Sees nothing.
pub(crate) fn nobody(_: Seen<'_>) {}

/// What a script is run on.
pub(crate) struct Stage<'a> {
    pub provider: Arc<dyn Provider>,
    pub storage: &'a dyn Storage,
    pub pace: &'a mut Pace,
    pub policy: Policy<'a>,
    pub avoid: Option<Avoid<'a>>,
    pub witness: Witness<'a>,
    /// How much real time a call may take.
    pub patience: Duration,
}

/// Runs a script to its end, or to the first deviation that stops it.
pub(crate) async fn play(script: &Script, stage: Stage<'_>) -> Run {
    stage.pace.restart();
    let base = stage.pace.now();
    let mut play = Play::new(stage, base);
    play.steps(script).await;
    play.run
}

/// Goes on with `script` where an earlier run of another process has stopped:
/// `observed` is what that one saw, a last call without an answer included.
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

/// The run is over; how it ended is in it.
pub(super) struct Over;

/// A run under way.
pub(super) struct Play<'a> {
    stage: Stage<'a>,
    handler: Under,
    memo: Memo,
    pub(super) oracle: Oracle,
    /// Every instance that a call has named or an answer has shown.
    pub(super) names: BTreeSet<String>,
    run: Run,
    step: usize,
    /// Whether the storage was opened anew, and nothing was asked since.
    reopened: bool,
}

impl<'a> Play<'a> {
    fn new(stage: Stage<'a>, base: Time) -> Play<'a> {
        Play {
            memo: Memo::new(base),
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
                    return self.inconclusive("Something would end so near to a tick that a slow call decides it.");
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

    /// The provider there was stays as it is, and is asked no more.
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

    /// The step of time that counts, where it passes by itself.
    pub(super) fn tick(&self) -> Option<Duration> {
        self.stage.pace.tick()
    }

    fn clears_ticks(&self, act: &Act) -> bool {
        let base = self.run.base;
        self.tick().is_none_or(|tick| Grid { base, tick }.clears(&self.memo.resolve(act)))
    }

    pub(super) fn has_admin(&self) -> bool {
        self.handler.has_admin()
    }

    pub(super) async fn wait(&mut self, ms: u64) -> Result<(), Over> {
        match self.stage.pace.wait(ms).await {
            Ok(()) => Ok(()),
            Err(Late) => self.inconclusive("Time cannot move so far."),
        }
    }

    fn inconclusive(&mut self, why: &str) -> Result<(), Over> {
        self.run.end = End::Inconclusive(why.to_owned());
        Err(Over)
    }

    /// Makes a call as it is.
    pub(super) async fn make(&mut self, call: Call) -> Result<Option<Reply>, Over> {
        self.act(&Act { call, relative: false, dropped_after: None }).await
    }

    async fn act(&mut self, act: &Act) -> Result<Option<Reply>, Over> {
        let call = Arc::new(self.memo.resolve(act));
        if call.is_admin() && !self.has_admin() {
            return Ok(None);
        }
        let at = self.now();
        if self.avoids(at, &call) {
            self.run.avoided.insert(self.step);
            return Ok(None);
        }
        (self.stage.witness)(Seen::Asked(at, &call));
        let asked = ask(&self.handler, call.clone(), act.dropped_after, self.stage.patience).await;
        if !self.stage.pace.is_in_time() {
            self.inconclusive("The machine could not keep up with real time.")?;
        }
        let (reply, panic) = match &asked {
            Asked::Answered(reply) => (Some(reply.clone()), None),
            Asked::Panicked(said) => (None, Some(said.clone())),
            Asked::Dropped | Asked::Hung => (None, None),
        };
        reply.iter().for_each(|reply| (self.stage.witness)(Seen::Answered(reply)));
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

    fn avoids(&mut self, at: Time, call: &Arc<Call>) -> bool {
        let Some(avoid) = self.stage.avoid.filter(|_| !call.is_read()) else { return false };
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
        let avoids = avoid(&self.run.observed, &Mismatch { aspect: Aspect::Accepted, expected });
        self.run.observed.pop();
        avoids
    }

    fn answered(&mut self, at: Time, call: &Call, reply: Reply) -> Result<Option<Reply>, Over> {
        self.learn_names(call, &reply);
        match &reply {
            // Storage may be out of reach for a moment; whether the call took
            // effect is not known then.
            Reply::Refused(refusal) if refusal.retryable && !self.is_refusal_due(at, call) => {
                // But an error of a fetch holds no lock.
                if !matches!(call, Call::FetchOrchestrationItem { .. }) {
                    self.doubt(at, call)?;
                }
            }
            _ => match self.oracle.follow(at, call, &reply) {
                Ok(()) if self.oracle.is_lost() => self.lost()?,
                Ok(()) => {
                    self.memo.note(call, &reply);
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
        self.inconclusive(
            "Too many calls left it open whether they took effect, and nothing that was read since tells.",
        )
    }

    fn deviates(&mut self, mismatch: Mismatch) -> Result<(), Over> {
        let next = (self.stage.policy)(&self.run.observed, &mismatch);
        let deviation = Deviation { observed: self.run.observed.len() - 1, mismatch };
        match next {
            Next::Stop => {
                self.run.end = End::Deviates(deviation);
                Err(Over)
            }
            Next::GoOn => {
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
            _ => {}
        }
        if let Reply::Turn(Some(turn)) = reply {
            learn(&turn.instance);
        }
    }
}

pub(super) enum Asked {
    Answered(Reply),
    Dropped,
    /// What it said.
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
    // Most calls of an in-memory provider are answered at once, and need no timer.
    let first = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut answer).poll(cx))).await;
    match first {
        Poll::Ready(asked) => asked,
        Poll::Pending => tokio::time::timeout(patience, answer).await.unwrap_or(Asked::Hung),
    }
}
