//! How many calls a second are made, answered and checked on `Memory`.
//!
//! `cargo bench -p duroxide-conformance --bench checking`, with one core: a check runs on one thread.
//! Nothing is asserted but that nothing is found.
#![allow(missing_docs)]

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use duroxide_conformance::{Area, Config, Profile, Storage, TimeSource};
use duroxide_sim::Memory;
use duroxide_sim::duroxide::provider_validations::ProviderFactory;
use duroxide_sim::duroxide::providers::Provider;

struct InMemory;

#[async_trait]
impl ProviderFactory for InMemory {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        Arc::new(Memory::new())
    }
}

#[async_trait]
impl Storage for InMemory {
    fn time(&self) -> TimeSource {
        TimeSource::Virtual
    }
}

fn main() {
    println!("{:<26} {:>10} {:>9} {:>14}", "scripts about", "calls", "scripts", "calls a second");
    // The first shows what everything costs, the others where it goes.
    measure("all of these", Config::default().calls(1_000_000));
    for area in Area::ALL.iter().copied() {
        measure(area.name(), Config::default().calls(100_000).profiles([Profile::of(area)]));
    }
}

fn measure(label: &str, config: Config) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let began = Instant::now();
    let verdict =
        runtime.block_on(duroxide_conformance::unstable::check_storage(&InMemory, &config.no_regressions().quiet()));
    let took = began.elapsed();
    verdict.assert_clean();
    let (calls, scripts) = (verdict.counts.calls, verdict.counts.scripts);
    let speed = calls as f64 / took.as_secs_f64();
    println!("{label:<26} {calls:>10} {scripts:>9} {speed:>14.0}");
}
