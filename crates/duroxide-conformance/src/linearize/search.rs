//! The search for a linearization (Wing and Gong, "Testing and verifying
//! concurrent objects", 1993; with Lowe's cache of visited states).
//!
//! The search is depth-first in the order of the answers, which is usually the
//! order of the effects. An entry that changes nothing is taken as soon as it
//! fits: that never excludes an order.

use std::collections::BTreeSet;

use duroxide_sim::call::Reply;
use duroxide_sim::store::{StateFingerprint, Store};

use super::anomalies::SequentialAnomalies;
use super::entry::{Entry, Standing};
use crate::mismatch::Mismatch;
use crate::reading::Reading;

/// The maximum number of entries in a search.
pub(super) const MOST_ENTRIES: usize = 128;

/// A search for an order of these entries.
pub(super) struct Search<'a> {
    pub entries: &'a [Entry<'a>],
    pub reading: Reading,
    pub anomalies: &'a SequentialAnomalies,
    /// Stop after this many different final states.
    pub most_ends: usize,
    /// The number of states that may still be examined.
    pub states_left: &'a mut u64,
}

/// The result of a search.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Different final states, each with the set of entries that took effect.
    pub ends: Vec<(Store, u128)>,
    /// Whether there may be more final states.
    pub is_cut: bool,
    /// Whether the search exceeded its budget.
    pub is_out_of_budget: bool,
    /// The length of the longest order found.
    pub deepest: u32,
    /// The entries that did not fit after that order, and why.
    pub stuck: Vec<(usize, Box<Mismatch>)>,
}

impl Search<'_> {
    /// Finds every final state that can be reached from `store`.
    pub fn run(self, store: Store) -> Found {
        let count = self.entries.len();
        let bits = |chosen: &dyn Fn(usize) -> bool| (0..count).filter(|i| chosen(*i)).fold(0, |set, i| set | bit(i));
        let standing = |place: usize| self.entries[place].standing;
        let over_before = |first: usize, second: usize| {
            self.entries[first].call != self.entries[second].call
                && self.entries[first].made.replied < self.entries[second].made.invoked
        };
        let before = (0..count)
            .map(|later| bits(&|i| standing(i) == Standing::Certain && over_before(i, later)))
            .collect::<Vec<u128>>();
        let closes = (0..count)
            .map(|later| bits(&|i| standing(i) == Standing::Perhaps && over_before(i, later)))
            .collect::<Vec<u128>>();
        let mut by_answer: Vec<usize> = (0..count).collect();
        by_answer.sort_by_key(|place| (standing(*place) != Standing::Certain, self.entries[*place].made.replied));
        let issuer = |token: &str| (0..count).find(|i| self.entries[*i].made.issued() == Some(token));
        let needs = (0..count).filter_map(|place| {
            let entry = &self.entries[place];
            let token = entry.made.call.token().filter(|_| entry.made.reply == Some(Reply::Done))?;
            let certain = entry.standing == Standing::Certain;
            certain.then(|| Need { place, issuer: issuer(token), token: token.to_owned() })
        });
        let needs = needs.collect();
        let certain = bits(&|i| standing(i) == Standing::Certain);
        let lasting = bits(&|i| standing(i) == Standing::Ever);
        let mut walk = Walk {
            search: self,
            before,
            closes,
            by_answer,
            needs,
            certain,
            lasting,
            seen: BTreeSet::new(),
            ended: BTreeSet::new(),
            found: Found::default(),
        };
        walk.go(store, 0);
        walk.found
    }
}

fn bit(place: usize) -> u128 {
    1 << place
}

/// A lock that a call needs.
struct Need {
    place: usize,
    token: String,
    /// The fetch that acquired the lock, if it is part of this search.
    issuer: Option<usize>,
}

struct Walk<'a> {
    search: Search<'a>,
    /// For each entry, the set of entries that must precede it.
    before: Vec<u128>,
    /// For each entry, the set of entries that can no longer take effect after
    /// it.
    closes: Vec<u128>,
    by_answer: Vec<usize>,
    needs: Vec<Need>,
    certain: u128,
    lasting: u128,
    seen: BTreeSet<(u128, StateFingerprint)>,
    ended: BTreeSet<(u128, StateFingerprint)>,
    found: Found,
}

impl Walk<'_> {
    fn is_over(&self) -> bool {
        self.found.is_out_of_budget || self.found.is_cut
    }

    fn is_next(&self, place: usize, done: u128) -> bool {
        done & bit(place) == 0 && self.before[place] & !done == 0
    }

    fn go(&mut self, mut store: Store, done: u128) {
        if self.is_over() {
            return;
        }
        let done = self.take_quiet(&mut store, done);
        if let Some(stuck) = self.lost_lock(&store, done) {
            return self.note(done, vec![stuck]);
        }
        let fingerprint = store.fingerprint();
        if !self.seen.insert((done, fingerprint)) {
            return;
        }
        match self.search.states_left.checked_sub(1) {
            Some(left) => *self.search.states_left = left,
            None => {
                self.found.is_out_of_budget = true;
                return;
            }
        }
        if done & self.certain == self.certain {
            self.end(&store, done, fingerprint);
        }
        let mut stuck = Vec::new();
        for at in 0..self.by_answer.len() {
            let place = self.by_answer[at];
            if !self.is_next(place, done) {
                continue;
            }
            let entry = &self.search.entries[place];
            let done = done | bit(place) | self.closes[place];
            if entry.standing != Standing::Certain {
                // An effect that changes nothing is equivalent to none.
                let worlds = entry.imagine(&store).into_iter().filter(|next| next.fingerprint() != fingerprint);
                worlds.for_each(|next| self.go(next, done));
                continue;
            }
            let mut next = store.clone();
            match entry.explain(&mut next, self.search.reading, self.search.anomalies) {
                Ok(()) => self.go(next, done),
                Err(mismatch) => stuck.push((place, mismatch)),
            }
            if self.is_over() {
                return;
            }
        }
        self.note(done, stuck);
    }

    /// Keeps the entries that did not fit after the longest order.
    fn note(&mut self, done: u128, stuck: Vec<(usize, Box<Mismatch>)>) {
        let depth = (done & self.certain).count_ones();
        if depth > self.found.deepest || (depth == self.found.deepest && self.found.stuck.is_empty()) {
            self.found.deepest = depth;
            self.found.stuck = stuck;
        }
    }

    /// Finds a call that needs a lock which is permanently gone: no
    /// continuation of this order explains its answer.
    fn lost_lock(&self, store: &Store, done: u128) -> Option<(usize, Box<Mismatch>)> {
        let gone = |need: &&Need| {
            let issued = need.issuer.is_none_or(|issuer| done & bit(issuer) != 0);
            issued && done & bit(need.place) == 0 && !store.knows_token(&need.token)
        };
        let place = self.needs.iter().find(gone)?.place;
        let mut next = store.clone();
        let explained = self.search.entries[place].explain(&mut next, self.search.reading, self.search.anomalies);
        explained.err().map(|mismatch| (place, mismatch))
    }

    /// Takes every entry that fits, changes nothing and excludes nothing.
    fn take_quiet(&mut self, store: &mut Store, mut done: u128) -> u128 {
        let mut again = true;
        while again {
            again = false;
            for place in 0..self.search.entries.len() {
                let entry = &self.search.entries[place];
                let shuts_out = self.closes[place] & !done != 0;
                if !self.is_next(place, done) || !entry.is_quiet() || shuts_out {
                    continue;
                }
                let fits = if entry.made.call.is_read() {
                    entry.explain(store, self.search.reading, self.search.anomalies).is_ok()
                } else {
                    let mut next = store.clone();
                    entry.explain(&mut next, self.search.reading, self.search.anomalies).is_ok()
                };
                if fits {
                    done |= bit(place);
                    again = true;
                }
            }
        }
        done
    }

    fn end(&mut self, store: &Store, done: u128, fingerprint: StateFingerprint) {
        if self.ended.insert((done & self.lasting, fingerprint)) {
            self.found.ends.push((store.clone(), done));
            self.found.is_cut = self.found.ends.len() >= self.search.most_ends;
        }
    }
}
