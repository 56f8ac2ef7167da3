//! Stall detection: when a run can make no more progress.
//!
//! A run is *stalled* when, for a long period of virtual time, nothing has happened and
//! nothing is known that will. "Nothing has happened" means that there were no provider
//! calls except empty fetches, reads and lock renewals, and no faults of nodes. "Nothing is
//! known that will" means that no message becomes visible later, no activity is running,
//! the agenda of the plan is empty, and no task of the body is in [`super::Handle::sleep`].
//!
//! The length of the period depends on what the test's body visibly does. While clients
//! keep reading, as `wait_for_orchestration` does, or a task of the body is in
//! [`super::Handle::output`], the body waits for something that cannot happen:
//! [`Limits::waiting`], 366 days by default. If there are no reads, the body may be in a
//! tokio timer, which is not visible from outside: [`Limits::idle`], three years by
//! default. So a body that sleeps and then acts is not stalled, however long it sleeps with
//! the handle's `sleep`, and up to three years with tokio's. A wait with a time-out of less
//! than a year ends with its own error. If the body fails with that error, the run still
//! counts as stalled, because nothing else is wrong with it ([`ended_in_a_stall`]).
//!
//! The locks of running activities are renewed for ever, so a run in which nothing is left but
//! calls that doubles hold or never answer would cost real time. If a task of the body waits
//! for a condition without a time limit, such a run counts as stalled after [`UNANSWERED`].
//!
//! Idle virtual time costs next to no real time, so a stalled run ends almost immediately
//! in real time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Limits;
use super::cluster::Cluster;
use crate::clock::{self, Time};
use crate::provider::Memory;
use crate::trace::next_read;

/// Tolerance for work that became due a moment ago and may still be on its way.
const MOMENT: Duration = Duration::from_secs(60);

/// The period after which a run is stalled whose only activities are those that doubles hold or
/// never answer.
const UNANSWERED: Duration = Duration::from_secs(10 * 86_400);

/// Returns the time since when there has been nothing but polling.
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
    // The pause between two looks. It grows, because frequent looks during a long sleep
    // would cost more than the sleep itself.
    let mut patience = shorter;
    loop {
        // What is due at this very instant comes first: the start of a node, or a fetch
        // that was woken.
        clock::settle().await;
        clock::settle().await;
        let since = since(cluster);
        let now = clock::now();
        let first = UNANSWERED.min(shorter);
        if now - since < first {
            clock::sleep_until(since + first).await;
            continue;
        }
        if !cluster.ends.load(Ordering::Relaxed) && waits_for_doubles(cluster) {
            return;
        }
        if now - since < shorter {
            clock::sleep_until(since + shorter).await;
            patience = shorter;
            continue;
        }
        if cluster.ends.load(Ordering::Relaxed) {
            // The checks after the body's end have bounds of their own.
            return std::future::pending().await;
        }
        if !may_go_on(cluster) && (now - since >= limits.idle || now - since >= limits.waiting && waits(cluster)) {
            return;
        }
        patience = (patience * 2).min(longer.max(shorter));
        // Look at the end of the longer period, if that comes first.
        let next = if now - since < longer { (since + longer).min(now + patience) } else { now + patience };
        clock::sleep_until(next).await;
    }
}

/// Whether anything is known that will happen.
pub(super) fn may_go_on(cluster: &Cluster) -> bool {
    let from = clock::now().before(MOMENT);
    let stored = || {
        let all = cluster.storages.all();
        let awaits = |memory: &Arc<Memory>| {
            memory.inspect(|store| store.awaits_a_message(from) || store.next_job_after(from).is_some())
        };
        all.iter().any(awaits)
    };
    cluster.sleepers.any() || cluster.executor.next().is_some() || stored()
}

/// Whether a task of the body waits without a time limit, and nothing is left but calls that
/// doubles hold or never answer.
fn waits_for_doubles(cluster: &Cluster) -> bool {
    let calls = cluster.doubles.unanswered().count();
    // Every other task that waits has a time limit.
    let waits = cluster.awaited.count() > 0 && cluster.waiters.count() <= cluster.awaited.count() as u64;
    let reads = clock::now() <= next_read(cluster.log.waited());
    calls > 0
        && waits
        && !reads
        && !cluster.sleepers.any()
        && cluster.executor.next().is_none()
        && cluster.codes.each().len() == calls
        && cluster.memory.inspect(|store| {
            let (messages, jobs) = store.queued();
            messages.is_empty() && jobs.len() == calls
        })
}

/// Whether a task waits for an output, or a client has kept reading.
fn waits(cluster: &Cluster) -> bool {
    cluster.waiters.any() || clock::now() <= next_read(cluster.log.waited())
}

/// Returns the beginning of the stall, if the body has just failed after a wait in which
/// nothing happened and nothing was due: then the stall is the failure, and the body's
/// error is only the time-out of its wait.
pub(super) fn ended_in_a_stall(cluster: &Cluster) -> Option<Time> {
    let (from, to) = cluster.log.waited();
    let (now, since) = (clock::now(), since(cluster));
    let waited = now - from.max(since) >= MOMENT && now <= next_read((from, to));
    let unfinished = || cluster.storages.all().iter().any(|memory| memory.inspect(|store| store.has_unfinished()));
    (waited && !may_go_on(cluster) && unfinished()).then_some(since)
}
