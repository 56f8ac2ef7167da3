//! [`explore()`](crate::explore()): runs one scenario with thousands of seeds, each in its own
//! process.
//!
//! The test starts its own executable again, once per core, as a *worker*. A worker runs only this
//! test, does nothing before it reaches the exploration, and there forks one process per seed. So
//! no static, counter or cache leaks from one seed into the next, and a seed that crashes, hangs or
//! runs out of memory is a failure of that seed alone. The test remains an ordinary test: filters,
//! `--nocapture` and nextest work, and with `DUROXIDE_SIM_SEED` that one seed runs in the test's
//! own process, for use with a debugger.
//!
//! [`crate::sim`] decides what goes wrong in a run and which properties must hold. This module
//! decides which seeds run, in which process, and how their results are judged. It draws no random
//! numbers itself.

mod answer;
#[cfg(target_os = "linux")]
mod bench;
#[cfg(target_os = "linux")]
mod campaign;
mod capsule;
#[cfg(target_os = "linux")]
mod determinism;
mod difference;
mod environment;
#[cfg(target_os = "linux")]
mod interrupt;
mod part;
mod place;
#[cfg(target_os = "linux")]
mod pool;
#[cfg(target_os = "linux")]
mod printed;
mod problem;
mod reason;
mod replayed;
mod report;
#[cfg(target_os = "linux")]
mod server;
mod shard;
#[cfg(target_os = "linux")]
mod shrink;
mod shrunk;
mod stale;
mod states;

use std::fmt;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::errors::whole;
#[allow(unused_imports)] // For the documentation.
use crate::recorded::Recorded;
use crate::seed::{SEED_VARIABLE, Seed};
use crate::sim::{Cause, Handle, Outcome, Sim};
use crate::text::{Line, Quoted};
use crate::{clock, command};

pub use crate::versions::Versions;
use answer::{Answer, Order, Perform};
pub use capsule::{Capsule, CapsuleError};
pub use difference::Difference;
use place::Place;
pub use problem::{Finding, Problem};
pub use report::ExplorationReport;
pub use shrunk::{Shrunk, Stopped};
pub use stale::{Outdated, Stale};

/// The environment variable that overrides the number of seeds.
pub const SEEDS_VARIABLE: &str = "DUROXIDE_SIM_SEEDS";

/// The environment variable that overrides the first seed.
pub const BASE_VARIABLE: &str = "DUROXIDE_SIM_BASE";

/// The environment variable that selects this machine's share of the seeds: `2/8` is the second of
/// eight shares.
pub const SHARD_VARIABLE: &str = "DUROXIDE_SIM_SHARD";

/// The environment variable with the path of a capsule to replay. The exploration that the capsule
/// names replays that run in the test's own process instead of exploring. Other explorations ignore
/// the variable, so a whole test binary can run with it. If `--exact` selects one test and the
/// capsule belongs to another, that is an error.
pub const CAPSULE_VARIABLE: &str = "DUROXIDE_SIM_CAPSULE";

/// The environment variable with a folder to which every exploration adds the histories of its runs
/// ([`Explore::record_histories`]).
pub const RECORD_VARIABLE: &str = "DUROXIDE_SIM_RECORD";

/// A function that writes the HTML page of a failing run to a path.
pub(crate) type WritePage = Option<fn(&Capsule, &Path) -> Result<(), String>>;

/// Returns an exploration with default settings that writes the pages of failing runs with `page`.
pub(crate) fn leaving(page: WritePage) -> Explore {
    Explore {
        page,
        name: None,
        seeds: None,
        at_most: None,
        base: Seed(0),
        workers: std::thread::available_parallelism().map_or(1, NonZero::get),
        seed_at_most: Duration::from_secs(60),
        shrink_at_most: Duration::from_secs(20),
        capsules: Vec::new(),
        only_capsules: false,
        allows_stale: false,
        reads_environment: true,
        twice_in: 10,
        allows_escapes: false,
        latencies: true,
        record: None,
        progress: true,
    }
}

/// The configuration of an exploration: which seeds of a scenario run, and within which limits.
///
/// ```no_run
/// use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
/// use duroxide_sim::duroxide::{ActivityContext, OrchestrationContext};
/// use duroxide_sim::{Node, sim::Storm};
/// use std::time::Duration;
///
/// # fn main() {} // A test function cannot be run in an example.
/// #[test]
/// fn orders_are_paid_once() {
///     duroxide_sim::explore().seeds(2_000).run(
///         |sim| {
///             let paid = sim.effects();
///             let activities = ActivityRegistry::builder().register("Pay", move |ctx: ActivityContext, _: String| {
///                 paid.add(ctx.instance_id());
///                 async { Ok("paid".to_owned()) }
///             });
///             let orchestrations = OrchestrationRegistry::builder()
///                 .register("Order", |ctx: OrchestrationContext, _: String| async move { ctx.schedule_activity("Pay", "").await });
///             sim.node(Node::new("a", activities.build(), orchestrations.build()))
///                 .storm(Storm::new())
///                 .finish_within(Duration::from_secs(3600))
///                 .sometimes("paid twice", |sim| sim.effects().count("order-1") > 1)
///         },
///         |sim| async move {
///             sim.client().start_orchestration("order-1", "Order", "").await?;
///             sim.output::<String>("order-1", Duration::from_secs(3600)).await?;
///             Ok::<_, Box<dyn std::error::Error>>(())
///         },
///     );
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "exploring does nothing until it is run"]
pub struct Explore {
    /// A function pointer, because `report` depends on this module and not the reverse.
    page: WritePage,
    name: Option<String>,
    seeds: Option<u64>,
    at_most: Option<Duration>,
    base: Seed,
    workers: usize,
    seed_at_most: Duration,
    shrink_at_most: Duration,
    capsules: Vec<PathBuf>,
    /// Whether only capsules run, and no seeds.
    only_capsules: bool,
    /// Whether a capsule of another test, or one whose plan is only partly carried out, is
    /// accepted.
    allows_stale: bool,
    /// Whether environment variables may choose the seeds.
    reads_environment: bool,
    twice_in: u64,
    allows_escapes: bool,
    latencies: bool,
    /// The folder for the histories of runs that pass.
    record: Option<PathBuf>,
    progress: bool,
}

/// The default number of seeds.
const SEEDS: u64 = 1_000;

impl Explore {
    /// Sets the number of seeds. The default is 1,000, or unlimited if there is a time limit.
    /// `DUROXIDE_SIM_SEEDS` overrides it. Zero seeds are an error ([`Problem::Setup`]), because
    /// such a test proves nothing; use [`Explore::only_capsules`] for a test that only replays
    /// capsules.
    pub fn seeds(mut self, count: u64) -> Explore {
        self.seeds = Some(count);
        self
    }

    /// Starts no new seed after this much real time. If no seed was started by then, that is an
    /// error ([`Problem::Setup`]).
    pub fn time_limit(mut self, time: Duration) -> Explore {
        self.at_most = Some(time);
        self
    }

    /// Sets the first seed; the following seeds count up from it. The default is 0.
    /// `DUROXIDE_SIM_BASE` overrides it, with a seed or a commit hash.
    pub fn base(mut self, seed: impl Into<Seed>) -> Explore {
        self.base = seed.into();
        self
    }

    /// Sets the full name of this test, `module::test`, as the test harness expects it in a filter.
    /// This is only needed where the name cannot be detected; elsewhere, the name is only
    /// displayed.
    pub fn named(mut self, name: &str) -> Explore {
        self.name = Some(name.to_owned());
        self
    }

    /// Sets the number of worker processes, at least one. The default is one per core.
    pub fn workers(mut self, count: usize) -> Explore {
        self.workers = count;
        self
    }

    /// Sets the real-time limit of one seed, a minute by default. A seed that takes longer fails.
    pub fn seed_time_limit(mut self, time: Duration) -> Explore {
        self.seed_at_most = time;
        self
    }

    /// Sets the real-time limit for shrinking a failure, 20 seconds by default; zero disables
    /// shrinking. If shrinking does not finish in time, [`Finding::shrunk`] reports how far it got.
    pub fn shrink_time_limit(mut self, time: Duration) -> Explore {
        self.shrink_at_most = time;
        self
    }

    /// Replays the run of a capsule before any seed runs; the run must no longer fail. A relative
    /// path is resolved against the package's folder.
    ///
    /// A capsule proves nothing if it belongs to another test, or if its run succeeds without
    /// carrying out its whole plan because some of its calls are no longer made. That is an error
    /// ([`Problem::Stale`]), unless [`Explore::allow_stale_capsules`] allows it.
    pub fn capsule(mut self, path: impl AsRef<Path>) -> Explore {
        self.capsules.push(path.as_ref().to_path_buf());
        self
    }

    /// Accepts capsules of other tests, and capsules whose plan is no longer carried out
    /// completely.
    pub fn allow_stale_capsules(mut self) -> Explore {
        self.allows_stale = true;
        self
    }

    /// Replays the capsules ([`Explore::capsule`]) and runs no seeds.
    pub fn only_capsules(mut self) -> Explore {
        self.only_capsules = true;
        self
    }

    /// Ignores `DUROXIDE_SIM_SEEDS`, `DUROXIDE_SIM_BASE` and `DUROXIDE_SIM_SHARD`, for a test that
    /// depends on specific seeds, such as one that shows that a known bug is found.
    /// `DUROXIDE_SIM_SEED` and `DUROXIDE_SIM_CAPSULE`, which repeat one run, still apply.
    pub fn without_environment(mut self) -> Explore {
        self.reads_environment = false;
        self
    }

    /// Runs one in this many seeds twice, in two processes, and compares the traces. The default is
    /// 10; 1 checks every seed, 0 none. A difference means that something other than the seed
    /// influences the run.
    pub fn check_determinism_every(mut self, seeds: u64) -> Explore {
        self.twice_in = seeds;
        self
    }

    /// Allows escapes ([`crate::clock::Escape`]), such as threads, real sleeps and blocking waits.
    /// Without this, an exploration in which any occur fails and reports where they come from.
    pub fn allow_escapes(mut self) -> Explore {
        self.allows_escapes = true;
        self
    }

    /// Disables the latencies ([`Sim::latencies`]) that every run has by default.
    pub fn without_latencies(mut self) -> Explore {
        self.latencies = false;
        self
    }

    /// Adds the histories of the instances of every seed that passes to `folder`, one for each shape
    /// ([`Recorded::add_to`]), as the run leaves them. A later release is checked against them with
    /// [`Replay`](crate::recorded::Replay). A relative path is resolved against the package's folder.
    /// `DUROXIDE_SIM_RECORD` overrides the folder, and does the same for all explorations of a test
    /// program.
    pub fn record_histories(mut self, folder: impl AsRef<Path>) -> Explore {
        self.record = Some(folder.as_ref().to_path_buf());
        self
    }

    /// Disables the progress display.
    pub fn quiet(mut self) -> Explore {
        self.progress = false;
        self
    }

    /// Runs the exploration. `build` adds the nodes and everything else to the simulation it is
    /// given; `body` is the body of every run. Both are called once per seed. Whatever the test
    /// does before it explores, every worker does too.
    ///
    /// # Panics
    ///
    /// If a seed fails, with the failure; if two runs of one seed differ, with the difference; if
    /// there were escapes; if a `sometimes` property never held; if a capsule is stale; and if
    /// nothing could be run, with the reason.
    #[track_caller]
    pub fn run<B, F, R>(self, build: impl Fn(Sim) -> Sim, body: B) -> ExplorationReport
    where
        B: Fn(Handle) -> F + Clone + Send + 'static,
        F: Future<Output = R> + 'static,
        R: Outcome,
    {
        match self.try_run(build, body) {
            Ok(report) => {
                println!("{report}");
                report
            }
            Err(problem) => panic!("{problem}"),
        }
    }

    /// Like [`Explore::run`], but returns the problem instead of panicking.
    ///
    /// # Errors
    ///
    /// Whenever [`Explore::run`] would panic.
    pub fn try_run<B, F, R>(self, build: impl Fn(Sim) -> Sim, body: B) -> Result<ExplorationReport, Box<Problem>>
    where
        B: Fn(Handle) -> F + Clone + Send + 'static,
        F: Future<Output = R> + 'static,
        R: Outcome,
    {
        // The names of the closures' types identify the scenario, because every closure has its own
        // type.
        let scenario = (std::any::type_name_of_val(&build), std::any::type_name_of_val(&body));
        let record = environment::record().or_else(|| self.record.clone());
        let record = record.map(|folder| capsule::from_package(&folder));
        let settings = part::Settings { latencies: self.latencies, at_most: self.seed_at_most, record };
        let perform = |order: &Order, journal| part::perform(order, journal, &settings, &build, body.clone());
        self.go(scenario, &perform).map_err(Box::new)
    }

    /// `scenario` holds the type names of the two closures; the test function usually defines the
    /// first.
    fn go(self, scenario: (&str, &str), perform: Perform) -> Result<ExplorationReport, Problem> {
        if clock::is_virtual() || part::is_within() {
            part::note_nested();
            return Err(Problem::Setup(part::NESTED.to_owned()));
        }
        let place = Place::here(self.name.as_deref(), scenario);
        let ended = self.go_at(&place, perform);
        place.end(&ended);
        ended
    }

    fn go_at(self, place: &Place, perform: Perform) -> Result<ExplorationReport, Problem> {
        #[cfg(target_os = "linux")]
        if let Some(ended) = server::part_of(place, perform).map_err(Problem::Setup)? {
            return ended;
        }
        self.check().map_err(Problem::Setup)?;
        let seed = Seed::from_env().map_err(|error| Problem::Setup(error.to_string()))?;
        if let Some(path) = std::env::var_os(CAPSULE_VARIABLE) {
            if seed.is_some() {
                let why = format!("{CAPSULE_VARIABLE} and {SEED_VARIABLE} are both set. Set one of them.");
                return Err(Problem::Setup(why));
            }
            let path = PathBuf::from(path);
            let capsule = capsule_at(&path)?;
            if capsule.test == place.name && capsule.exploration == place.number() {
                return self.replayed(&path, &capsule, place, perform);
            }
            if capsule.test != place.name && command::runs_one_test() && !self.allows_stale {
                return Err(replayed::of_another_test(&path, &capsule, place));
            }
            say(format_args!(
                "{CAPSULE_VARIABLE} names a run of {}; {} is not affected and explores as usual.",
                Quoted(&capsule.test),
                Quoted(&place.name)
            ));
        }
        if let Some(seed) = seed.or((!clock::SUPPORTED).then_some(self.base)) {
            return self.one(seed, place, perform);
        }
        #[cfg(target_os = "linux")]
        return campaign::go(self, place);
        #[cfg(not(target_os = "linux"))]
        Err(Problem::Setup(format!(
            "Exploring {} needs to fork processes, which this platform does not support. Run one seed with {SEED_VARIABLE}.",
            place.name
        )))
    }

    /// Checks that the settings let something run.
    fn check(&self) -> Result<(), String> {
        let nothing = |call: &str| {
            Err(format!("{call} allows nothing to run, so the test would prove nothing. Set a larger value."))
        };
        if self.seeds == Some(0) {
            let why = "Explore::seeds(0) allows nothing to run, so the test would prove nothing. Set at least one seed, or \
                       use Explore::only_capsules to replay only capsules.";
            return Err(why.to_owned());
        }
        if self.at_most.is_some_and(|time| time.is_zero()) {
            return nothing("Explore::time_limit(0)");
        }
        if self.workers == 0 {
            return nothing("Explore::workers(0)");
        }
        if self.seed_at_most.is_zero() {
            return nothing("Explore::seed_time_limit(0)");
        }
        if self.only_capsules && self.capsules.is_empty() {
            return Err("Explore::only_capsules has no capsule to replay. Add one with Explore::capsule.".to_owned());
        }
        Ok(())
    }

    /// Runs one seed in this process, and fails for everything that fails an exploration.
    fn one(&self, seed: Seed, place: &Place, perform: Perform) -> Result<ExplorationReport, Problem> {
        let order = Order { locate: true, ..Order::of(seed) };
        let (ended, answer) = alone(&order, place, perform);
        match ended {
            Ok(report) if !self.allows_escapes && !answer.escapes.is_empty() => {
                let command = format!("{SEED_VARIABLE}={seed} {}", place.command);
                Err(Problem::Escapes { escapes: answer.escapes, report: Box::new(report), command })
            }
            ended => ended,
        }
    }

    /// Replays a capsule in this process.
    fn replayed(
        &self,
        path: &Path,
        capsule: &Capsule,
        place: &Place,
        perform: Perform,
    ) -> Result<ExplorationReport, Problem> {
        let warning = capsule.warning();
        match alone(&capsule.order(), place, perform) {
            (Err(Problem::Failed(mut finding)), answer) => {
                finding.notes.extend(warning);
                finding.notes.extend(replayed::note(capsule, &answer));
                finding.notes.extend(replayed::other_failure(capsule, &finding.failure));
                finding.capsule = Some(capsule::from_package(path));
                finding.is_kept = true;
                Err(Problem::Failed(finding))
            }
            (other, answer) => {
                if other.is_ok() && !self.allows_stale {
                    replayed::check(path, capsule, &answer, place)?;
                }
                if other.is_ok() {
                    let warning = warning.map(|warning| format!(" {warning}")).unwrap_or_default();
                    say(format_args!(
                        "The run of the capsule {} no longer fails. Its failure was: {}{warning}",
                        Quoted(path.display()),
                        Line(&capsule.cause)
                    ));
                }
                other
            }
        }
    }
}

/// Prints a message for the person who replays a capsule, even if the test passes: libtest captures
/// the output of the print macros.
fn say(what: fmt::Arguments<'_>) {
    use std::io::Write;
    // If standard error is closed, the message has no reader.
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// Runs one seed in this process.
fn alone(order: &Order, place: &Place, perform: Perform) -> (Result<ExplorationReport, Problem>, Answer) {
    let mut answer = perform(order, None);
    let mut report = ExplorationReport { name: place.name.clone(), ..ExplorationReport::default() };
    report.add(&answer);
    let ended = match answer.failure.take() {
        Some(failure) => match failure.cause {
            Cause::Setup(why) => Err(Problem::Setup(why)),
            _ => Err(Problem::Failed(Box::new(Finding::new(
                failure,
                ExplorationReport::default(),
                place.command.clone(),
            )))),
        },
        None => Ok(report),
    };
    (ended, answer)
}

fn capsule_at(path: &Path) -> Result<Capsule, Problem> {
    Capsule::read(capsule::from_package(path)).map_err(|error| Problem::Setup(whole(&error)))
}
