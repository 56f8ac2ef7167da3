//! The same work on SQLite in memory and in a simulation, in one run.
//!
//! `cargo bench -p provider-checks [filter]`. Sequential work takes SQLite
//! minutes, so it is measured with fewer activities unless the filter asks for
//! `full`.
#![allow(missing_docs)]

use provider_checks::scenarios::{Scenario, scenario};
use provider_checks::{Outcome, in_simulation, on_sqlite};

fn main() {
    let filter: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut all = vec![
        scenario("hello 1,000", 1_000, "Hello", ""),
        scenario("sequential 100", 1, "Sequential", "100"),
        scenario("fan-out 1,000", 1, "FanOut", "1000"),
    ];
    if filter.iter().any(|text| text == "full") {
        all.push(scenario("sequential 1,000 (full)", 1, "Sequential", "1000"));
    }
    println!("{:<26} {:>12} {:>12} {:>8} {:>14}", "scenario", "SQLite", "simulation", "ratio", "lost (SQLite)");
    for scenario in all {
        if filter.is_empty() || filter.iter().any(|text| scenario.name.contains(text)) {
            compare(scenario);
        }
    }
}

fn compare(scenario: Scenario) {
    let (name, instances) = (scenario.name, scenario.instances);
    let ours: Outcome = (0..3).map(|_| in_simulation(scenario.clone())).min_by_key(|run| run.took).expect("three runs");
    assert_eq!(ours.completed, instances, "Memory loses nothing");
    let sqlite = on_sqlite(scenario);
    let ms = |outcome: Outcome| format!("{:.1} ms", outcome.took.as_secs_f64() * 1e3);
    let ratio = sqlite.took.as_secs_f64() / ours.took.as_secs_f64();
    let lost = instances - sqlite.completed;
    println!("{name:<26} {:>12} {:>12} {ratio:>7.0}x {lost:>14}", ms(sqlite), ms(ours));
}
