//! When a run can go no further.
//!
//! A run is *stalled* when, for a long stretch of virtual time, nothing has
//! happened and nothing is known that will. Nothing has happened: there was no
//! provider call but fetches in vain, reads and renewals of locks, and nothing
//! befell a node. Nothing is known that will: no message becomes visible later,
//! no activity is under way, nothing is on the agenda of the plan, and nobody
//! is in [`super::Handle::sleep`].
//!
//! How long the stretch is depends on what the test's body is seen to do. While
//! clients keep reading, as `wait_for_orchestration` does, or somebody is in
//! [`super::Handle::output`], somebody waits for
//! what cannot come: [`Limits::waiting`], 366 days unless set. Where nobody reads,
//! the body may be in a timer of tokio's, which nobody can see from outside:
//! [`Limits::idle`], three years unless set. So a body that sleeps and then
//! acts is not stalled, however long it sleeps with the handle's own `sleep`, and
//! up to three years with tokio's; and a wait whose time-out is shorter than a year
//! ends with its own error. Where the body fails with that error, the run is stalled
//! all the same: nothing else is wrong with it ([`ended_in_a_stall`]).
//!
//! Virtual time costs next to nothing while nothing happens, so that a stalled
//! run ends at once for whoever waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Limits;
use super::cluster::Cluster;
use super::rest::Codes;
use crate::clock::{self, Time};
use crate::trace::next_read;

/// What is due since a moment ago may still be on its way.
const MOMENT: Duration = Duration::from_secs(60);

/// Counts those who wait for something: who sleep with the handle's `sleep`, or
/// wait for an output.
#[derive(Debug, Default)]
pub(super) struct Sleepers {
    count: AtomicU64,
    /// Who is told when one goes on.
    codes: Codes,
}

impl Sleepers {
    pub fn new(codes: &Codes) -> Sleepers {
        Sleepers { count: AtomicU64::new(0), codes: codes.clone() }
    }

    /// Takes note of one, until what it returns is dropped.
    pub fn one(&self) -> impl Drop + '_ {
        struct One<'a>(&'a Sleepers);
        impl Drop for One<'_> {
            fn drop(&mut self) {
                self.0.count.fetch_sub(1, Ordering::Relaxed);
                self.0.codes.stir();
            }
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        One(self)
    }

    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub fn any(&self) -> bool {
        self.count() > 0
    }
}

/// Since when there has been nothing but polling.
pub(super) fn since(cluster: &Cluster) -> Time {
    cluster.log.moved().max(cluster.start)
}

/// Ends the run when it is stalled.
pub(super) async fn watch(cluster: Arc<Cluster>, limits: Limits) {
    stalled(&cluster, &limits).await;
    cluster.pulse.end_for_stall();
}

/// Waits until the run is stalled.
async fn stalled(cluster: &Cluster, limits: &Limits) {
    let (shorter, longer) = (limits.waiting.min(limits.idle), limits.waiting.max(limits.idle));
    // How long it has been looked at in vain: to look again and again in a long
    // sleep would cost more than the sleep.
    let mut patience = shorter;
    loop {
        // What is due at this very instant comes first: a start of a node, a
        // fetch that has been woken.
        clock::settle().await;
        clock::settle().await;
        let since = since(cluster);
        let now = clock::now();
        if now - since < shorter {
            clock::sleep_until(since + shorter).await;
            patience = shorter;
            continue;
        }
        if cluster.ends.load(Ordering::Relaxed) {
            // What is judged after the body's end has bounds of its own.
            return std::future::pending().await;
        }
        if !may_go_on(cluster) && (now - since >= limits.idle || now - since >= limits.waiting && waits(cluster)) {
            return;
        }
        patience = (patience * 2).min(longer.max(shorter));
        // Look at the very end of the longer stretch, if that is what is next.
        let next = if now - since < longer { (since + longer).min(now + patience) } else { now + patience };
        clock::sleep_until(next).await;
    }
}

/// Whether anything is known that will happen.
pub(super) fn may_go_on(cluster: &Cluster) -> bool {
    let from = clock::now().before(MOMENT);
    let stored =
        || cluster.memory.inspect(|store| store.awaits_a_message(from) || store.next_job_after(from).is_some());
    cluster.sleepers.any() || cluster.executor.next().is_some() || stored()
}

/// Whether somebody waits for an output, or has been reading all along.
fn waits(cluster: &Cluster) -> bool {
    cluster.waiters.any() || clock::now() <= next_read(cluster.log.waited())
}

/// Since when the run has been stalled, where the body has just failed after a wait in
/// which nothing happened and nothing was due: then that is what is wrong, and the
/// body's error is only the wait's time-out.
pub(super) fn ended_in_a_stall(cluster: &Cluster) -> Option<Time> {
    let (from, to) = cluster.log.waited();
    let (now, since) = (clock::now(), since(cluster));
    let waited = now - from.max(since) >= MOMENT && now <= next_read((from, to));
    let unfinished = || cluster.memory.inspect(|store| store.has_unfinished());
    (waited && !may_go_on(cluster) && unfinished()).then_some(since)
}
