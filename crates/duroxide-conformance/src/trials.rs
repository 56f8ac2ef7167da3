//! [`main`]: a complete test binary for one storage, with a named trial for
//! each rule of the contract and each of duroxide's validations.
//!
//! This module owns names, order and exit codes; its submodules contain the
//! trials. Under `cargo nextest` each trial runs in a process of its own, so no
//! trial depends on another or repeats its work.

mod arguments;
mod concurrent;
mod context;
mod crash;
mod generated;
mod kept;
mod official;
mod rule;
mod waiver;

use std::process;
use std::sync::Arc;

use duroxide::provider_validations::ProviderFactory;
use libtest_mimic::{Arguments, Completion, Failed};

use super::check::write_reports;
use super::config::Config;
use super::storage::{Plain, Storage};
use crate::report::{Ending, Report, TrialLine};

pub(crate) use context::{Outcome, TrialContext};

/// One trial of the binary.
pub(crate) struct Trial {
    /// The trial's kind and subject, joined by `::`. Names are unique.
    pub name: String,
    pub run: Box<dyn FnOnce(&TrialContext) -> Outcome + Send>,
}

impl Trial {
    pub fn new(name: impl Into<String>, run: impl FnOnce(&TrialContext) -> Outcome + Send + 'static) -> Trial {
        Trial { name: name.into(), run: Box::new(run) }
    }
}

/// The sources of trials, one for each kind.
const SOURCES: &[fn(&TrialContext) -> Vec<Trial>] = &[
    waiver::trials,
    kept::trials,
    rule::trials,
    generated::trials,
    concurrent::trials,
    crash::trials,
    official::trials,
];

/// Runs a test binary that checks the factory's providers. Call it as the
/// `main` of a test target with `harness = false`.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use duroxide_sim::Memory;
/// # use duroxide_sim::duroxide::{provider_validations::ProviderFactory, providers::Provider};
/// # struct MyFactory;
/// # #[async_trait::async_trait]
/// # impl ProviderFactory for MyFactory {
/// #     async fn create_provider(&self) -> Arc<dyn Provider> { Arc::new(Memory::new()) }
/// # }
/// fn main() {
///     duroxide_conformance::main(MyFactory)
/// }
/// ```
///
/// | Trials | Fail if |
/// |---|---|
/// | `rule::<area>::<id>` | scripts aimed at that rule break it; a `may` rule never fails |
/// | `generated::<profile>` | generated scripts of that profile break any rule |
/// | `regression::<file>` | a kept script breaks any rule |
/// | `concurrent::<theme>` | concurrent callers get answers that no sequential order explains |
/// | `crash::killed` | data is lost or incomplete after the process was killed |
/// | `official::<module>::<name>` | that validation of duroxide fails |
/// | `waivers::<line>::<rule>` | that waiver is no longer needed |
///
/// Accepts libtest's arguments (`--list`, filters, `--exact`, `--skip`,
/// `--test-threads`, ...) and `--report text|json|junit|markdown=FILE`. The
/// environment overrides the [`Config`]. Under `cargo nextest` no report is
/// written here; nextest writes its own.
pub fn main(factory: impl ProviderFactory + 'static) -> ! {
    let factory: Box<dyn ProviderFactory> = Box::new(factory);
    main_with(Plain(factory), Config::default())
}

/// Like [`main`], for a factory that also implements [`Storage`].
pub fn main_storage(storage: impl Storage + 'static) -> ! {
    main_with(storage, Config::default())
}

/// Like [`main_storage`], with a configuration.
pub fn main_with(storage: impl Storage + 'static, config: Config) -> ! {
    main_from(storage, config, std::env::args())
}

/// Like [`main_with`], with arguments in place of the process's own; the first
/// is the program's name.
pub fn main_from(storage: impl Storage + 'static, config: Config, arguments: impl IntoIterator<Item = String>) -> ! {
    // The child process that the `crash` trials kill runs this program again.
    if super::crash::is_child() {
        process::exit(work_until_killed(&storage));
    }
    let code = match run(Arc::new(storage), config, arguments.into_iter().collect()) {
        Ok(code) => code,
        Err(why) => {
            eprintln!("{why}");
            FAILED
        }
    };
    process::exit(code)
}

/// libtest's exit code for failed tests and for invalid arguments.
const FAILED: i32 = 101;

fn work_until_killed(storage: &dyn Storage) -> i32 {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let told = |error: std::io::Error| format!("No tokio runtime could be built: {error}.");
    match runtime.map_err(told).and_then(|runtime| runtime.block_on(super::crash::work(storage))) {
        Ok(()) => 0,
        Err(why) => {
            eprintln!("{why}");
            FAILED
        }
    }
}

fn run(storage: Arc<dyn Storage>, config: Config, arguments: Vec<String>) -> Result<i32, String> {
    let mut config = config.with_env().map_err(|error| error.to_string())?.quiet();
    let (arguments, reports) = arguments::split(arguments).map_err(|error| error.to_string())?;
    config.reports.extend(reports);
    let arguments = Arguments::from_iter(arguments);
    if std::env::var_os("RUST_LOG").is_none() {
        // Some validations start duroxide's runtime, which installs a logger
        // unless one is set. An error means that one is already set, which is
        // fine.
        let _ = tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::default());
    }
    let context = Arc::new(TrialContext::new(storage, config)?);
    let trials = SOURCES.iter().flat_map(|source| source(&context)).map(|trial| mimic(&context, trial)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    let mut code = if conclusion.has_failed() { FAILED } else { 0 };
    // Under nextest each process runs one trial, too little for a report.
    if !arguments.list && std::env::var_os("NEXTEST").is_none() {
        let (verdict, lines) = context.results();
        let report = Report::of(&verdict).with_trials(lines);
        for why in write_reports(&report, &context.config) {
            eprintln!("{why}");
            code = FAILED;
        }
    }
    Ok(code)
}

/// Converts the trial to one of libtest-mimic.
fn mimic(context: &Arc<TrialContext>, trial: Trial) -> libtest_mimic::Trial {
    let (context, name) = (context.clone(), trial.name.clone());
    libtest_mimic::Trial::ignorable_test(trial.name, move || {
        let outcome = match context.storage.unavailable() {
            Some(why) => Outcome::Ignored(why),
            None => (trial.run)(&context),
        };
        let (ending, message) = match &outcome {
            Outcome::Passed => (Ending::Passed, None),
            Outcome::Failed(why) => (Ending::Failed, Some(why.clone())),
            Outcome::Ignored(why) => (Ending::Ignored, Some(why.clone())),
        };
        context.note(TrialLine { name, outcome: ending, message });
        match outcome {
            Outcome::Passed => Ok(Completion::Completed),
            Outcome::Failed(why) => Err(Failed::from(why)),
            Outcome::Ignored(why) => Ok(Completion::ignored_with(why)),
        }
    })
}
