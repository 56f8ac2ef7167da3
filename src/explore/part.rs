//! What the process of one seed does: it builds the simulation and runs it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::answer::{Answer, Order};
use crate::sim::{Failure, Handle, Journal, Outcome, Sim};

/// Carries out an order. One run takes no longer than `at_most` of real time, if
/// its own thread can be ended.
pub(super) fn perform<B, F, R>(
    order: &Order,
    journal: Option<Journal>,
    latencies: bool,
    at_most: Duration,
    build: &dyn Fn(Sim) -> Sim,
    body: B,
) -> Answer
where
    B: FnOnce(Handle) -> F + Send + 'static,
    F: Future<Output = R> + 'static,
    R: Outcome,
{
    let failed = |why: String| Answer::failed(Failure::setup(order.seed, crate::sim::START, why));
    let Ok(mut sim) = catch_unwind(AssertUnwindSafe(|| build(Sim::new(order.seed)))) else {
        return failed("Building the simulation panicked.".to_owned());
    };
    if sim.seed_of() != order.seed {
        return failed(format!(
            "The simulation that was built has the seed {} and not {}: build it from the Sim that the closure is \
             given, and leave its seed as it is.",
            sim.seed_of(),
            order.seed
        ));
    }
    if latencies {
        sim = sim.latencies();
    }
    if let Some(replay) = &order.replay {
        sim = replay.without.iter().fold(sim, |sim, node| sim.without_node(node)).replay(replay.plan.clone());
    }
    let mut answer = Answer::of(sim.within(at_most).journal(journal).locate(order.locate).try_run(body), order);
    if let Some(failure) = answer.failure.as_mut().filter(|_| order.brief) {
        failure.trace.entries.clear();
        failure.trace.marks.clear();
        failure.trace.remains = None;
    }
    answer
}
