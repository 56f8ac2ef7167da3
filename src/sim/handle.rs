//! [`Handle`]: what a test's body has in hand.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use duroxide::Client;
use parking_lot::Mutex;

use super::node::{Spec, Up};
use super::run::Pulse;
use crate::call::{Answering, Call, Event, Handler};
use crate::clock::{self, Time};
use crate::provider::{Memory, Port};
use crate::seed::{Seed, Stream};
use crate::trace::{ExecutionHistory, History, Log, Recorder};

/// A running simulation. Clones are the same simulation.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    seed: Seed,
    start: Time,
    end: Time,
    memory: Arc<Memory>,
    log: Log,
    pulse: Arc<Pulse>,
    nodes: Mutex<BTreeMap<String, Node>>,
    starts: Mutex<u64>,
}

struct Node {
    spec: Spec,
    up: Option<Up>,
}

/// What went wrong with a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeError {
    /// There is no node of this name; the names there are follow.
    Unknown(String, Vec<String>),
    /// The node is not running.
    Down(String),
    /// The node is running already.
    Up(String),
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeError::Unknown(name, names) => {
                write!(f, "The simulation has no node {name:?}; it has {names:?}. Add it with Sim::node.")
            }
            NodeError::Down(name) => write!(f, "Node {name:?} is not running. Start it first."),
            NodeError::Up(name) => write!(f, "Node {name:?} is running already. Stop or crash it first."),
        }
    }
}

impl std::error::Error for NodeError {}

impl Handle {
    pub(super) fn new(seed: Seed, start: Time, end: Time, memory: Arc<Memory>, log: Log, pulse: Arc<Pulse>) -> Handle {
        let nodes = Mutex::default();
        Handle(Arc::new(Inner { seed, start, end, memory, log, pulse, nodes, starts: Mutex::new(0) }))
    }

    /// Adds a node and starts it.
    pub(super) async fn add(&self, spec: Spec) {
        let name = spec.name.clone();
        self.0.nodes.lock().insert(name.clone(), Node { spec, up: None });
        self.start(&name).await.expect("a node that was just added is there and not running");
    }

    /// A client of the simulation's provider: duroxide's own.
    pub fn client(&self) -> Client {
        self.client_named("client")
    }

    /// A client whose calls stand in the trace under `name`.
    pub fn client_named(&self, name: &str) -> Client {
        Client::new(Arc::new(Port::over(self.storage(name))))
    }

    /// The provider with the simulation's layers, for calls made by `name`.
    fn storage(&self, name: &str) -> impl Handler + use<> {
        let counter = Counter { inner: self.0.memory.clone(), pulse: self.0.pulse.clone() };
        Recorder::new(counter, name, self.0.log.clone())
    }

    /// The virtual time now.
    pub fn now(&self) -> Time {
        clock::now()
    }

    /// How much virtual time has passed since the start.
    pub fn elapsed(&self) -> Duration {
        clock::now() - self.0.start
    }

    /// Waits for `duration` of virtual time. Everything that happens in it
    /// happens, each at its own moment.
    pub async fn sleep(&self, duration: Duration) {
        clock::sleep_until(clock::now() + duration).await;
    }

    /// Moves virtual time on by `by` at once: what was due in between happens
    /// late, all at the new time, as after a process was suspended. Moving past
    /// the limit on virtual time ends the run there.
    pub async fn advance(&self, by: Duration) {
        if clock::now() + by > self.0.end {
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

    /// The provider itself, past the simulation's layers.
    pub fn memory(&self) -> Arc<Memory> {
        self.0.memory.clone()
    }

    /// The seed of this run.
    pub fn seed(&self) -> Seed {
        self.0.seed
    }

    /// Random numbers of the body's own, from the seed.
    pub fn random(&self, purpose: &str) -> Stream {
        self.0.seed.child("body").child(purpose).stream()
    }

    /// The trace up to now.
    pub fn trace(&self) -> crate::trace::Trace {
        crate::trace::Trace { started: self.0.start, entries: self.0.log.entries(), remains: None }
    }

    /// Crashes a node, as a power cut would: from this instant on nothing of
    /// it reaches the storage, and its locks stay until they expire.
    ///
    /// # Errors
    ///
    /// When there is no such node, or it is not running.
    pub fn crash(&self, node: &str) -> Result<(), NodeError> {
        self.take_down(node).map(Up::crash)
    }

    /// Shuts a node down in good order: activities under way may finish within
    /// duroxide's default of one second.
    ///
    /// # Errors
    ///
    /// When there is no such node, or it is not running.
    pub async fn stop(&self, node: &str) -> Result<(), NodeError> {
        let up = self.take_down(node)?;
        up.runtime.shutdown(None).await;
        Ok(())
    }

    /// Starts a node that was stopped or has crashed, with what it had.
    ///
    /// # Errors
    ///
    /// When there is no such node, or it is running.
    pub async fn start(&self, node: &str) -> Result<(), NodeError> {
        let spec = {
            let mut nodes = self.0.nodes.lock();
            let node = find(&mut nodes, node)?;
            if node.up.is_some() {
                return Err(NodeError::Up(node.spec.name.clone()));
            }
            node.spec.clone()
        };
        let incarnation = {
            let mut starts = self.0.starts.lock();
            *starts += 1;
            *starts
        };
        let up = Up::start(spec, self.storage(node), incarnation).await;
        find(&mut self.0.nodes.lock(), node)?.up = Some(up);
        Ok(())
    }

    fn take_down(&self, node: &str) -> Result<Up, NodeError> {
        let mut nodes = self.0.nodes.lock();
        let node = find(&mut nodes, node)?;
        node.up.take().ok_or_else(|| NodeError::Down(node.spec.name.clone()))
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("seed", &self.0.seed).finish_non_exhaustive()
    }
}

fn find<'a>(nodes: &'a mut BTreeMap<String, Node>, name: &str) -> Result<&'a mut Node, NodeError> {
    let names: Vec<String> = nodes.keys().cloned().collect();
    nodes.get_mut(name).ok_or_else(|| NodeError::Unknown(name.to_owned(), names))
}

/// A layer that counts calls, and ends the run at the limit.
struct Counter<H> {
    inner: H,
    pulse: Arc<Pulse>,
}

impl<H: Handler> Handler for Counter<H> {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        // A task whose calls are all answered at once never lets go of the
        // thread: the run could not be ended.
        if !self.pulse.step() {
            return Answering::wait(std::future::pending());
        }
        self.inner.handle(call)
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn has_admin(&self) -> bool {
        self.inner.has_admin()
    }
}
