//! Hunting saboteurs down.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use duroxide_sim::conformance::{Budget, Config, Finding, Profile, check_storage};

use super::{Saboteur, Suspect};

/// What has come of a hunt.
pub struct Hunt {
    /// The breach of the saboteur's rule, if one was found.
    pub finding: Option<Finding>,
    /// How many calls were allowed.
    pub calls: u64,
    /// Other rules that it was found to break.
    pub others: BTreeSet<&'static str>,
}

/// Looks for the breach of a saboteur's rule with the scripts most likely to
/// show it; at the most with the default budget.
pub fn chase(saboteur: Saboteur) -> Hunt {
    let mut hunt = Hunt { finding: None, calls: 0, others: BTreeSet::new() };
    for calls in [1_000, 5_000, 20_000, 100_000] {
        hunt = chase_for(saboteur, calls);
        if hunt.finding.is_some() {
            break;
        }
    }
    hunt
}

fn chase_for(saboteur: Saboteur, calls: u64) -> Hunt {
    let shrinking = Budget { runs: 2_000, time: Duration::from_secs(60) };
    let config = Config::default().calls(calls).profiles(Profile::for_rule(saboteur.rule));
    let config = config.shrinking(shrinking).no_regressions().quiet();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let verdict = runtime.block_on(check_storage(&Suspect::new(saboteur), &config));
    let all = verdict.findings.into_iter().chain(verdict.remarks);
    let (mine, others): (Vec<Finding>, Vec<Finding>) = all.partition(|finding| finding.rule == saboteur.rule);
    let others = others.iter().map(|finding| finding.rule).collect();
    Hunt { finding: mine.into_iter().next(), calls, others }
}

/// Every saboteur of an area is caught, by the rule it breaks; the minimal
/// scripts are kept in the snapshot of that name.
#[cfg(test)]
#[track_caller]
pub fn catch_all(area: &str, saboteurs: &[Saboteur]) {
    let mut report = String::new();
    let mut free = String::new();
    for saboteur in saboteurs {
        let hunt = chase(*saboteur);
        // Shown when the test fails, or with --nocapture.
        println!("{:6} calls: {} ({}); beside it {:?}", hunt.calls, saboteur.rule, saboteur.name, hunt.others);
        match &hunt.finding {
            Some(finding) => {
                writeln!(report, "{}: {}\n{}", saboteur.rule, saboteur.name, finding.script).expect("strings take all");
            }
            None => writeln!(
                free,
                "{} ({}) got away for {} calls, by way of {:?}",
                saboteur.name, saboteur.rule, hunt.calls, hunt.others
            )
            .expect("strings take all"),
        }
    }
    assert!(free.is_empty(), "{free}");
    crate::snapshot(&format!("saboteurs-{area}"), &report);
}
