//! [`Cluster`]: the nodes of a running simulation, and the operations on them.
//!
//! A node's calls pass through these layers, outermost first: [`NodeLink`] (blocks while
//! the node does not run or is cut off from the storage), the faults, [`StorageLink`]
//! (blocks again, for the effects of the faults, and refuses calls in an outage), the clock
//! skew, the recorder, the counter, and the provider. So the trace contains each call as it
//! reached the provider, and the laws are checked on that. Clients have only the faults,
//! the recorder and the counter.

mod agenda;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::awaited::Awaited;
use super::chains::Chains;
use super::codes::Codes;
use super::context::{RunContext, RunSpec};
use super::counter::Counter;
use super::doubles::Doubles;
use super::effects::Effects;
use super::executor::{Due, PlanExecutor, after};
use super::handlers::{Handlers, UnknownHandler};
use super::jitter::LatencyJitter;
use super::life::{Impairment, NodeHealth, ProcessRun};
use super::link::{NodeLink, StorageLink};
use super::member::{Member, State};
use super::missed::{self, Missed};
use super::node_error::NodeError;
use super::plan::{Action, Plan};
use super::pulse::Pulse;
use super::skew::Skewed;
use super::sleepers::Sleepers;
use super::stall_report;
use super::storages::Storages;
use super::storm::StormState;
use super::tasks::ours;
use super::topology::{Topology, most_attempts};
use super::up::Up;
use crate::call::{Handler, Reply};
use crate::clock::{self, Time};
use crate::faults::{CallContext, Counts, FaultAction, FaultRule, Faults};
use crate::provider::Memory;
use crate::seed::Seed;
use crate::trace::{Log, NodeEvent, Recorder};

/// Checks the `always` and `sometimes` properties. Returns whether one is broken.
pub(super) type Look = Box<dyn Fn(&Arc<Cluster>) -> bool + Send + Sync>;

/// The rule over every call, shared by the layers of all nodes and clients.
#[derive(Clone)]
struct SharedRule(Arc<dyn FaultRule>);

impl FaultRule for SharedRule {
    fn judge(&self, asked: &CallContext<'_>) -> FaultAction {
        self.0.judge(asked)
    }

    fn applied(&self, asked: &CallContext<'_>, reply: &Reply) {
        self.0.applied(asked, reply);
    }
}

pub(super) struct Cluster {
    pub seed: Seed,
    pub start: Time,
    pub end: Time,
    pub memory: Arc<Memory>,
    pub storages: Arc<Storages>,
    pub log: Log,
    pub pulse: Arc<Pulse>,
    pub executor: PlanExecutor,
    /// The running activities and tasks of the test's own code.
    pub codes: Codes,
    /// Whether the body has ended and only the properties remain to be checked.
    pub ends: AtomicBool,
    pub sleepers: Sleepers,
    /// Tasks that wait for an output.
    pub waiters: Sleepers,
    pub awaited: Awaited,
    pub effects: Effects,
    pub doubles: Arc<Doubles>,
    pub chains: Mutex<Chains>,
    handlers: Arc<Handlers>,
    /// Whether work for a handler that no node has is allowed.
    unknown_handlers: AtomicBool,
    rule: SharedRule,
    look: Option<Look>,
    /// The nodes and their limits, for fault generators.
    pub topology: Topology,
    /// The names of the nodes to start first, in the order in which they were added.
    order: Vec<String>,
    nodes: Mutex<BTreeMap<String, Member>>,
    counts: Mutex<BTreeMap<String, Counts>>,
    starts: Mutex<u64>,
    /// Whether the run is over. Handles may outlive it.
    over: AtomicBool,
}

impl Cluster {
    /// Creates the nodes of a run, without starting them. `judge` makes the rule over every
    /// call from the cluster and the test's own rules; `look` is called at every call that
    /// may change anything.
    pub fn new(
        context: &RunContext,
        spec: RunSpec,
        judge: impl FnOnce(Weak<Cluster>, Vec<Arc<dyn FaultRule>>) -> Arc<dyn FaultRule>,
        look: Option<Look>,
    ) -> Arc<Cluster> {
        let topology = Topology::of(&spec.nodes);
        let storm = spec.storm.map(|storm| {
            let (storm, timed) = StormState::draw(&storm, context.seed, context.start, topology.clone());
            let mut record = context.record.lock();
            record.calm(storm.calm());
            timed.into_iter().for_each(|entry| record.add(entry));
            storm
        });
        let patience = most_attempts(&spec.nodes);
        let jitter = spec.latencies.then(|| LatencyJitter::draw(context.seed, &topology));
        let codes = Codes::default();
        Arc::new_cyclic(|cluster| Cluster {
            seed: context.seed,
            start: context.start,
            end: context.start + context.limits.virtual_time,
            memory: context.memory.clone(),
            storages: context.storages.clone(),
            log: context.log.clone(),
            pulse: context.pulse.clone(),
            executor: PlanExecutor::new(context.record.clone(), storm, jitter, context.start),
            sleepers: Sleepers::new(&codes),
            waiters: Sleepers::new(&codes),
            awaited: Awaited::default(),
            codes,
            ends: AtomicBool::new(false),
            effects: context.effects.clone(),
            doubles: context.doubles.clone(),
            handlers: context.handlers.clone(),
            unknown_handlers: AtomicBool::new(context.unknown_handlers || spec.nodes.is_empty()),
            chains: Mutex::new(Chains::new(context.start, &context.limits, patience, topology.nodes.keys())),
            rule: SharedRule(judge(cluster.clone(), spec.rules)),
            look,
            topology,
            order: spec.nodes.iter().filter(|spec| !spec.down).map(|spec| spec.name.clone()).collect(),
            nodes: Mutex::new(spec.nodes.into_iter().map(Member::new).collect()),
            counts: Mutex::default(),
            starts: Mutex::default(),
            over: AtomicBool::new(false),
        })
    }

    /// Marks the run as over.
    pub fn close(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Adds entries to the plan.
    pub fn script(self: &Arc<Self>, plan: Plan) {
        self.executor.add(plan, self.start);
        self.keep_agenda();
    }

    /// Checks the `always` and `sometimes` properties; ends the run if one is broken.
    pub fn look(self: &Arc<Self>) {
        if self.look.as_ref().is_some_and(|look| look(self)) {
            self.pulse.end_for_property();
        }
    }

    /// Allows unknown handlers from now on, because runtimes other than the nodes may
    /// fetch.
    pub fn expect_others(&self) {
        self.unknown_handlers.store(true, Ordering::Relaxed);
    }

    /// Records whether a caller that is not a node fetches.
    pub fn notice_fetcher(&self, asked: &CallContext<'_>) {
        if asked.call.is_fetch() && !self.topology.nodes.contains_key(asked.by) {
            self.expect_others();
        }
    }

    /// Returns the work stored by a call that no node can run, if only nodes fetch.
    pub fn unknown_handler(&self, asked: &CallContext<'_>, reply: &Reply) -> Option<UnknownHandler> {
        let allowed = self.unknown_handlers.load(Ordering::Relaxed);
        if allowed { None } else { self.handlers.unknown_in(asked.by, asked.call, reply) }
    }

    /// Returns a sentence about what an instance waits for.
    pub fn what_it_waits_for(&self, instance: &str) -> String {
        stall_report::of(&self.memory, &self.handlers, instance, self.start, clock::now()).to_string()
    }

    /// Starts every node. A start that is held up continues in the background.
    pub async fn open(self: &Arc<Self>) {
        self.keep_agenda();
        for name in &self.order {
            let (cluster, name) = (self.clone(), name.clone());
            let mut start = Box::pin(async move { cluster.start(&name, None).await });
            tokio::select! {
                biased;
                // A crash this early is one of the run's faults.
                _crashed = &mut start => {}
                () = clock::settle() => {
                    tokio::spawn(start);
                }
            }
        }
    }

    /// Returns the provider with the layers of a client of this name.
    pub fn client_storage(self: &Arc<Self>, name: &str) -> impl Handler + use<> {
        self.faults(name, self.recorded(name, self.storages.main()))
    }

    /// Returns a storage with the layers of one process run of a node.
    fn node_storage(self: &Arc<Self>, name: &str, life: &Arc<ProcessRun>, memory: Arc<Memory>) -> impl Handler + use<> {
        let skewed = Skewed::new(self.recorded(name, memory), life.clone());
        let storage_link = StorageLink { inner: skewed, life: life.clone() };
        NodeLink { inner: self.faults(name, storage_link), life: life.clone() }
    }

    fn faults<H: Handler>(self: &Arc<Self>, name: &str, inner: H) -> Faults<H, SharedRule> {
        let counts = self.counts.lock().entry(name.to_owned()).or_default().clone();
        Faults::new(inner, name, self.rule.clone()).counting(counts)
    }

    fn recorded(&self, name: &str, memory: Arc<Memory>) -> Recorder<Counter<Arc<Memory>>> {
        let counter = Counter { inner: memory, pulse: self.pulse.clone() };
        Recorder::new(counter, name, self.log.clone())
    }

    /// Starts a node, with another build if one is named.
    pub async fn start(self: &Arc<Self>, name: &str, build: Option<&str>) -> Result<(), NodeError> {
        let (build, life) = self.with(name, |node| {
            if node.life().is_some() {
                return Err(NodeError::Up(name.to_owned()));
            }
            if let Some(build) = build {
                node.build = node.build_named(name, build)?;
            }
            if node.builds.is_empty() {
                return Err(NodeError::ByHand(name.to_owned()));
            }
            let life = ProcessRun::new(node.health.clone(), name, &self.codes, self.start, self.pulse.clone());
            node.state = State::Starting(life.clone());
            let build = node.builds[node.build].clone();
            self.log.mark(name, NodeEvent::Started { build: build.name.clone(), restarts: node.starts });
            node.starts += 1;
            Ok((build, life))
        })?;
        let incarnation = {
            let mut starts = self.starts.lock();
            *starts += 1;
            *starts
        };
        let starting = Up::start(
            build,
            self.node_storage(name, &life, self.memory.clone()),
            life.clone(),
            &self.doubles,
            incarnation,
        );
        let crashed = Err(NodeError::Crashed(name.to_owned()));
        let up = tokio::select! {
            biased;
            () = life.ended() => return crashed,
            up = starting => up,
        };
        self.with(name, |node| match &node.state {
            State::Starting(mine) if Arc::ptr_eq(mine, &life) => {
                node.state = State::Up(up);
                self.codes.stir();
                Ok(())
            }
            State::Starting(_) | State::ByHand(_) | State::Up(_) | State::Down => crashed,
        })
    }

    /// Returns the provider for a runtime or a client that the body makes by itself, with the
    /// layers of a node, over the storage that `storage` chooses for the provider's name. It
    /// appears as `provider`, further ones as `provider-2` and so on.
    pub fn provider(self: &Arc<Self>, storage: fn(&Storages, &str) -> Arc<Memory>) -> impl Handler + use<> {
        self.expect_others();
        let mut nodes = self.nodes.lock();
        let name = |number: usize| if number == 1 { "provider".to_owned() } else { format!("provider-{number}") };
        let name = (1..).map(name).find(|name| !nodes.contains_key(name)).expect("the numbers do not end");
        let health: Arc<NodeHealth> = Arc::default();
        let life = ProcessRun::new(health.clone(), &name, &self.codes, self.start, self.pulse.clone());
        nodes.insert(name.clone(), Member::by_hand(health, life.clone()));
        drop(nodes);
        self.node_storage(&name, &life, storage(&self.storages, &name))
    }

    /// Returns the nodes that are starting.
    pub fn starting(&self) -> Vec<String> {
        let nodes = self.nodes.lock();
        let starting = nodes.iter().filter(|(_, node)| matches!(node.state, State::Starting(_)));
        starting.map(|(name, _)| name.clone()).collect()
    }

    pub fn crash(&self, name: &str) -> Result<(), NodeError> {
        self.with(name, |node| {
            match std::mem::replace(&mut node.state, State::Down) {
                State::Down => return Err(NodeError::Down(name.to_owned())),
                State::Starting(life) | State::ByHand(life) => life.end(),
                State::Up(up) => up.crash(),
            }
            self.log.mark(name, NodeEvent::Crashed);
            Ok(())
        })
    }

    /// Shuts a node down. The node counts as down from the beginning of the shutdown.
    pub async fn stop(self: &Arc<Self>, name: &str) -> Result<(), NodeError> {
        let up = self.begin_stop(name)?;
        up.runtime.shutdown(None).await;
        self.log.mark(name, NodeEvent::Stopped);
        Ok(())
    }

    fn begin_stop(&self, name: &str) -> Result<Up, NodeError> {
        self.with(name, |node| match std::mem::replace(&mut node.state, State::Down) {
            State::Up(up) => {
                self.log.mark(name, NodeEvent::Stopping);
                Ok(up)
            }
            state => {
                node.state = state;
                Err(NodeError::Down(name.to_owned()))
            }
        })
    }

    /// Shuts a node down if it is running, and starts it with another of its builds.
    pub async fn upgrade(self: &Arc<Self>, name: &str, build: &str) -> Result<(), NodeError> {
        self.with(name, |node| node.build_named(name, build))?;
        match self.stop(name).await {
            Ok(()) | Err(NodeError::Down(_)) => self.start(name, Some(build)).await,
            Err(error) => Err(error),
        }
    }

    pub fn begin(self: &Arc<Self>, name: &str, impairment: Impairment, until: Time) -> Result<(), NodeError> {
        self.with(name, |node| {
            if impairment == Impairment::Stall && node.life().is_none() {
                return Err(NodeError::Down(name.to_owned()));
            }
            node.health.begin(impairment, until);
            Ok(())
        })?;
        self.log.mark(
            name,
            match impairment {
                Impairment::Stall => NodeEvent::Stalled,
                Impairment::Cut => NodeEvent::CutOff,
                Impairment::Outage => NodeEvent::Refused,
            },
        );
        if until < Time::MAX {
            self.schedule(until, Due::End(name.to_owned(), impairment));
        }
        Ok(())
    }

    /// Ends an impairment that was to last until `due` at the latest.
    pub fn end_impairment(&self, name: &str, impairment: Impairment, due: Time) -> Result<(), NodeError> {
        let ended = self.with(name, |node| Ok(node.health.end(impairment, due)))?;
        if ended {
            self.log.mark(
                name,
                match impairment {
                    Impairment::Stall => NodeEvent::Resumed,
                    Impairment::Cut => NodeEvent::Healed,
                    Impairment::Outage => NodeEvent::Accepted,
                },
            );
        }
        Ok(())
    }

    pub fn skew(&self, name: &str, by_ms: i64) -> Result<(), NodeError> {
        self.with(name, |node| {
            node.health.set_skew(by_ms);
            Ok(())
        })?;
        self.log.mark(name, NodeEvent::Skewed { by_ms });
        Ok(())
    }

    fn with<T>(&self, name: &str, f: impl FnOnce(&mut Member) -> Result<T, NodeError>) -> Result<T, NodeError> {
        let mut nodes = self.nodes.lock();
        let names: Vec<String> = nodes.keys().cloned().collect();
        f(nodes.get_mut(name).ok_or_else(|| NodeError::Unknown(name.to_owned(), names))?)
    }

    fn schedule(self: &Arc<Self>, at: Time, due: Due) {
        self.executor.schedule(at, due);
        self.keep_agenda();
    }

    /// Carries out an action of a plan. Records it if it cannot be carried out.
    pub fn perform(self: &Arc<Self>, what: &Action) {
        ours(|| self.carry(what));
        self.codes.stir();
    }

    fn carry(self: &Arc<Self>, what: &Action) {
        if let Action::Client { call, .. } = what {
            return self.call_as_client(call, what);
        }
        let Some(name) = what.node() else { return };
        let restart = |restart_after: &Option<Duration>| {
            if let Some(restart_after) = restart_after {
                self.schedule(after(*restart_after), Due::Start(name.to_owned()));
            }
        };
        let done = match what {
            Action::Crash { restart_after, .. } => self.crash(name).map(|()| restart(restart_after)),
            Action::Stop { restart_after, .. } => self.begin_stop(name).map(|up| {
                self.finish_stop(name, up);
                restart(restart_after);
            }),
            Action::Start { .. } => {
                self.start_aside(name, what);
                Ok(())
            }
            Action::Upgrade { build, .. } => {
                let (cluster, what, build) = (self.clone(), what.clone(), build.clone());
                let name = name.to_owned();
                tokio::spawn(async move {
                    let done = cluster.upgrade(&name, &build).await;
                    cluster.skipped(&name, &what, done);
                });
                Ok(())
            }
            Action::Partition { lasts, .. } => self.begin(name, Impairment::Cut, after(*lasts)),
            Action::Outage { lasts, .. } => self.begin(name, Impairment::Outage, after(*lasts)),
            Action::Stall { lasts, .. } => self.begin(name, Impairment::Stall, after(*lasts)),
            Action::Skew { by_ms, .. } => self.skew(name, *by_ms),
            Action::Fault(_) | Action::Client { .. } => Ok(()),
        };
        self.skipped(name, what, done);
    }

    fn finish_stop(&self, name: &str, up: Up) {
        let (log, name) = (self.log.clone(), name.to_owned());
        tokio::spawn(async move {
            up.runtime.shutdown(None).await;
            log.mark(&name, NodeEvent::Stopped);
        });
    }

    fn start_aside(self: &Arc<Self>, name: &str, what: &Action) {
        let (cluster, what, name) = (self.clone(), what.clone(), name.to_owned());
        tokio::spawn(async move {
            let done = cluster.start(&name, None).await;
            cluster.skipped(&name, &what, done);
        });
    }

    fn skipped(&self, name: &str, what: &Action, done: Result<(), NodeError>) {
        if let Err(error) = done {
            self.executor.record().not_done.push((what.clone(), error.to_string()));
            self.log.mark(name, NodeEvent::Skipped { what: what.to_string(), why: error.to_string() });
        }
    }

    /// Returns the parts of the plan that must happen and have not happened.
    pub fn missed(&self) -> Vec<Missed> {
        missed::in_run(&self.executor.record(), &self.counts.lock(), clock::now() - self.start)
    }
}
