//! [`Record`]: what a run has done of its plan so far.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::client_call::ClientCall;
use super::input::Input;
use super::plan::{Action, Plan, PlanEntry};
use crate::seed::Seed;

/// Receives each addition to a plan as soon as it is made, as a plan of its own.
pub(crate) type Journal = Box<dyn Fn(&Plan) + Send>;

/// The plan as carried out so far. Shared with other threads.
#[derive(Default)]
pub(super) struct Record {
    /// The given plan, followed by the entries that a storm drew.
    pub plan: Plan,
    /// Whether each entry has happened.
    pub reached: Vec<bool>,
    /// Whether each entry must happen.
    pub demanded: Vec<bool>,
    /// Whether scripted entries must happen.
    pub demands: bool,
    /// Whether the plan is the whole plan of an earlier run.
    pub replays: bool,
    /// The actions that could not be carried out, with the reasons as full sentences.
    pub not_done: Vec<(Action, String)>,
    /// The client calls of a replayed plan that the body has made again, by index.
    pub claimed: BTreeSet<usize>,
    /// The inputs of the given plan. Inputs that are drawn go into `plan`.
    pub given: BTreeMap<String, Input>,
    /// The ranges with which inputs were requested.
    pub ranges: BTreeMap<String, RangeInclusive<u64>>,
    /// The first mistake in the use of the plan or its inputs.
    pub misused: Option<String>,
    journal: Option<Journal>,
}

impl Record {
    /// Creates a record of this plan. `demands` says whether its entries must happen.
    pub fn of(mut plan: Plan, replays: bool, demands: bool, journal: Option<Journal>) -> Record {
        let (reached, demanded) = (vec![false; plan.entries.len()], vec![demands; plan.entries.len()]);
        let given = std::mem::take(&mut plan.inputs);
        journal.iter().for_each(|journal| journal(&plan));
        Record {
            plan,
            reached,
            demanded,
            demands,
            replays,
            not_done: Vec::new(),
            claimed: BTreeSet::new(),
            given,
            ranges: BTreeMap::new(),
            misused: None,
            journal,
        }
    }

    /// Finds the client call of a replayed plan that the body makes again, and marks it as
    /// claimed: the very same call, or else one of its kind for the same instance, whose data
    /// may depend on inputs. Returns its index.
    pub fn claim(&mut self, call: &ClientCall) -> Option<usize> {
        let free = |at: &usize| !self.claimed.contains(at);
        let theirs = |at: &usize| match &self.plan.entries[*at].what {
            Action::Client { call, .. } => Some(call.clone()),
            _ => None,
        };
        let all = || (0..self.plan.entries.len()).filter(free);
        let same = all().find(|at| theirs(at).is_some_and(|theirs| theirs == *call));
        let number = same.or_else(|| all().find(|at| theirs(at).is_some_and(|theirs| theirs.is_like(call))))?;
        self.claimed.insert(number);
        Some(number)
    }

    /// Records an input.
    pub fn note_input(&mut self, name: &str, input: Input) {
        let inputs = BTreeMap::from([(name.to_owned(), input)]);
        self.journal.iter().for_each(|journal| journal(&Plan { inputs: inputs.clone(), ..Plan::new() }));
        self.plan.inputs.extend(inputs);
    }

    /// Records when the calm begins.
    pub fn calm(&mut self, after_start: Duration) {
        self.plan.calm = Some(after_start);
        self.journal.iter().for_each(|journal| journal(&Plan { calm: self.plan.calm, ..Plan::new() }));
    }

    /// Adds an entry that was drawn, and need not happen.
    pub fn add(&mut self, entry: PlanEntry) {
        self.journal.iter().for_each(|journal| journal(&Plan { entries: vec![entry.clone()], ..Plan::new() }));
        self.plan.entries.push(entry);
        self.reached.push(false);
        self.demanded.push(false);
    }

    /// Returns the plan, and its entries that did not happen.
    pub fn result(&self) -> (Plan, Vec<PlanEntry>) {
        let unreached = self.plan.entries.iter().zip(&self.reached).filter(|(_, reached)| !**reached);
        (self.plan.clone(), unreached.map(|(entry, _)| entry.clone()).collect())
    }

    /// Returns the number with this name. Draws it if necessary.
    pub fn input(&mut self, name: &str, range: RangeInclusive<u64>, seed: Seed) -> u64 {
        let (least, most) = range.into_inner();
        if least > most {
            let why = format!(
                "The input {name:?} has the empty range {least}..={most}. Give it a range with at least one number."
            );
            self.misused.get_or_insert(why);
            return least;
        }
        let before = self.ranges.entry(name.to_owned()).or_insert(least..=most).clone();
        if before != (least..=most) {
            let why = format!(
                "The input {name:?} was asked for in the range {}..={}, and then in {least}..={most}. A name stands for \
                 one number in a run: use another name for the other range.",
                before.start(),
                before.end()
            );
            self.misused.get_or_insert(why);
        }
        let known = self.plan.inputs.get(name).copied();
        let cut = |input: Input| input.value.clamp(least, most);
        let draw = || {
            let mut random = seed.child("input").child(name).stream();
            match (most - least).checked_add(1) {
                Some(length) => least + random.below(length),
                // The number of values in the full range does not fit in a `u64`.
                None => random.next_u64(),
            }
        };
        let value = known.or_else(|| self.given.get(name).copied()).map_or_else(draw, cut);
        let input = Input { value, least };
        // Properties may request the same input many times.
        if known != Some(input) {
            self.note_input(name, input);
        }
        value
    }
}
