//! [`Stray`]: what a simulating thread does that reaches past the simulation.
//!
//! The overrides of the C library's functions notice it here. They may do so
//! where a lock is held or an allocator is at work, so it is only counted,
//! unless somebody asked where it comes from.

use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that reaches past a simulation: no seed decides how it goes, and
/// virtual time knows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stray {
    /// A thread was started, such as by `std::thread::spawn` or `spawn_blocking`.
    Thread,
    /// The thread slept on real time, such as in `std::thread::sleep`.
    Sleep,
    /// The thread was blocked for a millisecond of real time or longer: a lock,
    /// a condition, a channel of std's, the end of another thread.
    Wait,
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
pub type Strays = BTreeMap<Stray, Seen>;

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stray::Thread => "a thread was started",
            Stray::Sleep => "the thread slept on real time",
            Stray::Wait => "the thread was blocked on real time",
        })
    }
}

thread_local! {
    static COUNTS: [Cell<u64>; 3] = const { [const { Cell::new(0) }; 3] };
    static PLACES: RefCell<BTreeMap<Stray, String>> = const { RefCell::new(BTreeMap::new()) };
    /// Whether places are looked up, and not at this very moment.
    static LOCATES: Cell<bool> = const { Cell::new(false) };
}

/// Begins to count anew on this thread; `locate` says whether places are looked
/// up, which takes long.
pub(crate) fn begin(locate: bool) {
    COUNTS.with(|counts| counts.iter().for_each(|count| count.set(0)));
    PLACES.take();
    LOCATES.set(locate);
}

/// What has strayed on this thread since [`begin`].
pub(crate) fn end() -> Strays {
    LOCATES.set(false);
    let mut places = PLACES.take();
    let seen = |stray: Stray| {
        let times = COUNTS.with(|counts| counts[stray as usize].get());
        (times > 0).then(|| (stray, Seen { times, place: places.remove(&stray) }))
    };
    [Stray::Thread, Stray::Sleep, Stray::Wait].into_iter().filter_map(seen).collect()
}

/// A wait of this thread has come to an end.
// Where the overrides are absent nothing is noticed.
#[allow(dead_code)]
pub(super) fn notice_wait(took_ns: u64) {
    // Shorter ones are only a lock that somebody else had.
    const SHORT_NS: u64 = 1_000_000;
    if took_ns >= SHORT_NS {
        notice(Stray::Wait);
    }
}

/// It happens on this thread; of no interest where that does not simulate.
#[allow(dead_code)]
pub(super) fn notice(stray: Stray) {
    if !super::is_virtual() {
        return;
    }
    COUNTS.with(|counts| counts[stray as usize].set(counts[stray as usize].get() + 1));
    if !LOCATES.get() {
        return;
    }
    // Looking it up takes locks itself.
    LOCATES.set(false);
    PLACES.with_borrow_mut(|places| {
        if !places.contains_key(&stray)
            && let Some(place) = place(&Backtrace::force_capture().to_string())
        {
            places.insert(stray, place);
        }
    });
    LOCATES.set(true);
}

/// The first frame of a backtrace that is neither ours nor a library's.
fn place(backtrace: &str) -> Option<String> {
    let lines: Vec<&str> = backtrace.lines().map(str::trim).collect();
    lines.windows(2).find_map(|pair| {
        let (_, function) = pair[0].split_once(": ")?;
        let at = pair[1].strip_prefix("at ")?;
        let library = at.starts_with("/rustc/") || at.contains("/.cargo/registry/") || at.contains("/library/std/");
        let ours = function.contains("duroxide_sim::");
        // The overrides bear C's names.
        (function.contains("::") && !library && !ours).then(|| format!("{function}, {at}"))
    })
}
