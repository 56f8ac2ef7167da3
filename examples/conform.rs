//! Checks a provider against the whole contract.
use async_trait::async_trait;
use duroxide_sim::Memory;
use duroxide_sim::conformance::{self, Config, Storage, TimeSource};
use duroxide_sim::duroxide::provider_validations::ProviderFactory;
use duroxide_sim::duroxide::providers::Provider;
use std::sync::Arc;

struct Factory;

#[async_trait]
impl ProviderFactory for Factory {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        Arc::new(Memory::new())
    }
}

impl Storage for Factory {
    fn time(&self) -> TimeSource {
        TimeSource::Virtual
    }
}

fn main() {
    let began = std::time::Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let config = Config { calls: 1_000_000, ..Config::default() };
    let verdict = runtime.block_on(conformance::check_storage(&Factory, &config));
    println!("{} calls in {} scripts, {:?}", verdict.calls, verdict.scripts, began.elapsed());
    for finding in &verdict.findings {
        println!("{}\n{}{:#?}", finding.rule, finding.script, finding.deviation());
    }
}
