//! Running a simulation: its thread, its runtime, and the watchdog over both.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::director::Record;
use super::effects::Effects;
use super::ending::{self, Ending, Held};
use super::failure::{Cause, Failure};
use super::handle::Handle;
use super::missed::Missed;
use super::panics::{self, TaskPanic};
use super::property::{Broken, Properties};
use super::rest::Busy;
use super::setup::{self, Cast};
use super::stage::Stage;
use super::{Limits, Outcome, Run, Sim, quiet, waits};
use crate::clock::{self, Strays, Time, Virtual, strays};
use crate::laws;
use crate::provider::Memory;
use crate::seed::Seed;
use crate::trace::{Log, Remains, Trace};

/// How a run lives, seen from other threads.
pub(super) struct Pulse {
    steps: AtomicU64,
    parks: AtomicU64,
    now: AtomicU64,
    /// Since when the run has been at rest; 0 where it has not come to that.
    rest: AtomicU64,
    step_limit: u64,
    /// Why the run is to end: 0 for no reason yet.
    stop: AtomicU8,
    root: Mutex<Option<Waker>>,
}

const STEPS: u8 = 1;
const REAL_TIME: u8 = 2;
const PROPERTY: u8 = 3;
const STALL: u8 = 4;
const TASK_PANIC: u8 = 9;

impl Pulse {
    fn new(start: Time, limits: &Limits) -> Pulse {
        Pulse {
            steps: AtomicU64::new(0),
            parks: AtomicU64::new(0),
            now: AtomicU64::new(start.0),
            rest: AtomicU64::new(0),
            step_limit: limits.steps,
            stop: AtomicU8::new(0),
            root: Mutex::new(None),
        }
    }

    /// Counts a provider call, and says whether it may still be made.
    pub fn step(&self) -> bool {
        if self.steps.fetch_add(1, Ordering::Relaxed) == self.step_limit {
            self.end(STEPS);
        }
        self.stop.load(Ordering::Relaxed) == 0
    }

    /// How many provider calls there have been.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// The run has been at rest since then: that is when it ends, however long it
    /// was looked at.
    pub fn rests(&self, since: Time) {
        self.rest.store(since.0, Ordering::Relaxed);
    }

    /// When the run ended.
    fn end_time(&self) -> Time {
        let rest = self.rest.load(Ordering::Relaxed);
        Time(if rest > 0 { rest } else { self.now.load(Ordering::Relaxed) })
    }

    /// Ends the run because a property does not hold.
    pub fn end_for_property(&self) {
        self.end(PROPERTY);
    }

    /// Ends the run because it can go no further.
    pub fn end_for_stall(&self) {
        self.end(STALL);
    }

    fn end(&self, why: u8) {
        let _ = self.stop.compare_exchange(0, why, Ordering::Relaxed, Ordering::Relaxed);
        if let Some(root) = self.root.lock().as_ref() {
            root.wake_by_ref();
        }
    }

    fn progress(&self) -> (u64, u64) {
        (self.steps.load(Ordering::Relaxed), self.parks.load(Ordering::Relaxed))
    }
}

/// How a body ended.
enum End<T> {
    Body(Result<T, String>),
    Panic(String),
    VirtualTime,
    Stalled(Time),
    Property(Broken),
    Unfinished,
    Eventually(Broken, Option<Held>),
    AtEnd(Broken),
    NeverAtRest(String, Vec<Busy>),
    /// Tasks panicked, and nobody else tells.
    TaskPanic(Vec<TaskPanic>),
    Steps,
    RealTime,
}

/// Everything a run needs that is not the body, and that other threads see.
pub(super) struct Scene {
    pub seed: Seed,
    pub start: Time,
    pub limits: Limits,
    pub memory: Arc<Memory>,
    pub log: Log,
    pub pulse: Arc<Pulse>,
    pub record: Arc<Mutex<Record>>,
    pub properties: Arc<Properties>,
    pub effects: Effects,
    strays: Mutex<Strays>,
    select_is_seeded: AtomicBool,
    missed: Mutex<Vec<Missed>>,
    locate: bool,
    pub handlers: waits::Handlers,
    finish_within: Option<Duration>,
    tolerates_panics: bool,
    logs: bool,
}

impl Scene {
    /// When the calm begins; at the start where there is no storm.
    fn calm(&self) -> Time {
        self.start + self.record.lock().plan.calm.unwrap_or_default()
    }
}

pub(super) fn run<B, F, R>(sim: Sim, body: B) -> Result<Run<R::Value>, Box<Failure>>
where
    B: FnOnce(Handle) -> F + Send + 'static,
    F: Future<Output = R> + 'static,
    R: Outcome,
{
    let seed = setup::check(&sim).map_err(|why| Failure::setup(sim.seed, sim.start, why))?;
    let scene = Arc::new(Scene {
        seed,
        start: sim.start,
        limits: sim.limits,
        memory: Arc::new(Memory::with_settings(sim.settings)),
        log: if sim.traces { Log::new() } else { Log::forgetful() },
        pulse: Arc::new(Pulse::new(sim.start, &sim.limits)),
        record: Arc::new(Mutex::new(Record::of(sim.plan, !sim.replays && !sim.allows_unreached, sim.journal))),
        properties: Arc::new(Properties::new(sim.properties)),
        effects: sim.effects,
        strays: Mutex::default(),
        select_is_seeded: AtomicBool::new(false),
        missed: Mutex::default(),
        locate: sim.locate,
        handlers: waits::Handlers::of(&sim.nodes),
        finish_within: sim.finish_within,
        tolerates_panics: sim.tolerates_panics,
        logs: sim.logs,
    });
    let (send, receive) = channel();
    let inside = scene.clone();
    // The test's name: libtest captures the output of threads, and panics are
    // reported under it.
    let name = std::thread::current().name().unwrap_or("simulation").to_owned();
    let storm = sim.storm.filter(|_| !sim.replays);
    let latencies = sim.latencies && !sim.replays;
    let cast = Cast { nodes: sim.nodes, rules: sim.rules, storm, latencies };
    let thread = std::thread::Builder::new().name(name).stack_size(16 << 20).spawn(move || {
        let end = simulate(&inside, cast, body);
        // Nobody listens any more when the watchdog has given the run up.
        let _ = send.send(end);
    });
    let thread = thread
        .map_err(|error| Failure::setup(seed, sim.start, format!("No thread could be started for it: {error}.")))?;
    let end = watch(&scene, &receive);
    if end.is_some() {
        // The result is here; the thread has only its end left to reach, and
        // a panic on the way there is of no interest any more.
        let _ = thread.join();
    }
    conclude(&scene, end, sim.laws)
}

/// Waits for the run's end on real time. `None` when it has to be given up.
fn watch<T>(scene: &Scene, receive: &Receiver<End<T>>) -> Option<End<T>> {
    let began = Instant::now();
    let mut seen = (scene.pulse.progress(), began);
    // A run that has been told to end gets this long to do so.
    const GRACE: Duration = Duration::from_secs(2);
    let mut told: Option<Instant> = None;
    loop {
        match receive.recv_timeout(Duration::from_millis(20)) {
            Ok(end) => return Some(end),
            Err(RecvTimeoutError::Disconnected) => {
                return Some(End::Panic("The simulation's thread ended without a result.".to_owned()));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        let progress = scene.pulse.progress();
        if progress != seen.0 {
            seen = (progress, Instant::now());
        }
        if told.is_some_and(|told| told.elapsed() > GRACE) {
            return None;
        }
        if told.is_none() && (began.elapsed() > scene.limits.real_time || seen.1.elapsed() > scene.limits.stuck) {
            scene.pulse.end(REAL_TIME);
            told = Some(Instant::now());
        }
    }
}

/// On the simulation's own thread: everything from here on is virtual.
fn simulate<B, F, R>(scene: &Scene, cast: Cast, body: B) -> End<R::Value>
where
    B: FnOnce(Handle) -> F,
    F: Future<Output = R>,
    R: Outcome,
{
    keep_pages();
    let quiet = tracing::subscriber::NoSubscriber::default();
    let _quiet = (!scene.logs).then(|| tracing::subscriber::set_default(quiet));
    let entropy = scene.seed.child("entropy").stream();
    strays::begin(scene.locate);
    let clock = Virtual::enter(scene.start, &entropy);
    let pulse = (scene.pulse.clone(), scene.pulse.clone());
    panics::begin();
    let tolerates = scene.tolerates_panics;
    let parks = move || {
        if !tolerates && panics::any() {
            pulse.0.end(TASK_PANIC);
        }
        let parks = pulse.0.parks.fetch_add(1, Ordering::Relaxed);
        if parks.is_multiple_of(64) {
            grow_heap();
        }
    };
    let unparks = move || pulse.1.now.store(clock::now().0, Ordering::Relaxed);
    let runtime = match clock::paused_runtime(parks, unparks) {
        Ok(runtime) => runtime,
        Err(error) => return End::Panic(format!("The simulation's tokio runtime cannot be built: {error}.")),
    };
    let run = || {
        runtime.block_on(async {
            let is_seeded = clock.tie(&scene.seed.child("select").stream());
            scene.select_is_seeded.store(is_seeded, Ordering::Relaxed);
            let end = drive(scene, cast, body).await;
            scene.log.close();
            end
        })
    };
    let end = catch_unwind(AssertUnwindSafe(run));
    // The waker keeps the runtime, whose callbacks keep the pulse.
    scene.pulse.root.lock().take();
    let end = end.unwrap_or_else(|payload| End::Panic(panic_text(&*payload)));
    scene.pulse.now.store(clock::now().0, Ordering::Relaxed);
    *scene.strays.lock() = strays::end();
    // Tasks are dropped here, still on virtual time; a blocking task that
    // never ends is left behind and not waited for.
    let dropped = catch_unwind(AssertUnwindSafe(|| runtime.shutdown_background()));
    let panics = panics::end();
    match (dropped, &end) {
        (_, End::Body(Ok(_)) | End::TaskPanic(_)) if !tolerates && !panics.is_empty() => End::TaskPanic(panics),
        (Err(payload), End::Body(_)) => End::Panic(panic_text(&*payload)),
        _ => end,
    }
}

/// Takes a block of memory and gives it back at once, untouched.
fn touch_heap(block: usize) {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(block)));
}

/// Keeps glibc from giving the heap's pages back to the system after each turn
/// and taking them anew for the next: freeing a block that was mapped by itself
/// raises its threshold for that to twice the block (`mallopt(3)`, "dynamic mmap
/// threshold"), for the whole process. Measured: three tenths of a run of a
/// thousand activities in sequence.
fn keep_pages() {
    // The threshold adjusts to blocks of at most 32 MiB.
    touch_heap(31 << 20);
}

/// Makes room at the end of this thread's heap. Glibc grows the heap of a thread
/// that is not the main one page by page, with a system call for each page; a
/// block that is taken and given back makes it grow by many. Measured: a tenth
/// of a run with a thousand instances.
fn grow_heap() {
    touch_heap(1 << 20);
}

/// Drops what a run leaves behind. Giving back what a large trace holds takes
/// a good part of the time that it took to make, so that is done on the side.
pub(super) fn discard<T: Send + 'static>(left: T, entries: usize) {
    const LARGE: usize = 1000;
    if entries >= LARGE {
        // Where there is no thread to be had, the failed call drops it here.
        let _ = std::thread::Builder::new().name("duroxide-sim discard".to_owned()).spawn(move || drop(left));
    }
}

/// Starts the nodes, then polls the body until it ends or the run must.
async fn drive<B, F, R>(scene: &Scene, cast: Cast, body: B) -> End<R::Value>
where
    B: FnOnce(Handle) -> F,
    F: Future<Output = R>,
    R: Outcome,
{
    let stage = Stage::new(scene, cast);
    let whole = async {
        stage.open().await;
        let spawns = stage.codes.spawns();
        let body = spawns.notice(|| body(Handle::new(stage.clone())));
        let value = spawns.notice_all(body).await.into_result()?;
        Ok(match ending::judge(&stage, scene.calm(), scene.finish_within).await {
            Ending::Well => End::Body(Ok(value)),
            Ending::Property(broken) => End::Property(broken),
            Ending::Unfinished => End::Unfinished,
            Ending::Eventually(broken, held) => End::Eventually(broken, held),
            Ending::AtEnd(broken) => End::AtEnd(broken),
            Ending::NeverAtRest(name, busy) => End::NeverAtRest(name, busy),
        })
    };
    let mut whole = pin!(whole);
    // In a task of its own: the body is polled only when it is to go on.
    tokio::spawn(quiet::watch(stage.clone(), scene.limits));
    let mut limit = pin!(clock::sleep_until(stage.end));
    let end = std::future::poll_fn(|cx| {
        // tokio::time::advance in the body moves tokio's clock alone.
        clock::sync();
        *scene.pulse.root.lock() = Some(cx.waker().clone());
        match scene.pulse.stop.load(Ordering::Relaxed) {
            STEPS => return Poll::Ready(End::Steps),
            REAL_TIME => return Poll::Ready(End::RealTime),
            STALL => return Poll::Ready(End::Stalled(quiet::since(&stage))),
            TASK_PANIC => return Poll::Ready(End::TaskPanic(Vec::new())),
            PROPERTY => {
                let broken = stage.properties.broken().expect("the run ends for a property that is broken");
                return Poll::Ready(End::Property(broken));
            }
            _ => {}
        }
        if let Poll::Ready(end) = whole.as_mut().poll(cx) {
            return Poll::Ready(end.unwrap_or_else(|error| End::Body(Err(error))));
        }
        limit.as_mut().poll(cx).map(|()| End::VirtualTime)
    })
    .await;
    *scene.missed.lock() = stage.missed();
    if matches!(end, End::Unfinished | End::Stalled(_) | End::VirtualTime | End::NeverAtRest(..)) {
        stage.properties.note_pending(&Handle::new(stage.clone()));
    }
    end
}

pub(super) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a text".to_owned())
}

/// Turns the end of a run into its result.
fn conclude<T>(scene: &Scene, end: Option<End<T>>, check_laws: bool) -> Result<Run<T>, Box<Failure>> {
    let now = scene.pulse.end_time();
    let given_up = end.is_none();
    let cause = match end {
        Some(End::Body(value)) => value.map_err(Cause::Error),
        Some(End::Panic(text)) => Err(Cause::Panic(text)),
        Some(End::Property(Broken { name, what })) => Err(Cause::Property { name, what }),
        Some(End::Eventually(Broken { name, what }, held)) => Err(Cause::Eventually { name, what, held }),
        Some(End::AtEnd(Broken { name, what })) => Err(Cause::AtEnd { name, what }),
        Some(End::TaskPanic(panics)) => Err(Cause::TaskPanic(panics)),
        Some(End::NeverAtRest(name, busy)) => Err(Cause::NeverAtRest { name, busy }),
        Some(End::Unfinished) => Err(Cause::Unfinished(scene.finish_within.unwrap_or_default())),
        Some(End::Stalled(since)) => Err(Cause::Stalled(since - scene.start)),
        Some(End::VirtualTime) => Err(Cause::VirtualTimeLimit(scene.limits.virtual_time)),
        Some(End::Steps) => Err(Cause::StepLimit(scene.limits.steps)),
        Some(End::RealTime) => Err(Cause::RealTimeLimit),
        None => Err(Cause::Hang),
    };
    // A thread that was given up may hold the provider's lock for ever.
    let (remains, waits) = if given_up {
        (None, Vec::new())
    } else {
        let (messages, jobs) = scene.memory.inspect(|store| store.queued());
        let waits = if cause.is_err() {
            waits::unfinished(&scene.memory, &scene.handlers, scene.start, now)
        } else {
            Vec::new()
        };
        (Some(Remains { messages, jobs }), waits)
    };
    let (entries, marks) = scene.log.take();
    let trace = Trace { started: scene.start, entries, marks, remains };
    let (plan, unreached, misused) = {
        let mut record = scene.record.lock();
        let (plan, unreached) = record.result();
        (plan, unreached, record.misused.take())
    };
    let cause = misused.map_or(cause, |why| Err(Cause::Setup(why)));
    let (sometimes, pending) = (scene.properties.sometimes(), scene.properties.take_pending());
    let missed = std::mem::take(&mut *scene.missed.lock());
    let strays = if given_up { Strays::new() } else { scene.strays.lock().clone() };
    let breaches = if check_laws && !given_up { laws::check(&trace) } else { Vec::new() };
    let cause = match cause {
        Ok(value) if breaches.is_empty() && missed.is_empty() => {
            let (seed, elapsed, memory) = (scene.seed, now - scene.start, scene.memory.clone());
            let select_is_seeded = scene.select_is_seeded.load(Ordering::Relaxed);
            #[rustfmt::skip]
            let run = Run { value, seed, elapsed, trace, memory, plan, unreached, sometimes, strays, select_is_seeded };
            return Ok(run);
        }
        Ok(_) if !breaches.is_empty() => Cause::Laws,
        Ok(_) => Cause::Unreached(missed),
        Err(cause) => cause,
    };
    Err(Box::new(Failure {
        cause,
        seed: scene.seed,
        start: scene.start,
        at: now,
        waits,
        pending,
        breaches,
        trace,
        plan,
        unreached,
        sometimes,
        strays,
        printed: Vec::new(),
    }))
}
