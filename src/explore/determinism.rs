//! [`DeterminismCheck`]: some seeds are run twice, the second time by another worker, whose
//! addresses and hash seeds are others.

use parking_lot::Mutex;

/// A seed that is to be run once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Once {
    /// Which worker has run it.
    by: usize,
    /// Its number.
    pub number: u64,
    /// That of its trace.
    pub fingerprint: u64,
}

/// The seeds that are run twice.
#[derive(Debug)]
pub(super) struct DeterminismCheck {
    /// One seed of this many; none where it is 0.
    one_in: u64,
    waiting: Mutex<Vec<Once>>,
    /// The first that is known to differ.
    differs: Mutex<Option<u64>>,
}

impl DeterminismCheck {
    pub fn new(one_in: u64) -> DeterminismCheck {
        DeterminismCheck { one_in, waiting: Mutex::default(), differs: Mutex::default() }
    }

    /// Whether the seed of this number is to be run twice.
    pub fn concerns(&self, number: u64) -> bool {
        self.one_in > 0 && number.is_multiple_of(self.one_in)
    }

    /// A worker has run a seed for the first time.
    pub fn ran(&self, by: usize, number: u64, fingerprint: u64) {
        self.waiting.lock().push(Once { by, number, fingerprint });
    }

    /// Seeds that wait for another worker than `by`, `most` of them.
    pub fn take(&self, by: Option<usize>, most: u64) -> Vec<Once> {
        let mut left = most;
        let mut mine = |once: &mut Once| {
            let take = left > 0 && Some(once.by) != by;
            left -= u64::from(take);
            take
        };
        self.waiting.lock().extract_if(.., &mut mine).collect()
    }

    /// A seed was run for the second time.
    pub fn compare(&self, once: Once, fingerprint: Option<u64>) {
        if fingerprint != Some(once.fingerprint) {
            let mut differs = self.differs.lock();
            *differs = Some(differs.map_or(once.number, |number| number.min(once.number)));
        }
    }

    /// The first seed that is known to differ.
    pub fn differs(&self) -> Option<u64> {
        *self.differs.lock()
    }
}
