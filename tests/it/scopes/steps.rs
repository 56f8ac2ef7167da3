//! The alphabet.

use duroxide_sim::store::Pick;
use proptest::prelude::*;

/// A call or some time, for the instance of that number. Calls with a token use
/// the one that was issued last for the instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// A message that starts the instance.
    Start(usize),
    /// A message that does not.
    Event(usize),
    /// One that is visible two milliseconds later.
    Late(usize),
    Cancel(usize),
    /// The n-th turn that can be fetched, the oldest for 0.
    Fetch(usize),
    /// An ack with the next event, a job and a timer.
    Commit(usize),
    /// An ack with nothing.
    Touch(usize),
    /// An ack that ends the execution.
    Finish(usize),
    /// An ack with the first event, be it there or not.
    Repeat(usize),
    /// For one millisecond.
    Abandon(usize),
    Renew(usize),
    Job(usize),
    FetchJob(usize),
    AckJob(usize),
    AbandonJob(usize),
    RenewJob(usize),
    Delete(usize),
    /// A millisecond passes.
    Tick,
    /// As much time passes as a lock lasts.
    Lapse,
}

impl Step {
    /// Which of the eligible items a fetch takes.
    pub fn pick(self) -> Pick {
        match self {
            Step::Fetch(n) | Step::FetchJob(n) if n > 0 => Pick::Nth(n),
            _ => Pick::Oldest,
        }
    }
}

/// Any step but those that take time, for one instance.
pub fn about(instance: usize) -> impl Strategy<Value = Step> {
    use Step::*;
    let messages = [Start(instance), Event(instance), Late(instance), Cancel(instance)];
    let turns =
        [Commit(instance), Touch(instance), Finish(instance), Repeat(instance), Abandon(instance), Renew(instance)];
    let jobs = [Job(instance), AckJob(instance), AbandonJob(instance), RenewJob(instance), Delete(instance)];
    let all: Vec<Step> = messages.into_iter().chain(turns).chain(jobs).collect();
    prop::sample::select(all)
}

/// Any step; fetches and time often enough that something happens.
pub fn any() -> impl Strategy<Value = Step> {
    use Step::*;
    prop_oneof![
        3 => about(0),
        3 => about(1),
        3 => prop::sample::select(vec![Fetch(0), Fetch(1), Fetch(2), FetchJob(0), FetchJob(1), FetchJob(2)]),
        2 => prop::sample::select(vec![Tick, Lapse]),
    ]
}
