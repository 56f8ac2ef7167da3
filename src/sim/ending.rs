//! What is judged after the body has ended well.
//!
//! Nothing is judged while anything is under way or due: the run goes on until
//! it is at rest (`rest`). [`super::Sim::finish_within`] and
//! [`super::Sim::eventually`] have a deadline: the bound after the body's end or
//! the beginning of a storm's calm, whichever is later. Where the run is not at rest by
//! then, they are judged as things are at the deadline; and where there is
//! anything that is judged at rest, the run goes on to come to it, without a
//! bound on virtual time but the run's own, for at most as many provider calls
//! again as it had made ([`FEWEST`] at least, [`MOST`] at most; calls in vain are
//! not counted), and no further where nobody takes what is left.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cluster::Cluster;
use super::handle::Handle;
use super::property::Broken;
use super::rest::{self, Bounds, Busy};
use crate::clock::{self, Time};

/// Default deadline of [`super::Sim::eventually`].
const EVENTUALLY: Duration = Duration::from_secs(3600);

/// How many provider calls that are not vain a run may make past its deadline to
/// come to rest.
const FEWEST: u64 = 300;
const MOST: u64 = 100_000;

/// For how long something held that had to hold eventually, and then did not:
/// counted from the run's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// When it was first seen to hold.
    pub from: Duration,
    /// When it was first seen not to hold any more.
    pub until: Duration,
}

/// How a run ended whose body ended well.
pub(super) enum Ending {
    Well,
    /// Something does not hold that must always.
    Property(Broken),
    /// Not every instance ended in time.
    Unfinished,
    /// Something does not hold that must eventually, and held for a while if it
    /// did.
    Eventually(Broken, Option<Held>),
    /// Something does not hold that must at the end.
    AtEnd(Broken),
    /// The run does not come to rest, and this was to be judged there.
    NeverAtRest(String, Vec<Busy>),
}

/// What has been seen of each that must hold eventually.
struct Watch<'a> {
    cluster: &'a Arc<Cluster>,
    seen: Vec<Seen>,
}

#[derive(Default)]
struct Seen {
    broken: Option<Broken>,
    held: Option<Held>,
    /// Since when it holds, where it does.
    holds: Option<Time>,
}

impl Watch<'_> {
    /// Looks at each. Says whether each holds, or has held.
    fn look(&mut self) -> bool {
        let now = clock::now();
        let since = |time: Time| time - self.cluster.start;
        let told: Vec<Option<Broken>> = self.cluster.properties.eventually(&handle(self.cluster)).collect();
        self.seen.resize_with(told.len(), Seen::default);
        for (seen, broken) in self.seen.iter_mut().zip(told) {
            if broken.is_none() {
                seen.holds.get_or_insert(now);
            } else if let Some(from) = seen.holds.take() {
                seen.held = Some(Held { from: since(from), until: since(now) });
            }
            seen.broken = broken;
        }
        self.seen.iter().all(|seen| seen.broken.is_none() || seen.held.is_some())
    }

    /// The first that does not hold.
    fn verdict(&mut self) -> Option<Ending> {
        self.look();
        self.seen.iter().find_map(|seen| Some(Ending::Eventually(seen.broken.clone()?, seen.held)))
    }
}

fn handle(cluster: &Arc<Cluster>) -> Handle {
    Handle::new(cluster.clone())
}

/// Waits until the run is at rest, and judges it there.
pub(super) async fn judge(cluster: &Arc<Cluster>, calm: Time, finish_within: Option<Duration>) -> Ending {
    let properties = &cluster.properties;
    if finish_within.is_none() && !properties.are_for_the_end() {
        return look(cluster).unwrap_or(Ending::Well);
    }
    // From here on a wait has its own bounds.
    cluster.ends.store(true, Ordering::Relaxed);
    let deadline = clock::now().max(calm) + finish_within.unwrap_or(EVENTUALLY);
    let mut watch = Watch { cluster, seen: Vec::new() };
    let finished = || finish_within.is_none() || cluster.memory.inspect(|store| !store.has_unfinished());
    let by_deadline = Bounds { until: deadline, search: None };
    let mut at_rest = rest::reached(cluster, calm, by_deadline, || watch.look() && finished()).await;
    if let Err(quiet) = at_rest {
        if !finished() {
            return Ending::Unfinished;
        }
        if let Some(ending) = watch.verdict() {
            return ending;
        }
        if !properties.are_for_the_end() {
            quiet.into_iter().for_each(|since| cluster.pulse.rests(since));
            return look(cluster).unwrap_or(Ending::Well);
        }
        let calls = cluster.log.moves().clamp(FEWEST, MOST);
        let far = Bounds { until: cluster.end.before(Duration::from_millis(1)), search: Some(calls) };
        at_rest = rest::reached(cluster, calm, far, || {
            watch.look();
            true
        })
        .await;
        let Ok(_) = at_rest else {
            let unjudged = properties.first_at_end().map(|name| Ending::NeverAtRest(name, rest::busy(cluster, calm)));
            return look(cluster).or(unjudged).unwrap_or(Ending::Well);
        };
        let late = || cluster.memory.inspect(|store| store.has_unfinished() || store.any_ended_after(deadline));
        if finish_within.is_some() && late() {
            return Ending::Unfinished;
        }
    }
    at_rest.iter().for_each(|since| cluster.pulse.rests(*since));
    let at_end = || properties.at_end(&handle(cluster)).map(Ending::AtEnd);
    look(cluster).or_else(|| watch.verdict()).or_else(at_end).unwrap_or(Ending::Well)
}

/// Looks once more at what must always hold.
fn look(cluster: &Arc<Cluster>) -> Option<Ending> {
    cluster.look();
    cluster.properties.broken().map(Ending::Property)
}
