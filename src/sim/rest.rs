//! Detection of rest.
//!
//! A run is *at rest* when the body has ended, a storm's calm has begun, and nothing is
//! under way or due: the agenda of the plan is empty, no node is starting, no message or
//! work item is queued, no instance is locked, no activity is running (even one whose lock
//! is lost or whose orchestration has ended, but not one of a crashed process), and no task
//! is in [`super::Handle::sleep`] or [`super::Handle::output`]. A pending timer is a
//! message that is due. Messages that become visible later for an instance that has ended
//! do not count, because they change nothing: an example is a timer that lost a race.
//!
//! The future actions of tokio tasks that the body or an activity has spawned are not
//! visible. If there are such tasks, all this must be true for [`QUIET`], in which nothing
//! happens.
//!
//! This module only detects rest; `ending` checks the properties.

use std::pin::pin;
use std::time::Duration;

use duroxide::providers::WorkItem;

use super::busy::Busy;
use super::cluster::Cluster;
use super::codes::Code;
use super::stall;
use crate::clock::{self, Time};
use crate::trace::describe_item;

/// The quiet period after which a run with tasks of the test's own is at rest.
pub(super) const QUIET: Duration = Duration::from_secs(3600);

/// The number of items listed individually.
const MOST: usize = 12;

/// The bounds on how far a run may go to come to rest.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub until: Time,
    /// After the deadline: the number of provider calls with an effect that the run may
    /// make. The search also ends when nothing is known that will happen.
    pub search: Option<u64>,
}

/// The number of provider calls of any kind that a run may make after the deadline: nodes
/// with duroxide's default options poll every 30 seconds.
const POLLS: u64 = 100_000;

/// Waits until the run is at rest and `settled` holds, and returns since when it has been
/// at rest. `settled` is evaluated whenever something has happened, and periodically.
///
/// # Errors
///
/// If the run does not come to rest within `bounds`; with the time since when it has been
/// quiet, if it is.
pub(super) async fn reached(
    cluster: &Cluster,
    calm: Time,
    bounds: Bounds,
    mut settled: impl FnMut() -> bool,
) -> Result<Time, Option<Time>> {
    let began = clock::now();
    let last = bounds.search.map(|calls| (cluster.log.moves() + calls, cluster.pulse.steps() + POLLS));
    let mut since: Option<Time> = None;
    loop {
        let mut stirred = pin!(cluster.codes.stirred());
        stirred.as_mut().enable();
        // Let everything happen first that can happen at this instant.
        clock::settle().await;
        clock::settle().await;
        let (settled, now) = (settled(), clock::now());
        since = if is_busy(cluster, calm) { None } else { Some(since.unwrap_or(now)) };
        // Anything that happened during the quiet period restarts it.
        since = since.map(|since| since.max(stall::since(cluster)));
        let stretch = if cluster.codes.spawns().any() { QUIET } else { Duration::ZERO };
        if let Some(since) = since.filter(|since| settled && now - *since >= stretch) {
            return Ok(since);
        }
        let over = last.is_some_and(|(moves, calls)| {
            cluster.log.moves() >= moves || cluster.pulse.steps() >= calls || is_stuck(cluster, since)
        });
        if now >= bounds.until || over {
            return Err(since);
        }
        let pause = ((now - began) / 10).max(Duration::from_millis(100));
        let next = (now + pause).min(bounds.until);
        let quiet = since.map(|since| since + stretch);
        let next = [quiet, Some(calm)].into_iter().flatten().filter(|at| *at > now).fold(next, Time::min);
        tokio::select! {
            biased;
            () = stirred => {}
            () = clock::sleep_until(next) => {}
        }
    }
}

/// Whether work is left that no worker takes: nothing has happened for a long time, and
/// nothing is known that will.
fn is_stuck(cluster: &Cluster, at_rest: Option<Time>) -> bool {
    let known = stall::may_go_on(cluster) || cluster.codes.any() || cluster.waiters.any();
    at_rest.is_none() && !known && clock::now() - stall::since(cluster) >= QUIET
}

/// Whether anything is under way or due, regardless of the quiet period.
fn is_busy(cluster: &Cluster, calm: Time) -> bool {
    clock::now() < calm
        || cluster.sleepers.any()
        || cluster.waiters.any()
        || cluster.codes.any()
        || cluster.executor.next().is_some()
        || cluster.memory.inspect(|store| store.is_busy())
        || !cluster.starting().is_empty()
}

/// Returns what keeps the run from being at rest.
pub(super) fn busy(cluster: &Cluster, calm: Time) -> Vec<Busy> {
    let (now, from) = (clock::now(), |at: Time| at - cluster.start);
    let mut all = Vec::new();
    if now < calm {
        all.push(Busy::Storm { until: from(calm) });
    }
    all.extend(cluster.executor.next().map(|at| Busy::Planned { at: from(at) }));
    all.extend(cluster.starting().into_iter().map(|node| Busy::Start { node }));
    let code =
        |Code { node, activity, instance, since, .. }| Busy::Activity { node, activity, instance, since: from(since) };
    all.extend(cluster.codes.each().into_iter().map(code));
    cluster.memory.inspect(|store| {
        for instance in store.busy_instances() {
            let name = || instance.clone();
            let lock = store.lock_of(&instance).filter(|until| *until > now);
            all.extend(lock.map(|until| Busy::Turn { instance: name(), until: from(until) }));
            let message = |(item, at, _): (&WorkItem, Time, u32)| Busy::Message {
                instance: name(),
                message: describe_item(item),
                due: from(at),
            };
            all.extend(store.messages_of(&instance).into_iter().map(message));
            let job = |(item, at, attempts, _): (&WorkItem, Time, u32, bool)| Busy::Job {
                instance: name(),
                job: describe_item(item),
                due: from(at),
                attempts,
            };
            all.extend(store.jobs_of(&instance).into_iter().map(job));
        }
    });
    let counts = (cluster.sleepers.count(), cluster.waiters.count());
    all.extend((counts.0 > 0).then_some(Busy::Sleepers { tasks: counts.0 }));
    all.extend((counts.1 > 0).then_some(Busy::Waiters { tasks: counts.1 }));
    if all.len() > MOST {
        let things = all.len() - MOST;
        all.truncate(MOST);
        all.push(Busy::More { things });
    }
    all
}
