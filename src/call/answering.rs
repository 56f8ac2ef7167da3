//! [`Answering`]: an answer that is ready or pending.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Reply;

/// An answer that is ready or pending. Most calls of an in-memory provider are answered at once,
/// and then no layer has to box a future.
///
/// A ready answer means that the call has already taken effect. Call a handler only at the point
/// where its answer is awaited: a layer that has to wait first calls its inner handler inside the
/// future that it returns.
#[must_use = "a call may have no effect unless its answer is awaited"]
pub struct Answering<'a>(Kind<'a>);

enum Kind<'a> {
    Ready(Option<Reply>),
    Waiting(Pin<Box<dyn Future<Output = Reply> + Send + 'a>>),
}

impl<'a> Answering<'a> {
    /// An answer that is ready.
    pub fn ready(reply: Reply) -> Answering<'a> {
        Answering(Kind::Ready(Some(reply)))
    }

    /// An answer that a future will produce.
    pub fn wait(future: impl Future<Output = Reply> + Send + 'a) -> Answering<'a> {
        Answering(Kind::Waiting(Box::pin(future)))
    }

    /// Returns the answer, if it is ready.
    ///
    /// # Errors
    ///
    /// Returns the `Answering` itself if it is pending.
    pub fn try_now(mut self) -> Result<Reply, Answering<'a>> {
        match &mut self.0 {
            Kind::Ready(reply) => reply.take().ok_or(self),
            Kind::Waiting(_) => Err(self),
        }
    }
}

impl Future for Answering<'_> {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        match &mut self.0 {
            Kind::Ready(reply) => {
                Poll::Ready(reply.take().expect("an answer must not be polled after it was returned"))
            }
            Kind::Waiting(future) => future.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Answering<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self.0, Kind::Ready(_)) { "Ready" } else { "Waiting" })
    }
}
