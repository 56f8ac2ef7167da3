//! [`Handle`]: the simulation as seen by a test's body.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use duroxide::Client;
use duroxide::runtime::observability::MetricsSnapshot;
use serde::de::DeserializeOwned;

use super::activity::ActivityCalls;
use super::cause::Cause;
use super::checks;
use super::cluster::Cluster;
use super::effects::Effects;
use super::handlers;
use super::life::Impairment;
use super::node_error::NodeError;
use super::output::{self, OutputError};
use super::plan::{Action, Plan};
use crate::call::Event;
use crate::clock::{self, Time};
use crate::logs::RunLog;
use crate::provider::{Memory, Port};
use crate::seed::{Seed, Stream};
use crate::trace::{ExecutionHistory, History, Trace};

/// A handle to a running simulation. Clones refer to the same simulation.
#[derive(Clone)]
pub struct Handle(Arc<Cluster>);

impl Handle {
    /// Returns the simulation, if it is still running.
    fn cluster(&self) -> Result<&Arc<Cluster>, NodeError> {
        if self.0.is_over() { Err(NodeError::Over) } else { Ok(&self.0) }
    }

    /// Returns the simulation, for methods without a meaning once it is over.
    #[track_caller]
    pub(super) fn running(&self) -> &Arc<Cluster> {
        self.cluster().unwrap_or_else(|over| panic!("{over}"))
    }

    pub(super) fn new(cluster: Arc<Cluster>) -> Handle {
        Handle(cluster)
    }

    /// Returns a client of the simulation's provider: duroxide's own `Client`.
    pub fn client(&self) -> Client {
        self.client_named(checks::CLIENT)
    }

    /// Returns a client whose calls appear in the trace under `name`. If the name is empty
    /// or a node has it, so that the calls could not be told apart, the run fails
    /// ([`super::Cause::Setup`]).
    pub fn client_named(&self, name: &str) -> Client {
        let cluster = self.running();
        checks::check_client(name, &cluster.topology).unwrap_or_else(|why| {
            cluster.executor.record().misused.get_or_insert(why);
        });
        Client::new(Arc::new(Port::over(cluster.client_storage(name))))
    }

    /// Returns the current virtual time.
    pub fn now(&self) -> Time {
        if self.0.is_over() { self.0.pulse.end_time() } else { clock::now() }
    }

    /// Returns the virtual time that has passed since the start.
    pub fn elapsed(&self) -> Duration {
        self.now() - self.0.start
    }

    /// Waits for `duration` of virtual time. Everything due in the meantime happens at its
    /// own time.
    pub async fn sleep(&self, duration: Duration) {
        let _sleeper = self.running().sleepers.one();
        clock::sleep_until(clock::now() + duration).await;
    }

    /// Moves virtual time forward by `by` in one step: everything due in between happens
    /// late, at the new time, as after a process was suspended. Moving past the limit on
    /// virtual time ends the run there.
    pub async fn advance(&self, by: Duration) {
        let cluster = self.running();
        if clock::now() + by > cluster.end {
            cluster.pulse.end_for(Cause::VirtualTimeLimit(cluster.end - cluster.start));
            return std::future::pending().await;
        }
        clock::advance(by).await;
    }

    /// Returns the histories of an instance, in a form suitable for snapshots.
    pub fn history(&self, instance: &str) -> History {
        let executions = self.0.memory.inspect(|store| store.executions_of(instance));
        let one = |(execution, status, output, events): (u64, String, Option<String>, Vec<Event>)| {
            let events = events.into_iter().map(Arc::unwrap_or_clone).collect();
            ExecutionHistory { execution, status, output, events }
        };
        let executions = executions.into_iter().map(one).collect();
        History { instance: instance.to_owned(), started: self.0.start, executions }
    }

    /// Waits for `instance` to end, for at most `within` of virtual time, and returns its
    /// output as a `T`. The instance may be started later. `T` is read as in duroxide's
    /// typed client: a `String` takes any output.
    ///
    /// This method observes the provider's state directly, below the simulation's layers,
    /// and is woken when the instance ends: it makes no provider call, meets no fault, and
    /// does not appear in the trace. Use `Client::wait_for_orchestration` to test the
    /// client's own polling.
    ///
    /// # Errors
    ///
    /// If the orchestration failed, did not end in time, was never started, or returned
    /// something that is not a `T`. The error's text includes the end of the history, so a
    /// body that returns the error with `?` fails with that text.
    ///
    /// ```
    /// use duroxide_sim::{Node, Sim};
    /// use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
    /// use duroxide_sim::duroxide::OrchestrationContext;
    /// use std::time::Duration;
    ///
    /// let orchestrations = OrchestrationRegistry::builder()
    ///     .register_typed("Add", |_: OrchestrationContext, (a, b): (u32, u32)| async move { Ok(a + b) })
    ///     .build();
    /// let sum = Sim::new(1).node(Node::new("a", ActivityRegistry::builder().build(), orchestrations)).run(|sim| async move {
    ///     sim.client().start_orchestration_typed("sum", "Add", (1, 2)).await?;
    ///     let sum = sim.output::<u32>("sum", Duration::from_secs(60)).await?;
    ///     Ok::<_, Box<dyn std::error::Error>>(sum)
    /// });
    /// assert_eq!(sum, 3);
    /// ```
    pub async fn output<T: DeserializeOwned>(&self, instance: &str, within: Duration) -> Result<T, OutputError> {
        output::of(self.running(), || self.history(instance), instance, within).await
    }

    /// Returns the provider itself, below the simulation's layers. The body may start
    /// runtimes on it with handlers that no node has, so from now on unknown handlers are
    /// allowed ([`super::Sim::allow_unknown_handlers`]).
    pub fn memory(&self) -> Arc<Memory> {
        self.0.expect_others();
        self.0.storages.main()
    }

    /// Returns the calls of activities by an instance so far, of handlers and of doubles, in
    /// the order in which they began. Every delivery counts: an activity that is delivered
    /// again after a crash appears twice.
    pub fn activities(&self, instance: &str) -> ActivityCalls {
        self.0.doubles.log.of(instance).knowing(self.0.handlers_if_complete())
    }

    /// Returns what the code of the run has logged so far.
    pub fn log(&self) -> RunLog {
        self.0.lines.so_far()
    }

    /// Lets the calls of this activity go that a double holds at this moment
    /// ([`super::Double::held`]), and returns their number. Calls that begin later are held
    /// again.
    ///
    /// # Errors
    ///
    /// If the activity has no double ([`NodeError::NoDouble`]), or no call of it is held
    /// ([`NodeError::NotHeld`]).
    pub fn release(&self, activity: &str) -> Result<usize, NodeError> {
        let doubles = &self.cluster()?.doubles;
        match doubles.release(activity) {
            0 if !doubles.names().any(|name| name == activity) => Err(NodeError::NoDouble {
                activity: activity.to_owned(),
                nearest: handlers::nearest(activity, doubles.names()),
            }),
            0 => Err(NodeError::NotHeld(activity.to_owned())),
            count => Ok(count),
        }
    }

    /// Returns the seed of this run.
    pub fn seed(&self) -> Seed {
        self.0.seed
    }

    /// Returns the effects on the outside world that activities have recorded
    /// ([`super::Sim::effects`]).
    pub fn effects(&self) -> Effects {
        self.0.effects.clone()
    }

    /// Returns a number from this range, drawn from the seed: the number of orders, say, or
    /// the length of a message. The same name always gives the same number. The number
    /// becomes part of the run's plan, and when exploring finds a failure, the number is
    /// shrunk as far as the failure allows. If the range has changed since the plan was
    /// made, the plan's number is clamped to it.
    ///
    /// An empty range fails the run ([`super::Cause::Setup`]).
    ///
    /// ```
    /// use duroxide_sim::{Node, Sim};
    ///
    /// let run = Sim::new(7).try_run(|sim| async move { Ok::<_, String>(sim.input("orders", 1..=20)) });
    /// let run = run.unwrap_or_else(|failure| panic!("{failure}"));
    /// assert!((1..=20).contains(&run.value));
    /// assert_eq!(run.plan.inputs["orders"].value, run.value);
    /// ```
    pub fn input(&self, name: &str, range: RangeInclusive<u64>) -> u64 {
        self.running().executor.record().input(name, range, self.0.seed)
    }

    /// Returns a stream of random numbers for the body, derived from the seed and
    /// `purpose`.
    pub fn random(&self, purpose: &str) -> Stream {
        self.0.seed.child("body").child(purpose).stream()
    }

    /// Returns the trace so far.
    pub fn trace(&self) -> Trace {
        let (entries, marks) = (self.0.log.entries(), self.0.log.marks());
        Trace { started: self.0.start, entries, marks, remains: None }
    }

    /// Crashes a node like a power failure: from this instant on nothing it does reaches
    /// the storage, none of its activities continues, and its locks remain until they
    /// expire.
    ///
    /// # Errors
    ///
    /// If there is no such node, or it is not running.
    pub fn crash(&self, node: &str) -> Result<(), NodeError> {
        self.cluster()?.crash(node)
    }

    /// Shuts a node down gracefully: running activities may finish within the node's grace
    /// ([`super::Node::shutdown_grace`]), by default duroxide's of one second.
    ///
    /// # Errors
    ///
    /// If there is no such node, or it is not running.
    pub async fn stop(&self, node: &str) -> Result<(), NodeError> {
        self.cluster()?.stop(node, None).await
    }

    /// Shuts a node down gracefully: running activities may finish within `grace`, which is
    /// rounded up to milliseconds. Zero aborts them at once.
    ///
    /// # Errors
    ///
    /// If there is no such node, or it is not running.
    pub async fn stop_within(&self, node: &str, grace: Duration) -> Result<(), NodeError> {
        self.cluster()?.stop(node, Some(grace)).await
    }

    /// Returns the counters of the runtime of a node, as duroxide's `Runtime::metrics_snapshot`
    /// does: instances started, completed and failed, activities, items fetched and others. They
    /// begin at zero with each start of the node.
    ///
    /// # Errors
    ///
    /// If there is no such node, or it is not running.
    pub fn metrics(&self, node: &str) -> Result<MetricsSnapshot, NodeError> {
        self.cluster()?.metrics(node)
    }

    /// Starts a node that was stopped or has crashed, with its current build.
    ///
    /// # Errors
    ///
    /// If there is no such node, it is already running, or it crashes while starting.
    pub async fn start(&self, node: &str) -> Result<(), NodeError> {
        self.cluster()?.start(node, None).await
    }

    /// Starts a node that was stopped or has crashed, with another of its builds
    /// ([`super::Node::with_build`]).
    ///
    /// # Errors
    ///
    /// As for [`Handle::start`], and if there is no such build.
    pub async fn start_as(&self, node: &str, build: &str) -> Result<(), NodeError> {
        self.cluster()?.start(node, Some(build)).await
    }

    /// Shuts a node down gracefully, if it is running, and starts it with another of its
    /// builds. Upgrading one node after the other makes a rolling upgrade or downgrade.
    ///
    /// # Errors
    ///
    /// As for [`Handle::start_as`].
    pub async fn upgrade(&self, node: &str, build: &str) -> Result<(), NodeError> {
        self.cluster()?.upgrade(node, build).await
    }

    /// Cuts a node off from the storage until [`Handle::heal`]: its calls and the replies
    /// to them wait. Its activities continue.
    ///
    /// # Errors
    ///
    /// If there is no such node.
    pub fn partition(&self, node: &str) -> Result<(), NodeError> {
        self.cluster()?.begin(node, Impairment::Cut, Time::MAX)
    }

    /// Makes the storage refuse a node's calls with a retryable error until
    /// [`Handle::heal`].
    ///
    /// # Errors
    ///
    /// If there is no such node.
    pub fn outage(&self, node: &str) -> Result<(), NodeError> {
        self.cluster()?.begin(node, Impairment::Outage, Time::MAX)
    }

    /// Ends the partition and the outage of a node, if there are any.
    ///
    /// # Errors
    ///
    /// If there is no such node.
    pub fn heal(&self, node: &str) -> Result<(), NodeError> {
        self.cluster()?.end_impairment(node, Impairment::Cut, Time::MAX)?;
        self.0.end_impairment(node, Impairment::Outage, Time::MAX)
    }

    /// Stalls a node for a while: its calls, the replies to them and its activities wait,
    /// as during a pause of the garbage collector or the machine. duroxide's own timers are
    /// not stopped; in a real pause they would fire at its end. This makes no difference to
    /// the storage, because their effects need a call, and calls wait.
    ///
    /// # Errors
    ///
    /// If there is no such node, or it is not running.
    pub fn stall(&self, node: &str, lasts: Duration) -> Result<(), NodeError> {
        self.cluster()?.begin(node, Impairment::Stall, clock::now() + lasts)
    }

    /// Sets a node's wall clock `by_ms` milliseconds ahead of the provider's, or behind it
    /// if negative. This affects the timestamps and times in the node's calls, `utc_now`,
    /// and the clock its activities read. Correcting a clock that is ahead is a backward
    /// step. Intervals remain right. While the clock is behind, timers shorter than the
    /// offset are due at once; to keep these from stopping virtual time, each turn of the
    /// node after the first few takes a little longer than the one before.
    ///
    /// # Errors
    ///
    /// If there is no such node.
    pub fn skew(&self, node: &str, by_ms: i64) -> Result<(), NodeError> {
        self.cluster()?.skew(node, by_ms)
    }

    /// Makes a client call at a virtual time after the start of the run, as an entry of the
    /// plan: it is kept in capsules, shrunk with the faults, and counts as work that is due.
    /// If the time has passed, it happens at once; if the run ends earlier, it does not happen.
    ///
    /// An event that is due at the very millisecond of its time-out comes before or after it
    /// as the seed decides, so that exploring sees both; [`super::ClientCall::first`] and
    /// [`super::ClientCall::last`] fix the order. For a time drawn from the seed, combine it
    /// with [`Handle::input`].
    ///
    /// ```
    /// # async fn inputs(sim: duroxide_sim::Handle) -> Result<(), duroxide_sim::sim::NodeError> {
    /// use duroxide_sim::sim::ClientCall;
    /// use std::time::Duration;
    ///
    /// const DAY: Duration = Duration::from_secs(86_400);
    /// sim.at(3 * DAY, ClientCall::raise_event("order-1", "approved", "yes"))?;
    /// let days = sim.input("days until the cancellation", 1..=7);
    /// sim.at(DAY * days as u32, ClientCall::cancel("order-2", "changed my mind"))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Handle::script`].
    pub fn at(&self, after_start: Duration, what: impl Into<Action>) -> Result<(), NodeError> {
        self.script(Plan::new().at(after_start, what))
    }

    /// Adds entries to the plan of the run. Their times count from the start of the run;
    /// entries whose time has passed happen at once, and calls that were already made are
    /// never reached. Every entry must happen, as with [`super::Sim::plan`].
    ///
    /// # Errors
    ///
    /// If the plan names a node or a build that does not exist, or has an entry that can
    /// change nothing.
    pub fn script(&self, plan: Plan) -> Result<(), NodeError> {
        let cluster = self.cluster()?;
        checks::check_plan(&plan, &cluster.topology)
            .and_then(|()| checks::check_script(&plan))
            .map_err(NodeError::Plan)?;
        cluster.script(plan);
        Ok(())
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("seed", &self.0.seed).finish_non_exhaustive()
    }
}
