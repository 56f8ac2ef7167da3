//! Measures how fast the real Client and Runtime run on `Memory` in a simulation.
//!
//! `cargo bench --bench load [filter]`. Each scenario prints its wall-clock time, the virtual time
//! that passed, and its counts; it asserts only that nothing is lost. Comparisons with SQLite are
//! in `provider-checks`.
#![allow(missing_docs)]

#[path = "scenarios.rs"]
mod scenarios;

use std::time::Instant;

use duroxide_sim::{Node, Sim};

use scenarios::{Scenario, WAIT};

fn main() {
    let filter: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    println!("{:<28} {:>12} {:>16} {:>10} {:>6}", "scenario", "wall clock", "virtual time", "calls", "lost");
    for scenario in scenarios::all() {
        if filter.is_empty() || filter.iter().any(|text| scenario.name.contains(text)) {
            run(scenario);
        }
    }
}

fn run(scenario: Scenario) {
    let began = Instant::now();
    let sim = Sim::new(1).node(Node::new("a", scenario.activities.clone(), scenario.orchestrations.clone()));
    let (name, instances) = (scenario.name, scenario.instances);
    let run = sim.try_run(move |sim| async move {
        let client = sim.client();
        Ok::<_, String>(scenarios::drive(&client, &scenario, WAIT).await)
    });
    let took = began.elapsed();
    let run = run.unwrap_or_else(|failure| panic!("{failure}"));
    let lost = instances - run.value;
    println!(
        "{name:<28} {:>12} {:>16} {:>10} {lost:>6}",
        format!("{:.1} ms", took.as_secs_f64() * 1e3),
        format!("{:.3} s", run.elapsed.as_secs_f64()),
        run.trace.entries.len()
    );
}
