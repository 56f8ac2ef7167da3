//! [`Order`]: the moments of the page, and where in them each item lies.
//!
//! Virtual time is very uneven: a whole turn takes no time, and a timer a
//! month. So the page's axis is made of moments, one for each call or mark that
//! is shown, in their order; how far apart they are drawn is the page's
//! business. Two runs share the moments up to their first difference.

use std::collections::{BTreeMap, BTreeSet};

use super::item::At;

/// A run, as far as its order goes.
pub(super) struct Course<'a> {
    /// The times of its steps, which never go back.
    pub steps: &'a [u64],
    /// When it ended.
    pub end: u64,
}

/// The moments of the page.
pub(super) struct Order {
    /// Their times since the start, in milliseconds.
    pub moments: Vec<u64>,
    /// For each run the moments of its steps.
    steps: Vec<Vec<usize>>,
    /// For each run the moment of its end.
    ends: Vec<usize>,
}

/// A moment's place: its time, what it is made for, and which it is of those.
type Key = (u64, Rank, usize);

/// What a moment is made for; at one time it comes in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Between,
    Step,
    End,
}

impl Order {
    /// The order of `courses`, the first `shared` steps of which are the same,
    /// with further moments at `times`. Later steps share a moment too, where they
    /// are at the same time and the same place among all those of that time.
    pub fn new(courses: &[Course<'_>], shared: usize, times: &BTreeSet<u64>) -> Order {
        let mut all: BTreeMap<Key, Vec<(usize, usize)>> = BTreeMap::new();
        all.extend(times.iter().map(|time| ((*time, Rank::Between, 0), Vec::new())));
        for (run, course) in courses.iter().enumerate() {
            let mut nth = 0;
            for (step, time) in course.steps.iter().enumerate() {
                let again = step > 0 && course.steps[step - 1] == *time;
                nth = if again { nth + 1 } else { 0 };
                all.entry((*time, Rank::Step, nth)).or_default().push((run, step));
            }
            all.entry((course.end, Rank::End, 0)).or_default().push((run, 0));
        }
        let mut steps: Vec<Vec<usize>> = courses.iter().map(|course| vec![0; course.steps.len()]).collect();
        let mut ends = vec![0; courses.len()];
        let mut moments = Vec::with_capacity(all.len());
        for ((time, rank, _), places) in all {
            for (run, step) in places {
                match rank {
                    Rank::Between => {}
                    Rank::Step => steps[run][step] = moments.len(),
                    Rank::End => ends[run] = moments.len(),
                }
            }
            moments.push(time);
        }
        debug_assert!(
            steps.windows(2).all(|pair| pair[0][..shared] == pair[1][..shared]),
            "what is shared lies together"
        );
        Order { moments, steps, ends }
    }

    /// The moment of a place in a run.
    pub fn moment(&self, run: usize, at: At) -> usize {
        match at {
            At::Step(step) => self.steps[run][step],
            At::Time(time) => self.moments.partition_point(|moment| *moment < time),
            At::Near(time) => {
                let steps = &self.steps[run];
                let next = steps.partition_point(|step| self.moments[*step] < time);
                steps.get(next).copied().unwrap_or(self.ends[run])
            }
            At::End => self.ends[run],
        }
        .min(self.ends[run])
    }

    /// Where the first difference lies, after `shared` steps.
    pub fn difference(&self, shared: usize) -> usize {
        let next = |(run, steps): (usize, &Vec<usize>)| steps.get(shared).copied().unwrap_or(self.ends[run]);
        self.steps.iter().enumerate().map(next).min().unwrap_or(0)
    }
}
