//! [`DeterminismCheck`]: selects seeds that run twice. The second run takes place in another
//! worker, with different addresses and hash seeds.

use parking_lot::Mutex;

/// A seed that has run once and will run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Once {
    /// The index of the worker that ran it first.
    by: usize,
    /// The index of the seed.
    pub number: u64,
    /// The hash of the first run's trace.
    pub fingerprint: u64,
}

/// The seeds that run twice.
#[derive(Debug)]
pub(super) struct DeterminismCheck {
    /// One in this many seeds runs twice; 0 means none.
    one_in: u64,
    waiting: Mutex<Vec<Once>>,
    /// The lowest index of a seed whose runs differed.
    differs: Mutex<Option<u64>>,
}

impl DeterminismCheck {
    pub fn new(one_in: u64) -> DeterminismCheck {
        DeterminismCheck { one_in, waiting: Mutex::default(), differs: Mutex::default() }
    }

    /// Whether the seed at this index runs twice.
    pub fn concerns(&self, number: u64) -> bool {
        self.one_in > 0 && number.is_multiple_of(self.one_in)
    }

    /// Records the first run of a seed.
    pub fn ran(&self, by: usize, number: u64, fingerprint: u64) {
        self.waiting.lock().push(Once { by, number, fingerprint });
    }

    /// Takes up to `most` seeds for a second run by a worker other than `by`.
    pub fn take(&self, by: Option<usize>, most: u64) -> Vec<Once> {
        let mut left = most;
        let mut mine = |once: &mut Once| {
            let take = left > 0 && Some(once.by) != by;
            left -= u64::from(take);
            take
        };
        self.waiting.lock().extract_if(.., &mut mine).collect()
    }

    /// Compares the second run of a seed with its first.
    pub fn compare(&self, once: Once, fingerprint: Option<u64>) {
        if fingerprint != Some(once.fingerprint) {
            let mut differs = self.differs.lock();
            *differs = Some(differs.map_or(once.number, |number| number.min(once.number)));
        }
    }

    /// The lowest index of a seed whose runs differed.
    pub fn differs(&self) -> Option<u64> {
        *self.differs.lock()
    }
}
