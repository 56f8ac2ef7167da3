//! [`Number`]: the numbers of a plan, and how each is reduced.
//!
//! Numbers are reduced towards their minimum: an input towards the minimum of its range, a call
//! number towards 1, everything else towards 0. Times count in whole milliseconds.

use std::time::Duration;

use crate::faults::FaultAction;
use crate::sim::{Action, CallSite, Input, Plan, PlanEntry, Trigger};

/// Identifies a number in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// The input with this name.
    Input(String),
    /// The start of the calm.
    Calm,
    /// The trigger of this entry: its time or its call number.
    Trigger(usize),
    /// A duration or amount of this entry's action, by index; an action may have several.
    Action(usize, usize),
}

/// The current value of a number, and its minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    value: u64,
    least: u64,
    /// Whether the value counts milliseconds.
    is_time: bool,
}

/// All numbers of a plan: the inputs, those of the entries, the last entry first, and the calm.
pub(super) fn of(plan: &Plan) -> Vec<Number> {
    let inputs = plan.inputs.keys().cloned().map(Number::Input);
    let of_entry = |at: usize| {
        let whats = 0..readings(&plan.entries[at].what).len();
        std::iter::once(Number::Trigger(at)).chain(whats.map(move |index| Number::Action(at, index)))
    };
    let entries = (0..plan.entries.len()).rev().flat_map(of_entry);
    inputs.chain(entries).chain(plan.calm.map(|_| Number::Calm)).collect()
}

impl Number {
    /// Reads the number from `plan`; `None` if the plan has no such number.
    pub fn read(&self, plan: &Plan) -> Option<Reading> {
        match self {
            Number::Input(name) => {
                let Input { value, least } = *plan.inputs.get(name)?;
                Some(Reading { value, least, is_time: false })
            }
            Number::Calm => plan.calm.map(Reading::time),
            Number::Trigger(at) => Some(match &plan.entries.get(*at)?.when {
                Trigger::At(time) => Reading::time(*time),
                Trigger::Before(point) | Trigger::After(point) => {
                    Reading { value: point.nth, least: 1, is_time: false }
                }
            }),
            Number::Action(at, index) => readings(&plan.entries.get(*at)?.what).get(*index).copied(),
        }
    }

    /// A copy of the plan with another value for this number.
    pub fn set(&self, plan: &Plan, value: u64) -> Plan {
        let mut plan = plan.clone();
        let time = Duration::from_millis(value);
        match self {
            Number::Input(name) => plan.inputs.get_mut(name).into_iter().for_each(|input| input.value = value),
            Number::Calm => plan.calm = Some(time),
            Number::Trigger(at) => match &mut plan.entries[*at].when {
                Trigger::At(at) => *at = time,
                Trigger::Before(CallSite { nth, .. }) | Trigger::After(CallSite { nth, .. }) => *nth = value,
            },
            Number::Action(at, index) => match &mut plan.entries[*at].what {
                Action::Skew { by_ms, .. } => {
                    *by_ms = by_ms.signum() * i64::try_from(value).unwrap_or(i64::MAX);
                }
                what => times(what).into_iter().nth(*index).into_iter().for_each(|of| *of = time),
            },
        }
        plan
    }
}

impl Reading {
    fn time(time: Duration) -> Reading {
        let value = u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        Reading { value, least: 0, is_time: true }
    }

    /// The value halfway to the minimum; `None` if the value is already the minimum.
    pub fn half(self) -> Option<u64> {
        let half = self.least + self.value.saturating_sub(self.least) / 2;
        (half < self.value).then_some(half)
    }

    /// The minimum; `None` if the value is already the minimum.
    pub fn least(self) -> Option<u64> {
        (self.least < self.value).then_some(self.least)
    }

    /// The smaller values to bisect over.
    pub fn below(self) -> Below {
        if self.is_time { Below::Plain(plain(self.value)) } else { Below::All(self.least..self.value) }
    }
}

/// Candidate values in ascending order.
pub(super) enum Below {
    All(std::ops::Range<u64>),
    Plain(Vec<u64>),
}

impl Below {
    pub fn len(&self) -> u64 {
        match self {
            Below::All(range) => range.end.saturating_sub(range.start),
            Below::Plain(values) => values.len() as u64,
        }
    }

    pub fn at(&self, index: u64) -> u64 {
        match self {
            Below::All(range) => range.start + index,
            Below::Plain(values) => values[index as usize],
        }
    }
}

/// Round times below `end`, in milliseconds. Each is at most twice the one before.
fn plain(end: u64) -> Vec<u64> {
    const SECOND: u64 = 1_000;
    const MINUTE: u64 = 60 * SECOND;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    // Each unit, and the bound up to which it is used.
    const UNITS: [(u64, u64); 7] = [
        (1, 10),
        (10, 100),
        (100, SECOND),
        (SECOND, 2 * MINUTE),
        (MINUTE, 2 * HOUR),
        (HOUR, 2 * DAY),
        (DAY, 1_000 * DAY),
    ];
    let mut all = Vec::new();
    let mut from = 0;
    for (unit, to) in UNITS {
        all.extend((from..to.min(end)).step_by(unit as usize));
        from = to;
    }
    all
}

/// Variants of `entry` that last longer, the shortest first.
pub(super) fn longer(entry: &PlanEntry) -> Vec<PlanEntry> {
    const LONG: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(10), Duration::from_secs(60)];
    let mut all = Vec::new();
    for long in LONG {
        for index in 0..times(&mut entry.what.clone()).len() {
            let mut entry = entry.clone();
            let time = times(&mut entry.what).into_iter().nth(index).filter(|time| **time < long);
            if time.map(|time| *time = long).is_some() {
                all.push(entry);
            }
        }
    }
    all
}

fn readings(what: &Action) -> Vec<Reading> {
    if let Action::Skew { by_ms, .. } = what {
        return vec![Reading { value: by_ms.unsigned_abs(), least: 0, is_time: true }];
    }
    times(&mut what.clone()).into_iter().map(|time| Reading::time(*time)).collect()
}

/// The durations in an action.
fn times(what: &mut Action) -> Vec<&mut Duration> {
    match what {
        Action::Crash { restart_after, .. } | Action::Stop { restart_after, .. } => {
            restart_after.as_mut().into_iter().collect()
        }
        Action::Partition { lasts, .. } | Action::Outage { lasts, .. } | Action::Stall { lasts, .. } => vec![lasts],
        Action::Start { .. } | Action::Upgrade { .. } | Action::Skew { .. } | Action::Client { .. } => Vec::new(),
        Action::Fault(verdict) => match verdict {
            FaultAction::Delay { before, after } => vec![before, after],
            FaultAction::Drop { after } => vec![after],
            FaultAction::ShortLock { lasts } => vec![lasts],
            FaultAction::Pass | FaultAction::Refuse { .. } | FaultAction::LoseReply | FaultAction::Hang { .. } => {
                Vec::new()
            }
        },
    }
}
