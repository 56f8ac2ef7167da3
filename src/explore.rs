//! [`explore()`](crate::explore()): one scenario from thousands of seeds, each in
//! a process of its own.
//!
//! The test starts its own program again, once for each core, as a *server*
//! that runs only this test, does nothing before it comes to the exploration,
//! and there forks a process for each seed. So no static, counter or cache of
//! the process leaks from one seed into the next, and one that crashes, hangs
//! or runs out of memory is a failure of that seed alone. It remains an
//! ordinary test: filters, `--nocapture` and nextest work, and with
//! `DUROXIDE_SIM_SEED` the one seed runs in the test's own process, for a
//! debugger.
//!
//! What goes wrong in a run, and what must hold, is the simulation's business
//! ([`crate::sim`]); which seeds are run, where, and what is made of their
//! answers is this module's. It draws nothing itself.

mod answer;
#[cfg(target_os = "linux")]
mod bench;
#[cfg(target_os = "linux")]
mod campaign;
mod capsule;
#[cfg(target_os = "linux")]
mod determinism;
mod difference;
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

use crate::seed::{SEED_VARIABLE, Seed};
use crate::sim::{Cause, Handle, Outcome, Sim};
use crate::text::{Line, Quoted};
use crate::{clock, command};

use answer::{Answer, Order, Perform};
pub use capsule::{Capsule, CapsuleError, Versions};
pub use difference::Difference;
use place::Place;
pub use problem::{Finding, Problem};
pub use report::ExplorationReport;
pub use shrunk::{Shrunk, Stopped};
pub use stale::{Outdated, Stale};

/// The environment variable that overrides how many seeds are run.
pub const SEEDS_VARIABLE: &str = "DUROXIDE_SIM_SEEDS";

/// The environment variable that overrides the seed they are counted from.
pub const BASE_VARIABLE: &str = "DUROXIDE_SIM_BASE";

/// The environment variable with this machine's share of the seeds: `2/8` for
/// the second of eight.
pub const SHARD_VARIABLE: &str = "DUROXIDE_SIM_SHARD";

/// The environment variable with the path of a capsule: its run is repeated in
/// the test's own process, in place of the exploration that it names. Other
/// explorations take no notice of it, so that a whole test binary can run with it;
/// where `--exact` asks for one test and the capsule is of another, that is an
/// error.
pub const CAPSULE_VARIABLE: &str = "DUROXIDE_SIM_CAPSULE";

/// How the page of a failing run is written to a path.
pub(crate) type WritePage = Option<fn(&Capsule, &Path) -> Result<(), String>>;

/// An exploration as it is before anything is said of it.
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
        hears_environment: true,
        twice_in: 10,
        tolerates_strays: false,
        latencies: true,
        progress: true,
    }
}

/// How a scenario is explored.
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
    /// From outside: what a person reads is made of explorations, and not the
    /// other way round.
    page: WritePage,
    name: Option<String>,
    seeds: Option<u64>,
    at_most: Option<Duration>,
    base: Seed,
    workers: usize,
    seed_at_most: Duration,
    shrink_at_most: Duration,
    capsules: Vec<PathBuf>,
    /// Whether no seed is run.
    only_capsules: bool,
    /// Whether a capsule may be of another test, or its plan's calls be gone.
    allows_stale: bool,
    /// Whether the environment may say which seeds are run.
    hears_environment: bool,
    twice_in: u64,
    tolerates_strays: bool,
    latencies: bool,
    progress: bool,
}

/// How many seeds are run unless it is said.
const SEEDS: u64 = 1_000;

impl Explore {
    /// Runs this many seeds: 1,000 unless set, and without a bound where there
    /// is one on time. `DUROXIDE_SIM_SEEDS` overrides it. No seed at all is an error
    /// ([`Problem::Setup`]), because it proves nothing; [`Explore::only_capsules`]
    /// is for tests that replay and explore nothing.
    pub fn seeds(mut self, count: u64) -> Explore {
        self.seeds = Some(count);
        self
    }

    /// Begins no new seed after this much real time. Where no seed was begun by
    /// then, that is an error ([`Problem::Setup`]).
    pub fn time_limit(mut self, time: Duration) -> Explore {
        self.at_most = Some(time);
        self
    }

    /// Counts the seeds from this one: 0 unless set. `DUROXIDE_SIM_BASE`
    /// overrides it, with a seed or a commit hash.
    pub fn base(mut self, seed: impl Into<Seed>) -> Explore {
        self.base = seed.into();
        self
    }

    /// The full name of this test, `module::test`, as its harness takes it for a
    /// filter: where it cannot be found out. Elsewhere, a name to show.
    pub fn named(mut self, name: &str) -> Explore {
        self.name = Some(name.to_owned());
        self
    }

    /// How many processes work at once, at least one: one for each core unless
    /// set.
    pub fn workers(mut self, count: usize) -> Explore {
        self.workers = count;
        self
    }

    /// How much real time one seed may take: a minute unless set. What takes
    /// longer has failed.
    pub fn seed_time_limit(mut self, time: Duration) -> Explore {
        self.seed_at_most = time;
        self
    }

    /// Shrinks a failure for at most this much real time: 20 seconds unless set;
    /// not at all in no time. Where that was too little, [`Finding::shrunk`] says
    /// how far it came.
    pub fn shrink_time_limit(mut self, time: Duration) -> Explore {
        self.shrink_at_most = time;
        self
    }

    /// First repeats the run of a capsule, which must not fail any more. The path
    /// counts from the package's folder.
    ///
    /// A capsule of another test, and one whose run goes well without all that is
    /// in its plan, because nobody makes the calls any more, proves nothing: that is
    /// an error ([`Problem::Stale`]), unless [`Explore::allow_stale_capsules`] says
    /// that it is meant.
    pub fn capsule(mut self, path: impl AsRef<Path>) -> Explore {
        self.capsules.push(path.as_ref().to_path_buf());
        self
    }

    /// Allows capsules of other tests, and those whose plan is not carried out to
    /// the end any more.
    pub fn allow_stale_capsules(mut self) -> Explore {
        self.allows_stale = true;
        self
    }

    /// Repeats the runs of capsules ([`Explore::capsule`]), and runs no seed.
    pub fn only_capsules(mut self) -> Explore {
        self.only_capsules = true;
        self
    }

    /// Takes no notice of `DUROXIDE_SIM_SEEDS`, `DUROXIDE_SIM_BASE` and
    /// `DUROXIDE_SIM_SHARD`: for a test that is about these very seeds, such as one
    /// that shows that a known bug is found. `DUROXIDE_SIM_SEED` and
    /// `DUROXIDE_SIM_CAPSULE`, which repeat one run, count all the same.
    pub fn without_environment(mut self) -> Explore {
        self.hears_environment = false;
        self
    }

    /// Runs one seed of this many twice, in copies of two processes, and compares
    /// the traces: one of ten unless set, every one with 1, none with 0. What
    /// differs comes from something that no seed decides.
    pub fn check_determinism_every(mut self, seeds: u64) -> Explore {
        self.twice_in = seeds;
        self
    }

    /// Allows what reaches past the simulation: threads, sleeps on real time and
    /// waits that block ([`crate::clock::Escape`]). Elsewhere an exploration in
    /// which there were any fails, and says where they come from.
    pub fn allow_escapes(mut self) -> Explore {
        self.tolerates_strays = true;
        self
    }

    /// Leaves out the latencies ([`Sim::latencies`]) that every run has otherwise.
    pub fn without_latencies(mut self) -> Explore {
        self.latencies = false;
        self
    }

    /// Shows no progress.
    pub fn quiet(mut self) -> Explore {
        self.progress = false;
        self
    }

    /// Explores. `build` adds nodes, and all the rest, to the simulation it is
    /// given; `body` is the body of every run. Both are called anew for every
    /// seed. What the test does before it explores, every worker does as well.
    ///
    /// # Panics
    ///
    /// When a seed fails, with the failure; when two runs of one seed differ, with
    /// the difference; when something reached past the simulation; when something
    /// that should sometimes hold never did; when a capsule proves nothing any more;
    /// and when nothing could be run, with the reason.
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

    /// The same, with what went wrong as a value.
    ///
    /// # Errors
    ///
    /// Where [`Explore::run`] panics.
    pub fn try_run<B, F, R>(self, build: impl Fn(Sim) -> Sim, body: B) -> Result<ExplorationReport, Box<Problem>>
    where
        B: Fn(Handle) -> F + Clone + Send + 'static,
        F: Future<Output = R> + 'static,
        R: Outcome,
    {
        // By their types; closures have one of their own each.
        let scenario = (std::any::type_name_of_val(&build), std::any::type_name_of_val(&body));
        let (latencies, at_most) = (self.latencies, self.seed_at_most);
        let perform = |order: &Order, journal| part::perform(order, journal, latencies, at_most, &build, body.clone());
        self.go(scenario, &perform).map_err(Box::new)
    }

    /// `scenario` names the types of the two closures; the first is often one that the
    /// test's function defines.
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
                return Err(stale::of_another_test(&path, &capsule, place));
            }
            say(format_args!(
                "{CAPSULE_VARIABLE} names a run of {}, and {} is explored as without it.",
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
            "There are no processes to fork here, for {}. Run one seed, with {SEED_VARIABLE}.",
            place.name
        )))
    }

    /// Whether it asks for anything.
    fn check(&self) -> Result<(), String> {
        let nothing =
            |call: &str| Err(format!("{call} lets nothing run, which proves nothing. Ask for more than that."));
        if self.seeds == Some(0) {
            let why = "Explore::seeds(0) lets nothing run, which proves nothing. Ask for one seed at least, or for \
                       Explore::only_capsules where capsules are all that is to be run.";
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
            return Err("Explore::only_capsules has no capsule to repeat. Add one with Explore::capsule.".to_owned());
        }
        Ok(())
    }

    /// Runs one seed in this process. What an exploration fails for fails here too.
    fn one(&self, seed: Seed, place: &Place, perform: Perform) -> Result<ExplorationReport, Problem> {
        let order = Order { locate: true, ..Order::of(seed) };
        let (ended, answer) = alone(&order, place, perform);
        match ended {
            Ok(report) if !self.tolerates_strays && !answer.escapes.is_empty() => {
                let command = format!("{SEED_VARIABLE}={seed} {}", place.command);
                Err(Problem::Escapes { escapes: answer.escapes, report: Box::new(report), command })
            }
            ended => ended,
        }
    }

    /// Repeats a capsule's run in this process.
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
                finding.notes.extend(stale::note(capsule, &answer));
                finding.notes.extend(stale::other_failure(capsule, &finding.failure));
                finding.capsule = Some(capsule::from_package(path));
                finding.is_kept = true;
                Err(Problem::Failed(finding))
            }
            (other, answer) => {
                if other.is_ok() && !self.allows_stale {
                    stale::check(path, capsule, &answer, place)?;
                }
                if other.is_ok() {
                    let warning = warning.map(|warning| format!(" {warning}")).unwrap_or_default();
                    say(format_args!(
                        "The run of the capsule {} does not fail any more. Its failure was: {}{warning}",
                        Quoted(path.display()),
                        Line(&capsule.cause)
                    ));
                }
                other
            }
        }
    }
}

/// Says what whoever replays a capsule has to know, also where the test passes: libtest
/// keeps what the macros print to itself.
fn say(what: fmt::Arguments<'_>) {
    use std::io::Write;
    // Where standard error is closed, nobody wants to know.
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
    Capsule::read(capsule::from_package(path)).map_err(|error| Problem::Setup(error.to_string()))
}
