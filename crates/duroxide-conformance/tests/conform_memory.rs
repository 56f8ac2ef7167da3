//! Memory against the whole contract, as a provider's author would have it.

use std::sync::Arc;

use async_trait::async_trait;
use duroxide::provider_validation::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_conformance::{Storage, TimeSource};
use duroxide_sim::Memory;
use parking_lot::Mutex;

/// Makes providers, and damages the latest it made.
#[derive(Default)]
struct MemoryFactory {
    latest: Mutex<Option<Arc<Memory>>>,
}

impl MemoryFactory {
    fn latest(&self) -> Arc<Memory> {
        self.latest.lock().clone().expect("a provider was made")
    }
}

#[async_trait]
impl ProviderFactory for MemoryFactory {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        let memory = Arc::new(Memory::new());
        *self.latest.lock() = Some(memory.clone());
        memory
    }

    async fn corrupt_instance_history(&self, instance: &str) {
        assert!(self.latest().corrupt_history(instance), "{instance} has no history");
    }

    async fn get_max_attempt_count(&self, instance: &str) -> u32 {
        self.latest().max_attempts(instance)
    }
}

impl Storage for MemoryFactory {
    fn label(&self) -> String {
        "Memory".to_owned()
    }

    fn time(&self) -> TimeSource {
        TimeSource::Virtual
    }

    fn can_corrupt(&self) -> bool {
        true
    }
}

fn main() {
    duroxide_conformance::Suite::with_storage(MemoryFactory::default()).main()
}
