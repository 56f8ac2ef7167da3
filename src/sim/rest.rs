//! When a run is at rest.
//!
//! A run is *at rest* when the body has ended, a storm's calm has begun, and
//! nothing is under way or due: nothing on the agenda of the plan, no node that
//! starts, no message and no job in the queues, no lock on an instance, no
//! activity whose code goes on (be it that its lock is lost or its orchestration
//! has ended; not one of a process that has crashed), and nobody in
//! [`super::Handle::sleep`] or [`super::Handle::output`]. A timer is a message
//! that is due. Messages that come later for an instance which has ended are
//! not counted, because they change nothing: the timer that lost a race.
//!
//! Where the body or an activity has started tasks of tokio's, nobody can see
//! what these are about to do. Then all that has to be so for [`QUIET`], in which
//! nothing happens.
//!
//! It says when; what is judged then is `ending`'s business.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use duroxide::providers::WorkItem;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::cluster::Cluster;
use super::stall;
use super::tasks::Spawns;
use crate::clock::{self, Time};
use crate::text::Line;
use crate::trace::{Span, describe_item};

/// How long nothing happens before a run with tasks of the test's own is at rest.
pub(super) const QUIET: Duration = Duration::from_secs(3600);

/// How many things that are under way are told of one by one.
const MOST: usize = 12;

/// What keeps a run from being at rest. Times count from the run's start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Busy {
    /// The calm of the storm begins only then.
    Storm {
        /// When.
        until: Duration,
    },
    /// The plan has something for then: an entry, the start of a node, the end of
    /// a partition.
    Planned {
        /// When.
        at: Duration,
    },
    /// A node is starting.
    Start {
        /// The node.
        node: String,
    },
    /// The code of an activity goes on.
    Activity {
        /// The node.
        node: String,
        /// The activity's name.
        activity: String,
        /// The instance it works for.
        instance: String,
        /// Since when.
        since: Duration,
    },
    /// A node has locked the instance.
    Turn {
        /// The instance.
        instance: String,
        /// Until when the lock holds.
        until: Duration,
    },
    /// A message waits for an instance.
    Message {
        /// The instance.
        instance: String,
        /// The message, described.
        message: String,
        /// From when on it can be taken.
        due: Duration,
    },
    /// An activity is in the worker queue.
    Job {
        /// The instance.
        instance: String,
        /// The job, described.
        job: String,
        /// From when on it can be taken.
        due: Duration,
        /// How often it was fetched.
        attempts: u32,
    },
    /// Tasks of the body are in [`super::Handle::sleep`].
    Sleepers {
        /// How many.
        tasks: u64,
    },
    /// Tasks of the body are in [`super::Handle::output`].
    Waiters {
        /// How many.
        tasks: u64,
    },
    /// So many more that are not told of.
    More {
        /// How many.
        things: usize,
    },
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Busy::Storm { until } => write!(f, "the storm lasts until +{}", Span(*until)),
            Busy::Planned { at } => write!(f, "the plan has something for +{}", Span(*at)),
            Busy::Start { node } => write!(f, "node {} is starting", Line(node)),
            Busy::Activity { node, activity, instance, since } => write!(
                f,
                "the code of activity {} for {} goes on at {}, since +{}",
                Line(activity),
                Line(instance),
                Line(node),
                Span(*since)
            ),
            Busy::Turn { instance, until } => write!(f, "{} is locked until +{}", Line(instance), Span(*until)),
            Busy::Message { instance, message, due } => {
                write!(f, "{} waits for {}, to be taken from +{}", Line(message), Line(instance), Span(*due))
            }
            Busy::Job { instance, job, due, attempts } => write!(
                f,
                "{} of {} is in the worker queue, fetched {attempts} times, to be taken from +{}",
                Line(job),
                Line(instance),
                Span(*due)
            ),
            Busy::Sleepers { tasks } => write!(f, "tasks of the body are in Handle::sleep: {tasks}"),
            Busy::Waiters { tasks } => write!(f, "tasks of the body are in Handle::output: {tasks}"),
            Busy::More { things } => write!(f, "and {things} more"),
        }
    }
}

/// The activities whose code goes on, and who is to be told when that or anything
/// else changes. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Codes(Arc<Inside>);

#[derive(Debug, Default)]
struct Inside {
    codes: Mutex<(u64, BTreeMap<u64, Code>)>,
    lives: AtomicU64,
    spawns: Spawns,
    stirred: Notify,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Code {
    /// Which start of a node it belongs to.
    pub life: u64,
    pub node: String,
    pub activity: String,
    pub instance: String,
    pub since: Time,
}

impl Codes {
    /// Takes note of one, until what it returns is dropped.
    pub fn one(&self, code: Code) -> impl Drop + use<> {
        struct One(Codes, u64);
        impl Drop for One {
            fn drop(&mut self) {
                let gone = self.0.0.codes.lock().1.remove(&self.1).is_some();
                if gone {
                    self.0.stir();
                }
            }
        }
        let mut codes = self.0.codes.lock();
        codes.0 += 1;
        let number = codes.0;
        codes.1.insert(number, code);
        One(self.clone(), number)
    }

    /// A number for a start of a node.
    pub fn next_life(&self) -> u64 {
        self.0.lives.fetch_add(1, Ordering::Relaxed)
    }

    /// The tasks that the test's code starts.
    pub fn spawns(&self) -> &Spawns {
        &self.0.spawns
    }

    /// Forgets those of a process that has crashed.
    pub fn forget(&self, life: u64) {
        self.0.codes.lock().1.retain(|_, code| code.life != life);
        self.stir();
    }

    fn any(&self) -> bool {
        !self.0.codes.lock().1.is_empty()
    }

    fn each(&self) -> Vec<Code> {
        self.0.codes.lock().1.values().cloned().collect()
    }

    /// Something has happened.
    pub fn stir(&self) {
        self.0.stirred.notify_waiters();
    }
}

/// How far a run may go to come to rest.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub until: Time,
    /// Where the deadline is over: how many provider calls it may make that are
    /// not vain. It is given up too where nothing is known that will happen.
    pub search: Option<u64>,
}

/// How many provider calls of any kind it may make past the deadline: nodes with
/// duroxide's own options poll every 30 seconds.
const POLLS: u64 = 100_000;

/// Waits until the run is at rest and `settled` holds, and returns since when it
/// is. `settled` is asked whenever something has happened, and now and then.
///
/// # Errors
///
/// Where it does not come to that; with since when it has been quiet, if it is.
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
        let mut stirred = pin!(cluster.codes.0.stirred.notified());
        stirred.as_mut().enable();
        // What can happen at this very instant comes first.
        clock::settle().await;
        clock::settle().await;
        let (settled, now) = (settled(), clock::now());
        since = if is_busy(cluster, calm) { None } else { Some(since.unwrap_or(now)) };
        // Whatever happened in the quiet stretch ends it.
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

/// Whether nothing has happened for long, something is left, and nothing is known
/// that will happen to it: nobody takes it.
fn is_stuck(cluster: &Cluster, at_rest: Option<Time>) -> bool {
    let known = stall::may_go_on(cluster) || cluster.codes.any() || cluster.waiters.any();
    at_rest.is_none() && !known && clock::now() - stall::since(cluster) >= QUIET
}

/// Whether the run is not at rest, the stretch of quiet apart.
fn is_busy(cluster: &Cluster, calm: Time) -> bool {
    clock::now() < calm
        || cluster.sleepers.any()
        || cluster.waiters.any()
        || cluster.codes.any()
        || cluster.executor.next().is_some()
        || cluster.memory.inspect(|store| store.is_busy())
        || !cluster.starting().is_empty()
}

/// What keeps it from being at rest.
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
