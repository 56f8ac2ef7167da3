//! Hunting saboteurs down.

use std::fmt::Write;
use std::time::Duration;

use duroxide_conformance::Config;
use duroxide_conformance::unstable::{Budget, Hunt, hunt};
use duroxide_sim::Seed;

use super::{Saboteur, Suspect};

/// Looks for the breach of a saboteur's rule, with the default budget.
fn chase(saboteur: Saboteur) -> Hunt {
    // The number of runs ends it, and never the time, so that it repeats.
    let shrinking = Budget { runs: 3_000, time: Duration::from_secs(600) };
    let config = Config::default().seed(Seed(1)).shrinking(shrinking);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(hunt(&Suspect::new(saboteur), saboteur.rule, &config))
}

/// Every saboteur of an area is caught, by the rule it breaks; the minimal
/// scripts are kept in the snapshot of that name.
#[track_caller]
pub fn catch_all(area: &str, saboteurs: &[Saboteur]) {
    let mut report = String::new();
    let mut free = String::new();
    for saboteur in saboteurs {
        let hunt = chase(*saboteur);
        // Shown when the test fails, or with --nocapture.
        println!("{:6} calls: {} ({})", hunt.calls, saboteur.rule, saboteur.name);
        match &hunt.finding {
            Some(finding) => {
                let several = if hunt.is_one_of_several { ", in one of several ways" } else { "" };
                writeln!(report, "{}: {}{several}\n{}", saboteur.rule, saboteur.name, finding.script)
                    .expect("strings take all");
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
