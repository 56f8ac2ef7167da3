//! [`Escape`]: actions of a simulating thread that reach past the simulation.
//!
//! The overrides of the C library's functions record escapes here. They may do so while a lock is
//! held or inside an allocator, so an escape is only counted, unless its location was requested.

use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// An action of the code under test that reaches past the simulation. The seed does not determine
/// its outcome, and virtual time does not cover it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Escape {
    /// A thread was started, for example by `std::thread::spawn` or `spawn_blocking`.
    Thread,
    /// The thread slept on real time, for example in `std::thread::sleep`.
    Sleep,
    /// The thread was blocked for at least a millisecond of real time: by a lock, a condition
    /// variable, a channel of std, or joining another thread.
    Wait,
    /// The network was used: a connection, a socket bound to an address, a message sent, or a name
    /// resolved.
    Network,
    /// A file was opened for writing, or files were created, renamed or removed.
    File,
    /// A process was started.
    Process,
}

impl Escape {
    /// All variants.
    const ALL: &[Escape] =
        &[Escape::Thread, Escape::Sleep, Escape::Wait, Escape::Network, Escape::File, Escape::Process];

    /// Whether the escape is input or output with the world outside of the process, which cannot be
    /// repeated.
    pub fn is_io(self) -> bool {
        match self {
            Escape::Network | Escape::File | Escape::Process => true,
            Escape::Thread | Escape::Sleep | Escape::Wait => false,
        }
    }
}

/// How often an escape occurred, and where first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The number of occurrences.
    pub times: u64,
    /// The first location in the test's code, if it was requested.
    pub place: Option<String>,
}

/// The escapes of a run.
pub type Escapes = BTreeMap<Escape, Seen>;

impl fmt::Display for Escape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Escape::Thread => "a thread was started",
            Escape::Sleep => "the thread slept on real time",
            Escape::Wait => "the thread was blocked on real time",
            Escape::Network => "the real network was used",
            Escape::File => "a real file was written, created or removed",
            Escape::Process => "a process was started",
        })
    }
}

thread_local! {
    static COUNTS: [Cell<u64>; 6] = const { [const { Cell::new(0) }; 6] };
    static PLACES: RefCell<BTreeMap<Escape, String>> = const { RefCell::new(BTreeMap::new()) };
    /// The escapes whose locations are recorded; suspended while one is being recorded.
    static LOCATES: Cell<Locate> = const { Cell::new(Locate::Nothing) };
    /// The record of input and output on threads that the run has started; set on the run's own
    /// thread and on these threads.
    static STARTED: RefCell<Option<Arc<Started>>> = const { RefCell::new(None) };
}

/// Input and output on the threads that a run has started, directly or indirectly: tokio does that
/// of `tokio::fs` and of name resolution on its own threads.
#[derive(Debug)]
pub(crate) struct Started {
    counts: [AtomicU64; 6],
    places: Mutex<BTreeMap<Escape, String>>,
    locate: Locate,
}

impl Started {
    fn notice(&self, escape: Escape) {
        self.counts[escape as usize].fetch_add(1, Ordering::Relaxed);
        if self.locate.covers(escape)
            && !self.places.lock().contains_key(&escape)
            && let Some(place) = place(&Backtrace::force_capture().to_string())
        {
            self.places.lock().entry(escape).or_insert(place);
        }
    }

    /// Records from now on what this thread does, on behalf of the run that started it.
    // Unused where `absent.rs` replaces the overrides.
    #[allow(dead_code)]
    pub fn adopt(self: Arc<Started>) {
        let _ = STARTED.try_with(|started| started.replace(Some(self)));
    }
}

/// The record that a thread started by this one must pass to [`Started::adopt`], if this thread
/// simulates or was started by one that does.
#[allow(dead_code)]
pub(super) fn started() -> Option<Arc<Started>> {
    STARTED.try_with(|started| started.borrow().clone()).ok().flatten()
}

/// The escapes whose locations are recorded, which is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locate {
    Nothing,
    /// Input and output ([`Escape::is_io`]), which fails a run by itself.
    Io,
    Everything,
}

impl Locate {
    fn covers(self, escape: Escape) -> bool {
        match self {
            Locate::Nothing => false,
            Locate::Io => escape.is_io(),
            Locate::Everything => true,
        }
    }
}

/// Starts counting on this thread.
pub(crate) fn begin(locate: Locate) {
    COUNTS.with(|counts| counts.iter().for_each(|count| count.set(0)));
    PLACES.take();
    LOCATES.set(locate);
    let started = Started { counts: Default::default(), places: Mutex::default(), locate };
    STARTED.set(Some(Arc::new(started)));
}

/// Returns the escapes on this thread since [`begin`], and the input and output on threads that it
/// has started.
pub(crate) fn end() -> Escapes {
    LOCATES.set(Locate::Nothing);
    let mut places = PLACES.take();
    let started = STARTED.take();
    if let Some(started) = &started {
        for (escape, place) in &*started.places.lock() {
            places.entry(*escape).or_insert_with(|| place.clone());
        }
    }
    let on_threads =
        |escape: Escape| started.as_ref().map_or(0, |all| all.counts[escape as usize].load(Ordering::Relaxed));
    let seen = |escape: Escape| {
        let times = COUNTS.with(|counts| counts[escape as usize].get()) + on_threads(escape);
        (times > 0).then(|| (escape, Seen { times, place: places.remove(&escape) }))
    };
    Escape::ALL.iter().copied().filter_map(seen).collect()
}

/// The number of this crate's own threads that are inspecting a run.
static LOOKS: AtomicU64 = AtomicU64::new(0);

/// Marks that one of this crate's own threads is inspecting a run, until the returned guard is
/// dropped. The run's thread may have to wait for locks that the inspection holds. On a busy
/// machine that can take milliseconds, and is not an escape.
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

thread_local! {
    static UNNOTICED: Cell<bool> = const { Cell::new(false) };
}

/// Runs something on this thread that is not the code under test. Nothing of it is an escape.
pub(crate) fn unnoticed<T>(f: impl FnOnce() -> T) -> T {
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            UNNOTICED.set(self.0);
        }
    }
    let _back = Back(UNNOTICED.replace(true));
    f()
}

/// Records that this thread has waited.
// Unused where `absent.rs` replaces the overrides.
#[allow(dead_code)]
pub(super) fn notice_wait(took_ns: u64) {
    // A shorter wait is only brief contention for a lock.
    const SHORT_NS: u64 = 1_000_000;
    if took_ns >= SHORT_NS {
        notice(Escape::Wait);
    }
}

/// Records an escape on this thread, if it simulates or was started by a thread that does.
#[allow(dead_code)]
pub(super) fn notice(escape: Escape) {
    if UNNOTICED.try_with(Cell::get).unwrap_or(false) {
        return;
    }
    if !super::is_virtual() {
        if escape.is_io()
            && let Some(started) = started()
        {
            started.notice(escape);
        }
        return;
    }
    COUNTS.with(|counts| counts[escape as usize].set(counts[escape as usize].get() + 1));
    let locates = LOCATES.get();
    if !locates.covers(escape) {
        return;
    }
    // Looking up the location may itself cause escapes, such as waits for locks.
    LOCATES.set(Locate::Nothing);
    PLACES.with_borrow_mut(|places| {
        if !places.contains_key(&escape)
            && let Some(place) = place(&Backtrace::force_capture().to_string())
        {
            places.insert(escape, place);
        }
    });
    LOCATES.set(locates);
}

/// Advice for code that needs input and output.
pub(crate) const INSTEAD_OF_IO: &str = "A simulation has no input and output: no network, no files, no processes, and \
    tokio's runtime has no driver for them. Put code that needs them behind a trait, and give the simulation a test \
    double that answers from memory and uses tokio's sleep for the time it takes.";

/// One line per escape, with the location of its first occurrence if known.
pub(crate) fn lines(escapes: &Escapes) -> Vec<String> {
    let line = |(escape, seen): (&Escape, &Seen)| {
        let times = if seen.times == 1 { "once".to_owned() } else { format!("{} times", seen.times) };
        let place = seen.place.as_ref().map(|place| format!(": in {place}")).unwrap_or_default();
        format!("{escape}, {times} in one run{place}")
    };
    escapes.iter().map(line).collect()
}

/// The first frame of a backtrace that belongs neither to this crate nor to a library.
fn place(backtrace: &str) -> Option<String> {
    frames(backtrace).next()
}

/// The frames of a backtrace that belong neither to this crate nor to a library, each as a function
/// with its location.
pub(super) fn frames(backtrace: &str) -> impl Iterator<Item = String> {
    let lines: Vec<&str> = backtrace.lines().map(str::trim).collect();
    let frame = |pair: &[&str]| {
        let (_, function) = pair[0].split_once(": ")?;
        let at = pair[1].strip_prefix("at ")?;
        let library = at.starts_with("/rustc/") || at.contains("/.cargo/registry/") || at.contains("/library/std/");
        // Without full debug information, functions are named without their crate.
        let ours = function.contains("duroxide_sim::") || at.starts_with(concat!(env!("CARGO_MANIFEST_DIR"), "/src/"));
        // The overrides have C names, without `::`.
        (function.contains("::") && !library && !ours).then(|| format!("{function}, {at}"))
    };
    lines.windows(2).filter_map(frame).collect::<Vec<_>>().into_iter()
}
