//! Running a simulation: its thread, its runtime, and the watchdog for both.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::busy::Busy;
use super::cause::{Cause, Held};
use super::cluster::{Cluster, Look};
use super::context::{RunContext, RunSpec};
use super::doubles::Doubles;
use super::effects::{self, DoneEffect};
use super::ending::{self, Ending};
use super::escape_policy::Policy;
use super::failure::Failure;
use super::handle::Handle;
use super::handlers::Handlers;
use super::heap::{grow_heap, keep_pages};
use super::judge::Judge;
use super::missed::Missed;
use super::no_progress::{Code, NoProgress};
use super::observed::Observed;
use super::panics::{self, TaskPanic, panic_text};
use super::polled::{Calling, Polled};
use super::property::{Broken, Properties};
use super::pulse::{PROPERTY, Pulse, REAL_TIME, STALL, STEPS, TASK_PANIC, VERDICT};
use super::record::Record;
use super::storages::{self, Storages};
use super::tails::Tail;
use super::waits::Unfinished;
use super::{Outcome, Run, Sim, current, setup, stall, stall_report, tails};
use crate::clock::{self, Escapes, Time, Virtual, escapes};
use crate::faults::FaultRule;
use crate::logs::{self, Levels, Lines};
use crate::provider::Memory;
use crate::trace::{Entry, Log, Trace};

/// The number of times in a row that the thread may answer the watchdog without any
/// progress. The watchdog checks 50 times a second.
const ANSWERS: u32 = 100;

/// The number of times in a row that the watchdog may see the thread yield to other threads
/// without any progress: a second of a loop that nothing in the simulation can end.
const SPINS: u32 = 50;

/// How a run ended.
enum End<T> {
    Body(Result<T, String>),
    Panic(String),
    VirtualTime,
    /// The beginning of the stall, and how the body ended after it, if it did.
    Stalled(Time, Option<Box<Cause>>),
    Caused(Cause),
    Property(Broken),
    Unfinished,
    Eventually(Broken, Option<Held>),
    Last(Broken),
    NeverAtRest(String, Vec<Busy>),
    /// Tasks panicked, and their panics are reported nowhere else.
    TaskPanic(Vec<TaskPanic>),
    Steps,
    RealTime,
}

/// Everything that a run needs besides the body, shared between threads.
struct Simulation {
    context: RunContext,
    properties: Arc<Properties>,
    escapes: Mutex<Escapes>,
    select_is_seeded: AtomicBool,
    missed: Mutex<Vec<Missed>>,
    awaited: Mutex<Vec<String>>,
    unanswered: Mutex<Vec<String>>,
    policy: Policy,
    finish_within: Option<Duration>,
    tolerates_panics: bool,
    levels: Levels,
    effects: Mutex<Vec<DoneEffect>>,
    /// The subscriber to which logged lines are passed on.
    theirs: Option<tracing::Dispatch>,
}

pub(super) fn run<B, F, R>(sim: Sim, body: B) -> Result<Run<R::Value>, Box<Failure>>
where
    B: FnOnce(Handle) -> F + Send + 'static,
    F: Future<Output = R> + 'static,
    R: Outcome,
{
    let seed = setup::check(&sim).map_err(|why| Failure::setup(sim.seed, sim.start, why))?;
    let pulse = Arc::new(Pulse::new(sim.start, &sim.limits));
    let handlers = Handlers::of(&sim.nodes, &sim.activities);
    let record = Record::of(sim.plan, sim.replays, !sim.replays && !sim.allows_unreached, sim.journal);
    let log = if sim.traces { Log::new() } else { Log::forgetful() };
    let memory = Arc::new(Memory::with_settings(sim.settings));
    let context = RunContext {
        seed,
        start: sim.start,
        limits: sim.limits,
        memory: memory.clone(),
        storages: Arc::new(Storages::new(memory, !sim.nodes.is_empty())),
        lines: Lines::new(sim.start, log.clone()),
        log,
        pulse: pulse.clone(),
        record: Arc::new(Mutex::new(record)),
        effects: sim.effects,
        doubles: Arc::new(Doubles::new(sim.doubles, sim.activities, sim.start, pulse)),
        handlers: Arc::new(handlers),
        unknown_handlers: sim.unknown_handlers,
    };
    let run = Arc::new(Simulation {
        context,
        properties: Arc::new(Properties::new(sim.properties)),
        escapes: Mutex::default(),
        select_is_seeded: AtomicBool::new(false),
        missed: Mutex::default(),
        awaited: Mutex::default(),
        unanswered: Mutex::default(),
        policy: sim.escapes,
        finish_within: sim.finish_within,
        tolerates_panics: sim.tolerates_panics,
        levels: sim.levels,
        effects: Mutex::default(),
        theirs: logs::theirs(sim.logs),
    });
    let (send, receive) = channel();
    let inside = run.clone();
    // Keep the test's name: libtest captures the output of threads, and panics are reported
    // under the thread's name.
    let name = std::thread::current().name().unwrap_or("simulation").to_owned();
    let storm = sim.storm.filter(|_| !sim.replays);
    let latencies = sim.latencies && !sim.replays;
    let spec = RunSpec { nodes: sim.nodes, rules: sim.rules, storm, latencies };
    let thread = std::thread::Builder::new().name(name).stack_size(16 << 20).spawn(move || {
        let end = simulate(&inside, spec, body);
        // The receiver is gone if the watchdog has abandoned the run.
        let _ = send.send(end);
    });
    let thread = thread.map_err(|error| {
        Failure::setup(seed, sim.start, format!("The simulation's thread could not be started: {error}."))
    })?;
    let end = watch(&run.context, &receive);
    if end.is_some() {
        // The result has arrived; a panic while the thread ends does not matter any more.
        let _ = thread.join();
    } else {
        run.context.pulse.yields.abandon();
    }
    conclude(&run, end, sim.laws)
}

/// Waits for the end of the run on real time. Returns `None` if the run had to be
/// abandoned.
fn watch<T>(context: &RunContext, receive: &Receiver<End<T>>) -> Option<End<T>> {
    let began = Instant::now();
    let mut seen = (context.pulse.progress(), began);
    // The time that a run has to end after it was told to.
    const GRACE: Duration = Duration::from_secs(2);
    let mut told: Option<Instant> = None;
    let (mut answers, mut polls) = (0, (0, 0));
    let (mut spins, mut yields) = (0, 0);
    loop {
        match receive.recv_timeout(Duration::from_millis(20)) {
            Ok(end) => return Some(end),
            Err(RecvTimeoutError::Disconnected) => {
                return Some(End::Panic("The simulation's thread ended without a result.".to_owned()));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        let progress = context.pulse.progress();
        if progress != seen.0 {
            seen = (progress, Instant::now());
            (answers, spins) = (0, 0);
        }
        let yields_before = std::mem::replace(&mut yields, context.pulse.yields.count());
        spins = if yields > yields_before { spins + 1 } else { 0 };
        if told.is_none() && context.pulse.answers(&mut polls) {
            answers += 1;
            if answers > ANSWERS {
                let at = Time(context.pulse.now.load(Ordering::Relaxed)) - context.start;
                context.pulse.end_for(Cause::NoProgress(NoProgress::Polls { at, code: None, polls: 0 }));
                told = Some(Instant::now());
            }
        }
        if spins > SPINS || told.is_some_and(|told| told.elapsed() > GRACE) {
            context.pulse.note_busy();
            return None;
        }
        if told.is_none() && (began.elapsed() > context.limits.real_time || seen.1.elapsed() > context.limits.stuck) {
            context.pulse.end(REAL_TIME);
            told = Some(Instant::now());
        }
    }
}

/// Runs on the simulation's own thread, where time is virtual from here on.
fn simulate<B, F, R>(run: &Simulation, spec: RunSpec, body: B) -> End<R::Value>
where
    B: FnOnce(Handle) -> F,
    F: Future<Output = R>,
    R: Outcome,
{
    let context = &run.context;
    keep_pages();
    *context.pulse.thread.lock() = clock::Thread::current();
    context.pulse.yields.enter();
    let _logs = logs::begin(&context.lines, run.levels, run.theirs.clone());
    let entropy = context.seed.child("entropy").stream();
    escapes::begin(run.policy.locate);
    let clock = Virtual::enter(context.start, &entropy);
    let pulse = (context.pulse.clone(), context.pulse.clone());
    panics::begin();
    let tolerates = run.tolerates_panics;
    let parks = move || {
        if !tolerates && panics::any() {
            pulse.0.end(TASK_PANIC);
        }
        let parks = pulse.0.parks.fetch_add(1, Ordering::Relaxed);
        pulse.0.calls.store(0, Ordering::Relaxed);
        pulse.0.parked.store(true, Ordering::Relaxed);
        if parks.is_multiple_of(64) {
            grow_heap();
        }
    };
    let unparks = move || {
        pulse.1.parked.store(false, Ordering::Relaxed);
        pulse.1.now.store(clock::now().0, Ordering::Relaxed);
    };
    let runtime = match clock::paused_runtime(parks, unparks) {
        Ok(runtime) => runtime,
        Err(error) => return End::Panic(format!("The simulation's tokio runtime could not be built: {error}.")),
    };
    let whole = || {
        runtime.block_on(async {
            let is_seeded = clock.tie(&context.seed.child("select").stream());
            run.select_is_seeded.store(is_seeded, Ordering::Relaxed);
            let end = drive(run, spec, body).await;
            context.log.close();
            end
        })
    };
    let end = catch_unwind(AssertUnwindSafe(whole));
    // The waker keeps the runtime alive, whose callbacks keep the pulse alive.
    context.pulse.root.lock().take();
    let end = end.unwrap_or_else(|payload| End::Panic(panic_text(&*payload)));
    context.pulse.now.store(clock::now().0, Ordering::Relaxed);
    *run.escapes.lock() = escapes::end();
    *run.effects.lock() = effects::take();
    // Tasks are dropped here, still on virtual time. A blocking task that never ends is
    // left behind.
    let dropped = catch_unwind(AssertUnwindSafe(|| runtime.shutdown_background()));
    let panics = panics::end();
    match (dropped, &end) {
        (_, End::Body(Ok(_)) | End::TaskPanic(_)) if !tolerates && !panics.is_empty() => End::TaskPanic(panics),
        (Err(payload), End::Body(_)) => End::Panic(panic_text(&*payload)),
        _ => end,
    }
}

/// Drops what a run leaves behind. Freeing a large trace takes a good part of the time that
/// it took to record, so a separate thread does it.
pub(super) fn discard<T: Send + 'static>(left: T, entries: usize) {
    const LARGE: usize = 1000;
    if entries >= LARGE {
        // If no thread can be started, the failed call drops the value here.
        let _ = std::thread::Builder::new().name("duroxide-sim discard".to_owned()).spawn(move || drop(left));
    }
}

/// Starts the nodes, then polls the body until it ends or the run must end.
async fn drive<B, F, R>(run: &Simulation, spec: RunSpec, body: B) -> End<R::Value>
where
    B: FnOnce(Handle) -> F,
    F: Future<Output = R>,
    R: Outcome,
{
    let context = &run.context;
    let cluster = cluster_of(run, spec);
    let _current = current::enter(&cluster);
    let whole = async {
        cluster.open().await;
        let spawns = cluster.codes.spawns();
        let body = spawns.notice(|| body(Handle::new(cluster.clone())));
        let value = spawns.notice_all(body).await.into_result()?;
        Ok(match ending::judge(&cluster, &run.properties, context.calm(), run.finish_within).await {
            Ending::Well => End::Body(Ok(value)),
            Ending::Property(broken) => End::Property(broken),
            Ending::Unfinished => End::Unfinished,
            Ending::Eventually(broken, held) => End::Eventually(broken, held),
            Ending::AtEnd(broken) => End::Last(broken),
            Ending::NeverAtRest(name, busy) => End::NeverAtRest(name, busy),
        })
    };
    let mut whole = pin!(whole);
    // In a task of its own, because the body is polled only when it was woken.
    tokio::spawn(stall::watch(cluster.clone(), context.limits));
    let mut limit = pin!(clock::sleep_until(cluster.end));
    let mut polled = Polled::new(Code::Body, context.start);
    let mut calling = None;
    let end = std::future::poll_fn(|cx| {
        *context.pulse.root.lock() = Some(cx.waker().clone());
        match context.pulse.stop.load(Ordering::Relaxed) {
            STEPS => return Poll::Ready(End::Steps),
            REAL_TIME => return Poll::Ready(End::RealTime),
            STALL => return Poll::Ready(End::Stalled(stall::since(&cluster), None)),
            VERDICT => {
                let cause =
                    context.pulse.verdict.lock().take().expect("the cause is stored before the run is told to end");
                return Poll::Ready(End::Caused(cause));
            }
            TASK_PANIC => return Poll::Ready(End::TaskPanic(Vec::new())),
            PROPERTY => {
                let broken = run.properties.broken().expect("the run is told to end because a property is broken");
                return Poll::Ready(End::Property(broken));
            }
            _ => {}
        }
        let (calling, waker) = calling.get_or_insert_with(|| {
            let calling = Calling::new(cx.waker());
            (calling.clone(), Waker::from(calling))
        });
        if !calling.take() {
            context.pulse.note_answer();
            return Poll::Pending;
        }
        // `tokio::time::advance` in the body moves only tokio's clock.
        clock::sync();
        let cx = &mut Context::from_waker(waker);
        let poll = || polled.poll(&context.pulse, || whole.as_mut().poll(cx));
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Ready(Ok(end))) => return Poll::Ready(end),
            Ok(Poll::Ready(Err(error))) => return Poll::Ready(failed(&cluster, Cause::Error(error))),
            Err(payload) => return Poll::Ready(failed(&cluster, Cause::Panic(panic_text(&*payload)))),
            Ok(Poll::Pending) => {}
        }
        limit.as_mut().poll(cx).map(|()| End::VirtualTime)
    })
    .await;
    *run.missed.lock() = cluster.missed();
    *run.awaited.lock() = cluster.what_the_body_waits_for();
    *run.unanswered.lock() = cluster.doubles.unanswered().each().into_iter().map(|call| call.what).collect();
    if matches!(end, End::Unfinished | End::Stalled(..) | End::Caused(_) | End::VirtualTime | End::NeverAtRest(..)) {
        run.properties.note_pending(&Handle::new(cluster.clone()));
    }
    cluster.close();
    end
}

/// Creates the nodes of the run.
fn cluster_of(run: &Simulation, spec: RunSpec) -> Arc<Cluster> {
    let properties = run.properties.clone();
    let look: Look = Box::new(move |cluster| properties.look(&Handle::new(cluster.clone())));
    let judge = |cluster, rules| Arc::new(Judge::new(cluster, rules)) as Arc<dyn FaultRule>;
    Cluster::new(&run.context, spec, judge, (!run.properties.are_none()).then_some(look))
}

/// Returns the end of a run whose body failed with `cause`.
fn failed<T>(cluster: &Cluster, cause: Cause) -> End<T> {
    match (stall::ended_in_a_stall(cluster), cause) {
        (Some(since), cause) => End::Stalled(since, Some(Box::new(cause))),
        (None, Cause::Error(text)) => End::Body(Err(text)),
        (None, Cause::Panic(text)) => End::Panic(text),
        (None, cause) => End::Caused(cause),
    }
}

/// Returns the result of a run as far as its end decides it.
fn cause_of<T>(run: &Simulation, end: Option<End<T>>) -> Result<T, Box<Cause>> {
    let context = &run.context;
    let cause = match end {
        Some(End::Body(Ok(value))) => return Ok(value),
        Some(End::Body(Err(text))) => Cause::Error(text),
        Some(End::Panic(text)) => Cause::Panic(text),
        Some(End::Property(Broken { name, what })) => Cause::Property { name, what },
        Some(End::Eventually(Broken { name, what }, held)) => Cause::Eventually { name, what, held },
        Some(End::Last(Broken { name, what })) => Cause::AtEnd { name, what },
        Some(End::TaskPanic(panics)) => Cause::TaskPanic(panics),
        Some(End::NeverAtRest(name, busy)) => Cause::NeverAtRest { name, busy },
        Some(End::Unfinished) => Cause::Unfinished(run.finish_within.unwrap_or_default()),
        Some(End::Stalled(since, then)) => Cause::Stalled { since: since - context.start, then },
        Some(End::Caused(cause)) => cause,
        Some(End::VirtualTime) => Cause::VirtualTimeLimit(context.limits.virtual_time),
        Some(End::Steps) => Cause::StepLimit(context.limits.steps),
        Some(End::RealTime) => Cause::RealTimeLimit,
        None => Cause::Hang(context.pulse.stuck()),
    };
    Err(Box::new(cause))
}

/// Returns the instances that have not ended, and the last events of those that the failure is about.
fn concerned(context: &RunContext, cause: &Cause, entries: &[Entry], now: Time) -> (Vec<Unfinished>, Vec<Tail>) {
    let unfinished =
        |memory: &Arc<Memory>| stall_report::unfinished(memory, &context.handlers, entries, context.start, now);
    let waits: Vec<Unfinished> = context.storages.all().iter().flat_map(unfinished).collect();
    let tails = match cause.text() {
        Some(text) => tails::about(&context.memory, text, context.start),
        None => tails::of(&context.memory, waits.iter().map(|wait| wait.instance.as_str()), context.start),
    };
    (waits, tails)
}

/// Turns the end of a run into its result.
fn conclude<T>(run: &Simulation, end: Option<End<T>>, check_laws: bool) -> Result<Run<T>, Box<Failure>> {
    let context = &run.context;
    let now = context.pulse.end_time();
    let given_up = end.is_none();
    let cause = cause_of(run, end);
    // An abandoned thread may hold the provider's lock forever, so the provider is read
    // only if the run has ended.
    let (entries, marks) = context.log.take();
    let remains = (!given_up).then(|| storages::remains(&context.memory));
    let (waits, tails) = match cause.as_ref().err().filter(|_| !given_up) {
        Some(cause) => concerned(context, cause, &entries, now),
        None => (Vec::new(), Vec::new()),
    };
    let trace = Trace { started: context.start, entries, marks, remains };
    let (plan, unreached, misused) = {
        let mut record = context.record.lock();
        let (plan, unreached) = record.result();
        (plan, unreached, record.misused.take())
    };
    let cause = misused.map_or(cause, |why| Err(Box::new(Cause::Setup(why))));
    let (sometimes, pending) = (run.properties.sometimes(), run.properties.take_pending());
    let missed = std::mem::take(&mut *run.missed.lock());
    let observed = Observed {
        log: context.lines.take(),
        activities: context.doubles.log.last(Observed::MOST),
        effects: std::mem::take(&mut *run.effects.lock()),
    };
    let escapes = if given_up { Escapes::new() } else { run.escapes.lock().clone() };
    let breaches = if check_laws && !given_up { context.storages.check(&trace) } else { Vec::new() };
    let real_io = run.policy.refuses(&escapes);
    let cause = match cause {
        Ok(value) if breaches.is_empty() && missed.is_empty() && !real_io => {
            let (seed, elapsed, memory) = (context.seed, now - context.start, context.memory.clone());
            let select_is_seeded = run.select_is_seeded.load(Ordering::Relaxed);
            #[rustfmt::skip]
            let result = Run { value, seed, elapsed, trace, memory, plan, unreached, sometimes, escapes, select_is_seeded, observed };
            return Ok(result);
        }
        Ok(_) if !breaches.is_empty() => Cause::Laws,
        Ok(_) if real_io => Cause::RealIo,
        Ok(_) => Cause::Unreached(missed),
        Err(cause) => *cause,
    };
    Err(Box::new(Failure {
        cause,
        seed: context.seed,
        start: context.start,
        at: now,
        waits,
        awaited: std::mem::take(&mut *run.awaited.lock()),
        unanswered: std::mem::take(&mut *run.unanswered.lock()),
        tails,
        pending,
        breaches,
        trace,
        plan,
        unreached,
        sometimes,
        escapes,
        observed,
        stack: std::mem::take(&mut *context.pulse.stack.lock()),
        printed: Vec::new(),
    }))
}
