//! [`Escape`]: what a simulating thread does that reaches past the simulation.
//!
//! The overrides of the C library's functions notice it here. They may do so
//! where a lock is held or an allocator is at work, so it is only counted,
//! unless somebody asked where it comes from.

use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Something that reaches past a simulation: no seed decides how it goes, and
/// virtual time knows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Escape {
    /// A thread was started, such as by `std::thread::spawn` or `spawn_blocking`.
    Thread,
    /// The thread slept on real time, such as in `std::thread::sleep`.
    Sleep,
    /// The thread was blocked for a millisecond of real time or longer: a lock,
    /// a condition, a channel of std's, the end of another thread.
    Wait,
    /// The network was used: a connection, a socket bound to an address, a message
    /// sent, a name looked up.
    Network,
    /// A file was opened for writing, or files were made, renamed or removed.
    File,
    /// A process was started.
    Process,
}

impl Escape {
    /// All there are.
    const ALL: &[Escape] =
        &[Escape::Thread, Escape::Sleep, Escape::Wait, Escape::Network, Escape::File, Escape::Process];

    /// Whether it reaches the world outside of the process, where nothing can be
    /// repeated: input and output, which no simulation has.
    pub fn is_io(self) -> bool {
        match self {
            Escape::Network | Escape::File | Escape::Process => true,
            Escape::Thread | Escape::Sleep | Escape::Wait => false,
        }
    }
}

/// How often it happened, and where it was first seen to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// How often.
    pub times: u64,
    /// Where in the test's code, if that was looked up.
    pub place: Option<String>,
}

/// What has strayed from one run.
pub type Escapes = BTreeMap<Escape, Seen>;

impl fmt::Display for Escape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Escape::Thread => "a thread was started",
            Escape::Sleep => "the thread slept on real time",
            Escape::Wait => "the thread was blocked on real time",
            Escape::Network => "the real network was used",
            Escape::File => "a real file was written, made or removed",
            Escape::Process => "a process was started",
        })
    }
}

thread_local! {
    static COUNTS: [Cell<u64>; 6] = const { [const { Cell::new(0) }; 6] };
    static PLACES: RefCell<BTreeMap<Escape, String>> = const { RefCell::new(BTreeMap::new()) };
    /// Of what places are looked up, but for this very moment.
    static LOCATES: Cell<Locate> = const { Cell::new(Locate::Nothing) };
    /// The input and output of the threads that a run has started; on its own thread
    /// and on these.
    static STARTED: RefCell<Option<Arc<Started>>> = const { RefCell::new(None) };
}

/// The input and output of the threads that a run has started, and those that they
/// have: tokio does that of `tokio::fs` and of looked-up names on threads of its own.
#[derive(Debug)]
pub(crate) struct Started {
    counts: [AtomicU64; 6],
    places: Mutex<BTreeMap<Escape, String>>,
    locate: Locate,
}

impl Started {
    fn notice(&self, stray: Escape) {
        self.counts[stray as usize].fetch_add(1, Ordering::Relaxed);
        if self.locate.covers(stray)
            && !self.places.lock().contains_key(&stray)
            && let Some(place) = place(&Backtrace::force_capture().to_string())
        {
            self.places.lock().entry(stray).or_insert(place);
        }
    }

    /// Notes from now on what this thread does, which the run has started.
    // Where the overrides are absent no thread is noticed.
    #[allow(dead_code)]
    pub fn adopt(self: Arc<Started>) {
        let _ = STARTED.try_with(|started| started.replace(Some(self)));
    }
}

/// What a thread that this one starts is to [`Started::adopt`], if this one simulates
/// or was started by one that does.
#[allow(dead_code)]
pub(super) fn started() -> Option<Arc<Started>> {
    STARTED.try_with(|started| started.borrow().clone()).ok().flatten()
}

/// Of what it is looked up where it happens, which takes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locate {
    Nothing,
    /// What fails a run by itself ([`Escape::is_io`]).
    Io,
    Everything,
}

impl Locate {
    fn covers(self, stray: Escape) -> bool {
        match self {
            Locate::Nothing => false,
            Locate::Io => stray.is_io(),
            Locate::Everything => true,
        }
    }
}

/// Begins to count on this thread.
pub(crate) fn begin(locate: Locate) {
    COUNTS.with(|counts| counts.iter().for_each(|count| count.set(0)));
    PLACES.take();
    LOCATES.set(locate);
    let started = Started { counts: Default::default(), places: Mutex::default(), locate };
    STARTED.set(Some(Arc::new(started)));
}

/// What has strayed on this thread since [`begin`], and what input and output there was
/// on threads that it has started.
pub(crate) fn end() -> Escapes {
    LOCATES.set(Locate::Nothing);
    let mut places = PLACES.take();
    let started = STARTED.take();
    if let Some(started) = &started {
        for (stray, place) in &*started.places.lock() {
            places.entry(*stray).or_insert_with(|| place.clone());
        }
    }
    let on_threads =
        |stray: Escape| started.as_ref().map_or(0, |all| all.counts[stray as usize].load(Ordering::Relaxed));
    let seen = |stray: Escape| {
        let times = COUNTS.with(|counts| counts[stray as usize].get()) + on_threads(stray);
        (times > 0).then(|| (stray, Seen { times, place: places.remove(&stray) }))
    };
    Escape::ALL.iter().copied().filter_map(seen).collect()
}

/// How many of this crate's own threads look at a run at this moment.
static LOOKS: AtomicU64 = AtomicU64::new(0);

/// One of this crate's own threads looks at a run, with locks held that the run's
/// thread may wait for, until what is returned is dropped. On a busy machine that can
/// take milliseconds, and is no stray.
pub(crate) fn look() -> impl Drop {
    struct Look;
    impl Drop for Look {
        fn drop(&mut self) {
            LOOKS.fetch_sub(1, Ordering::Relaxed);
        }
    }
    LOOKS.fetch_add(1, Ordering::Relaxed);
    Look
}

/// Whether a wait that begins now may be for this crate's own threads.
#[allow(dead_code)]
pub(super) fn is_looked_at() -> bool {
    LOOKS.load(Ordering::Relaxed) > 0
}

/// A wait of this thread has come to an end.
// Where the overrides are absent nothing is noticed.
#[allow(dead_code)]
pub(super) fn notice_wait(took_ns: u64) {
    // Shorter ones are only a lock that somebody else had.
    const SHORT_NS: u64 = 1_000_000;
    if took_ns >= SHORT_NS {
        notice(Escape::Wait);
    }
}

/// It happens on this thread; of no interest where that neither simulates nor was
/// started by one that does.
#[allow(dead_code)]
pub(super) fn notice(stray: Escape) {
    if !super::is_virtual() {
        if stray.is_io()
            && let Some(started) = started()
        {
            started.notice(stray);
        }
        return;
    }
    COUNTS.with(|counts| counts[stray as usize].set(counts[stray as usize].get() + 1));
    let locates = LOCATES.get();
    if !locates.covers(stray) {
        return;
    }
    // Looking it up takes locks itself.
    LOCATES.set(Locate::Nothing);
    PLACES.with_borrow_mut(|places| {
        if !places.contains_key(&stray)
            && let Some(place) = place(&Backtrace::force_capture().to_string())
        {
            places.insert(stray, place);
        }
    });
    LOCATES.set(locates);
}

/// What to do where there is no input and output.
pub(crate) const INSTEAD_OF_IO: &str = "A simulation has no input and output: no network, no files, no processes, and \
    tokio's runtime has no driver for them. Put what needs them behind a trait, and give the simulation a double that \
    answers in memory, with tokio's sleep for the time it takes.";

/// A line for each of these, with where it was first seen to happen.
pub(crate) fn lines(escapes: &Escapes) -> Vec<String> {
    let line = |(stray, seen): (&Escape, &Seen)| {
        let times = if seen.times == 1 { "once".to_owned() } else { format!("{} times", seen.times) };
        let place = seen.place.as_ref().map(|place| format!(": in {place}")).unwrap_or_default();
        format!("{stray}, {times} in one run{place}")
    };
    escapes.iter().map(line).collect()
}

/// The first frame of a backtrace that is neither ours nor a library's.
fn place(backtrace: &str) -> Option<String> {
    frames(backtrace).next()
}

/// The frames of a backtrace that are neither ours nor a library's: each a function with
/// its place.
pub(super) fn frames(backtrace: &str) -> impl Iterator<Item = String> {
    let lines: Vec<&str> = backtrace.lines().map(str::trim).collect();
    let frame = |pair: &[&str]| {
        let (_, function) = pair[0].split_once(": ")?;
        let at = pair[1].strip_prefix("at ")?;
        let library = at.starts_with("/rustc/") || at.contains("/.cargo/registry/") || at.contains("/library/std/");
        // Where debug information is short, functions are named without their crate.
        let ours = function.contains("duroxide_sim::") || at.starts_with(concat!(env!("CARGO_MANIFEST_DIR"), "/src/"));
        // The overrides bear C's names.
        (function.contains("::") && !library && !ours).then(|| format!("{function}, {at}"))
    };
    lines.windows(2).filter_map(frame).collect::<Vec<_>>().into_iter()
}
