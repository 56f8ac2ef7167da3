//! Entries that are plainer than another: earlier, shorter, in round numbers.

use std::time::Duration;

use crate::faults::Verdict;
use crate::sim::{Entry, What, When};

/// Durations that are plainer than this one, the plainest first.
pub(super) fn durations(than: Duration) -> Vec<Duration> {
    const ROUND_MS: [u64; 8] = [0, 1, 1_000, 10_000, 60_000, 600_000, 3_600_000, 86_400_000];
    let round = ROUND_MS.into_iter().map(Duration::from_millis);
    let whole = |unit: u64| Duration::from_secs(than.as_secs() / unit * unit);
    let half = Duration::from_millis(u64::try_from(than.as_millis() / 2).unwrap_or(u64::MAX));
    let mut all: Vec<Duration> = round.chain([half, whole(60), whole(1)]).filter(|other| *other < than).collect();
    all.dedup();
    all
}

/// Entries that are plainer than this one, the plainest first.
pub(super) fn than(entry: &Entry) -> Vec<Entry> {
    let earlier = whens(&entry.when).into_iter().map(|when| Entry { when, what: entry.what.clone() });
    let smaller = whats(&entry.what).into_iter().map(|what| Entry { when: entry.when.clone(), what });
    earlier.chain(smaller).collect()
}

/// What lasts longer than this, the shortest first.
pub(super) fn longer(than: &What) -> Vec<What> {
    const LONG_MS: [u64; 3] = [1_000, 10_000, 60_000];
    let mut all = Vec::new();
    for long in LONG_MS.map(Duration::from_millis) {
        for index in 0..2 {
            let mut what = than.clone();
            let time = time_of(&mut what, index).filter(|time| **time < long);
            if time.map(|time| *time = long).is_some() {
                all.push(what);
            }
        }
    }
    all
}

fn whens(than: &When) -> Vec<When> {
    let sooner = |nth: u64| [1, nth / 2, nth.saturating_sub(1)].into_iter().filter(move |n| (1..nth).contains(n));
    match than {
        When::At(time) => durations(*time).into_iter().map(When::At).collect(),
        When::Before(point) => {
            let at = |nth| When::Before(crate::sim::Point { nth, ..point.clone() });
            sooner(point.nth).map(at).collect()
        }
        When::After(point) => {
            let at = |nth| When::After(crate::sim::Point { nth, ..point.clone() });
            sooner(point.nth).map(at).collect()
        }
    }
}

fn whats(than: &What) -> Vec<What> {
    let mut all = Vec::new();
    for index in 0..2 {
        let Some(time) = time_of(&mut than.clone(), index).map(|time| *time) else { continue };
        for shorter in durations(time) {
            let mut what = than.clone();
            if let Some(time) = time_of(&mut what, index) {
                *time = shorter;
            }
            all.push(what);
        }
    }
    if let What::Skew { node, by_ms } = than {
        let sign = by_ms.signum();
        let less = durations(Duration::from_millis(by_ms.unsigned_abs()));
        let skew = |by: Duration| {
            let by_ms = sign * i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            What::Skew { node: node.clone(), by_ms }
        };
        all.extend(less.into_iter().map(skew));
    }
    all
}

/// The duration of this number in it.
fn time_of(what: &mut What, index: usize) -> Option<&mut Duration> {
    match (what, index) {
        (What::Crash { restart_after, .. } | What::Stop { restart_after, .. }, 0) => restart_after.as_mut(),
        (What::Partition { lasts, .. } | What::Outage { lasts, .. } | What::Stall { lasts, .. }, 0) => Some(lasts),
        (What::Fault(Verdict::Delay { before, .. }), 0) => Some(before),
        (What::Fault(Verdict::Delay { after, .. }), 1) => Some(after),
        (What::Fault(Verdict::Drop { after }), 0) => Some(after),
        (What::Fault(Verdict::ShortLock { lasts }), 0) => Some(lasts),
        _ => None,
    }
}
