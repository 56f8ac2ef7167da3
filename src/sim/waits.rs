//! [`Unfinished`]: an instance that has not ended, and what it waits for.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::handlers::{Lack, TagsOfNode};
use crate::call::Tags;
use crate::text::Quoted;
use crate::trace::Span;

/// An instance that has not ended. `Display` prints a sentence. Times count from the start
/// of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// The instance.
    pub instance: String,
    /// What it waits for. Empty if the instance was not examined because there are too
    /// many.
    pub waits: Vec<Wait>,
    /// Events that this instance received while a parent or child waits for one of that
    /// name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misdirected: Vec<MisdirectedEvent>,
    /// Events that this instance received and its code has not consumed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unconsumed: Vec<UnconsumedEvent>,
}

/// What an instance waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Wait {
    /// For its start: it has a message that starts it, but no history yet.
    Start,
    /// For a message that starts it: there are messages for an instance of this name, but
    /// none of them starts it.
    Unstarted {
        /// The name of a similarly named instance.
        nearest: Option<String>,
    },
    /// For something that its history shows as scheduled but not completed.
    Open {
        /// The id of the scheduling event, and duroxide's name of its kind.
        event: u64,
        #[allow(missing_docs)]
        kind: String,
        /// The event as text.
        what: String,
        /// When it was scheduled.
        since: Duration,
        /// The name of the event or queue, if it waits for one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        /// What is known about it.
        about: Vec<About>,
    },
    /// For a message in its queue to be processed.
    Message {
        /// The message as text.
        what: String,
        /// The number of fetches.
        attempts: u32,
        /// When the message becomes visible; `None` for never.
        visible: Option<Duration>,
        /// The handler that the message needs and no node has.
        lack: Option<Lack>,
    },
    /// For its lock to be released. The lock is held until this time.
    Lock(Duration),
    /// For a node that can run it.
    Node(Lack),
    /// For something that its history does not show: its code awaits a future that duroxide
    /// does not drive.
    Unseen,
}

/// A fact about something that an instance waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum About {
    /// The activity is running, in this attempt.
    UnderWay(u32),
    /// The activity is in the worker queue and was fetched this many times.
    InQueue(u32),
    /// The result of the activity is in the instance's queue.
    Answered,
    /// The activity's work item is gone without a result.
    JobGone,
    /// No node has the handler.
    Lacks(Lack),
    /// No node takes activities with this tag (`None`: without a tag).
    NoNodeTakes {
        /// The tag.
        tag: Option<String>,
        /// The tags that each node takes.
        filters: Vec<TagsOfNode>,
    },
    /// The session of the activity is owned by a worker.
    Session {
        /// The session.
        session: String,
        /// The owner, as duroxide names it.
        owner: String,
        /// The node of that worker, if known.
        node: Option<String>,
        /// When the ownership expires, unless it is renewed.
        until: Duration,
    },
    /// The timer's message is gone.
    TimerGone,
    /// The sub-orchestration and its status; `None` if it has not started.
    Child(String, Option<String>),
    /// An event of that name arrived while the instance did not wait for one, and was lost.
    Lost,
    /// An event of that name arrived at this parent or child, which does not wait for one.
    CameTo(String),
}

/// An event that one instance received while a parent or child waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MisdirectedEvent {
    /// The name of the event or its queue.
    pub name: String,
    /// The instance that waits for an event of that name.
    pub wanted_by: String,
}

/// An event that an instance received and its code has not consumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnconsumedEvent {
    /// The name of the event or its queue.
    pub name: String,
    /// When the first such event was added to the history.
    pub at: Duration,
    /// The number of such events.
    pub count: usize,
    /// Whether it is kept in a queue. Otherwise it is lost.
    pub queued: bool,
    /// A similar name for which the instance waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

impl fmt::Display for UnconsumedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UnconsumedEvent { name, at, count, queued, nearest } = self;
        let (name, at) = (Quoted(name), Span(*at));
        let times = if *count == 1 { String::new() } else { format!(" ({count} of them)") };
        match queued {
            true => write!(f, "Its queue {name} received a message at +{at}{times} that was never read")?,
            false => {
                write!(f, "It received an event {name} at +{at}{times} while it did not wait for one, and lost it")?
            }
        }
        nearest.iter().try_for_each(|near| write!(f, "; it waits for {}", Quoted(near)))?;
        f.write_str(".")
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} waits for ", self.instance)?;
        for (n, wait) in self.waits.iter().enumerate() {
            write!(f, "{}{wait}", if n == 0 { "" } else { "; " })?;
        }
        f.write_str(".")?;
        for MisdirectedEvent { name, wanted_by } in &self.misdirected {
            write!(f, " It received an event {name:?} for which it does not wait, but {wanted_by} does.")?;
        }
        let is_told = |event: &UnconsumedEvent| {
            let is_lost = |wait: &Wait| {
                matches!(wait, Wait::Open { subject, about, .. }
                if subject.as_ref() == Some(&event.name) && about.contains(&About::Lost))
            };
            self.misdirected.iter().any(|other| other.name == event.name) || self.waits.iter().any(is_lost)
        };
        self.unconsumed.iter().filter(|event| !is_told(event)).try_for_each(|event| write!(f, " {event}"))
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wait::Start => f.write_str("its start"),
            Wait::Unstarted { nearest } => {
                f.write_str("a start: no instance of this name was ever started")?;
                nearest.iter().try_for_each(|near| write!(f, "; a similar name is {near}"))
            }
            Wait::Open { event, kind: _, what, since, subject: _, about } => {
                write!(f, "{what} (event {event}, since +{}", Span(*since))?;
                for (n, about) in about.iter().enumerate() {
                    write!(f, "{}{about}", if n == 0 { ", " } else { "; " })?;
                }
                f.write_str(")")
            }
            Wait::Message { what, attempts, visible, lack } => {
                write!(f, "its message {what} to be processed (fetched {attempts} times, visible ")?;
                match visible {
                    Some(from) => write!(f, "from +{}", Span(*from))?,
                    None => f.write_str("never")?,
                }
                lack.iter().try_for_each(|lack| write!(f, "; {lack}"))?;
                f.write_str(")")
            }
            Wait::Lock(until) => {
                write!(f, "its lock to be released (held until +{})", Span(*until))
            }
            Wait::Node(lack) => write!(f, "a node that can run it ({lack})"),
            Wait::Unseen => f.write_str(
                "something that duroxide does not drive: everything that its history shows as scheduled has completed. \
                 Most likely its code awaits tokio::time::sleep (use ctx.schedule_timer), a channel of tokio's or \
                 another task (use ctx.schedule_wait, or an activity), or futures::join_all over more than 30 futures, \
                 which then polls only futures that were woken, and duroxide wakes none (use ctx.join)",
            ),
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            About::UnderWay(attempt) => write!(f, "running, attempt {attempt}"),
            About::InQueue(attempts) => write!(f, "in the worker queue, fetched {attempts} times"),
            About::Answered => f.write_str("its result is in the instance's queue"),
            About::JobGone => f.write_str("its work item is gone without a result"),
            About::Lacks(lack) => write!(f, "{lack}"),
            About::NoNodeTakes { tag, filters } => {
                match tag {
                    Some(tag) => write!(f, "no node takes activities with the tag {tag:?}: ")?,
                    None => f.write_str("no node takes activities without a tag: ")?,
                }
                for (n, TagsOfNode { node, build, filter }) in filters.iter().enumerate() {
                    let build = if build == super::Node::FIRST_BUILD { String::new() } else { format!(" as {build}") };
                    write!(f, "{}{node}{build} takes {}", if n == 0 { "" } else { ", " }, Taken(filter))?;
                }
                Ok(())
            }
            About::Session { session, owner, node, until } => {
                write!(f, "its session {session:?} belongs to worker {owner}")?;
                node.iter().try_for_each(|node| write!(f, " of node {node}"))?;
                write!(f, " until +{}, unless renewed", Span(*until))
            }
            About::TimerGone => f.write_str("its TimerFired message is gone"),
            About::Child(child, Some(status)) => write!(f, "instance {child} is {status}"),
            About::Child(child, None) => write!(f, "instance {child} has not started"),
            About::Lost => f.write_str("one arrived while the instance did not wait for it, and was lost"),
            About::CameTo(relative) => {
                write!(f, "one arrived at instance {relative}, which does not wait for it: raise it on this instance")
            }
        }
    }
}

/// Prints the tags that a node takes.
struct Taken<'a>(&'a Tags);

impl fmt::Display for Taken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Tags::DefaultOnly => f.write_str("those without a tag"),
            Tags::Tags(tags) => write!(f, "those with a tag of {tags:?}"),
            Tags::DefaultAnd(tags) => write!(f, "those without a tag or with one of {tags:?}"),
            Tags::Any => f.write_str("all"),
            Tags::None => f.write_str("none"),
        }
    }
}
