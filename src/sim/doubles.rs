//! [`Doubles`]: carries out the doubles of a run, and records every activity.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;

use duroxide::ActivityContext;
use duroxide::runtime::ActivityHandler;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::activity::{ActivityCall, ActivityLog};
use super::awaited::{Awaited, Condition};
use super::cause::Cause;
use super::deliveries::Delivery;
use super::double::{Answer, Double, Step};
use super::life::ProcessRun;
use super::panics::panic_text;
use super::pulse::Pulse;
use crate::clock::{self, Time};
use crate::logs::{self, Origin};

/// A call of an activity: the instance, the execution, and the id of the scheduling event.
type CallId = (String, u64, u64);

/// The doubles of a run, by activity.
pub(super) struct Doubles {
    laid: BTreeMap<String, Vec<Double>>,
    /// Activities that nodes without a handler of this name get.
    added: BTreeSet<String>,
    start: Time,
    pulse: Arc<Pulse>,
    pub log: ActivityLog,
    state: Mutex<State>,
    released: Notify,
    unanswered: Awaited,
}

#[derive(Default)]
struct State {
    /// The calls by instance, activity and input, in the order of their first deliveries.
    attempts: BTreeMap<(String, String, String), Vec<(u64, u64)>>,
    /// The calls that are held, with their activities.
    held: BTreeMap<CallId, String>,
    /// The calls that were held and have been released.
    free: BTreeSet<CallId>,
}

/// A call of an activity that begins to run.
pub(super) struct Begun {
    pub life: Arc<ProcessRun>,
    pub delivery: Delivery,
    pub ctx: ActivityContext,
    pub input: String,
}

impl Doubles {
    pub fn new(laid: Vec<(String, Double)>, added: BTreeSet<String>, start: Time, pulse: Arc<Pulse>) -> Doubles {
        let mut by_name: BTreeMap<String, Vec<Double>> = BTreeMap::new();
        laid.into_iter().for_each(|(name, double)| by_name.entry(name).or_default().push(double));
        Doubles {
            laid: by_name,
            added,
            start,
            pulse,
            log: ActivityLog::default(),
            state: Mutex::default(),
            released: Notify::new(),
            unanswered: Awaited::default(),
        }
    }

    /// Returns the activities that nodes without a handler of this name get.
    pub fn added(&self) -> impl Iterator<Item = &String> {
        self.added.iter()
    }

    /// Returns the calls that are held or never answered.
    pub fn unanswered(&self) -> &Awaited {
        &self.unanswered
    }

    /// Returns the activities that have a double.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.laid.keys()
    }

    /// Runs an activity: by its double, or else by its handler.
    pub async fn run(&self, call: Begun, real: Option<Arc<dyn ActivityHandler>>) -> Result<String, String> {
        let attempt = self.attempt(&call);
        let name = call.ctx.activity_name();
        let double = self.laid.get(name).and_then(|doubles| {
            let admits = |double: &&Double| {
                double.filters.iter().all(|filter| filter.admits(call.ctx.instance_id(), &call.input))
            };
            doubles.iter().find(admits)
        });
        let index = self.log.begin(ActivityCall {
            instance: call.ctx.instance_id().to_owned(),
            execution: call.ctx.execution_id(),
            id: call.delivery.id,
            name: name.to_owned(),
            input: call.input.clone(),
            node: call.life.node.clone(),
            attempt,
            delivery: call.delivery.number,
            began: clock::now() - self.start,
            ended: None,
            result: None,
            double: double.is_some(),
        });
        call.life.stir();
        let origin = Arc::new(Origin {
            node: call.life.name.clone(),
            instance: Some(call.ctx.instance_id().to_owned()),
            activity: Some(name.to_owned()),
            attempt: Some(attempt),
        });
        let answer = async {
            match (double, real) {
                (Some(double), real) => self.answer(double, attempt, call, real).await,
                (None, Some(real)) => real.invoke(call.ctx, call.input).await,
                (None, None) => self.fail(no_answer(&call, "no double is for this call")).await,
            }
        };
        let end = |result: Result<String, String>| self.log.end(index, clock::now() - self.start, result);
        let result = with_panics(&origin, answer, |message| end(Err(format!("panic: {message}")))).await;
        end(result.clone());
        result
    }

    /// Returns the number of the attempt, counted from 1. A repeated delivery has the number
    /// of the first one.
    fn attempt(&self, call: &Begun) -> u64 {
        let key = (call.ctx.instance_id().to_owned(), call.ctx.activity_name().to_owned(), call.input.clone());
        let one = (call.ctx.execution_id(), call.delivery.id);
        let mut state = self.state.lock();
        let calls = state.attempts.entry(key).or_default();
        let at = calls.iter().position(|known| *known == one).unwrap_or_else(|| {
            calls.push(one);
            calls.len() - 1
        });
        at as u64 + 1
    }

    async fn answer(
        &self,
        double: &Double,
        attempt: u64,
        call: Begun,
        real: Option<Arc<dyn ActivityHandler>>,
    ) -> Result<String, String> {
        let Some(step) = step(double, attempt) else {
            return self.fail(no_answer(&call, &format!("its double has no answer for attempt {attempt}"))).await;
        };
        if step.held {
            self.hold(&call).await;
        }
        if !step.takes.is_zero() {
            clock::sleep_until(clock::now() + step.takes).await;
        }
        match &step.answer {
            Answer::Value(value) => value.clone(),
            Answer::Panic(message) => panic!("{message}"),
            Answer::Never => {
                let _listed = self.unanswered.one(unanswered(&call, "Double::never"));
                std::future::pending().await
            }
            Answer::Code(code) => {
                let told = told(&call);
                match code(call.ctx, call.input).await {
                    Ok(answer) => answer,
                    Err(why) => self.fail(format!("{told}, but {why}. Correct the type, or the caller.")).await,
                }
            }
            Answer::Real => match real {
                Some(real) => real.invoke(call.ctx, call.input).await,
                None => self.fail(no_answer(&call, "no node has a handler for Double::real")).await,
            },
        }
    }

    /// Ends the run, because an activity cannot be answered.
    async fn fail(&self, why: String) -> Result<String, String> {
        self.pulse.end_for(Cause::Setup(why));
        std::future::pending().await
    }

    /// Waits until the body releases the call. A call that was released once is not held
    /// again when it is delivered again.
    async fn hold(&self, call: &Begun) {
        let id = (call.ctx.instance_id().to_owned(), call.ctx.execution_id(), call.delivery.id);
        let _listed = self.unanswered.one(unanswered(call, "held until the body calls Handle::release"));
        loop {
            let mut released = pin!(self.released.notified());
            released.as_mut().enable();
            {
                let mut state = self.state.lock();
                if state.free.contains(&id) {
                    return;
                }
                state.held.insert(id.clone(), call.ctx.activity_name().to_owned());
            }
            call.life.stir();
            released.await;
        }
    }

    /// Releases the calls of an activity that are held, and returns their number.
    pub fn release(&self, name: &str) -> usize {
        let mut state = self.state.lock();
        let (ours, others) = std::mem::take(&mut state.held).into_iter().partition(|(_, held)| held == name);
        let ours: BTreeMap<CallId, String> = ours;
        state.held = others;
        let count = ours.len();
        state.free.extend(ours.into_keys());
        drop(state);
        self.released.notify_waiters();
        count
    }
}

/// Drives `work` as code of this origin, and reports a panic in it before passing it on.
async fn with_panics<T>(origin: &Arc<Origin>, work: impl Future<Output = T>, report: impl Fn(String)) -> T {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let poll = || logs::within(origin, || work.as_mut().poll(cx));
        catch_unwind(AssertUnwindSafe(poll)).unwrap_or_else(|payload| {
            report(panic_text(&*payload));
            resume_unwind(payload)
        })
    })
    .await
}

/// Returns the answer for this attempt.
fn step(double: &Double, attempt: u64) -> Option<&Step> {
    let mut before = 0;
    double.steps.iter().find(|step| match step.times {
        None => true,
        Some(times) => {
            before += u64::from(times);
            attempt <= before
        }
    })
}

/// Returns a clause about a call.
fn told(call: &Begun) -> String {
    format!(
        "Activity {:?} of instance {:?} was called on node {:?} with the input {:?}",
        call.ctx.activity_name(),
        call.ctx.instance_id(),
        call.life.node,
        call.input
    )
}

fn no_answer(call: &Begun, why: &str) -> String {
    format!("{}, but {why}. Add an answer with Double::then, or leave out the last Double::times.", told(call))
}

fn unanswered(call: &Begun, how: &str) -> Condition {
    let (activity, instance) = (call.ctx.activity_name(), call.ctx.instance_id());
    Condition {
        what: format!("{activity:?} of instance {instance:?} on node {:?}: {how}", call.life.node),
        instance: None,
    }
}
