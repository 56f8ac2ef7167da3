//! [`Answering`]: an answer that is there, or on its way.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Reply;

/// An answer that is there, or on its way. Most calls of an in-memory provider
/// are answered at once, and then no layer needs a box for a future.
///
/// What is there has happened: make the call only when its answer is awaited.
#[must_use = "a call that nobody awaits may not be made"]
pub struct Answering<'a>(Kind<'a>);

enum Kind<'a> {
    Ready(Option<Reply>),
    Waiting(Pin<Box<dyn Future<Output = Reply> + Send + 'a>>),
}

impl<'a> Answering<'a> {
    /// An answer that is there.
    pub fn ready(reply: Reply) -> Answering<'a> {
        Answering(Kind::Ready(Some(reply)))
    }

    /// An answer that a future brings.
    pub fn wait(future: impl Future<Output = Reply> + Send + 'a) -> Answering<'a> {
        Answering(Kind::Waiting(Box::pin(future)))
    }

    /// The answer, if it is there.
    ///
    /// # Errors
    ///
    /// The same again, if it is not.
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
            Kind::Ready(reply) => Poll::Ready(reply.take().expect("an answer is not polled after it was given")),
            Kind::Waiting(future) => future.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Answering<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self.0, Kind::Ready(_)) { "Ready" } else { "Waiting" })
    }
}
