//! [`DeltaDebug`]: the order in which delta debugging leaves out parts of a list to find a smaller
//! list with the same outcome.
//!
//! It tries halves first and single items last, and starts from the end, because later items build
//! on earlier ones. It knows nothing of the items, and runs nothing.

use std::ops::Range;

/// A delta debugging search, which yields the next range to leave out.
#[derive(Clone, Debug)]
pub struct DeltaDebug {
    chunk: usize,
    end: usize,
    /// Whether any part could be left out in this round.
    shrunk: bool,
}

impl DeltaDebug {
    /// Creates a search over a list of `length` items.
    pub fn of(length: usize) -> DeltaDebug {
        DeltaDebug { chunk: length.div_ceil(2).max(1), end: length, shrunk: false }
    }

    /// The next range to leave out of a list that now has `length` items; `None` once leaving out
    /// every single item has failed.
    pub fn next(&mut self, length: usize) -> Option<Range<usize>> {
        loop {
            let end = self.end.min(length);
            if end > 0 {
                self.end = end.saturating_sub(self.chunk);
                return Some(self.end..end);
            }
            if length == 0 || self.chunk == 1 && !self.shrunk {
                return None;
            }
            *self = DeltaDebug { chunk: self.chunk.div_ceil(2), end: length, shrunk: false };
        }
    }

    /// Reports that the last range was left out successfully.
    pub fn took(&mut self) {
        self.shrunk = true;
    }
}
