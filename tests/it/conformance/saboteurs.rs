//! Saboteurs: providers that each break one rule of the contract. The suite
//! must catch every one of them, by the rule it breaks.
//!
//! A saboteur is one function that answers calls with the help of the store
//! that `Memory` has; it is right but for one thing.

mod turns;

use std::sync::Arc;

use async_trait::async_trait;
use duroxide::provider_validations::ProviderFactory;
use duroxide::providers::Provider;
use duroxide_sim::call::{Answering, Call, Handler, Reply};
use duroxide_sim::clock::{self, Time};
use duroxide_sim::conformance::{Storage, TimeSource};
use duroxide_sim::provider::Port;
use duroxide_sim::store::{Choice, Pick, Store};
use parking_lot::Mutex;

/// What a saboteur has to work with.
#[derive(Default)]
pub struct Bench {
    pub store: Store,
    tokens: u64,
    /// Room for what it wants to remember.
    pub notes: Vec<String>,
    pub calls: Vec<Call>,
    pub count: u64,
}

impl Bench {
    /// The right answer, as `Memory` gives it.
    pub fn ask(&mut self, now: Time, call: &Call) -> Reply {
        self.pick(now, call, Pick::Oldest)
    }

    /// The right answer, but for what a fetch takes.
    pub fn pick(&mut self, now: Time, call: &Call, pick: Pick) -> Reply {
        self.tokens += 1;
        self.store.apply(now, call, &Choice::new(format!("lock-{}", self.tokens), pick))
    }
}

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
    [turns::ALL].concat()
}

/// A saboteur that does nothing wrong.
pub fn honest() -> Saboteur {
    Saboteur { name: "honest", rule: "", trick: |bench, now, call| bench.ask(now, call) }
}

struct Sabotaged {
    bench: Mutex<Bench>,
    trick: Trick,
}

impl Handler for Sabotaged {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        Answering::wait(async move { (self.trick)(&mut self.bench.lock(), clock::now(), &call) })
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
        Arc::new(Port::over(Sabotaged { bench: Mutex::default(), trick: self.trick }))
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
