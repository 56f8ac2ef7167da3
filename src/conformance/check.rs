//! [`check`]: scripts from seeds against a provider, until the budget is spent.

use std::collections::BTreeMap;
use std::time::Duration;

use duroxide::provider_validations::ProviderFactory;

use super::blame::blame;
use super::detect::on_its_clock;
use super::drive::{End, Next, Observed, Policy, Run, stop_at_once};
use super::finding::{Finding, Subject};
use super::generate::{self, Profile};
use super::lab::Lab;
use super::minimise::{Budget, minimise};
use super::oracle::Mismatch;
use super::pace::Pace;
use super::script::Script;
use super::storage::{Plain, Storage};
use crate::seed::Seed;

/// How much is checked, and from which seed.
#[derive(Clone, Debug)]
pub struct Config {
    /// Everything is drawn from it.
    pub seed: Seed,
    /// How many calls are made at the most, those of shrinking not counted.
    pub calls: u64,
    /// How much real time one call may take.
    pub patience: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config { seed: Seed(1), calls: 100_000, patience: Duration::from_secs(10) }
    }
}

/// What a check has found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// A finding for each rule that is broken, the smallest.
    pub findings: Vec<Finding>,
    /// How many scripts were run.
    pub scripts: u64,
    /// How many calls were checked.
    pub calls: u64,
    /// Scripts of which nothing can be said, and why.
    pub inconclusive: BTreeMap<String, u64>,
}

/// Checks a provider.
pub async fn check(factory: &dyn ProviderFactory, config: &Config) -> Verdict {
    check_storage(&Plain(factory), config).await
}

/// Checks a provider of which the check knows more.
pub async fn check_storage(storage: &dyn Storage, config: &Config) -> Verdict {
    let explore = async |pace: Pace| explore(storage, config, pace).await;
    on_its_clock(storage, config.seed, explore).await.unwrap_or_else(|why| panic!("{why}"))
}

/// Runs one script on an empty provider, up to the first deviation.
pub async fn replay(storage: &dyn Storage, script: &Script) -> Run {
    let run = async |pace: Pace| {
        let mut lab = Lab::new(storage, pace, Config::default().patience);
        let run = lab.run(script, &stop_at_once).await;
        lab.close().await;
        run
    };
    on_its_clock(storage, Seed(1), run).await.unwrap_or_else(|why| panic!("{why}"))
}

async fn explore(storage: &dyn Storage, config: &Config, pace: Pace) -> Verdict {
    let mut lab = Lab::new(storage, pace, config.patience);
    let mut verdict = Verdict { findings: Vec::new(), scripts: 0, calls: 0, inconclusive: BTreeMap::new() };
    while verdict.calls < config.calls {
        let seed = config.seed.child(&verdict.scripts.to_string());
        let script = generate::script(seed, Profile::ALL[verdict.scripts as usize % Profile::ALL.len()]);
        let known: Vec<&str> = verdict.findings.iter().map(|finding| finding.rule).collect();
        let policy = |observed: &[Observed], mismatch: &Mismatch| pass_over(&known, observed, mismatch);
        let run = lab.run(&script, &policy).await;
        verdict.scripts += 1;
        verdict.calls += run.observed.len() as u64;
        match &run.end {
            End::Agrees => {}
            End::Inconclusive(why) => *verdict.inconclusive.entry(why.clone()).or_default() += 1,
            End::Deviates(deviation) => {
                let rule = blame(&run.observed, &deviation.mismatch);
                if !known.contains(&rule) {
                    let (script, run) = shrink(&mut lab, script, &policy, run.clone()).await;
                    let subject = Subject::of(storage);
                    verdict.findings.push(Finding { rule, script, run, seed: Some(seed), subject, file: None });
                }
            }
        }
    }
    lab.close().await;
    verdict
}

/// A read that is known to be wrong hides nothing else.
fn pass_over(known: &[&str], observed: &[Observed], mismatch: &Mismatch) -> Next {
    let go_on = known.contains(&blame(observed, mismatch)) && observed.last().is_some_and(|o| o.call.is_read());
    if go_on { Next::GoOn } else { Next::Stop }
}

/// The smallest script that breaks the same rule as `first`, a run of `script`,
/// and its run.
async fn shrink(lab: &mut Lab<'_>, script: Script, policy: Policy<'_>, first: Run) -> (Script, Run) {
    let rule_of = |run: &Run| match &run.end {
        End::Deviates(deviation) => Some(blame(&run.observed, &deviation.mismatch)),
        _ => None,
    };
    let rule = rule_of(&first);
    let minimal = minimise(script, Budget::default(), async |script| {
        Some(lab.run(script, policy).await).filter(|run| rule_of(run) == rule)
    });
    let minimal = minimal.await;
    (minimal.script, minimal.run.unwrap_or(first))
}
