//! [`check_storage`]: checks a provider against the whole contract, from a test.

use duroxide_sim::seed::Seed;

use super::blame::blame;
use super::config::Config;
use super::contract::Strength;
use super::detect::{on_clock, on_its_clock, settled};
use super::drive::{Observed, OnDeviation, Run, ends_with_read, stop_at_once};
use super::explore::{Explorer, Plan};
use super::mismatch::Mismatch;
use super::pace::Pace;
use super::pulse::Pulse;
use super::regress::Kept;
use super::script::Script;
use super::script_runner::ScriptRunner;
use super::storage::Storage;
use super::verdict::Verdict;
use super::waivers::Waivers;
use super::watch::Watch;
use crate::report::Report;

/// Checks a provider with one caller.
pub async fn check_storage(storage: &dyn Storage, config: &Config) -> Verdict {
    let (config, waivers) = match config.settle() {
        Ok(settled) => settled,
        Err(why) => return Verdict::trouble(storage.label(), config.seed, why),
    };
    let mut verdict = examine(storage, &config, &waivers, Work::Everything).await;
    verdict.troubles.extend(Report::of(&verdict).write_all(&config.reports));
    verdict
}

/// Runs one script on an empty provider, up to the first deviation.
///
/// # Panics
///
/// If the provider's clock cannot be controlled.
pub async fn replay(storage: &dyn Storage, script: &Script) -> Run {
    let run = async |pace: Pace| {
        let mut runner = ScriptRunner::new(storage, pace, Config::default().patience);
        let run = runner.run(script, &stop_at_once, None).await;
        runner.close().await;
        run
    };
    on_its_clock(storage, Seed(1), run).await.unwrap_or_else(|why| panic!("{why}"))
}

/// Runs scripts, each on an empty provider, up to the first deviation that
/// counts as a failure: a `may` rule broken by a read does not.
pub(crate) async fn replay_all(
    storage: &dyn Storage,
    scripts: &[&Script],
    config: &Config,
) -> Result<Vec<Run>, String> {
    let policy = |observed: &[Observed], mismatch: &Mismatch| {
        let passes = ends_with_read(observed) && blame(observed, mismatch).strength == Strength::May;
        if passes { OnDeviation::GoOn } else { OnDeviation::Stop }
    };
    let run = async |pace: Pace| {
        let mut runner = ScriptRunner::new(storage, pace, config.patience);
        let mut runs = Vec::new();
        for script in scripts {
            runs.push(runner.run(script, &policy, None).await);
        }
        runner.close().await;
        runs
    };
    on_its_clock(storage, config.seed, run).await
}

/// The part of a check to perform.
pub(crate) enum Work {
    /// The waivers' scripts, the kept scripts and the generated scripts; or
    /// only the script that the environment names.
    Everything,
    /// Generated scripts only.
    Plan(Plan),
    /// The waivers' scripts only.
    Waivers,
    /// One kept script.
    Kept(Kept),
}

/// Performs a part of a check and returns its verdict.
pub(crate) async fn examine(storage: &dyn Storage, config: &Config, waivers: &Waivers, work: Work) -> Verdict {
    let trouble = |why: String| Verdict::trouble(storage.label(), config.seed, why);
    let calls = match &work {
        Work::Plan(plan) => plan.calls,
        Work::Everything | Work::Waivers | Work::Kept(_) => config.calls_at(storage.time()),
    };
    let watch = match Watch::of(storage, config, calls) {
        Ok(watch) => watch,
        Err(why) => return trouble(why),
    };
    let pulse: &Pulse = &watch.pulse;
    let body = async |pace: Pace| perform(storage, config, waivers, work, pulse, pace).await;
    let (source, why) = match settled(storage).await {
        Ok(settled) => settled,
        Err(why) => return trouble(why),
    };
    let mut verdict = on_clock(source, config.seed, body).await.unwrap_or_else(trouble);
    verdict.notes.extend(why);
    verdict
}

async fn perform(
    storage: &dyn Storage,
    config: &Config,
    waivers: &Waivers,
    work: Work,
    pulse: &Pulse,
    pace: Pace,
) -> Verdict {
    let label = storage.label();
    let mut verdict = Verdict::new(label.clone(), config.seed);
    verdict.clock = pace.describe();
    let runner = ScriptRunner::new(storage, pace, config.patience);
    let mut explorer = Explorer::new(storage, runner, config, waivers.of(&label).collect(), pulse, verdict);
    match (work, &config.script) {
        (Work::Kept(kept), _) => explorer.rerun(&kept).await,
        (Work::Plan(plan), _) => explorer.explore(&plan).await,
        (Work::Waivers, _) => explorer.try_waivers(waivers.file()).await,
        (Work::Everything, Some(kept)) => explorer.rerun(kept).await,
        (Work::Everything, None) => {
            explorer.try_waivers(waivers.file()).await;
            rerun_all(&mut explorer, config).await;
            let calls = config.calls_at(storage.time());
            let plan = Plan { seed: config.seed, calls, profiles: config.profiles.clone(), focus: None };
            explorer.explore(&plan).await;
            return explorer.finish(waivers.file()).await;
        }
    }
    explorer.end().await
}

async fn rerun_all(explorer: &mut Explorer<'_>, config: &Config) {
    let Some(regressions) = &config.regressions else { return };
    match regressions.load() {
        Ok(kept) => {
            for kept in &kept {
                explorer.rerun(kept).await;
            }
        }
        Err(error) => explorer.verdict.troubles.push(error.to_string()),
    }
}
