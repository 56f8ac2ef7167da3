//! [`check`]: a provider against the whole contract, in a test of one's own.

use duroxide::provider_validations::ProviderFactory;

use super::blame::blame;
use super::config::Config;
use super::contract::{self, Strength};
use super::detect::on_its_clock;
use super::drive::{Next, Observed, Run, stop_at_once};
use super::explore::{Explorer, Plan};
use super::lab::Lab;
use super::oracle::Mismatch;
use super::pace::Pace;
use super::progress::Progress;
use super::pulse::{Pulse, Watch};
use super::regress::Kept;
use super::script::Script;
use super::storage::{Plain, Storage};
use super::verdict::Verdict;
use super::waivers::Waivers;
use crate::report::Report;
use crate::seed::Seed;

/// Checks a provider.
///
/// It blocks the thread where the provider follows virtual time. What it finds
/// is in the verdict; nothing panics but [`Verdict::assert_clean`], and the
/// factory.
pub async fn check(factory: &dyn ProviderFactory, config: &Config) -> Verdict {
    check_storage(&Plain(factory), config).await
}

/// Checks a provider of which the check knows more.
pub async fn check_storage(storage: &dyn Storage, config: &Config) -> Verdict {
    let trouble = |why: String| Verdict::trouble(storage.label(), config.seed, why);
    let config = match config.clone().with_env() {
        Ok(config) => config,
        Err(error) => return trouble(error.to_string()),
    };
    let waivers = match config.load_waivers() {
        Ok(waivers) => waivers,
        Err(error) => return trouble(error.to_string()),
    };
    let mut verdict = examine(storage, &config, &waivers, Work::Everything).await;
    verdict.troubles.extend(write_reports(&Report::of(&verdict), &config));
    verdict
}

/// Runs one script on an empty provider, up to the first deviation.
pub async fn replay(storage: &dyn Storage, script: &Script) -> Run {
    let run = async |pace: Pace| {
        let mut lab = Lab::new(storage, pace, Config::default().patience);
        let run = lab.run(script, &stop_at_once, None).await;
        lab.close().await;
        run
    };
    on_its_clock(storage, Seed(1), run).await.unwrap_or_else(|why| panic!("{why}"))
}

/// Runs scripts, each on an empty provider, up to the first deviation that
/// fails it.
pub(crate) async fn replay_all(
    storage: &dyn Storage,
    scripts: &[&Script],
    config: &Config,
) -> Result<Vec<Run>, String> {
    let may = |rule| contract::find(rule).is_some_and(|rule| rule.strength == Strength::May);
    let policy = |observed: &[Observed], mismatch: &Mismatch| {
        let passes = observed.last().is_some_and(|last| last.call.is_read()) && may(blame(observed, mismatch));
        if passes { Next::GoOn } else { Next::Stop }
    };
    let run = async |pace: Pace| {
        let mut lab = Lab::new(storage, pace, config.patience);
        let mut runs = Vec::new();
        for script in scripts {
            runs.push(lab.run(script, &policy, None).await);
        }
        lab.close().await;
        runs
    };
    on_its_clock(storage, config.seed, run).await
}

/// Which part of a check to do.
pub(crate) enum Work {
    /// The waivers' scripts, the kept scripts, and what the seed brings; or the
    /// one script that the environment names.
    Everything,
    /// Generated scripts alone.
    Plan(Plan),
    /// The waivers' scripts alone.
    Waivers,
    /// One script that was kept.
    Kept(Kept),
}

/// Does it, and says what came of it.
pub(crate) async fn examine(storage: &dyn Storage, config: &Config, waivers: &Waivers, work: Work) -> Verdict {
    let label = storage.label();
    let trouble = |why: String| Verdict::trouble(label.clone(), config.seed, why);
    if let Some(why) = storage.unavailable() {
        return trouble(format!("{label} cannot be checked here: {why}"));
    }
    let calls = match &work {
        Work::Plan(plan) => plan.calls,
        _ => config.calls,
    };
    let watch = match Watch::start(config.at_most, Progress::new(config.progress, &label, calls)) {
        Ok(watch) => watch,
        Err(why) => return trouble(why),
    };
    let pulse: &Pulse = &watch.pulse;
    let body = async |pace: Pace| perform(storage, config, waivers, work, pulse, pace).await;
    on_its_clock(storage, config.seed, body).await.unwrap_or_else(trouble)
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
    let lab = Lab::new(storage, pace, config.patience);
    let mut explorer = Explorer::new(storage, lab, config, waivers.of(&label).collect(), pulse, verdict);
    match (work, &config.script) {
        (Work::Kept(kept), _) => explorer.rerun(&kept).await,
        (Work::Plan(plan), _) => explorer.explore(&plan).await,
        (Work::Waivers, _) => explorer.try_waivers(waivers.file()).await,
        (Work::Everything, Some(kept)) => explorer.rerun(kept).await,
        (Work::Everything, None) => {
            explorer.try_waivers(waivers.file()).await;
            rerun_all(&mut explorer, config).await;
            let plan = Plan { seed: config.seed, calls: config.calls, profiles: config.profiles.clone(), focus: None };
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

/// Writes the reports that were asked for. Says what could not be written.
pub(crate) fn write_reports(report: &Report, config: &Config) -> Vec<String> {
    config.reports.iter().filter_map(|(format, file)| report.write(*format, file).err()).collect()
}
