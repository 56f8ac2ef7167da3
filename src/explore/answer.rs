//! [`Order`] and [`Answer`]: the messages to and from the process of a seed, as JSON lines.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{difference, states};
use crate::clock::Escapes;
use crate::seed::Seed;
use crate::sim::{Failure, Journal, Plan, PlanEntry, Run};
use crate::trace::{NodeEvent, Trace};

/// An order for one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Order {
    pub seed: Seed,
    /// The plan to replay, if any.
    pub replay: Option<Replay>,
    /// Whether a failure is returned without its trace.
    pub brief: bool,
    /// Whether the plan is reported while it is drawn.
    pub journal: bool,
    /// How much of the trace is returned for comparison with another run.
    pub compare: Compare,
    /// Whether the locations of escapes are recorded.
    pub locate: bool,
}

/// What to return of a trace for comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Compare {
    #[default]
    Nothing,
    Fingerprint,
    Whole,
}

/// Carries out an order, and reports its plan to the journal if there is one.
pub(super) type Perform<'a> = &'a dyn Fn(&Order, Option<Journal>) -> Answer;

/// A run to be replayed from its plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Replay {
    pub plan: Plan,
    /// The nodes that are left out of the simulation.
    pub without: BTreeSet<String>,
}

/// The result of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Answer {
    pub calls: u64,
    pub faults: u64,
    pub latencies: u64,
    /// The number of instances at the end, and the number of those that had failed.
    pub instances: u64,
    pub failed_instances: u64,
    /// The virtual time that passed.
    pub elapsed: Duration,
    pub states: BTreeSet<u64>,
    pub sometimes: BTreeMap<String, bool>,
    pub failure: Option<Box<Failure>>,
    pub escapes: Escapes,
    /// The entries of a replayed plan that did not happen.
    pub unreached: Vec<PlanEntry>,
    /// The inputs that the body asked for during a replay.
    pub inputs: BTreeSet<String>,
    /// A hash of the trace.
    pub fingerprint: Option<u64>,
    pub trace: Option<Trace>,
}

/// A line from a seed's process: parts of its plan as they are drawn, if the order asks for a
/// journal, and finally its answer.
#[derive(Serialize, Deserialize)]
pub(super) enum Told<P, A> {
    Plan(P),
    Answer(A),
}

impl Order {
    pub fn of(seed: Seed) -> Order {
        Order { seed, replay: None, brief: false, journal: false, compare: Compare::Nothing, locate: false }
    }
}

impl Answer {
    pub fn of<T>(run: Result<Run<T>, Box<Failure>>, order: &Order) -> Answer {
        let compare = order.compare;
        let mut missed = (Vec::new(), BTreeSet::new());
        if order.replay.is_some() && !order.brief {
            let (plan, unreached) = match &run {
                Ok(run) => (&run.plan, &run.unreached),
                Err(failure) => (&failure.plan, &failure.unreached),
            };
            missed = (unreached.clone(), plan.inputs.keys().cloned().collect());
        }
        let answer = match run {
            Ok(run) => {
                let mut answer = Answer::about(&run.trace, run.elapsed, run.sometimes.clone());
                answer.escapes = run.escapes.clone();
                let instances = run.memory.inspect(|store| (store.names().len(), store.failed().len()));
                (answer.instances, answer.failed_instances) = (instances.0 as u64, instances.1 as u64);
                answer.look(&run.trace, compare);
                // Freeing the memory is not worth the time: the process ends.
                std::mem::forget(run);
                answer
            }
            Err(failure) => {
                let mut answer = Answer::default();
                answer.look(&failure.trace, compare);
                Answer { fingerprint: answer.fingerprint, trace: answer.trace, ..Answer::failed(failure) }
            }
        };
        let (unreached, inputs) = missed;
        Answer { unreached, inputs, ..answer }
    }

    fn look(&mut self, trace: &Trace, compare: Compare) {
        match compare {
            Compare::Nothing => {}
            Compare::Fingerprint => self.fingerprint = Some(difference::fingerprint(trace)),
            Compare::Whole => self.trace = Some(trace.clone()),
        }
    }

    pub fn failed(failure: Box<Failure>) -> Answer {
        let answer = Answer::about(&failure.trace, failure.at - failure.start, failure.sometimes.clone());
        Answer { escapes: failure.escapes.clone(), failure: Some(failure), ..answer }
    }

    fn about(trace: &Trace, elapsed: Duration, sometimes: BTreeMap<String, bool>) -> Answer {
        let ordinary = |what: &NodeEvent| what.is_ordinary() || matches!(what, NodeEvent::Skipped { .. });
        let latencies = trace.marks.iter().filter(|mark| mark.what.is_latency()).count() as u64;
        let faults = trace.marks.iter().filter(|mark| !ordinary(&mark.what)).count() as u64 - latencies;
        let calls = trace.entries.len() as u64;
        let states = states::reached(trace);
        Answer { calls, faults, latencies, elapsed, states, sometimes, ..Answer::default() }
    }
}
