//! [`ExplorationReport`]: the statistics of an exploration.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::states::Seen;
use crate::clock::Escapes;
use crate::text::{Line, Quoted, counted};

/// The statistics of an exploration: what its runs covered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExplorationReport {
    /// The name of the test.
    pub name: String,
    /// The number of seeds that were run.
    pub seeds: u64,
    /// The number of seeds that were run twice to compare their traces.
    pub twice: u64,
    /// The number of provider calls in all runs.
    pub calls: u64,
    /// The number of faults, crashes and other impairments in all runs.
    pub faults: u64,
    /// The number of calls that were only delayed by a latency.
    #[serde(default)]
    pub latencies: u64,
    /// The number of instances at the ends of the successful runs.
    #[serde(default)]
    pub instances: u64,
    /// The number of these instances whose orchestration had failed, which by itself does not fail
    /// a run.
    #[serde(default)]
    pub failed_instances: u64,
    /// The number of distinct states that the instances reached. A state is an instance's history
    /// after a turn, without times and payloads. The number is exact up to 4,095 and an estimate
    /// beyond, so that a longer exploration needs no more memory.
    pub states: u64,
    /// Whether the number of states is an estimate.
    #[serde(default)]
    pub states_are_estimated: bool,
    /// The `sometimes` properties ([`crate::Sim::sometimes`]), with the number of seeds in which
    /// each held.
    pub sometimes: BTreeMap<String, u64>,
    /// The virtual time that passed in all runs.
    pub virtual_time: Duration,
    /// The real time that the exploration took.
    pub took: Duration,
    /// The number of capsules that were replayed ([`super::Explore::capsule`]).
    pub capsules: u64,
    /// This machine's share of the seeds, if the seeds are divided ([`super::SHARD_VARIABLE`]). A
    /// share may be empty if there are fewer seeds than shares.
    pub shard: Option<String>,
    /// The escapes in all runs.
    pub escapes: Escapes,
    #[serde(skip)]
    pub(super) seen: Seen,
}

impl ExplorationReport {
    /// Adds the answer of one seed.
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
        for (escape, seen) in &answer.escapes {
            self.escapes.entry(*escape).or_default().times += seen.times;
        }
        for (name, reached) in &answer.sometimes {
            *self.sometimes.entry(name.clone()).or_default() += u64::from(*reached);
        }
    }

    /// The `sometimes` properties that never held.
    pub fn never(&self) -> Vec<&str> {
        self.sometimes.iter().filter(|(_, seeds)| **seeds == 0).map(|(name, _)| name.as_str()).collect()
    }
}

impl fmt::Display for ExplorationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ExplorationReport { name, seeds, twice, calls, faults, latencies, instances, states, capsules, .. } = self;
        let share = self.shard.as_ref().map(|shard| format!(" of share {shard}")).unwrap_or_default();
        if *seeds == 0 && *capsules > 0 {
            let capsules = counted(*capsules, "capsule", "capsules");
            return write!(f, "{}: {capsules} replayed, no seeds{share} run", Line(name));
        }
        if *seeds == 0 && self.shard.is_some() {
            return write!(f, "{}: no seeds were run, because there are none{share}", Line(name));
        }
        let about = if self.states_are_estimated { "about " } else { "" };
        let seconds = self.took.as_secs_f64();
        let rate = *seeds as f64 / seconds.max(0.001);
        write!(
            f,
            "{}: {}{share} in {seconds:.1} s ({rate:.0} per second), {twice} of them twice, {}, {latencies} of them \
             delayed, {}, {about}{}, {}",
            Line(name),
            counted(*seeds, "seed", "seeds"),
            counted(*calls, "call", "calls"),
            counted(*faults, "fault", "faults"),
            counted(*states, "state", "states"),
            counted(*instances, "instance", "instances"),
        )?;
        match self.failed_instances {
            0 => {}
            failed if failed == *instances && failed > 1 => f.write_str(", all of which failed")?,
            failed => write!(f, ", {failed} of which failed")?,
        }
        self.sometimes.iter().try_for_each(|(name, count)| write!(f, "; {} in {count}", Quoted(name)))
    }
}
