//! Duroxide's own validations of a provider, each as a test of [`Memory`] on
//! virtual time: bare, and under layers that do nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use duroxide::provider_validation::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_sim::provider::{MemorySettings, Port, Under};
use duroxide_sim::trace::{Log, Recorder};
use duroxide_sim::{Memory, Sim};
use parking_lot::Mutex;

use crate::saboteurs::{Saboteur, Suspect};
use crate::source;

mod sabotage;
mod stress;

/// The versions that duroxide's tests stamp old events with: the last one
/// before queue messages raced with timers in a new way, and the first with it.
const STAMPS: [&str; 2] = ["0.1.30", "0.1.31"];

/// What a fetch that does not wait takes less than.
const AT_ONCE: Duration = Duration::from_millis(1);

/// Makes providers, and damages the latest it made.
struct Factory {
    layered: bool,
    settings: MemorySettings,
    latest: Mutex<Option<Arc<Memory>>>,
    /// Makes them in place of Memory.
    suspect: Option<Suspect>,
}

impl Factory {
    fn new(layered: bool) -> Factory {
        Factory { layered, settings: MemorySettings::default(), latest: Mutex::new(None), suspect: None }
    }

    /// Of providers that do something wrong.
    fn of(saboteur: Saboteur) -> Factory {
        Factory { suspect: Some(Suspect::new(saboteur)), ..Factory::new(false) }
    }

    /// The same, of providers whose fetches never wait.
    fn short_polls(self) -> Factory {
        Factory { settings: MemorySettings { long_polling: false, ..self.settings }, ..self }
    }

    fn provider(&self) -> Arc<dyn Provider> {
        if let Some(suspect) = &self.suspect {
            return suspect.provider();
        }
        let memory = Arc::new(Memory::with_settings(self.settings));
        *self.latest.lock() = Some(memory.clone());
        if self.layered { Arc::new(Port::over(Recorder::new(Under::new(memory), "idle", Log::new()))) } else { memory }
    }

    fn latest(&self) -> Arc<Memory> {
        self.latest.lock().clone().expect("a validation makes a provider first")
    }
}

#[async_trait]
impl ProviderFactory for Factory {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        self.provider()
    }

    async fn corrupt_instance_history(&self, instance: &str) {
        match &self.suspect {
            Some(suspect) => suspect.corrupt_instance_history(instance).await,
            None => assert!(self.latest().corrupt_history(instance), "{instance} has no history"),
        }
    }

    async fn get_max_attempt_count(&self, instance: &str) -> u32 {
        match &self.suspect {
            Some(suspect) => suspect.get_max_attempt_count(instance).await,
            None => self.latest().max_attempts(instance),
        }
    }
}

/// A validation under way. A box, for all to share one simulation's code.
type Validation = Pin<Box<dyn Future<Output = ()>>>;

fn run(layered: bool, validation: fn(Factory) -> Validation) {
    Sim::new(1).without_laws().run(move |_| validation(Factory::new(layered)));
}

macro_rules! call {
    ($function:path) => {
        |factory| Box::pin(async move { $function(&factory).await })
    };
    ($function:path, provider) => {
        |factory| Box::pin(async move { $function(&*factory.provider()).await })
    };
    ($function:path, long_polls) => {
        call!($function, provider)
    };
    ($function:path, short_polls) => {
        |factory| {
            Box::pin(async move { $function(&*factory.short_polls().provider(), $crate::validations::AT_ONCE).await })
        }
    };
    ($function:path, stamps) => {
        |factory| {
            Box::pin(async move {
                for stamp in $crate::validations::STAMPS {
                    $function(&factory, stamp).await;
                }
            })
        }
    };
}

macro_rules! tests {
    ($($module:ident { $($name:ident $(with $how:ident)?;)* })*) => {
        mod bare {
            $(mod $module {
                $(#[test]
                fn $name() {
                    $crate::validations::run(false, call!(duroxide::provider_validation::$module::$name $(, $how)?));
                })*
            })*
        }

        mod layered {
            $(mod $module {
                $(#[test]
                fn $name() {
                    $crate::validations::run(true, call!(duroxide::provider_validation::$module::$name $(, $how)?));
                })*
            })*
        }

        /// Each of them.
        const OFFICIAL: &[(&str, fn(Factory) -> Validation)] = &[$($((
            concat!(stringify!($module), "::", stringify!($name)),
            call!(duroxide::provider_validation::$module::$name $(, $how)?),
        )),*),*];

        /// The names on the list, by module.
        const LISTED: &[(&str, &[&str])] = &[$((stringify!($module), &[$(stringify!($name)),*])),*];
    };
}

duroxide_conformance::official_validations!(tests);

/// The public functions of duroxide's validations, by module.
pub fn published() -> BTreeMap<String, BTreeSet<String>> {
    let folder = source::folder().join("src/provider_validation");
    let files = std::fs::read_dir(&folder).expect("duroxide has validations");
    let modules = files.map(|file| {
        let path = file.expect("the folder can be read").path();
        let module = path.file_stem().expect("a source file has a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("source is text");
        (module, source::names_after(&["pub async fn "], &text))
    });
    modules.filter(|(_, names)| !names.is_empty()).collect()
}

#[test]
fn every_validation_of_duroxide_is_on_the_list() {
    let published = published();
    assert!(published.contains_key("atomicity"), "the source was not understood: {published:?}");
    let listed: BTreeMap<String, BTreeSet<String>> = LISTED
        .iter()
        .map(|(module, names)| ((*module).to_owned(), names.iter().map(|name| (*name).to_owned()).collect()))
        .collect();
    let none = BTreeSet::new();
    for module in published.keys().chain(listed.keys()) {
        let (there, here) = (published.get(module).unwrap_or(&none), listed.get(module).unwrap_or(&none));
        let (missing, gone): (Vec<_>, Vec<_>) = (there.difference(here).collect(), here.difference(there).collect());
        assert!(missing.is_empty(), "Add these validations of {module} to the list: {missing:?}");
        assert!(gone.is_empty(), "Take these out of the list, {module} has them no longer: {gone:?}");
    }
}
