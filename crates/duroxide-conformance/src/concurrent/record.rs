//! Concurrent callers, and the record of their calls and answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use duroxide_sim::call::{Call, Class, Handler, Refusal, Reply};
use duroxide_sim::clock::Time;
use parking_lot::Mutex;

use crate::drive::{Asked, ask};
use crate::linearize::Made;
use crate::resolve::Bindings;
use crate::script::Act;

/// Calls and answers, in one global order.
#[derive(Default)]
pub(super) struct Record {
    places: AtomicU64,
    made: Mutex<Vec<Made>>,
}

impl Record {
    fn place(&self) -> u64 {
        self.places.fetch_add(1, Ordering::SeqCst)
    }

    /// The number of calls.
    pub fn len(&self) -> usize {
        self.made.lock().len()
    }

    /// Whether a call has no answer.
    pub fn owes_an_answer(&self) -> bool {
        self.made.lock().iter().any(|made| made.reply.is_none())
    }

    /// The calls from `first` on, in the order of their answers.
    pub fn since(&self, first: usize) -> Vec<Made> {
        self.made.lock()[first..].to_vec()
    }

    /// All calls, in the order in which they were made.
    pub fn history(&self) -> Vec<Made> {
        let mut history = self.made.lock().clone();
        history.sort_by_key(|made| made.invoked);
        history
    }
}

/// One caller.
#[derive(Clone)]
pub(super) struct Caller {
    pub number: usize,
    pub handler: Arc<dyn Handler>,
    pub record: Arc<Record>,
    pub bindings: Bindings,
    /// The real time that one call may take.
    pub patience: Duration,
}

impl Caller {
    /// Makes every call in `acts`, at one moment of the stopped clock.
    pub async fn work(mut self, at: Time, acts: Vec<Act>) {
        for act in &acts {
            self.act(at, act).await;
        }
    }

    pub async fn act(&mut self, at: Time, act: &Act) -> Option<Reply> {
        let mut call = self.bindings.resolve(act);
        if let Call::AckOrchestrationItem(ack) = &mut call {
            // The generator did not know the token's instance, and no instance
            // is its own parent.
            let own = ack.history.first().map(|event| event.instance_id.clone());
            let parent = &mut ack.metadata.parent_instance_id;
            *parent = parent.take().filter(|parent| Some(parent) != own.as_ref());
        }
        self.call(at, call).await
    }

    /// Makes a call whose numbers are absolute, if the handler supports it.
    pub async fn call(&mut self, at: Time, call: Call) -> Option<Reply> {
        if call.is_admin() && !self.handler.has_admin() {
            return None;
        }
        let call = Arc::new(call);
        let invoked = self.record.place();
        let asked = ask(&*self.handler, call.clone(), None, self.patience).await;
        let replied = self.record.place();
        let reply = match asked {
            Asked::Answered(reply) => Some(reply),
            Asked::Panicked(said) => {
                let message = format!("The call panicked: {said}");
                Some(Reply::Refused(Refusal::permanent(Class::Other, call.method().name(), message)))
            }
            Asked::Dropped | Asked::Hung => None,
        };
        if let Some(reply) = &reply {
            self.bindings.note(&call, reply);
        }
        let replied = if reply.is_some() { replied } else { u64::MAX };
        let made = Made { caller: self.number, at, call, reply: reply.clone(), invoked, replied };
        self.record.made.lock().push(made);
        reply
    }
}
