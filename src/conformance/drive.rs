//! Running a script against a provider, with the oracle beside it.
//!
//! It makes the calls and keeps what was observed. What to run, and what to do
//! about a deviation, others decide.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::oracle::{Aspect, Mismatch, Oracle};
use super::pace::Pace;
use super::resolve::Memo;
use super::script::{Act, Script, Step};
use super::storage::Storage;
use crate::call::{Answering, Call, Handler, Reply};
use crate::clock::Time;

/// A call that was made, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Which step of the script made it.
    pub step: usize,
    /// When.
    pub at: Time,
    /// What was asked.
    pub call: Arc<Call>,
    /// What was answered; `None` where the future was dropped first, or never
    /// answered.
    pub reply: Option<Reply>,
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

/// Every deviation ends the run.
pub(crate) fn stop_at_once(_: &[Observed], _: &Mismatch) -> Next {
    Next::Stop
}

/// What a script is run on.
pub(crate) struct Stage<'a> {
    pub handler: &'a dyn Handler,
    pub storage: &'a dyn Storage,
    pub pace: &'a mut Pace,
    pub policy: Policy<'a>,
    /// How much real time a call may take.
    pub patience: Duration,
}

/// Runs a script to its end, or to the first deviation that stops it.
pub(crate) async fn play(script: &Script, stage: Stage<'_>) -> Run {
    let base = stage.pace.now();
    let mut play = Play {
        memo: Memo::new(base),
        oracle: Oracle::new(stage.storage.reading()),
        names: BTreeSet::new(),
        run: Run { base, observed: Vec::new(), end: End::Agrees, waived: Vec::new() },
        stage,
        step: 0,
    };
    for (number, step) in script.steps.iter().enumerate() {
        play.step = number;
        if play.step(step).await.is_err() {
            break;
        }
    }
    play.run
}

/// The run is over; how it ended is in it.
pub(super) struct Over;

/// A run under way.
pub(super) struct Play<'a> {
    stage: Stage<'a>,
    memo: Memo,
    pub(super) oracle: Oracle,
    /// Every instance that a call has named or an answer has shown.
    pub(super) names: BTreeSet<String>,
    run: Run,
    step: usize,
}

impl Play<'_> {
    async fn step(&mut self, step: &Step) -> Result<(), Over> {
        match step {
            Step::Wait(ms) => {
                self.stage.pace.wait(*ms).await;
                Ok(())
            }
            Step::Call(act) => self.act(act).await.map(drop),
            Step::ReadBack => self.read_back().await,
            Step::Drain => self.drain().await,
            Step::Corrupt(instance) => {
                if self.stage.storage.can_corrupt() && self.oracle.corrupt(instance) {
                    self.stage.storage.corrupt_instance_history(instance).await;
                }
                Ok(())
            }
            Step::Reopen => Ok(()),
        }
    }

    pub(super) fn now(&self) -> Time {
        self.stage.pace.now()
    }

    pub(super) fn has_admin(&self) -> bool {
        self.stage.handler.has_admin()
    }

    pub(super) async fn wait(&mut self, ms: u64) {
        self.stage.pace.wait(ms).await;
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
        let asked = ask(self.stage.handler, call.clone(), act.dropped_after, self.stage.patience).await;
        let reply = match &asked {
            Asked::Answered(reply) => Some(reply.clone()),
            _ => None,
        };
        self.run.observed.push(Observed { step: self.step, at, call: call.clone(), reply });
        let aspect = match asked {
            Asked::Answered(reply) => return self.answered(at, &call, reply),
            Asked::Dropped => return self.doubt(at, &call).map(|()| None),
            Asked::Panicked => Aspect::Panicked,
            Asked::Hung => Aspect::Hung,
        };
        let expected = self.oracle.forecast(at, &call);
        self.deviates(Mismatch { aspect, expected })?;
        Ok(None)
    }

    fn answered(&mut self, at: Time, call: &Call, reply: Reply) -> Result<Option<Reply>, Over> {
        self.learn_names(call, &reply);
        match &reply {
            // Storage may be out of reach for a moment; whether the call took
            // effect is not known then.
            Reply::Refused(refusal) if refusal.retryable && !self.is_refusal_due(at, call) => self.doubt(at, call)?,
            _ => match self.oracle.follow(at, call, &reply) {
                Ok(()) => self.memo.note(call, &reply),
                Err(mismatch) => self.deviates(*mismatch)?,
            },
        }
        Ok(Some(reply))
    }

    fn is_refusal_due(&self, at: Time, call: &Call) -> bool {
        matches!(self.oracle.forecast(at, call), Reply::Refused(_))
    }

    fn doubt(&mut self, at: Time, call: &Call) -> Result<(), Over> {
        self.oracle.doubt(at, call).map_err(|_| {
            let why = "Too many calls left it open whether they took effect, and nothing that was read since tells.";
            self.run.end = End::Inconclusive(why.to_owned());
            Over
        })
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
                learn(crate::call::instance_of(item));
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
    Panicked,
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
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::<&mut Answering<'_>>::new(&mut answering).poll(cx)));
        polled.map_or(Poll::Ready(Asked::Panicked), |poll| poll.map(Asked::Answered))
    });
    // Most calls of an in-memory provider are answered at once, and need no timer.
    let first = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut answer).poll(cx))).await;
    match first {
        Poll::Ready(asked) => asked,
        Poll::Pending => tokio::time::timeout(patience, answer).await.unwrap_or(Asked::Hung),
    }
}
