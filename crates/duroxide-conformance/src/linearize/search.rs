//! The search for an order (Wing and Gong, "Testing and verifying concurrent
//! objects", 1993; with Lowe's memory of what was tried before).
//!
//! It goes deep first, in the order of the answers, which is mostly the order
//! in which things happened. What changes nothing is taken as soon as it fits:
//! that never rules an order out.

use std::collections::BTreeSet;

use duroxide_sim::call::Reply;
use duroxide_sim::store::{StateFingerprint, Store};

use super::entry::{Entry, Standing};
use super::habits::Habits;
use crate::oracle::{Mismatch, Reading};

/// How many entries a search can hold.
pub(super) const MOST_ENTRIES: usize = 128;

/// An order is sought for these entries.
pub(super) struct Search<'a> {
    pub entries: &'a [Entry<'a>],
    pub reading: Reading,
    pub habits: &'a Habits,
    /// After so many different ends there are enough.
    pub most_ends: usize,
    /// How many states may still be looked at.
    pub states_left: &'a mut u64,
}

/// What a search has found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Different ends, each with the entries that had happened by then.
    pub ends: Vec<(Store, u128)>,
    /// Whether there may be more ends.
    pub is_cut: bool,
    /// Whether it gave up.
    pub is_out_of_budget: bool,
    /// How far it got at best.
    pub deepest: u32,
    /// What did not fit there: the entry's place, and why.
    pub stuck: Vec<(usize, Box<Mismatch>)>,
}

impl Search<'_> {
    /// Every end that can be reached from `store`.
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
    /// The fetch that got it, if it is sought an order for too.
    issuer: Option<usize>,
}

struct Walk<'a> {
    search: Search<'a>,
    /// What must have happened before each entry.
    before: Vec<u128>,
    /// What can happen no more after each entry.
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
                // What would change nothing may as well not have happened.
                let worlds = entry.imagine(&store).into_iter().filter(|next| next.fingerprint() != fingerprint);
                worlds.for_each(|next| self.go(next, done));
                continue;
            }
            let mut next = store.clone();
            match entry.explain(&mut next, self.search.reading, self.search.habits) {
                Ok(()) => self.go(next, done),
                Err(mismatch) => stuck.push((place, mismatch)),
            }
            if self.is_over() {
                return;
            }
        }
        self.note(done, stuck);
    }

    /// Keeps what did not fit where most did.
    fn note(&mut self, done: u128, stuck: Vec<(usize, Box<Mismatch>)>) {
        let depth = (done & self.certain).count_ones();
        if depth > self.found.deepest || (depth == self.found.deepest && self.found.stuck.is_empty()) {
            self.found.deepest = depth;
            self.found.stuck = stuck;
        }
    }

    /// A call that needs a lock which is gone for good: no order that begins so
    /// explains its answer.
    fn lost_lock(&self, store: &Store, done: u128) -> Option<(usize, Box<Mismatch>)> {
        let gone = |need: &&Need| {
            let issued = need.issuer.is_none_or(|issuer| done & bit(issuer) != 0);
            issued && done & bit(need.place) == 0 && !store.knows_token(&need.token)
        };
        let place = self.needs.iter().find(gone)?.place;
        let mut next = store.clone();
        let explained = self.search.entries[place].explain(&mut next, self.search.reading, self.search.habits);
        explained.err().map(|mismatch| (place, mismatch))
    }

    /// Takes whatever fits, changes nothing and shuts nothing out.
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
                    entry.explain(store, self.search.reading, self.search.habits).is_ok()
                } else {
                    let mut next = store.clone();
                    entry.explain(&mut next, self.search.reading, self.search.habits).is_ok()
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
