//! Faults: failures that even a correct provider may show in a hostile environment.
//!
//! [`Faults`] is a layer that asks a [`FaultRule`] about every call and applies the rule's
//! [`FaultAction`] to the call. Any closure over [`CallContext`] is a rule.
//!
//! The layer goes above a recorder, so the trace holds the calls that reached the provider: a call
//! refused here is not in it, a call whose reply was lost is in it with its answer, and the laws
//! hold under every fault.
//!
//! This module knows no plans, draws no random numbers and does not break the provider contract.
//! Layers that break the contract are called saboteurs, and exist only in tests.

mod verdict;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::call::{Answering, Call, Handler, Method, Refusal, Reply};
use crate::clock::{self, Time};

pub use verdict::FaultAction;

/// A call that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct CallContext<'a> {
    /// The name of the caller: a node or a client.
    pub by: &'a str,
    /// The call.
    pub call: &'a Call,
    /// The number of this call among the caller's calls of this method, from 1.
    pub nth: u64,
    /// The time of the call.
    pub at: Time,
}

impl CallContext<'_> {
    /// The method that is called.
    pub fn method(&self) -> Method {
        self.call.method()
    }
}

/// Decides which fault is applied to each call.
///
/// ```
/// use duroxide_sim::call::Method;
/// use duroxide_sim::faults::{CallContext, FaultRule, FaultAction};
///
/// fn rule(rule: impl FaultRule) -> impl FaultRule {
///     rule
/// }
/// let every_third_ack_loses_its_reply = rule(|asked: &CallContext<'_>| match asked.method() {
///     Method::AckWorkItem if asked.nth % 3 == 0 => FaultAction::LoseReply,
///     _ => FaultAction::Pass,
/// });
/// ```
pub trait FaultRule: Send + Sync {
    /// Decides what is done to this call.
    fn judge(&self, asked: &CallContext<'_>) -> FaultAction;

    /// Called when the call has taken effect, before the caller receives the reply. Not called for
    /// calls that never take effect.
    fn applied(&self, asked: &CallContext<'_>, reply: &Reply) {
        let _ = (asked, reply);
    }
}

impl<F: Fn(&CallContext<'_>) -> FaultAction + Send + Sync> FaultRule for F {
    fn judge(&self, asked: &CallContext<'_>) -> FaultAction {
        self(asked)
    }
}

/// Counts a caller's calls by method. Clones share their counts.
#[derive(Clone, Debug, Default)]
pub struct Counts(Arc<Mutex<BTreeMap<Method, u64>>>);

impl Counts {
    /// The number of calls of `method` so far.
    pub(crate) fn of(&self, method: Method) -> u64 {
        self.0.lock().get(&method).copied().unwrap_or_default()
    }

    /// The number of the next call of `method`, from 1.
    fn next(&self, method: Method) -> u64 {
        let mut counts = self.0.lock();
        let count = counts.entry(method).or_default();
        *count += 1;
        *count
    }
}

/// A layer that applies the actions of a fault rule to calls.
#[derive(Debug)]
pub struct Faults<H, R> {
    inner: H,
    rule: R,
    by: Arc<str>,
    counts: Counts,
}

impl<H: Handler, R: FaultRule> Faults<H, R> {
    /// Creates a layer that applies `rule` to the calls that `by` makes to `inner`.
    pub fn new(inner: H, by: &str, rule: R) -> Faults<H, R> {
        Faults { inner, rule, by: by.into(), counts: Counts::default() }
    }

    /// Continues the call counts of another layer for the same caller.
    pub fn counting(mut self, counts: Counts) -> Faults<H, R> {
        self.counts = counts;
        self
    }

    /// Passes the call on, and tells the rule when it has taken effect.
    fn pass(&self, call: Arc<Call>, nth: u64) -> Answering<'_> {
        let at = clock::now();
        let told = call.clone();
        let tell = move |reply: &Reply| {
            self.rule.applied(&CallContext { by: &self.by, call: &told, nth, at }, reply);
        };
        match self.inner.handle(call).try_now() {
            Ok(reply) => {
                tell(&reply);
                Answering::ready(reply)
            }
            Err(answering) => Answering::wait(async move {
                let reply = answering.await;
                tell(&reply);
                reply
            }),
        }
    }

    fn act(&self, verdict: FaultAction, call: Arc<Call>, nth: u64) -> Answering<'_> {
        let method = call.method();
        match verdict {
            FaultAction::Pass => self.pass(call, nth),
            FaultAction::Refuse { retryable } => {
                Answering::ready(refuse(method, "The storage is not available.", retryable))
            }
            FaultAction::LoseReply => Answering::wait(async move {
                match self.pass(call, nth).await {
                    // A refused call has changed nothing, so its reply need not be lost.
                    refused @ Reply::Refused(_) => refused,
                    _ => refuse(method, "The connection broke before the reply came.", true),
                }
            }),
            FaultAction::Delay { before, after } => Answering::wait(async move {
                wait(before).await;
                let reply = self.pass(call, nth).await;
                wait(after).await;
                reply
            }),
            FaultAction::Hang { applied } => Answering::wait(async move {
                if applied {
                    let _lost = self.pass(call, nth).await;
                }
                std::future::pending().await
            }),
            FaultAction::Drop { after } => Answering::wait(async move {
                let answer = tokio::time::timeout(after, self.pass(call, nth)).await;
                answer.unwrap_or_else(|_| refuse(method, "The call timed out.", true))
            }),
            FaultAction::ShortLock { lasts } => self.pass(Arc::new(verdict::shortened(&call, lasts)), nth),
        }
    }
}

async fn wait(duration: std::time::Duration) {
    clock::sleep_until(clock::now() + duration).await;
}

fn refuse(method: Method, message: &str, retryable: bool) -> Reply {
    Reply::Refused(Refusal { retryable, ..Refusal::retryable(method.name(), format!("Injected fault: {message}")) })
}

impl<H: Handler, R: FaultRule> Handler for Faults<H, R> {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        let nth = self.counts.next(call.method());
        let verdict = self.rule.judge(&CallContext { by: &self.by, call: &call, nth, at: clock::now() });
        self.act(verdict, call, nth)
    }

    fn describe(&self) -> String {
        format!("Faults({})", self.inner.describe())
    }

    fn has_admin(&self) -> bool {
        self.inner.has_admin()
    }
}
