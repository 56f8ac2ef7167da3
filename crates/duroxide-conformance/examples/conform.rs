//! Checks two providers against the whole contract: one that is sabotaged, and
//! then `Memory`.
//!
//! `cargo run --release -p duroxide-conformance --example conform`

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use duroxide_conformance::{Config, Storage, TimeSource};
use duroxide_sim::Memory;
use duroxide_sim::call::{Answering, Call, Handler};
use duroxide_sim::duroxide::provider_validations::ProviderFactory;
use duroxide_sim::duroxide::providers::Provider;
use duroxide_sim::provider::{Port, Under};

/// A layer that deletes running instances as if that were always forced.
struct Careless(Under);

impl Handler for Careless {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        Answering::wait(async move {
            let forced = match &*call {
                Call::DeleteInstance { instance, .. } => {
                    Arc::new(Call::DeleteInstance { instance: instance.clone(), force: true })
                }
                _ => call,
            };
            self.0.handle(forced).await
        })
    }

    fn describe(&self) -> String {
        "careless".to_owned()
    }

    fn has_admin(&self) -> bool {
        self.0.has_admin()
    }
}

/// Makes providers of one kind.
struct Factory {
    careless: bool,
}

#[async_trait]
impl ProviderFactory for Factory {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        let memory = Arc::new(Memory::new());
        if self.careless { Arc::new(Port::over(Careless(Under::new(memory)))) } else { memory }
    }
}

impl Storage for Factory {
    fn label(&self) -> String {
        if self.careless { "Memory, sabotaged".to_owned() } else { "Memory".to_owned() }
    }

    fn time(&self) -> TimeSource {
        TimeSource::Virtual
    }
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be built");
    let config = Config::default().calls(1_000_000).no_regressions();
    let mut as_it_should = true;
    for careless in [true, false] {
        let began = std::time::Instant::now();
        let verdict = runtime.block_on(duroxide_conformance::unstable::check_storage(&Factory { careless }, &config));
        println!("{verdict}");
        let rate = verdict.counts.calls as f64 / began.elapsed().as_secs_f64();
        println!("Took {:?}, {rate:.0} calls a second.\n", began.elapsed());
        as_it_should &= verdict.is_clean() != careless;
    }
    if as_it_should { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
