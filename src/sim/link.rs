//! The layers at the two ends of the connection between a node and the storage.
//!
//! [`NodeLink`] is the node's end: while the node's process does not run or is cut off, it
//! passes neither calls nor replies, nor anything that would wake a waiting call.
//! [`StorageLink`] is the storage's end: it comes after the faults, so that the effect of a
//! fault on the node applies to the very call that met the fault. It also refuses calls in
//! an outage.

use std::sync::Arc;

use super::life::ProcessRun;
use super::panics;
use crate::call::{Answering, Call, Handler, Method, Refusal, Reply, activity_of, instance_of};
use crate::clock::{self, Time};
use crate::logs;

pub(super) struct NodeLink<H> {
    pub inner: H,
    pub life: Arc<ProcessRun>,
}

impl<H: Handler> NodeLink<H> {
    /// Waits for a reply, but only while the node could receive it.
    async fn through(&self, answering: Answering<'_>, read: Option<Time>) -> Reply {
        match self.life.only_while(answering, ProcessRun::passes, |_| false).await {
            Some(reply) => self.let_in(reply, read).await,
            None => std::future::pending().await,
        }
    }

    /// Records what the node learns from a reply.
    fn note(&self, reply: &Reply) {
        self.life.deliveries.note(reply);
        let node = &self.life.name;
        if let Reply::Turn(turn) = reply {
            logs::fetched(node, turn.as_ref().map(|turn| turn.instance.as_str()), None);
        } else if let Reply::Job(job) = reply {
            let instance = job.as_ref().map(|job| instance_of(&job.item));
            logs::fetched(node, instance.as_deref(), job.as_ref().and_then(|job| activity_of(&job.item)));
        } else {
            logs::answered(node);
        }
    }

    /// Delivers a reply to the node as soon as replies pass. `read` is the time of the
    /// call, if it was a read.
    async fn let_in(&self, reply: Reply, read: Option<Time>) -> Reply {
        self.life.passage().await;
        if let Some(asked) = read {
            self.life.has_read(asked);
        }
        self.note(&reply);
        reply
    }
}

impl<H: Handler> Handler for NodeLink<H> {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        panics::survived();
        let read = matches!(*call, Call::Read { .. }).then(clock::now);
        if !self.life.passes() {
            return Answering::wait(async move {
                self.life.passage().await;
                self.through(self.inner.handle(call), read).await
            });
        }
        match self.inner.handle(call).try_now() {
            Ok(reply) if self.life.passes() => {
                self.note(&reply);
                Answering::ready(reply)
            }
            Ok(reply) => Answering::wait(self.let_in(reply, read)),
            Err(answering) => Answering::wait(self.through(answering, read)),
        }
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn has_admin(&self) -> bool {
        self.inner.has_admin()
    }
}

pub(super) struct StorageLink<H> {
    pub inner: H,
    pub life: Arc<ProcessRun>,
}

impl<H: Handler> Handler for StorageLink<H> {
    fn handle(&self, call: Arc<Call>) -> Answering<'_> {
        if !self.life.passes() {
            return Answering::wait(async move {
                self.life.passage().await;
                self.handle(call).await
            });
        }
        if self.life.refused() {
            return Answering::ready(refused(call.method()));
        }
        let method = call.method();
        match self.inner.handle(call).try_now() {
            Ok(reply) => Answering::ready(reply),
            Err(answering) => Answering::wait(async move {
                let answer = self.life.only_while(answering, |_| true, ProcessRun::refused).await;
                answer.unwrap_or_else(|| refused(method))
            }),
        }
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn has_admin(&self) -> bool {
        self.inner.has_admin()
    }
}

fn refused(method: Method) -> Reply {
    Reply::Refused(Refusal::retryable(method.name(), "Injected fault: the storage is not available."))
}
