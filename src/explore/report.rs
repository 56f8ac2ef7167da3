//! [`ExplorationReport`]: what exploring has covered.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::states::Seen;
use crate::clock::Escapes;
use crate::text::{Line, Quoted};

/// What exploring has covered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExplorationReport {
    /// The test.
    pub name: String,
    /// How many seeds were run.
    pub seeds: u64,
    /// How many of them were run twice, the traces compared.
    pub twice: u64,
    /// How many provider calls they made.
    pub calls: u64,
    /// How many faults, crashes and other troubles they met.
    pub faults: u64,
    /// How many of their calls were only late.
    #[serde(default)]
    pub latencies: u64,
    /// How many instances there were at the ends of the runs that went well.
    #[serde(default)]
    pub instances: u64,
    /// How many of these instances had failed, as orchestrations: that fails no run by
    /// itself.
    #[serde(default)]
    pub failed_instances: u64,
    /// How many different states their instances reached: a state is an
    /// instance's history after a turn, without times and payloads. Exact up to
    /// 4,095, and an estimate from there on, so that an exploration needs no more
    /// memory the longer it lasts.
    pub states: u64,
    /// Whether the number of states is an estimate.
    #[serde(default)]
    pub states_are_estimated: bool,
    /// What should sometimes hold ([`crate::Sim::sometimes`]), and in how many
    /// seeds it did.
    pub sometimes: BTreeMap<String, u64>,
    /// How much virtual time passed in all of them.
    pub virtual_time: Duration,
    /// How much real time exploring took.
    pub took: Duration,
    /// How many capsules were repeated ([`super::Explore::capsule`]).
    pub capsules: u64,
    /// This machine's share of the seeds, where there are several
    /// ([`super::SHARD_VARIABLE`]). It may hold no seed where there are fewer than
    /// shares.
    pub shard: Option<String>,
    /// What reached past the simulation, over all seeds.
    pub escapes: Escapes,
    #[serde(skip)]
    pub(super) seen: Seen,
}

impl ExplorationReport {
    /// Adds one seed.
    pub(super) fn add(&mut self, answer: &Answer) {
        self.seeds += 1;
        self.calls += answer.calls;
        self.faults += answer.faults;
        self.latencies += answer.latencies;
        self.instances += answer.instances;
        self.failed_instances += answer.failed_instances;
        self.virtual_time = self.virtual_time.saturating_add(answer.elapsed);
        answer.states.iter().for_each(|state| self.seen.add(*state));
        (self.states, self.states_are_estimated) = self.seen.count();
        for (stray, seen) in &answer.escapes {
            self.escapes.entry(*stray).or_default().times += seen.times;
        }
        for (name, reached) in &answer.sometimes {
            *self.sometimes.entry(name.clone()).or_default() += u64::from(*reached);
        }
    }

    /// What should sometimes hold and never did.
    pub fn never(&self) -> Vec<&str> {
        self.sometimes.iter().filter(|(_, seeds)| **seeds == 0).map(|(name, _)| name.as_str()).collect()
    }
}

impl fmt::Display for ExplorationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ExplorationReport { name, seeds, twice, calls, faults, latencies, instances, states, capsules, .. } = self;
        let share = self.shard.as_ref().map(|shard| format!(" of share {shard}")).unwrap_or_default();
        if *seeds == 0 && *capsules > 0 {
            return write!(f, "{}: {capsules} capsules repeated, no seed{share} was run", Line(name));
        }
        if *seeds == 0 && self.shard.is_some() {
            return write!(f, "{}: no seed was run, because there is none{share}", Line(name));
        }
        let about = if self.states_are_estimated { "about " } else { "" };
        let seconds = self.took.as_secs_f64();
        let rate = *seeds as f64 / seconds.max(0.001);
        write!(
            f,
            "{}: {seeds} seeds{share} in {seconds:.1} s ({rate:.0} a second), {twice} of them twice, {calls} calls, \
             {latencies} of them late, {faults} faults, {about}{states} states, {instances} instances",
            Line(name)
        )?;
        match self.failed_instances {
            0 => {}
            failed if failed == *instances => f.write_str(", all of which failed")?,
            failed => write!(f, ", {failed} of which failed")?,
        }
        self.sometimes.iter().try_for_each(|(name, count)| write!(f, "; {} in {count}", Quoted(name)))
    }
}
