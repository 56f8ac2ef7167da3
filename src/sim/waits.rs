//! [`Unfinished`]: what instances that have not ended wait for.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::handlers::{Lack, TagsOfNode};
use crate::call::Tags;
use crate::text::Quoted;
use crate::trace::Span;

/// An instance that had not ended. Prints as a sentence. Times count from the start of
/// the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// The instance.
    pub instance: String,
    /// What it waits for; empty where nobody looked, because there are too many instances.
    pub waits: Vec<Wait>,
    /// Events that came to it while a relative waits for one of that name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strayed: Vec<MisdirectedEvent>,
    /// Events that came to it and that its code has not taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untaken: Vec<UnconsumedEvent>,
}

/// What an instance waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Wait {
    /// Its start: there is no history yet.
    Start,
    /// Somebody to start it: there are messages to an instance of this name, and none is
    /// its start.
    Unstarted {
        /// The name of an instance that looks like it.
        nearest: Option<String>,
    },
    /// Something that its history shows as begun and not ended.
    Open {
        /// The event that began it: its number, and duroxide's name of its kind.
        event: u64,
        #[allow(missing_docs)]
        kind: String,
        /// The event as text.
        what: String,
        /// Since when.
        since: Duration,
        /// The name of the event or queue, where it is one that is waited for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        /// What is known of it.
        about: Vec<About>,
    },
    /// A message in its queue to be taken.
    Message {
        /// The message as text.
        what: String,
        /// How often it was fetched.
        attempts: u32,
        /// From when on it can be fetched; `None` for never.
        visible: Option<Duration>,
        /// The handler that it needs and no node has.
        lack: Option<Lack>,
    },
    /// The lock on it to be released; it holds until then.
    Lock(Duration),
    /// A node that can run it.
    Node(Lack),
    /// Nothing that its history shows: its code awaits something that duroxide does not
    /// drive.
    Unseen,
}

/// What is known of something that an instance waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum About {
    /// An activity that runs, in this attempt.
    UnderWay(u32),
    /// An activity in the worker queue, fetched so often.
    InQueue(u32),
    /// The result of an activity is in the instance's queue.
    Answered,
    /// The job of an activity is gone and brought no result.
    JobGone,
    /// No node has the handler.
    Lacks(Lack),
    /// No node takes activities with this tag (`None`: without a tag).
    UnconsumedEvent {
        /// The tag.
        tag: Option<String>,
        /// What the nodes take.
        filters: Vec<TagsOfNode>,
    },
    /// The session of an activity belongs to a worker.
    Session {
        /// The session.
        session: String,
        /// The worker that owns it, as duroxide names it.
        owner: String,
        /// The node of that worker, where it is known.
        node: Option<String>,
        /// Until when, unless it is renewed.
        until: Duration,
    },
    /// The message of a timer is gone.
    TimerGone,
    /// A child, and its status; `None` if it has not started.
    Child(String, Option<String>),
    /// An event of that name came while nothing waited for it, and is lost.
    Lost,
    /// An event of that name came to this relative, where nothing waits for it.
    CameTo(String),
}

/// An event that came to one instance while a relative waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MisdirectedEvent {
    /// The event's name, or its queue's.
    pub name: String,
    /// The instance that waits for one of that name.
    pub wanted_by: String,
}

/// An event that came to an instance and that its code has not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnconsumedEvent {
    /// The event's name, or its queue's.
    pub name: String,
    /// When the first such event came into the history.
    pub at: Duration,
    /// How many came.
    pub count: usize,
    /// Whether it is kept in a queue, and not lost.
    pub queued: bool,
    /// The name that the instance waits for and that looks like this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

impl fmt::Display for UnconsumedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UnconsumedEvent { name, at, count, queued, nearest } = self;
        let (name, at) = (Quoted(name), Span(*at));
        let times = if *count == 1 { String::new() } else { format!(" ({count} of them)") };
        match queued {
            true => write!(f, "A message came to its queue {name} at +{at}{times} that nothing has asked for")?,
            false => write!(f, "An event {name} came to it at +{at}{times} while nothing waited for one, and is lost")?,
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
        for MisdirectedEvent { name, wanted_by } in &self.strayed {
            write!(f, " An event {name:?} came to it that nothing there waits for, and {wanted_by} waits for one.")?;
        }
        let is_told = |event: &UnconsumedEvent| {
            let is_lost = |wait: &Wait| {
                matches!(wait, Wait::Open { subject, about, .. }
                if subject.as_ref() == Some(&event.name) && about.contains(&About::Lost))
            };
            self.strayed.iter().any(|strayed| strayed.name == event.name) || self.waits.iter().any(is_lost)
        };
        self.untaken.iter().filter(|event| !is_told(event)).try_for_each(|event| write!(f, " {event}"))
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wait::Start => f.write_str("its start"),
            Wait::Unstarted { nearest } => {
                f.write_str("somebody to start it: no instance of this name was ever started")?;
                nearest.iter().try_for_each(|near| write!(f, ", and there is one called {near}"))
            }
            Wait::Open { event, kind: _, what, since, subject: _, about } => {
                write!(f, "{what} (event {event}, since +{}", Span(*since))?;
                for (n, about) in about.iter().enumerate() {
                    write!(f, "{}{about}", if n == 0 { ", " } else { "; " })?;
                }
                f.write_str(")")
            }
            Wait::Message { what, attempts, visible, lack } => {
                write!(f, "its message {what} to be taken (fetched {attempts} times, visible ")?;
                match visible {
                    Some(from) => write!(f, "from +{}", Span(*from))?,
                    None => f.write_str("never")?,
                }
                lack.iter().try_for_each(|lack| write!(f, "; {lack}"))?;
                f.write_str(")")
            }
            Wait::Lock(until) => {
                write!(f, "the lock on it to be released (it holds until +{})", Span(*until))
            }
            Wait::Node(lack) => write!(f, "a node that can run it ({lack})"),
            Wait::Unseen => f.write_str(
                "something that duroxide does not drive: everything in its history has come. Likely its code awaits \
                 tokio::time::sleep (use ctx.schedule_timer), a channel of tokio's or another task (use \
                 ctx.schedule_wait, or an activity), or futures::join_all over more than 30 futures, which from there \
                 on polls only what has woken it, and duroxide wakes nothing (use ctx.join)",
            ),
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            About::UnderWay(attempt) => write!(f, "under way, attempt {attempt}"),
            About::InQueue(attempts) => write!(f, "in the worker queue, fetched {attempts} times"),
            About::Answered => f.write_str("its result is there"),
            About::JobGone => f.write_str("its job is gone and brought no result"),
            About::Lacks(lack) => write!(f, "{lack}"),
            About::UnconsumedEvent { tag, filters } => {
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
                write!(f, " until +{}, unless that is renewed", Span(*until))
            }
            About::TimerGone => f.write_str("its message is gone"),
            About::Child(child, Some(status)) => write!(f, "instance {child} is {status}"),
            About::Child(child, None) => write!(f, "instance {child} has not started"),
            About::Lost => f.write_str("one came while nothing waited for it, and is lost"),
            About::CameTo(relative) => {
                write!(f, "one came to instance {relative}, where nothing waits for it: raise it on this instance")
            }
        }
    }
}

/// What a node takes, in words.
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
