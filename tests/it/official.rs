//! Duroxide's own validations of a provider, each as a test of [`Memory`] on
//! virtual time. The conformance tests run them too, and more; here they are
//! in the package of the store, for mutants of it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use duroxide::provider_validation::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_sim::{Memory, MemorySettings, Sim};
use parking_lot::Mutex;

#[macro_use]
#[path = "../../crates/duroxide-conformance/src/official/list.rs"]
mod list;

/// The versions that duroxide's tests stamp old events with.
const STAMPS: [&str; 2] = ["0.1.30", "0.1.31"];

/// What a fetch that does not wait takes less than.
const AT_ONCE: Duration = Duration::from_millis(1);

/// Makes memories, and damages the latest it made.
#[derive(Default)]
struct Factory {
    settings: MemorySettings,
    latest: Mutex<Option<Arc<Memory>>>,
}

impl Factory {
    fn memory(&self) -> Arc<Memory> {
        let memory = Arc::new(Memory::with_settings(self.settings));
        *self.latest.lock() = Some(memory.clone());
        memory
    }

    fn latest(&self) -> Arc<Memory> {
        self.latest.lock().clone().expect("a validation makes a provider first")
    }
}

#[async_trait]
impl ProviderFactory for Factory {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        self.memory()
    }

    async fn corrupt_instance_history(&self, instance: &str) {
        assert!(self.latest().corrupt_history(instance), "{instance} has no history");
    }

    async fn get_max_attempt_count(&self, instance: &str) -> u32 {
        self.latest().max_attempts(instance)
    }
}

/// A validation under way. A box, for all to share one simulation's code.
type Validation = Pin<Box<dyn Future<Output = ()>>>;

fn run(validation: fn(Factory) -> Validation) {
    Sim::new(1).without_laws().run(move |_| validation(Factory::default()));
}

macro_rules! call {
    ($function:path) => {
        |factory| Box::pin(async move { $function(&factory).await })
    };
    ($function:path, provider) => {
        |factory| Box::pin(async move { $function(&*factory.memory()).await })
    };
    ($function:path, long_polls) => {
        call!($function, provider)
    };
    ($function:path, short_polls) => {
        |factory| {
            Box::pin(async move {
                let settings = $crate::official::MemorySettings { long_polling: false, ..factory.settings };
                let factory = $crate::official::Factory { settings, ..factory };
                $function(&*factory.memory(), $crate::official::AT_ONCE).await
            })
        }
    };
    ($function:path, stamps) => {
        |factory| {
            Box::pin(async move {
                for stamp in $crate::official::STAMPS {
                    $function(&factory, stamp).await;
                }
            })
        }
    };
}

macro_rules! tests {
    ($($module:ident { $($name:ident $(with $how:ident)?;)* })*) => {
        $(mod $module {
            $(#[test]
            fn $name() {
                $crate::official::run(call!(duroxide::provider_validation::$module::$name $(, $how)?));
            })*
        })*
    };
}

official_validations!(tests);
