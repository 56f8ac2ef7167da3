//! Hunting saboteurs down.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use duroxide_sim::conformance::{Budget, Config, Finding, check_storage, contract};

use super::{Saboteur, Suspect};

/// What has come of a hunt.
pub struct Hunt {
    /// The breach of the saboteur's rule, if one was found.
    pub finding: Option<Finding>,
    /// How many calls it took, those of shrinking not counted.
    pub calls: u64,
    /// Other rules that it was found to break.
    pub others: BTreeSet<&'static str>,
}

/// Looks for the breach of a saboteur's rule, with the default budget.
pub fn chase(saboteur: Saboteur) -> Hunt {
    let rule = contract::find(saboteur.rule).expect("the contract has the rule");
    let shrinking = Budget { runs: 2_000, time: Duration::from_secs(60) };
    let config = Config::default().rule(rule).shrinking(shrinking).no_regressions().quiet();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let verdict = runtime.block_on(check_storage(&Suspect::new(saboteur), &config));
    let all = verdict.findings.into_iter().chain(verdict.remarks);
    let (mine, others): (Vec<Finding>, Vec<Finding>) = all.partition(|finding| finding.rule == saboteur.rule);
    let others = others.iter().map(|finding| finding.rule).collect();
    Hunt { finding: mine.into_iter().next(), calls: verdict.counts.calls, others }
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
