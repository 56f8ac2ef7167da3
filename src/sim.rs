//! [`Sim`]: the real Client and Runtime on virtual time, from one seed.
//!
//! A simulation has a thread of its own with a paused tokio runtime, one
//! [`Memory`] and any number of nodes, each a real duroxide `Runtime`. It ends
//! when the test's body ends, when a limit is reached, or when it makes no
//! more progress; then the laws are checked over its trace.
//!
//! It injects no faults of its own but the crash of a node that the body asks
//! for, and explores nothing: one seed, one run.

mod failure;
mod handle;
mod node;
mod run;
mod waits;

use std::time::Duration;

use duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide::runtime::{ObservabilityConfig, RuntimeOptions};

use crate::clock::Time;
use crate::provider::{Memory, Settings};
use crate::seed::Seed;
use crate::trace::Trace;

pub use failure::{Cause, Failure};
pub use handle::{Handle, NodeError};

/// When simulations start unless they say otherwise: 2025-01-01 00:00:00 UTC.
pub const START: Time = Time(1_735_689_600_000);

/// A simulation to be run.
///
/// ```
/// use duroxide_sim::Sim;
/// use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
/// use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext, OrchestrationStatus};
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
/// Sim::new(42).node("a", activities, orchestrations).run(|sim| async move {
///     let client = sim.client();
///     client.start_orchestration("greeting", "Later", "you").await.unwrap();
///     let status = client.wait_for_orchestration("greeting", Duration::from_secs(40 * 86_400)).await.unwrap();
///     assert!(matches!(status, OrchestrationStatus::Completed { output, .. } if output == "hello you"));
///     assert!(sim.elapsed() >= Duration::from_secs(30 * 86_400));
/// });
/// ```
#[must_use = "a simulation does nothing until it is run"]
pub struct Sim {
    seed: Seed,
    start: Time,
    nodes: Vec<node::Spec>,
    limits: Limits,
    settings: Settings,
    laws: bool,
    logs: bool,
}

/// How far a simulation may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Virtual time after the start: 10 years unless set, and at most 200.
    pub virtual_time: Duration,
    /// Provider calls: a hundred million unless set.
    pub steps: u64,
    /// Real time for the whole run: 10 minutes unless set.
    pub real_time: Duration,
    /// Real time without any progress, that is without a provider call and
    /// without a wait: 30 seconds unless set.
    pub stuck: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            virtual_time: Duration::from_secs(10 * 365 * 86_400),
            steps: 100_000_000,
            real_time: Duration::from_secs(600),
            stuck: Duration::from_secs(30),
        }
    }
}

/// What a simulation that went well leaves behind.
#[derive(Debug)]
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
    pub memory: std::sync::Arc<Memory>,
}

/// What a body may return: nothing, or a result whose error can be printed (the
/// error need not be `Send`).
pub trait Outcome {
    /// What a run hands on.
    type Value: Send + 'static;

    /// The value, or why there is none.
    ///
    /// # Errors
    ///
    /// When the body returned an error, as text.
    fn into_result(self) -> Result<Self::Value, String>;
}

impl Outcome for () {
    type Value = ();

    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

impl<T: Send + 'static, E: std::fmt::Display> Outcome for Result<T, E> {
    type Value = T;

    fn into_result(self) -> Result<T, String> {
        self.map_err(|error| error.to_string())
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
            settings: Settings::default(),
            laws: true,
            logs: std::env::var_os("RUST_LOG").is_some(),
        }
    }

    /// Adds a node: a `Runtime` with these registries and
    /// [`Sim::default_options`], started before the body.
    pub fn node(self, name: &str, activities: ActivityRegistry, orchestrations: OrchestrationRegistry) -> Sim {
        self.node_with_options(name, activities, orchestrations, Sim::default_options())
    }

    /// Adds a node with options of its own, which are used as they are. Start
    /// from [`Sim::default_options`]: those of duroxide poll every 30 seconds,
    /// which is slow over months of virtual time.
    pub fn node_with_options(
        mut self,
        name: &str,
        activities: ActivityRegistry,
        orchestrations: OrchestrationRegistry,
        options: RuntimeOptions,
    ) -> Sim {
        self.nodes.push(node::Spec { name: name.to_owned(), activities, orchestrations, options });
        self
    }

    /// Duroxide's default options with idle polling made rare: long polls, the
    /// session manager and the gauges come round in hours. Locks on turns and
    /// activities, backoffs and attempts are duroxide's own.
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
    pub fn settings(mut self, settings: Settings) -> Sim {
        self.settings = settings;
        self
    }

    /// Leaves the laws unchecked at the end.
    pub fn without_laws(mut self) -> Sim {
        self.laws = false;
        self
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
    pub fn run<B, F, R>(self, body: B) -> R::Value
    where
        B: FnOnce(Handle) -> F + Send + 'static,
        F: Future<Output = R> + 'static,
        R: Outcome,
    {
        match self.try_run(body) {
            Ok(Run { value, trace, memory, .. }) => {
                let entries = trace.entries.len();
                run::discard((trace, memory), entries);
                value
            }
            Err(failure) => panic!("{failure}"),
        }
    }

    /// Runs the simulation, and returns its trace with what the body returned.
    ///
    /// # Errors
    ///
    /// When the body returns an error or panics, a limit is reached, the run
    /// gets stuck, a law is broken, or the simulation cannot be set up.
    pub fn try_run<B, F, R>(self, body: B) -> Result<Run<R::Value>, Box<Failure>>
    where
        B: FnOnce(Handle) -> F + Send + 'static,
        F: Future<Output = R> + 'static,
        R: Outcome,
    {
        run::run(self, body)
    }
}
