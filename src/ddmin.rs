//! [`DeltaDebug`]: the order in which parts of a list are left out to find a smaller
//! one that still does the same (delta debugging).
//!
//! Halves first, single items last, from the end: what comes late builds on what
//! comes early. It knows nothing of what the list holds, and runs nothing.

use std::ops::Range;

/// What to leave out next.
#[derive(Clone, Debug)]
pub struct DeltaDebug {
    chunk: usize,
    end: usize,
    /// Whether anything of this round could be left out.
    shrunk: bool,
}

impl DeltaDebug {
    /// For a list of so many.
    pub fn of(length: usize) -> DeltaDebug {
        DeltaDebug { chunk: length.div_ceil(2).max(1), end: length, shrunk: false }
    }

    /// The next to leave out of a list that has `length` items by now; `None`
    /// when single ones have been tried in vain.
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

    /// Those that were to be left out are.
    pub fn took(&mut self) {
        self.shrunk = true;
    }
}
