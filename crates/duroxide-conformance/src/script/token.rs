//! The texts with which a script refers to what its run will have: locks and
//! the instances that they hold.
//!
//! Scripts keep them as texts, since they stand where calls have tokens and
//! names. This is the only place that reads or writes them.

use std::fmt;

/// The instance locked by the call's token.
pub(crate) const HERE: &str = "@";

/// The second child of [`HERE`].
pub(crate) const CHILD: &str = "@::2";

/// What follows [`HERE`] in the name of that instance or of a child of it;
/// `None` for any other name.
pub(crate) fn after_here(name: &str) -> Option<&str> {
    name.strip_prefix(HERE).filter(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// A queue that fetches take from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    Turn,
    Job,
}

impl Queue {
    /// The word in tokens.
    fn word(self) -> &'static str {
        match self {
            Queue::Turn => "turn",
            Queue::Job => "job",
        }
    }

    /// The queue that this one is not.
    pub fn other(self) -> Queue {
        match self {
            Queue::Turn => Queue::Job,
            Queue::Job => Queue::Turn,
        }
    }

    /// The token of the most recent fetch from the queue.
    pub fn last(self) -> String {
        self.nth_last(0)
    }

    /// The token of the fetch `back` before the most recent one.
    pub fn nth_last(self, back: usize) -> String {
        Token::Fetched { queue: self, back }.to_string()
    }
}

/// A lock token in a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// The token that a fetch returned: the most recent one, or the one `back`
    /// before it.
    Fetched { queue: Queue, back: usize },
    /// This very text, which no fetch returned.
    Forged(&'a str),
}

impl Token<'_> {
    pub fn parse(text: &str) -> Token<'_> {
        let fetched = |queue: Queue| {
            let back = text.strip_prefix(queue.word())?.strip_prefix(':')?.parse().ok()?;
            Some(Token::Fetched { queue, back })
        };
        fetched(Queue::Turn).or_else(|| fetched(Queue::Job)).unwrap_or(Token::Forged(text))
    }
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Fetched { queue, back } => write!(f, "{}:{back}", queue.word()),
            Token::Forged(text) => f.write_str(text),
        }
    }
}
