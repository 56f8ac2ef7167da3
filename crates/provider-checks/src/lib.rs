//! duroxide-sim beside the published providers: factories of duroxide's SQLite
//! provider, `duroxide-pg` and `duroxide-pg-opt`, and runs of one workload on
//! SQLite and on `duroxide_sim::Memory`.
//!
//! It is apart from the root crate because SQLite brings C code and the others
//! need a database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use duroxide::Client;
use duroxide::providers::Provider;
use duroxide::providers::sqlite::SqliteProvider;
use duroxide::runtime::Runtime;
use duroxide_conformance::Config;
use duroxide_sim::{Node, Sim};

mod leases;
pub mod on_postgres;
pub mod postgres;
pub mod postgres_opt;
#[path = "../../../benches/scenarios.rs"]
pub mod scenarios;
mod schemas;
pub mod sqlite;

use scenarios::Scenario;

/// What every check of a published provider has in common: its known
/// deviations stand in `waivers.toml`, and no scripts are kept but those. Half of
/// the usual calls, for four providers one after the other; for a longer look
/// set `DUROXIDE_SIM_CALLS`.
pub fn config() -> Config {
    Config::default().calls(10_000).waivers(concat!(env!("CARGO_MANIFEST_DIR"), "/waivers.toml")).no_regressions()
}

/// How one run went.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Real time.
    pub took: Duration,
    /// How many instances completed.
    pub completed: usize,
}

/// Runs a scenario in a simulation.
///
/// # Panics
///
/// When the simulation fails.
pub fn in_simulation(scenario: Scenario) -> Outcome {
    let began = Instant::now();
    let sim = Sim::new(1).node(Node::new("a", scenario.activities.clone(), scenario.orchestrations.clone()));
    let completed = sim.run(move |sim| async move {
        Ok::<_, String>(scenarios::drive(&sim.client(), &scenario, scenarios::WAIT).await)
    });
    Outcome { took: began.elapsed(), completed }
}

/// Runs a scenario on SQLite in memory, on real time and every core.
///
/// # Panics
///
/// When no runtime or database can be set up.
pub fn on_sqlite(scenario: Scenario) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be built");
    runtime.block_on(async move {
        let began = Instant::now();
        let sqlite = SqliteProvider::new_in_memory().await.expect("an in-memory database can be opened");
        let provider: Arc<dyn Provider> = Arc::new(sqlite);
        let (activities, orchestrations) = (scenario.activities.clone(), scenario.orchestrations.clone());
        let node = Runtime::start_with_store(provider.clone(), activities, orchestrations).await;
        let wait = Duration::from_secs(600);
        let completed = scenarios::drive(&Client::new(provider), &scenario, wait).await;
        let took = began.elapsed();
        node.shutdown(Some(1000)).await;
        Outcome { took, completed }
    })
}
