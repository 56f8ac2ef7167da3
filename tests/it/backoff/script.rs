//! A provider that refuses some calls by a script, and a real Runtime over it.

use std::collections::VecDeque;
use std::sync::Arc;

use duroxide_sim::Memory;
use duroxide_sim::call::{Answering, Call, Class, Handler, Method, Refusal, Reply};
use duroxide_sim::duroxide::Client;
use duroxide_sim::duroxide::runtime::registry::{ActivityRegistry, OrchestrationRegistry};
use duroxide_sim::duroxide::runtime::{Runtime, RuntimeOptions};
use duroxide_sim::provider::Port;
use duroxide_sim::trace::{Entry, Log, Recorder};
use std::sync::Mutex;

use super::since_start;

/// What becomes of one call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    Pass,
    Retryable,
    Permanent,
}

/// A layer that does as its script says with the calls of one method; once
/// the script is over, everything passes.
struct Scripted {
    inner: Arc<Memory>,
    method: Method,
    script: Mutex<VecDeque<Step>>,
}

impl Handler for Scripted {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        let next = if call.method() == self.method { self.script.lock().unwrap().pop_front() } else { None };
        let refusal = match next {
            Some(Step::Retryable) => Refusal::retryable(self.method.name(), "Not now."),
            Some(Step::Permanent) => Refusal::permanent(Class::Other, self.method.name(), "Never."),
            Some(Step::Pass) | None => return self.inner.handle(call),
        };
        Answering::ready(Reply::Refused(refusal))
    }

    fn describe(&self) -> String {
        "scripted".to_owned()
    }

    fn has_admin(&self) -> bool {
        true
    }
}

/// A provider of a test's own, with every call written down before the script
/// sees it.
pub struct Stage {
    pub memory: Arc<Memory>,
    method: Method,
    log: Log,
    provider: Arc<Port<Recorder<Scripted>>>,
}

impl Stage {
    pub fn new(method: Method, script: &[Step]) -> Stage {
        let (memory, log) = (Arc::new(Memory::new()), Log::new());
        let script = Mutex::new(script.iter().copied().collect());
        let scripted = Scripted { inner: memory.clone(), method, script };
        let provider = Arc::new(Port::over(Recorder::new(scripted, "node", log.clone())));
        Stage { memory, method, log, provider }
    }

    /// A client that the script does not reach.
    pub fn client(&self) -> Client {
        Client::new(self.memory.clone())
    }

    /// Starts a runtime over the script.
    pub async fn start(
        &self,
        activities: ActivityRegistry,
        orchestrations: OrchestrationRegistry,
        options: RuntimeOptions,
    ) -> Arc<Runtime> {
        Runtime::start_with_options(self.provider.clone(), activities, orchestrations, options).await
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.log.entries()
    }

    /// When the scripted method was called, also where it is not answered yet.
    pub fn calls(&self) -> Vec<u64> {
        let all = self.entries();
        all.iter().filter(|entry| entry.call.method() == self.method).map(|entry| since_start(entry.asked)).collect()
    }
}
