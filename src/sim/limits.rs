//! [`Limits`]: the bounds of a run.

use std::time::Duration;

/// The bounds of a run. A limit of zero would end every run before it began, and is
/// rejected when the run starts ([`super::Cause::Setup`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The virtual time of the run: 10 years by default, and at most 200.
    pub virtual_time: Duration,
    /// The virtual time in which nothing happens and nothing is known that will, while
    /// clients wait for something: 366 days by default. After that the run is stalled
    /// ([`super::Cause::Stalled`]); a wait with a shorter time-out ends at its time-out. If
    /// nodes poll far more often than with [`super::Sim::default_options`], a shorter limit
    /// ends stalled runs sooner.
    pub waiting: Duration,
    /// Like `waiting`, but while no client waits: three years by default. A body that
    /// sleeps longer must use [`super::Handle::sleep`].
    pub idle: Duration,
    /// The number of provider calls: a hundred million by default.
    pub steps: u64,
    /// The length of a chain of turns at one moment of virtual time, each caused by the one
    /// before: 2,000 by default. The limit counts the depth of the chain (a turn, an
    /// activity that takes no time, the next turn), so any number of instances, activities
    /// or events may be busy in parallel at one moment. A run with a longer chain fails
    /// ([`super::NoProgress::Chain`]).
    pub chain: u64,
    /// The number of turns of one instance at one moment of virtual time that are caused
    /// only by failures, zero-length timers and events sent by activities: 250 by default
    /// ([`super::NoProgress::Barren`]).
    pub barren: u64,
    /// The number of deliveries of a message or an activity without an accepted ack, in
    /// addition to the `max_attempts` of the nodes: 1,000 by default
    /// ([`super::NoProgress::Deliveries`]).
    pub deliveries: u32,
    /// The number of provider calls at one moment of virtual time during which the thread
    /// is never idle: 500,000 by default ([`super::NoProgress::Calls`]).
    pub calls: u64,
    /// The number of polls of the body or an activity at one moment of virtual time,
    /// without a provider call or a wait in between: 300,000 by default
    /// ([`super::NoProgress::Polls`]).
    pub polls: u64,
    /// The real time of the run: 10 minutes by default.
    pub real_time: Duration,
    /// The real time without any progress, that is, without a provider call or a wait: 30
    /// seconds by default.
    pub stuck: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            virtual_time: Duration::from_secs(10 * 365 * 86_400),
            waiting: Duration::from_secs(366 * 86_400),
            idle: Duration::from_secs(3 * 365 * 86_400),
            steps: 100_000_000,
            chain: 2_000,
            barren: 250,
            deliveries: 1_000,
            calls: 500_000,
            polls: 300_000,
            real_time: Duration::from_secs(600),
            stuck: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// Checks that no limit is zero.
    ///
    /// # Errors
    ///
    /// If a limit is zero, with a full sentence.
    pub(super) fn check(&self) -> Result<(), String> {
        let durations = [
            ("virtual_time", self.virtual_time, "the virtual time of the run"),
            ("waiting", self.waiting, "how long clients may wait for something that cannot happen"),
            ("idle", self.idle, "how long nothing may happen"),
            ("real_time", self.real_time, "the real time of the run"),
            ("stuck", self.stuck, "the real time without progress"),
        ];
        let counts = [
            ("steps", self.steps, "the number of provider calls in the run"),
            ("chain", self.chain, "the length of a chain of turns at one moment"),
            ("barren", self.barren, "the number of turns at one moment that bring an instance nothing new"),
            ("deliveries", self.deliveries.into(), "the number of deliveries without an accepted ack"),
            ("calls", self.calls, "the number of provider calls without a pause"),
            ("polls", self.polls, "the number of polls without a pause"),
        ];
        let count = counts.iter().find(|(_, limit, _)| *limit == 0).map(|(name, _, what)| (*name, *what));
        let zero = durations.iter().find(|(_, limit, _)| limit.is_zero()).map(|(name, _, what)| (*name, *what));
        match zero.or(count) {
            None => Ok(()),
            Some((name, what)) => Err(format!(
                "Limits::{name} is zero. It limits {what}: set it above zero, or keep the value of Limits::default."
            )),
        }
    }
}
