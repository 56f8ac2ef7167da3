//! The checks after the body has succeeded.
//!
//! Nothing is checked while anything is under way or due: the run continues until it is at
//! rest (`rest`). [`super::Sim::finish_within`] and [`super::Sim::eventually`] have a
//! deadline: the bound after the body's end or the beginning of a storm's calm, whichever
//! is later. If the run is not at rest by then, they are checked at the deadline. If there
//! are properties that are checked at rest, the run then continues in order to come to
//! rest. In this phase virtual time is bounded only by the run's own limit, and provider
//! calls by as many as the run has made so far (at least [`FEWEST`], at most [`MOST`], not
//! counting calls without effect). It also ends when no worker takes the remaining work.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::busy::Busy;
use super::cause::Held;
use super::cluster::Cluster;
use super::handle::Handle;
use super::property::{Broken, Properties};
use super::rest::{self, Bounds};
use crate::clock::{self, Time};

/// The default deadline of [`super::Sim::eventually`] properties.
const EVENTUALLY: Duration = Duration::from_secs(3600);

/// The bounds on the provider calls with an effect that a run may make after its deadline
/// to come to rest.
const FEWEST: u64 = 300;
const MOST: u64 = 100_000;

/// The outcome of the checks after the body succeeded.
pub(super) enum Ending {
    Well,
    /// A property that must always hold does not hold.
    Property(Broken),
    /// Not every instance ended in time.
    Unfinished,
    /// A property that must eventually hold does not; with the period in which it held, if
    /// it did.
    Eventually(Broken, Option<Held>),
    /// A property that must hold at the end does not.
    AtEnd(Broken),
    /// The run does not come to rest, where this property was to be checked.
    NeverAtRest(String, Vec<Busy>),
}

/// The observations of the `eventually` properties so far.
struct Watch<'a> {
    cluster: &'a Arc<Cluster>,
    properties: &'a Properties,
    seen: Vec<Seen>,
}

#[derive(Default)]
struct Seen {
    broken: Option<Broken>,
    held: Option<Held>,
    /// The time since when the property has held, if it holds.
    holds: Option<Time>,
}

impl Watch<'_> {
    /// Checks each property. Returns whether each holds or has held.
    fn look(&mut self) -> bool {
        let now = clock::now();
        let since = |time: Time| time - self.cluster.start;
        let told: Vec<Option<Broken>> = self.properties.eventually(&handle(self.cluster)).collect();
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

    /// Returns the first property that does not hold.
    fn verdict(&mut self) -> Option<Ending> {
        self.look();
        self.seen.iter().find_map(|seen| Some(Ending::Eventually(seen.broken.clone()?, seen.held)))
    }
}

fn handle(cluster: &Arc<Cluster>) -> Handle {
    Handle::new(cluster.clone())
}

/// Waits until the run is at rest, and checks the properties there.
pub(super) async fn judge(
    cluster: &Arc<Cluster>,
    properties: &Properties,
    calm: Time,
    finish_within: Option<Duration>,
) -> Ending {
    if finish_within.is_none() && !properties.are_for_the_end() {
        return look(cluster, properties).unwrap_or(Ending::Well);
    }
    // From here on, waits have bounds of their own.
    cluster.ends.store(true, Ordering::Relaxed);
    let deadline = clock::now().max(calm) + finish_within.unwrap_or(EVENTUALLY);
    let mut watch = Watch { cluster, properties, seen: Vec::new() };
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
            return look(cluster, properties).unwrap_or(Ending::Well);
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
            return look(cluster, properties).or(unjudged).unwrap_or(Ending::Well);
        };
        let late = || cluster.memory.inspect(|store| store.has_unfinished() || store.any_ended_after(deadline));
        if finish_within.is_some() && late() {
            return Ending::Unfinished;
        }
    }
    at_rest.iter().for_each(|since| cluster.pulse.rests(*since));
    let at_end = || properties.at_end(&handle(cluster)).map(Ending::AtEnd);
    look(cluster, properties).or_else(|| watch.verdict()).or_else(at_end).unwrap_or(Ending::Well)
}

/// Checks the `always` properties once more.
fn look(cluster: &Arc<Cluster>, properties: &Properties) -> Option<Ending> {
    cluster.look();
    properties.broken().map(Ending::Property)
}
