//! Saboteurs: providers that each break one rule of the contract. The suite
//! must catch every one of them, by the rule it breaks.
//!
//! A saboteur is one function that answers calls with the help of the store
//! that `Memory` has; it is right but for one thing.

mod acks;
mod atomic;
mod bench;
mod covered;
/// Storages that lose something when their process is killed; `tests/crash` lets
/// them be caught.
#[path = "../crash/faults.rs"]
pub mod crashes;
mod crowds;
mod deletes;
mod dropped;
mod durable;
mod errors;
mod histories;
mod hunt;
mod jobs;
mod lookups;
mod payloads;
mod polls;
mod prunes;
mod queues;
mod releases;
mod sessions;
mod statuses;
mod tags;
mod tools;
mod turns;
mod values;
mod versions;

use std::sync::Arc;

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_conformance::{Storage, TimeSource};
use duroxide_sim::call::{Answering, Call, Handler, Reply};
use duroxide_sim::clock::{self, Time};
use duroxide_sim::provider::Port;
use parking_lot::Mutex;

pub use bench::{Bench, Mishap};

/// How a saboteur answers.
pub type Trick = fn(&mut Bench, Time, &Call) -> Reply;

/// A provider that breaks one rule.
#[derive(Clone, Copy)]
pub struct Saboteur {
    /// What it does wrong, in a few words.
    pub name: &'static str,
    /// The rule that it breaks.
    pub rule: &'static str,
    pub trick: Trick,
}

/// Every saboteur.
pub fn all() -> Vec<Saboteur> {
    [
        acks::ALL,
        atomic::ALL,
        crowds::ALL,
        deletes::ALL,
        deletes::BULK,
        deletes::TRACES,
        dropped::ALL,
        durable::ALL,
        errors::ALL,
        histories::ALL,
        jobs::ALL,
        jobs::RELEASES,
        lookups::ALL,
        payloads::ALL,
        polls::ALL,
        prunes::ALL,
        queues::ALL,
        releases::ALL,
        sessions::ALL,
        statuses::ALL,
        tags::ALL,
        turns::ALL,
        values::ALL,
        versions::ALL,
    ]
    .concat()
}

/// A saboteur that does nothing wrong.
pub fn honest() -> Saboteur {
    Saboteur { name: "honest", rule: "", trick: |bench, now, call| bench.ask(now, call) }
}

struct Sabotaged {
    /// Providers over one storage share it.
    bench: Arc<Mutex<Bench>>,
    trick: Trick,
}

/// A call that takes more than one poll: what becomes of everything when it is
/// dropped, unless others have called since.
struct Suspended<'a> {
    bench: &'a Mutex<Bench>,
    mishap: Option<Mishap>,
    asked: u64,
}

impl Drop for Suspended<'_> {
    fn drop(&mut self) {
        let mut bench = self.bench.lock();
        if let Some(mishap) = self.mishap.take().filter(|_| bench.asked == self.asked) {
            mishap(&mut bench);
        }
    }
}

impl Handler for Sabotaged {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        Answering::wait(async move {
            let (reply, never, mut suspended) = {
                let mut bench = self.bench.lock();
                bench.asked += 1;
                let reply = (self.trick)(&mut bench, clock::now(), &call);
                let suspended = Suspended { mishap: bench.if_dropped.take(), asked: bench.asked, bench: &self.bench };
                (reply, bench.never_answers, suspended)
            };
            if never {
                std::future::pending::<()>().await;
            }
            if suspended.mishap.is_some() {
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
                suspended.mishap = None;
            }
            reply
        })
    }

    fn describe(&self) -> String {
        "saboteur".to_owned()
    }

    fn has_admin(&self) -> bool {
        true
    }
}

#[async_trait]
impl ProviderFactory for Saboteur {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        Suspect::new(*self).create_provider().await
    }
}

impl Storage for Saboteur {
    fn label(&self) -> String {
        self.name.to_owned()
    }

    fn time(&self) -> TimeSource {
        TimeSource::Virtual
    }
}

/// A saboteur under test, whose histories can be damaged too.
pub struct Suspect {
    saboteur: Saboteur,
    /// The one that was created last.
    latest: Mutex<Option<Arc<Sabotaged>>>,
}

impl Suspect {
    pub fn new(saboteur: Saboteur) -> Suspect {
        Suspect { saboteur, latest: Mutex::new(None) }
    }

    /// A new provider.
    pub fn provider(&self) -> Arc<dyn Provider> {
        self.over(Arc::default())
    }

    fn over(&self, bench: Arc<Mutex<Bench>>) -> Arc<dyn Provider> {
        let sabotaged = Arc::new(Sabotaged { bench, trick: self.saboteur.trick });
        *self.latest.lock() = Some(sabotaged.clone());
        Arc::new(Port::over(sabotaged))
    }
}

#[async_trait]
impl ProviderFactory for Suspect {
    async fn create_provider(&self) -> Arc<dyn Provider> {
        self.provider()
    }

    async fn corrupt_instance_history(&self, instance: &str) {
        if let Some(sabotaged) = &*self.latest.lock() {
            sabotaged.bench.lock().store.corrupt_history(instance);
        }
    }

    async fn get_max_attempt_count(&self, instance: &str) -> u32 {
        self.latest.lock().as_ref().map_or(0, |sabotaged| sabotaged.bench.lock().store.max_attempts(instance))
    }
}

#[async_trait]
impl Storage for Suspect {
    fn label(&self) -> String {
        self.saboteur.name.to_owned()
    }

    fn time(&self) -> TimeSource {
        TimeSource::Virtual
    }

    fn location(&self, _: &Arc<dyn Provider>) -> Option<String> {
        Some("the latest".to_owned())
    }

    async fn open(&self, _: &str) -> Option<Arc<dyn Provider>> {
        let bench = self.latest.lock().as_ref()?.bench.clone();
        bench.lock().reopened = true;
        Some(self.over(bench))
    }

    fn can_corrupt(&self) -> bool {
        true
    }
}
