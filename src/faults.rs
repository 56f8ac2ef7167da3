//! Faults: what a correct provider in a bad world may do.
//!
//! [`Faults`] is a layer that asks a [`FaultRule`] about every call and does to the
//! call what the rule's [`FaultAction`] says. Any closure over [`CallContext`] is a rule.
//!
//! It goes above a recorder: what the trace then holds is what reached the
//! provider, so a call that was refused here is not in it, one whose reply was
//! lost stands in it as it was answered, and the laws hold under every fault.
//!
//! It knows no plans, draws no random numbers and breaks no contract: layers
//! that do the last are saboteurs, and live in tests.

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
    /// Who asks: a node's name, or a client's.
    pub by: &'a str,
    /// What is asked.
    pub call: &'a Call,
    /// Which of this caller's calls of this method it is, from 1.
    pub nth: u64,
    /// When.
    pub at: Time,
}

impl CallContext<'_> {
    /// The method that is called.
    pub fn method(&self) -> Method {
        self.call.method()
    }
}

/// Decides what becomes of calls.
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
    /// What becomes of this call.
    fn judge(&self, asked: &CallContext<'_>) -> FaultAction;

    /// Takes note that the call has taken effect, before the caller learns of
    /// it. Calls that never take effect are not told of.
    fn applied(&self, asked: &CallContext<'_>, reply: &Reply) {
        let _ = (asked, reply);
    }
}

impl<F: Fn(&CallContext<'_>) -> FaultAction + Send + Sync> FaultRule for F {
    fn judge(&self, asked: &CallContext<'_>) -> FaultAction {
        self(asked)
    }
}

/// Counts a caller's calls by method. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Counts(Arc<Mutex<BTreeMap<Method, u64>>>);

impl Counts {
    /// How many calls of `method` there were.
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

/// A layer that does to calls what a rule says.
#[derive(Debug)]
pub struct Faults<H, R> {
    inner: H,
    rule: R,
    by: Arc<str>,
    counts: Counts,
}

impl<H: Handler, R: FaultRule> Faults<H, R> {
    /// Judges by `rule` what `by` asks of `inner`.
    pub fn new(inner: H, by: &str, rule: R) -> Faults<H, R> {
        Faults { inner, rule, by: by.into(), counts: Counts::default() }
    }

    /// Goes on counting where another layer for the same caller has come to.
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
                    // A refusal has changed nothing; the caller may have it.
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
                answer.unwrap_or_else(|_| refuse(method, "The call was given up: it took too long.", true))
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
