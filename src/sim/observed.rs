//! [`Observed`]: what a run did besides its provider calls.

use serde::{Deserialize, Serialize};

use super::activity::ActivityCalls;
use super::effects::DoneEffect;
use crate::logs::RunLog;

/// What a run did besides its provider calls, for people who look at it. Of each, the last 1,000
/// are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Observed {
    /// What the code of the run logged.
    #[serde(default)]
    pub log: RunLog,
    /// The calls of activities, of all instances, in the order in which they began.
    #[serde(default)]
    pub activities: ActivityCalls,
    /// The effects of activities on the outside world ([`super::Sim::effects`]), in their order.
    #[serde(default)]
    pub effects: Vec<DoneEffect>,
}

impl Observed {
    /// The number that is kept of each.
    pub(super) const MOST: usize = RunLog::MOST;

    /// Whether nothing was observed.
    pub fn is_empty(&self) -> bool {
        self.log.is_empty() && self.activities.is_empty() && self.effects.is_empty()
    }
}
