//! [`Handle`]: what a test's body has in hand.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use duroxide::Client;
use serde::de::DeserializeOwned;

use super::cause::Cause;
use super::cluster::Cluster;
use super::effects::Effects;
use super::life::Impairment;
use super::output::{self, OutputError};
use super::plan::Plan;
use super::setup;
use crate::call::Event;
use crate::clock::{self, Time};
use crate::provider::{Memory, Port};
use crate::seed::{Seed, Stream};
use crate::text::Line;
use crate::trace::{ExecutionHistory, History, Trace};

/// A running simulation. Clones are the same simulation.
#[derive(Clone)]
pub struct Handle(Arc<Cluster>);

/// What went wrong with a node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeError {
    /// There is no node of this name; the names there are follow.
    Unknown(String, Vec<String>),
    /// The node is not running.
    Down(String),
    /// The node is running already.
    Up(String),
    /// The node has no build of this name; the names of those it has follow.
    #[allow(missing_docs)]
    NoBuild { node: String, build: String, builds: Vec<String> },
    /// The node crashed while it was starting.
    Crashed(String),
    /// The plan cannot be carried out; the text says why.
    Plan(String),
    /// The simulation that the handle belongs to is over.
    Over,
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            NodeError::Unknown(name, names) => {
                format!("The simulation has no node {name:?}; it has {names:?}. Add it with Sim::node.")
            }
            NodeError::Down(name) => format!("Node {name:?} is not running. Start it first."),
            NodeError::Up(name) => format!("Node {name:?} is running already. Stop or crash it first."),
            NodeError::NoBuild { node, build, builds } => {
                format!("Node {node:?} has no build {build:?}; it has {builds:?}. Add it with Node::with_build.")
            }
            NodeError::Crashed(name) => format!("Node {name:?} crashed while it was starting. Start it again."),
            NodeError::Plan(why) => why.clone(),
            NodeError::Over => format!("{OVER} Use the handle in the body only."),
        };
        Line(sentence).fmt(f)
    }
}

impl std::error::Error for NodeError {}

const OVER: &str = "The simulation that this handle belongs to is over.";

impl Handle {
    /// The simulation, while it goes on.
    fn cluster(&self) -> Result<&Arc<Cluster>, NodeError> {
        if self.0.is_over() { Err(NodeError::Over) } else { Ok(&self.0) }
    }

    /// The simulation, for what nothing can be said of when it is over.
    #[track_caller]
    fn running(&self) -> &Arc<Cluster> {
        self.cluster().unwrap_or_else(|over| panic!("{over}"))
    }

    pub(super) fn new(cluster: Arc<Cluster>) -> Handle {
        Handle(cluster)
    }

    /// A client of the simulation's provider: duroxide's own.
    pub fn client(&self) -> Client {
        self.client_named(setup::CLIENT)
    }

    /// A client whose calls stand in the trace under `name`. Where the name is
    /// empty or that of a node, whose calls could not be told from the client's,
    /// the run fails ([`super::Cause::Setup`]).
    pub fn client_named(&self, name: &str) -> Client {
        let cluster = self.running();
        setup::check_client(name, &cluster.topology).unwrap_or_else(|why| {
            cluster.executor.record().misused.get_or_insert(why);
        });
        Client::new(Arc::new(Port::over(cluster.client_storage(name))))
    }

    /// The virtual time now.
    pub fn now(&self) -> Time {
        if self.0.is_over() { self.0.pulse.end_time() } else { clock::now() }
    }

    /// How much virtual time has passed since the start.
    pub fn elapsed(&self) -> Duration {
        self.now() - self.0.start
    }

    /// Waits for `duration` of virtual time. Everything that happens in it
    /// happens, each at its own moment.
    pub async fn sleep(&self, duration: Duration) {
        let _sleeper = self.running().sleepers.one();
        clock::sleep_until(clock::now() + duration).await;
    }

    /// Moves virtual time on by `by` at once: what was due in between happens
    /// late, all at the new time, as after a process was suspended. Moving past
    /// the limit on virtual time ends the run there.
    pub async fn advance(&self, by: Duration) {
        let cluster = self.running();
        if clock::now() + by > cluster.end {
            cluster.pulse.end_for(Cause::VirtualTimeLimit(cluster.end - cluster.start));
            return std::future::pending().await;
        }
        clock::advance(by).await;
    }

    /// The histories of an instance, fit to be a snapshot.
    pub fn history(&self, instance: &str) -> History {
        let executions = self.0.memory.inspect(|store| store.executions_of(instance));
        let one = |(execution, status, output, events): (u64, String, Option<String>, Vec<Event>)| {
            let events = events.into_iter().map(Arc::unwrap_or_clone).collect();
            ExecutionHistory { execution, status, output, events }
        };
        let executions = executions.into_iter().map(one).collect();
        History { instance: instance.to_owned(), started: self.0.start, executions }
    }

    /// What an orchestration returned, as a `T`: waits until `instance` has ended,
    /// for at most `within` of virtual time. It may be started later. `T` is read
    /// as duroxide's typed client reads it: a `String` is whatever the
    /// orchestration returned.
    ///
    /// It looks at what the provider keeps, past the simulation's layers, and is
    /// woken when the instance ends: no call is made, no fault reaches it, and the
    /// trace holds none of it. Use `Client::wait_for_orchestration` where the
    /// client's own polling is what you test.
    ///
    /// # Errors
    ///
    /// When the orchestration failed, has not ended in that time, was never
    /// started, or returned something that is no `T`. The error prints what
    /// happened with the end of the history, so that a body which hands it on with
    /// `?` fails with it.
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

    /// The provider itself, past the simulation's layers. Runtimes that the body starts
    /// over it may have handlers that no node has, so that from now on unknown handlers are no
    /// mistake ([`super::Sim::allow_unknown_handlers`]).
    pub fn memory(&self) -> Arc<Memory> {
        self.0.expect_others();
        self.0.memory.clone()
    }

    /// The seed of this run.
    pub fn seed(&self) -> Seed {
        self.0.seed
    }

    /// What activities have written down of what they did to the outside world
    /// ([`super::Sim::effects`]).
    pub fn effects(&self) -> Effects {
        self.0.effects.clone()
    }

    /// A number of this range, drawn from the seed: how many orders there are,
    /// how long a message is. Asked again, the same name gives the same number.
    /// It becomes part of the run's plan, and where exploring finds a failure it
    /// is made as small as the failure allows. A plan's number is cut to the
    /// range where the range has changed since.
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

    /// Random numbers of the body's own, from the seed.
    pub fn random(&self, purpose: &str) -> Stream {
        self.0.seed.child("body").child(purpose).stream()
    }

    /// The trace up to now.
    pub fn trace(&self) -> Trace {
        let (entries, marks) = (self.0.log.entries(), self.0.log.marks());
        Trace { started: self.0.start, entries, marks, remains: None }
    }

    /// Crashes a node, as a power cut would: from this instant on nothing of
    /// it reaches the storage, none of its activities goes on, and its locks
    /// stay until they expire.
    ///
    /// # Errors
    ///
    /// When there is no such node, or it is not running.
    pub fn crash(&self, node: &str) -> Result<(), NodeError> {
        self.cluster()?.crash(node)
    }

    /// Shuts a node down in good order: activities under way may finish within
    /// duroxide's default of one second.
    ///
    /// # Errors
    ///
    /// When there is no such node, or it is not running.
    pub async fn stop(&self, node: &str) -> Result<(), NodeError> {
        self.cluster()?.stop(node).await
    }

    /// Starts a node that was stopped or has crashed, as the build it was.
    ///
    /// # Errors
    ///
    /// When there is no such node, it is running, or it crashes at the start.
    pub async fn start(&self, node: &str) -> Result<(), NodeError> {
        self.cluster()?.start(node, None).await
    }

    /// Starts a node that was stopped or has crashed, as another of its builds
    /// ([`super::Node::with_build`]).
    ///
    /// # Errors
    ///
    /// As for [`Handle::start`], or when there is no such build.
    pub async fn start_as(&self, node: &str, build: &str) -> Result<(), NodeError> {
        self.cluster()?.start(node, Some(build)).await
    }

    /// Shuts a node down in good order, if it is up, and starts it as another
    /// of its builds. One node after the other is a rolling upgrade, or a
    /// downgrade.
    ///
    /// # Errors
    ///
    /// As for [`Handle::start_as`].
    pub async fn upgrade(&self, node: &str, build: &str) -> Result<(), NodeError> {
        self.cluster()?.upgrade(node, build).await
    }

    /// Cuts a node off from the storage until [`Handle::heal`]: its calls and
    /// the replies to them wait. Its activities go on.
    ///
    /// # Errors
    ///
    /// When there is no such node.
    pub fn partition(&self, node: &str) -> Result<(), NodeError> {
        self.cluster()?.begin(node, Impairment::Cut, Time::MAX)
    }

    /// Lets the storage refuse a node's calls, retryable, until
    /// [`Handle::heal`].
    ///
    /// # Errors
    ///
    /// When there is no such node.
    pub fn outage(&self, node: &str) -> Result<(), NodeError> {
        self.cluster()?.begin(node, Impairment::Outage, Time::MAX)
    }

    /// Ends a partition and an outage of a node, if there is one.
    ///
    /// # Errors
    ///
    /// When there is no such node.
    pub fn heal(&self, node: &str) -> Result<(), NodeError> {
        self.cluster()?.end_trouble(node, Impairment::Cut, Time::MAX)?;
        self.0.end_trouble(node, Impairment::Outage, Time::MAX)
    }

    /// Lets a node stand still for a while: its calls, the replies to them and
    /// its activities wait, as through a pause of the garbage collector or of
    /// the machine. What is not stopped are duroxide's own timers in between,
    /// which in a real pause would fire at its end: none of them does anything
    /// to the storage but by a call, and that waits.
    ///
    /// # Errors
    ///
    /// When there is no such node, or it is not running.
    pub fn stall(&self, node: &str, lasts: Duration) -> Result<(), NodeError> {
        self.cluster()?.begin(node, Impairment::Stall, clock::now() + lasts)
    }

    /// Sets a node's wall clock `by_ms` milliseconds ahead of the provider's, or
    /// behind it: the timestamps and moments that its calls carry, `utc_now`,
    /// and what its activities read. Setting it back is a backward step. Its
    /// intervals stay right. While it is behind, timers that are shorter than that
    /// are due at once; so that these do not hold virtual time still, each turn of
    /// the node but the first few takes a little longer than the one before.
    ///
    /// # Errors
    ///
    /// When there is no such node.
    pub fn skew(&self, node: &str, by_ms: i64) -> Result<(), NodeError> {
        self.cluster()?.skew(node, by_ms)
    }

    /// Adds entries to the plan of the run. Their times count from the run's
    /// start; what is past happens at once, and a call that was made already is
    /// never reached. Every entry has to happen, as those of [`super::Sim::plan`].
    ///
    /// # Errors
    ///
    /// When the plan names a node, a build or a method that is not there, or has
    /// a fault that can change nothing.
    pub fn script(&self, plan: Plan) -> Result<(), NodeError> {
        let cluster = self.cluster()?;
        setup::check_plan(&plan, &cluster.topology)
            .and_then(|()| setup::check_script(&plan))
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
