//! [`Sim`]: the real Client and Runtime on virtual time, from one seed.
//!
//! A simulation runs on its own thread, with a paused tokio runtime, one [`Memory`] and any
//! number of nodes, each a real duroxide `Runtime`. It ends when the test's body ends, when
//! a limit is reached, or when nothing can happen any more; then the laws are checked
//! against its trace.
//!
//! Faults come from the body, from a [`Plan`], from rules over calls ([`crate::faults`]) or
//! from a [`Storm`], which draws them from the seed. A simulation is one run of one seed;
//! [`crate::explore()`] runs many.

mod activities;
mod activity;
mod awaited;
mod busy;
mod cause;
mod chains;
mod checks;
mod client_call;
mod cluster;
mod codes;
mod context;
mod counter;
mod crashes;
mod current;
mod deliveries;
mod double;
mod doubles;
mod effects;
mod ending;
mod escape_policy;
mod executor;
mod failure;
mod handle;
mod handlers;
mod heap;
mod hints;
mod impaired;
mod input;
mod jitter;
mod judge;
mod life;
mod limits;
mod link;
mod logging;
mod member;
mod missed;
mod no_progress;
mod node;
mod node_error;
mod observed;
mod outcome;
mod output;
mod panics;
mod plan;
mod polled;
mod properties;
mod property;
mod pulse;
mod record;
mod rest;
mod run;
mod setup;
mod skew;
mod sleepers;
mod stall;
mod stall_report;
mod storages;
mod storm;
mod stuck;
mod tails;
mod tasks;
mod testing;
mod topology;
mod typed;
mod until;
mod up;
mod waits;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use duroxide::runtime::{ObservabilityConfig, RuntimeOptions};

use crate::clock::{Escapes, Time};
use crate::faults::FaultRule;
use crate::logs::Levels;
use crate::provider::{Memory, MemorySettings};
use crate::seed::Seed;
use crate::trace::Trace;

pub use activity::{ActivityCall, ActivityCalls};
pub use busy::Busy;
pub use cause::{Cause, Held};
pub use client_call::{ClientCall, Tie};
pub use crashes::{Incident, Incidents, Survey, crash_everywhere, try_crash_everywhere};
pub use current::{fresh_provider, provider};
pub use double::Double;
pub use effects::{DoneEffect, Effects};
pub use failure::Failure;
pub use handle::Handle;
pub use handlers::{Lack, TagsOfNode, UnknownHandler};
pub use input::Input;
pub use limits::Limits;
pub use missed::{Missed, Why};
pub use no_progress::{Circling, Code, NoProgress};
pub use node::Node;
pub use node_error::NodeError;
pub use observed::Observed;
pub use outcome::Outcome;
pub use output::OutputError;
pub use panics::TaskPanic;
pub use plan::{Action, CallSite, Plan, PlanEntry, Trigger};
pub(crate) use record::Journal;
pub use storm::{FaultKind, Storm};
pub use stuck::Stuck;
pub use tails::Tail;
pub(crate) use testing::FailedTest;
pub use waits::{About, MisdirectedEvent, UnconsumedEvent, Unfinished, Wait};

/// The default start of virtual time: 2025-01-01 00:00:00 UTC.
pub const START: Time = Time::START;

/// A simulation, configured but not yet run.
///
/// ```
/// use duroxide_sim::{Node, Sim};
/// use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
/// use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext};
/// use std::time::Duration;
///
/// let activities = ActivityRegistry::builder()
///     .register("Greet", |_: ActivityContext, name: String| async move { Ok(format!("hello {name}")) })
///     .build();
/// let orchestrations = OrchestrationRegistry::builder()
///     .register("Later", |ctx: OrchestrationContext, name: String| async move {
///         ctx.schedule_timer(Duration::from_secs(30 * 86_400)).await;
///         ctx.schedule_activity("Greet", name).await
///     })
///     .build();
///
/// Sim::new(42).node(Node::new("a", activities, orchestrations)).run(|sim| async move {
///     sim.client().start_orchestration("greeting", "Later", "you").await?;
///     assert_eq!(sim.output::<String>("greeting", Duration::from_secs(40 * 86_400)).await?, "hello you");
///     assert!(sim.elapsed() >= Duration::from_secs(30 * 86_400));
///     Ok::<_, Box<dyn std::error::Error>>(())
/// });
/// ```
#[must_use = "a simulation does nothing until it is run"]
pub struct Sim {
    seed: Seed,
    start: Time,
    nodes: Vec<Node>,
    limits: Limits,
    settings: MemorySettings,
    laws: bool,
    traces: bool,
    logs: bool,
    levels: Levels,
    rules: Vec<Arc<dyn FaultRule>>,
    plan: Plan,
    doubles: Vec<(String, Double)>,
    /// Activities that exist only as doubles.
    activities: BTreeSet<String>,
    storm: Option<Storm>,
    /// Whether the seed draws latencies for calls.
    latencies: bool,
    /// Whether the plan is the only source of faults.
    replays: bool,
    /// Whether scripted entries may fail to happen.
    allows_unreached: bool,
    properties: Vec<property::Property>,
    finish_within: Option<Duration>,
    effects: Effects,
    journal: Option<Journal>,
    escapes: escape_policy::Policy,
    /// Whether work for a handler that no node has is allowed.
    unknown_handlers: bool,
    /// Whether tasks may panic.
    tolerates_panics: bool,
    /// The first mistake in configuring the simulation, reported when it runs.
    misused: Option<String>,
    /// Adds a paragraph to the text of a failure.
    remark: Option<Remark>,
    /// Whether a failing [`Sim::run`] leaves files.
    leaves: Leaves,
}

/// Whether a failing [`Sim::run`] leaves its page and its log as files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    Nothing,
    /// If the program lies in a folder that cargo made.
    InTarget,
    Always,
}

/// Returns a paragraph to add to the text of a failure, if there is one.
pub(crate) type Remark = Box<dyn FnOnce(&Failure) -> Option<String>>;

/// The result of a successful simulation.
#[derive(Debug)]
#[non_exhaustive]
pub struct Run<T> {
    /// What the body returned.
    pub value: T,
    /// The seed of the run.
    pub seed: Seed,
    /// The virtual time that passed.
    pub elapsed: Duration,
    /// Every provider call.
    pub trace: Trace,
    /// The provider in its final state.
    pub memory: Arc<Memory>,
    /// The given plan with everything that a storm drew. It repeats the run without the
    /// storm ([`Sim::replay`]).
    pub plan: Plan,
    /// The plan entries that never happened.
    pub unreached: Vec<PlanEntry>,
    /// The names of all [`Sim::sometimes`] properties, and whether each held.
    pub sometimes: BTreeMap<String, bool>,
    /// Actions of the code under test that reached past the simulation.
    pub escapes: Escapes,
    /// Whether the branches taken by unbiased `tokio::select!`s followed the seed. They do
    /// with the tokio 1 releases that this crate knows; with others the random numbers
    /// depend on what ran before in the process.
    pub select_is_seeded: bool,
    /// What the run did besides its provider calls: its log, activities and effects.
    pub observed: Observed,
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("seed", &self.seed).field("nodes", &self.nodes).finish_non_exhaustive()
    }
}

impl Sim {
    /// Creates a simulation with `seed`. The environment variable `DUROXIDE_SIM_SEED`
    /// overrides it.
    pub fn new(seed: impl Into<Seed>) -> Sim {
        Sim {
            seed: seed.into(),
            start: START,
            nodes: Vec::new(),
            limits: Limits::default(),
            settings: MemorySettings::default(),
            laws: true,
            traces: true,
            logs: std::env::var_os("RUST_LOG").is_some(),
            levels: Levels::default(),
            rules: Vec::new(),
            plan: Plan::new(),
            doubles: Vec::new(),
            activities: BTreeSet::new(),
            storm: None,
            latencies: false,
            replays: false,
            allows_unreached: false,
            properties: Vec::new(),
            finish_within: None,
            effects: Effects::default(),
            journal: None,
            escapes: escape_policy::Policy::default(),
            unknown_handlers: false,
            tolerates_panics: false,
            misused: None,
            remark: None,
            leaves: Leaves::InTarget,
        }
    }

    /// Replaces the seed, for a simulation that is built in one place and run with many
    /// seeds.
    pub fn seed(mut self, seed: impl Into<Seed>) -> Sim {
        self.seed = seed.into();
        self
    }

    /// Adds a node, which is started before the body runs.
    pub fn node(mut self, node: Node) -> Sim {
        self.nodes.push(node);
        self
    }

    /// Adds a fault rule, which judges every call of nodes and clients for which the plan
    /// has no fault. A closure is a rule. The faults of rules appear in the trace, but not
    /// in the plan of the run.
    pub fn rule(mut self, rule: impl FaultRule + 'static) -> Sim {
        self.rules.push(Arc::new(rule));
        self
    }

    /// Sets the plan of the run. Every entry must happen: a run that succeeds without one
    /// of them fails ([`Cause::Unreached`]), because it proves nothing about that fault.
    /// [`Sim::allow_unreached`] lifts this.
    pub fn plan(mut self, plan: Plan) -> Sim {
        self.plan = plan;
        self
    }

    /// Allows entries of [`Sim::plan`] and [`Handle::script`] that do not happen: their
    /// call is never made, their time is after the end of the run, or they cannot be
    /// carried out, such as a crash of a node that is down. Useful for plans that are tried
    /// on runs of which only some reach every entry. [`Run::unreached`] lists the entries
    /// that did not happen.
    pub fn allow_unreached(mut self) -> Sim {
        self.allows_unreached = true;
        self
    }

    /// Adds a storm, in addition to the plan if there is one.
    pub fn storm(mut self, storm: Storm) -> Sim {
        self.storm = Some(storm);
        self
    }

    /// Adds latencies to calls, drawn from the seed, so that the order of what happens on
    /// different nodes varies. Depending on the seed, every call, one call in eight or no
    /// call is delayed, by up to 2 ms in some runs and up to half a second in others, and
    /// never by more than an eighth of the shortest lock. The delays become part of the
    /// run's plan. Reads by clients are not delayed.
    pub fn latencies(mut self) -> Sim {
        self.latencies = true;
        self
    }

    /// Repeats a run from the plan in its result ([`Run::plan`], [`Failure::plan`]). This
    /// plan replaces the simulation's own, and neither a storm nor latencies are drawn. Its
    /// entries need not happen.
    pub fn replay(mut self, plan: Plan) -> Sim {
        self.replays = true;
        self.plan(plan)
    }

    /// Removes a node, and the plan entries that concern it. If there is no such node, the
    /// run fails ([`Cause::Setup`]).
    pub fn without_node(mut self, name: &str) -> Sim {
        if !self.nodes.iter().any(|spec| spec.name == name) {
            let names: Vec<&String> = self.nodes.iter().map(|spec| &spec.name).collect();
            let why = format!("There is no node {name:?} to remove; the nodes are {names:?}. Add the node first.");
            self.misused.get_or_insert(why);
        }
        self.nodes.retain(|spec| spec.name != name);
        self.plan.entries.retain(|entry| !entry.is_about(name));
        self
    }

    /// Limits the real time of the run.
    pub(crate) fn within(mut self, real_time: Duration) -> Sim {
        self.limits.real_time = self.limits.real_time.min(real_time);
        self
    }

    /// Sets a journal that receives every entry of the plan before it happens, so that the
    /// plan is known even if the process dies.
    pub(crate) fn journal(mut self, journal: Option<Journal>) -> Sim {
        self.journal = journal;
        self
    }

    pub(crate) fn seed_of(&self) -> Seed {
        self.seed
    }

    /// Returns duroxide's default options with rare idle polling: long polls, the session
    /// manager and the gauges run at intervals of hours. Locks on turns and activities,
    /// backoffs and attempts keep duroxide's defaults. A session stays with a crashed node
    /// for up to six hours: set `session_lock_timeout` if sessions must move on sooner.
    /// Where a node may have fewer sessions (`max_sessions_per_runtime`) than slots, set
    /// `worker_node_id`, or set `dispatcher_long_poll_timeout` to seconds:
    /// [`Storm::include_unsurvivable`] describes the delay in duroxide that this avoids.
    pub fn default_options() -> RuntimeOptions {
        const HOUR: Duration = Duration::from_secs(3600);
        RuntimeOptions {
            dispatcher_long_poll_timeout: 24 * HOUR,
            session_lock_timeout: 6 * HOUR,
            session_lock_renewal_buffer: HOUR,
            session_idle_timeout: 12 * HOUR,
            session_cleanup_interval: 24 * HOUR,
            observability: ObservabilityConfig { gauge_poll_interval: 240 * HOUR, ..ObservabilityConfig::default() },
            ..RuntimeOptions::default()
        }
    }

    /// Starts virtual time at `start` instead of [`START`].
    pub fn start_at(mut self, start: Time) -> Sim {
        self.start = start;
        self
    }

    /// Sets the limits of the run.
    pub fn limits(mut self, limits: Limits) -> Sim {
        self.limits = limits;
        self
    }

    /// Sets the provider's behaviour where the contract leaves a choice.
    pub fn settings(mut self, settings: MemorySettings) -> Sim {
        self.settings = settings;
        self
    }

    /// Sets a function that receives the failure of [`Sim::run`] before the panic and may
    /// add a paragraph to its text. [`Sim::try_run`] does not call it.
    pub fn on_failure(mut self, remark: impl FnOnce(&Failure) -> Option<String> + 'static) -> Sim {
        self.remark = Some(Box::new(remark));
        self
    }

    /// Allows work for handlers that no build of any node has. By default the run fails as
    /// soon as such work is stored ([`Cause::UnknownHandler`]): an orchestration started by
    /// a client or as a sub-orchestration, a version of an orchestration, or an activity.
    /// duroxide itself retries such work with growing delays, in case a node with the
    /// handler appears, and fails it after `max_attempts` fetches.
    ///
    /// Such work is always allowed in a simulation without nodes, and once the body has
    /// called [`Handle::memory`] or a caller that is not a node has fetched: a runtime that
    /// the body starts by itself may have other handlers.
    pub fn allow_unknown_handlers(mut self) -> Sim {
        self.unknown_handlers = true;
        self
    }

    /// Allows tasks to panic, for a body that expects a panic of a task it spawned and
    /// checks its `JoinHandle`. By default a panic in a task that is reported nowhere else
    /// fails the run ([`Cause::TaskPanic`]). Panics of activities and orchestrations are
    /// not affected: duroxide records them in histories.
    pub fn allow_panics(mut self) -> Sim {
        self.tolerates_panics = true;
        self
    }

    /// Skips the check of the laws at the end.
    pub fn without_laws(mut self) -> Sim {
        self.laws = false;
        self
    }

    /// Records no provider calls, for runs so long that the trace would be too large. The
    /// laws then have nothing to check, and the trace of a failure contains only the faults
    /// of nodes and calls.
    pub fn without_trace(mut self) -> Sim {
        self.traces = false;
        self.without_laws()
    }

    /// Runs the simulation and returns the body's value together with the trace.
    ///
    /// # Errors
    ///
    /// If the body returns an error or panics, a limit is reached, the run gets stuck or
    /// uses real input and output ([`Sim::allow_escapes`]), a law is broken, or the
    /// simulation cannot be set up.
    pub fn try_run<B, F, R>(self, body: B) -> Result<Run<R::Value>, Box<Failure>>
    where
        B: FnOnce(Handle) -> F + Send + 'static,
        F: Future<Output = R> + 'static,
        R: Outcome,
    {
        run::run(self, body)
    }
}
