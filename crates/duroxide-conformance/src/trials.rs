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

use libtest_mimic::{Arguments, Completion, Failed};

use super::config::Config;
use super::storage::Storage;
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

/// Runs the trials of a test binary; the first argument is the program's name.
pub fn main_from(storage: Arc<dyn Storage>, config: Config, arguments: impl IntoIterator<Item = String>) -> ! {
    // The child process that the `crash` trials kill runs this program again.
    if super::crash::is_child() {
        process::exit(work_until_killed(&*storage));
    }
    let code = match run(storage, config, arguments.into_iter().collect()) {
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
        for why in report.write_all(&context.config.reports) {
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
