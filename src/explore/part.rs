//! The process of one seed: builds the simulation and runs it.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use duroxide::Client;

use super::answer::{Answer, Order};
use crate::errors::whole;
use crate::recorded::{Recorded, RecordedError};
use crate::sim::{Failure, Handle, Journal, Outcome, Run, Sim};

/// What an exploration does with each of its runs.
#[derive(Debug)]
pub(super) struct Settings {
    /// Whether calls are delayed.
    pub latencies: bool,
    /// The real-time limit of the run, if its thread responds.
    pub at_most: Duration,
    /// The folder for the histories of a run that passes.
    pub record: Option<PathBuf>,
}

/// Carries out an order.
pub(super) fn perform<B, F, R>(
    order: &Order,
    journal: Option<Journal>,
    settings: &Settings,
    build: &dyn Fn(Sim) -> Sim,
    body: B,
) -> Answer
where
    B: FnOnce(Handle) -> F + Send + 'static,
    F: Future<Output = R> + 'static,
    R: Outcome,
{
    let failed = |why: String| Answer::failed(Failure::setup(order.seed, crate::sim::START, why));
    let mut sim = match built(|| build(Sim::new(order.seed))) {
        Ok(sim) => sim,
        Err(why) => return failed(why),
    };
    if sim.seed_of() != order.seed {
        return failed(format!(
            "The closure built a simulation with the seed {} instead of {}. Build it from the Sim that the closure \
             receives, and do not change its seed.",
            sim.seed_of(),
            order.seed
        ));
    }
    if settings.latencies {
        sim = sim.latencies();
    }
    if let Some(replay) = &order.replay {
        sim = replay.without.iter().fold(sim, |sim, node| sim.without_node(node)).replay(replay.plan.clone());
    }
    // The exploration itself reports escapes after every seed succeeded.
    sim = sim.within(settings.at_most).journal(journal).allow_escapes();
    if order.locate {
        sim = sim.locate();
    }
    let run = sim.try_run(body);
    if let (Ok(run), Some(folder), None) = (&run, &settings.record, &order.replay)
        && let Err(error) = record(run, folder)
    {
        return failed(whole(&error));
    }
    let mut answer = Answer::of(run, order);
    if IS_SEED.load(Ordering::Relaxed) && IS_NESTED.load(Ordering::Relaxed) {
        return failed(NESTED.to_owned());
    }
    if let Some(failure) = answer.failure.as_mut().filter(|_| order.brief) {
        failure.trace.entries.clear();
        failure.trace.marks.clear();
        failure.trace.remains = None;
    }
    answer
}

/// Adds the histories of all instances to a folder.
fn record<T>(run: &Run<T>, folder: &Path) -> Result<(), RecordedError> {
    let client = Client::new(run.memory.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime without drivers needs nothing from the operating system");
    for recorded in runtime.block_on(Recorded::all_of(&client))? {
        recorded.add_to(folder)?;
    }
    Ok(())
}

/// The error for an exploration that starts inside another.
pub(super) const NESTED: &str = "An exploration cannot start inside a simulation or another exploration, neither in the \
    body of a run nor in the closure that builds it. Explore from the test itself, one exploration after the other.";

/// Whether this process runs one seed.
static IS_SEED: AtomicBool = AtomicBool::new(false);

/// Whether the seed of this process tried to start an exploration.
static IS_NESTED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread is building a simulation.
    static BUILDS: Cell<bool> = const { Cell::new(false) };
    /// The location of the last panic while building.
    static PANICKED_AT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Marks this process as running one seed.
pub(super) fn begin_seed() {
    IS_SEED.store(true, Ordering::Relaxed);
}

/// Whether this code already runs inside an exploration.
pub(super) fn is_within() -> bool {
    IS_SEED.load(Ordering::Relaxed) || BUILDS.get()
}

/// Records that an exploration tried to start inside this one.
pub(super) fn note_nested() {
    IS_NESTED.store(true, Ordering::Relaxed);
}

/// Returns the simulation that `build` returns, or a sentence that says where and why it panicked.
fn built(build: impl FnOnce() -> Sim) -> Result<Sim, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if BUILDS.get() {
                PANICKED_AT.set(info.location().map(ToString::to_string));
            }
            before(info);
        }));
    });
    PANICKED_AT.set(None);
    let outer = BUILDS.replace(true);
    let built = catch_unwind(AssertUnwindSafe(build));
    BUILDS.set(outer);
    built.map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        let place = PANICKED_AT.take().map(|place| format!(" at {place}")).unwrap_or_default();
        format!("Building the simulation panicked{place}: {text}")
    })
}
