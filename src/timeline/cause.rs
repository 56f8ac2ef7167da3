//! The moment at which a failure was caused, which is often long before the run noticed it.

use super::item::At;
use super::walk::Walked;
use crate::clock::Time;
use crate::laws::Breach;
use crate::sim::{Cause, Failure};
use crate::text::position_of;
use crate::trace::Trace;

/// What is known of the cause of a failure, before the trace is read.
#[derive(Clone, Debug, Default)]
pub(super) struct Clue {
    /// When the run stopped getting further.
    since: Option<Time>,
    /// What the failure says, with the names of the instances concerned.
    text: String,
}

/// The moment at which a failure was caused, with a sentence about it.
pub(super) struct CauseMoment {
    pub at: At,
    pub why: String,
}

impl Clue {
    pub fn of(failure: &Failure) -> Clue {
        let stalled = if let Cause::Stalled { since, .. } = &failure.cause { Some(*since) } else { None };
        let since = stalled.map(|since| failure.start + since);
        let concerned = failure.tails.iter().map(|tail| tail.instance.as_str());
        let text = std::iter::once(&*failure.cause.to_string()).chain(concerned).collect::<Vec<_>>().join("\n");
        Clue { since, text }
    }

    /// Returns the moment of the cause: of the first broken law; otherwise that at which the first
    /// of the instances concerned failed; otherwise that since which nothing happened.
    pub fn moment(&self, trace: &Trace, breaches: &[Breach], walked: &Walked) -> Option<CauseMoment> {
        let since_start = |time: Time| time.0.saturating_sub(trace.started.0);
        let broken = breaches.iter().filter_map(|breach| Some((breach.entry?, breach))).min_by_key(|(entry, _)| *entry);
        if let Some((entry, breach)) = broken {
            let at = At::Near(since_start(trace.entries.get(entry)?.answered));
            return Some(CauseMoment { at, why: format!("A call breaks {}.", breach.law) });
        }
        let failed = walked.instances.iter().filter_map(|(name, instance)| {
            let (status, at) = instance.ended.as_ref()?;
            (status == "Failed" && position_of(name, &self.text).is_some()).then_some((name, *at))
        });
        let first = failed.min_by_key(|(_, at)| match at {
            At::Step(step) => *step,
            At::Time(_) | At::Near(_) | At::End => usize::MAX,
        });
        if let Some((name, at)) = first {
            return Some(CauseMoment { at, why: format!("The orchestration of {name} failed.") });
        }
        let at = At::Time(since_start(self.since?));
        Some(CauseMoment { at, why: "From here on nothing happened.".to_owned() })
    }
}
