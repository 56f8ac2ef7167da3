//! [`Limits`]: how far a simulation may go.

use std::time::Duration;

/// How far a simulation may go. A limit of zero would end every run before it began,
/// and is refused when the run starts ([`super::Cause::Setup`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Virtual time after the start: 10 years unless set, and at most 200.
    pub virtual_time: Duration,
    /// Virtual time in which nothing happens and nothing is known that will, while
    /// clients wait for something: 366 days unless set. Then the run is stalled
    /// ([`super::Cause::Stalled`]); a wait with a shorter time-out ends with that. Where nodes
    /// poll far more often than [`super::Sim::default_options`] has it, a shorter limit
    /// ends stalled runs sooner.
    pub waiting: Duration,
    /// The same while nobody waits through a client: three years unless set. A body
    /// that sleeps longer has to do it with [`super::Handle::sleep`].
    pub idle: Duration,
    /// Provider calls: a hundred million unless set.
    pub steps: u64,
    /// How many turns may follow one from the other at one moment of virtual time:
    /// 2,000 unless set. It counts how deep a chain of causes is (a turn, an activity
    /// that takes no time, the next turn), so that any number of instances,
    /// activities or events may be busy side by side at one moment. A run with a longer
    /// chain fails ([`super::NoProgress::Chain`]).
    pub chain: u64,
    /// How many turns one instance may have at one moment of virtual time that bring it
    /// nothing but failures, timers of no length and events that activities sent: 250
    /// unless set ([`super::NoProgress::Barren`]).
    pub barren: u64,
    /// How often a message or an activity may be delivered without an ack that is
    /// accepted, beyond the `max_attempts` of the nodes: 1,000 times unless set
    /// ([`super::NoProgress::Deliveries`]).
    pub deliveries: u32,
    /// How many provider calls may be made at one moment of virtual time before there
    /// is nothing else to do at it once: 500,000 unless set ([`super::NoProgress::Calls`]).
    pub calls: u64,
    /// How often the body or an activity may be polled at one moment of virtual time,
    /// where no provider call and no wait comes between: 300,000 times unless set
    /// ([`super::NoProgress::Polls`]).
    pub polls: u64,
    /// Real time for the whole run: 10 minutes unless set.
    pub real_time: Duration,
    /// Real time without any progress, that is without a provider call and
    /// without a wait: 30 seconds unless set.
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
    /// Whether a run can be bounded by them.
    ///
    /// # Errors
    ///
    /// A sentence, where one is zero.
    pub(super) fn check(&self) -> Result<(), String> {
        let durations = [
            ("virtual_time", self.virtual_time, "for how much virtual time the run may go on"),
            ("waiting", self.waiting, "how long clients may wait for what cannot come"),
            ("idle", self.idle, "how long nothing may happen"),
            ("real_time", self.real_time, "how much real time the run may take"),
            ("stuck", self.stuck, "for how much real time there may be no progress"),
        ];
        let counts = [
            ("steps", self.steps, "how many provider calls the run may make"),
            ("chain", self.chain, "how many turns may follow one from the other at one moment"),
            ("barren", self.barren, "how many turns at one moment may bring an instance nothing new"),
            ("deliveries", self.deliveries.into(), "how often something may be delivered without an ack"),
            ("calls", self.calls, "how many provider calls may be made without a pause"),
            ("polls", self.polls, "how often code may be polled without a pause"),
        ];
        let count = counts.iter().find(|(_, limit, _)| *limit == 0).map(|(name, _, what)| (*name, *what));
        let zero = durations.iter().find(|(_, limit, _)| limit.is_zero()).map(|(name, _, what)| (*name, *what));
        match zero.or(count) {
            None => Ok(()),
            Some((name, what)) => Err(format!(
                "Limits::{name} is zero. It says {what}; set it above zero, or leave it as Limits::default has it."
            )),
        }
    }
}
