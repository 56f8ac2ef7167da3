//! Filters for the bulk calls, to be filled in from what a test has planned.

use duroxide::InstanceFilter;
use duroxide_sim::sim::START;
use proptest::prelude::*;
use proptest::sample::Index;

/// A filter, its instances and times still to be filled in.
#[derive(Clone, Debug)]
pub struct Filter {
    ids: Option<Vec<Index>>,
    unknown: bool,
    before: Option<(Index, i64)>,
    limit: Option<u32>,
}

/// Any filter; one that lists instances lists at most `most`.
pub fn any_filter(most: usize) -> impl Strategy<Value = Filter> {
    let some = prop::collection::vec(any::<Index>(), 0..=most).prop_map(Some);
    let ids = prop_oneof![2 => Just(None), 1 => Just(Some(Vec::new())), 2 => some];
    let before = prop::option::of((any::<Index>(), any_nudge()));
    let limit = prop_oneof![2 => Just(None), 1 => (0..=3u32).prop_map(Some)];
    let all = (ids, any::<bool>(), before, limit);
    all.prop_map(|(ids, unknown, before, limit)| Filter { ids, unknown, before, limit })
}

impl Filter {
    /// The filter for instances of these names, which end at these moments.
    pub fn fill(&self, names: &[&str], ends: &[u64]) -> InstanceFilter {
        let chosen = |ids: &Vec<Index>| ids.iter().map(|index| (*index.get(names)).to_owned()).collect::<Vec<_>>();
        let mut instance_ids = self.ids.as_ref().map(chosen);
        if let Some(ids) = instance_ids.as_mut().filter(|_| self.unknown) {
            ids.push("nobody".to_owned());
        }
        let completed_before = self.before.as_ref().map(|(index, nudge)| at(*index.get(ends), *nudge));
        InstanceFilter { instance_ids, completed_before, limit: self.limit }
    }
}

/// How far a time is from some moment, in milliseconds.
pub fn any_nudge() -> impl Strategy<Value = i64> {
    prop_oneof![2 => Just(0), 1 => Just(-1), 1 => Just(1)]
}

/// A moment of a run, nudged, in milliseconds since the Unix epoch.
pub fn at(moment: u64, nudge: i64) -> u64 {
    (START.0 + moment).saturating_add_signed(nudge)
}
