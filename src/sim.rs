//! [`Sim`]: the real Client and Runtime on virtual time, from one seed.
//!
//! A simulation has a thread of its own with a paused tokio runtime, one
//! [`Memory`] and any number of nodes, each a real duroxide `Runtime`. It ends
//! when the test's body ends, when a limit is reached, or when nothing can
//! happen any more; then the laws are checked over its trace.
//!
//! What goes wrong in it comes from the body, from a [`Plan`], from rules over
//! calls ([`crate::faults`]) or, drawn from the seed, from a [`Storm`]. It
//! explores nothing: one seed, one run (many of
//! them are [`crate::explore()`]'s).

mod cause;
mod chains;
mod cluster;
mod crashes;
mod effects;
mod ending;
mod executor;
mod failure;
mod handle;
mod handlers;
mod heap;
mod hints;
mod impaired;
mod input;
mod jitter;
mod life;
mod limits;
mod link;
mod missed;
mod no_progress;
mod node;
mod outcome;
mod output;
mod panics;
mod plan;
mod polled;
mod properties;
mod property;
mod pulse;
mod rest;
mod run;
mod setup;
mod skew;
mod stall;
mod stall_report;
mod storm;
mod strayed;
mod stuck;
mod tails;
mod tasks;
mod waits;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use duroxide::runtime::{ObservabilityConfig, RuntimeOptions};

use crate::clock::{Escapes, Time};
use crate::faults::FaultRule;
use crate::provider::{Memory, MemorySettings};
use crate::seed::Seed;
use crate::trace::Trace;

pub use cause::Cause;
pub use crashes::{Incident, Incidents, Survey, crash_everywhere, try_crash_everywhere};
pub use effects::Effects;
pub use ending::Held;
pub(crate) use executor::Journal;
pub use failure::Failure;
pub use handle::{Handle, NodeError};
pub use handlers::{Lack, TagsOfNode, UnknownHandler};
pub use input::Input;
pub use limits::Limits;
pub use missed::{Missed, Why};
pub use no_progress::{Circling, Code, NoProgress};
pub use node::Node;
pub use outcome::Outcome;
pub use output::OutputError;
pub use panics::TaskPanic;
pub use plan::{Action, CallSite, Plan, PlanEntry, Trigger};
pub use rest::Busy;
pub use storm::{FaultKind, Storm};
pub use stuck::Stuck;
pub use tails::Tail;
pub use waits::{About, MisdirectedEvent, UnconsumedEvent, Unfinished, Wait};

/// When simulations start unless they say otherwise: 2025-01-01 00:00:00 UTC.
pub const START: Time = Time::START;

/// A simulation to be run.
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
    rules: Vec<Arc<dyn FaultRule>>,
    plan: Plan,
    storm: Option<Storm>,
    /// Whether calls have latencies of the seed's.
    latencies: bool,
    /// Whether the plan is all that may go wrong.
    replays: bool,
    /// Whether scripted entries need not happen.
    allows_unreached: bool,
    properties: Vec<property::Property>,
    finish_within: Option<Duration>,
    effects: Effects,
    journal: Option<Journal>,
    escapes: strayed::Policy,
    /// Whether work for a handler that no node has is no mistake.
    unknown_handlers: bool,
    /// Whether tasks may panic.
    tolerates_panics: bool,
    /// A mistake in building it, told when it is run.
    misused: Option<String>,
    /// What else there is to say of a failure.
    remark: Option<Remark>,
}

/// Says something of a failure, or nothing.
type Remark = Box<dyn FnOnce(&Failure) -> Option<String>>;

/// What a simulation that went well leaves behind.
#[derive(Debug)]
#[non_exhaustive]
pub struct Run<T> {
    /// What the body returned.
    pub value: T,
    /// The seed it ran from.
    pub seed: Seed,
    /// How much virtual time passed.
    pub elapsed: Duration,
    /// Every provider call.
    pub trace: Trace,
    /// The provider as it was at the end.
    pub memory: Arc<Memory>,
    /// The plan that was given, with what a storm drew: the run repeats from it
    /// without the storm ([`Sim::replay`]).
    pub plan: Plan,
    /// Those of the plan's entries that never happened.
    pub unreached: Vec<PlanEntry>,
    /// What should sometimes hold ([`Sim::sometimes`]), and whether it did.
    pub sometimes: BTreeMap<String, bool>,
    /// What reached past the simulation.
    pub escapes: Escapes,
    /// Whether unbiased `tokio::select!`s followed the seed. They do with the
    /// versions of tokio 1 that this crate knows; with another one the numbers
    /// that they draw depend on what ran before in the process.
    pub select_is_seeded: bool,
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("seed", &self.seed).field("nodes", &self.nodes).finish_non_exhaustive()
    }
}

impl Sim {
    /// A simulation from `seed`. The environment variable `DUROXIDE_SIM_SEED`
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
            rules: Vec::new(),
            plan: Plan::new(),
            storm: None,
            latencies: false,
            replays: false,
            allows_unreached: false,
            properties: Vec::new(),
            finish_within: None,
            effects: Effects::default(),
            journal: None,
            escapes: strayed::Policy::default(),
            unknown_handlers: false,
            tolerates_panics: false,
            misused: None,
            remark: None,
        }
    }

    /// Sets another seed, for a simulation that is built in one place and run
    /// from many seeds.
    pub fn seed(mut self, seed: impl Into<Seed>) -> Sim {
        self.seed = seed.into();
        self
    }

    /// Adds a node, which is started before the body.
    pub fn node(mut self, node: Node) -> Sim {
        self.nodes.push(node);
        self
    }

    /// Lets `rule` judge every call of nodes and clients that the plan leaves
    /// alone. A closure is a rule. What rules do is in the trace, and not in the
    /// plan of the run.
    pub fn rule(mut self, rule: impl FaultRule + 'static) -> Sim {
        self.rules.push(Arc::new(rule));
        self
    }

    /// Lets happen what `plan` says. Every entry has to happen: a run that goes
    /// well without it fails ([`Cause::Unreached`]), because it proves nothing of
    /// what was asked for. [`Sim::allow_unreached`] allows that.
    pub fn plan(mut self, plan: Plan) -> Sim {
        self.plan = plan;
        self
    }

    /// Allows that what [`Sim::plan`] and [`Handle::script`] ask for does not
    /// happen: an entry whose call is never made, whose time comes after the end
    /// of the run, or which cannot be carried out, such as a crash of a node that
    /// is down. For plans that are tried on runs of which not all come to them;
    /// [`Run::unreached`] lists the entries that were not reached.
    pub fn allow_unreached(mut self) -> Sim {
        self.allows_unreached = true;
        self
    }

    /// Lets a storm break out, beside the plan if there is one.
    pub fn storm(mut self, storm: Storm) -> Sim {
        self.storm = Some(storm);
        self
    }

    /// Gives calls latencies that the seed draws: in some runs every call is a
    /// little late, in some one of eight, in some none; a little is 2 ms in some
    /// runs and half a second in others, and at most an eighth of the shortest
    /// lock. With them the order varies in which things happen at nodes. They
    /// become part of the run's plan. What a client reads is not delayed.
    pub fn latencies(mut self) -> Sim {
        self.latencies = true;
        self
    }

    /// Repeats a run from the plan that it left behind ([`Run::plan`],
    /// [`Failure::plan`]): the plan takes the place of the one this simulation
    /// has, no storm breaks out, and no latencies are drawn. Its entries need not
    /// happen.
    pub fn replay(mut self, plan: Plan) -> Sim {
        self.replays = true;
        self.plan(plan)
    }

    /// Leaves out a node that was added before, and what a plan has for it. Where
    /// there is no such node, the run fails ([`Cause::Setup`]).
    pub fn without_node(mut self, name: &str) -> Sim {
        if !self.nodes.iter().any(|spec| spec.name == name) {
            let names: Vec<&String> = self.nodes.iter().map(|spec| &spec.name).collect();
            let why = format!("There is no node {name:?} to leave out; there are {names:?}. Add the node first.");
            self.misused.get_or_insert(why);
        }
        self.nodes.retain(|spec| spec.name != name);
        self.plan.entries.retain(|entry| !entry.is_about(name));
        self
    }

    /// Bounds its real time.
    pub(crate) fn within(mut self, real_time: Duration) -> Sim {
        self.limits.real_time = self.limits.real_time.min(real_time);
        self
    }

    /// Tells `journal` of every entry of the plan before it happens: what is
    /// known of a run whose process dies.
    pub(crate) fn journal(mut self, journal: Option<Journal>) -> Sim {
        self.journal = journal;
        self
    }

    pub(crate) fn seed_of(&self) -> Seed {
        self.seed
    }

    /// Duroxide's default options with idle polling made rare: long polls, the
    /// session manager and the gauges come round in hours. Locks on turns and
    /// activities, backoffs and attempts are duroxide's own. A session stays for
    /// up to six hours with a node that has crashed: set `session_lock_timeout` where
    /// sessions are to move on sooner. Where a node may have fewer sessions
    /// (`max_sessions_per_runtime`) than slots, set `worker_node_id`, or
    /// `dispatcher_long_poll_timeout` to seconds: see [`Storm::include_unsurvivable`] for what duroxide
    /// delays there.
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

    /// Sets the limits.
    pub fn limits(mut self, limits: Limits) -> Sim {
        self.limits = limits;
        self
    }

    /// Sets how the provider behaves where the contract leaves it open.
    pub fn settings(mut self, settings: MemorySettings) -> Sim {
        self.settings = settings;
        self
    }

    /// Lets `remark` look at the failure of [`Sim::run`] before it panics, and add
    /// a paragraph to its text; [`Sim::try_run`] does not call it.
    pub fn on_failure(mut self, remark: impl FnOnce(&Failure) -> Option<String> + 'static) -> Sim {
        self.remark = Some(Box::new(remark));
        self
    }

    /// Lets work be stored for a handler that no build of any node has. Without this the
    /// run fails as soon as such work is stored ([`Cause::UnknownHandler`]): an
    /// orchestration that is started, by a client or by another one, a version of one, or
    /// an activity. duroxide itself puts such work back later and later, in case another node
    /// comes that has the handler, and fails it after `max_attempts` fetches.
    ///
    /// It is no mistake anyway in a simulation without nodes, and once the body has
    /// asked for [`Handle::memory`] or something that is no node has fetched: runtimes that the
    /// body starts by itself may have other handlers.
    pub fn allow_unknown_handlers(mut self) -> Sim {
        self.unknown_handlers = true;
        self
    }

    /// Allows tasks to panic: where the body expects it of a task that it has started,
    /// and looks at its `JoinHandle`. A panic in a task that nobody else reports
    /// fails the run otherwise ([`Cause::TaskPanic`]). Panics of activities and
    /// orchestrations are none of these: duroxide writes them into histories.
    pub fn allow_panics(mut self) -> Sim {
        self.tolerates_panics = true;
        self
    }

    /// Leaves the laws unchecked at the end.
    pub fn without_laws(mut self) -> Sim {
        self.laws = false;
        self
    }

    /// Keeps no provider calls: for runs so long that their trace is too large.
    /// The laws have nothing to look at then, and a failure's trace holds only
    /// what befell nodes and calls.
    pub fn without_trace(mut self) -> Sim {
        self.traces = false;
        self.without_laws()
    }

    /// Lets duroxide's log lines through (they are held back unless `RUST_LOG`
    /// is set). Their timestamps are virtual.
    pub fn with_logs(mut self) -> Sim {
        self.logs = true;
        self
    }

    /// Runs the simulation and returns what the body returned.
    ///
    /// # Panics
    ///
    /// When it fails in any way, with everything that [`Failure`] prints.
    #[track_caller]
    pub fn run<B, F, R>(mut self, body: B) -> R::Value
    where
        B: FnOnce(Handle) -> F + Send + 'static,
        F: Future<Output = R> + 'static,
        R: Outcome,
    {
        let (remark, policy) = (self.remark.take(), self.escapes);
        match self.try_run(body) {
            Ok(Run { value, trace, memory, seed, escapes, .. }) => {
                policy.tell(seed, &escapes);
                let entries = trace.entries.len();
                run::discard((trace, memory), entries);
                value
            }
            Err(failure) => match remark.and_then(|remark| remark(&failure)) {
                Some(remark) => panic!("{failure}\n\n{remark}"),
                None => panic!("{failure}"),
            },
        }
    }

    /// Runs the simulation, and returns its trace with what the body returned.
    ///
    /// # Errors
    ///
    /// When the body returns an error or panics, a limit is reached, the run uses
    /// real input and output ([`Sim::allow_escapes`]) or gets stuck, a law is broken, or the simulation cannot be set up.
    pub fn try_run<B, F, R>(self, body: B) -> Result<Run<R::Value>, Box<Failure>>
    where
        B: FnOnce(Handle) -> F + Send + 'static,
        F: Future<Output = R> + 'static,
        R: Outcome,
    {
        run::run(self, body)
    }
}
