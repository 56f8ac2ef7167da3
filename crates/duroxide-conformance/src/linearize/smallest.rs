//! Finds a minimal contradictory part of a history.
//!
//! A call is removed only if its answer does not matter: if the history is not
//! linearizable whatever the answer was, even if the call had no effect. So the
//! remaining calls contradict each other, and none of the removed calls
//! resolves the contradiction.

use std::collections::BTreeSet;

use super::{Broken, Budget, Linearity, Made, SequentialAnomalies, linearize_within, segments};
use crate::reading::Reading;

/// The maximum number of smaller histories to try.
const MOST_TRIES: usize = 600;

/// The budget of one try.
const BUDGET: Budget = Budget { states: 5_000, worlds: 64 };

/// Returns the calls that contradict each other, as indices into `history`, and
/// the calls among them at which the search for an order fails.
pub(crate) fn smallest(
    history: &[Made],
    broken: Broken,
    anomalies: &SequentialAnomalies,
    reading: Reading,
) -> (Vec<usize>, Broken) {
    let last = broken.calls.last().copied().unwrap_or_default();
    let piece = segments(history).into_iter().find(|segment| segment.contains(&last));
    let end = piece.and_then(|segment| segment.last().copied()).map_or(history.len(), |last| last + 1);
    let history = &history[..end];
    let mut waived = BTreeSet::new();
    let mut broken = broken;
    let mut tries = MOST_TRIES;
    let mut attempt = |more: &[usize], waived: &mut BTreeSet<usize>, broken: &mut Broken| {
        if tries == 0 || more.is_empty() {
            return false;
        }
        tries -= 1;
        let wider: BTreeSet<usize> = waived.iter().chain(more).copied().collect();
        match linearize_within(history, &wider, anomalies, reading, BUDGET) {
            Linearity::Broken(smaller) => {
                *waived = wider;
                *broken = smaller;
                true
            }
            Linearity::Explained | Linearity::Unknown => false,
        }
    };
    let reads: Vec<usize> = (0..end).filter(|call| history[*call].call.is_read()).collect();
    let others: Vec<usize> = (0..end).filter(|call| !history[*call].call.is_read()).collect();
    for candidates in [reads, others] {
        let mut chunk = candidates.len().max(1);
        loop {
            for calls in candidates.chunks(chunk) {
                let calls: Vec<usize> = calls.iter().copied().filter(|call| !waived.contains(call)).collect();
                attempt(&calls, &mut waived, &mut broken);
            }
            if chunk == 1 {
                break;
            }
            chunk = chunk.div_ceil(2);
        }
    }
    ((0..end).filter(|call| !waived.contains(call)).collect(), broken)
}
