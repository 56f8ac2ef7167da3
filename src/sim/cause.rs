//! [`Cause`]: why a simulation failed.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ending::Held;
use super::handlers::UnknownHandler;
use super::missed::Missed;
use super::no_progress::NoProgress;
use super::panics::TaskPanic;
use super::rest::Busy;
use super::stuck::Stuck;
use crate::text::{Line, Lines, Quoted};
use crate::trace::Span;

/// Why a simulation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// It could not be set up; the text says why.
    Setup(String),
    /// The body returned an error.
    Error(String),
    /// The body panicked.
    Panic(String),
    /// Tasks panicked, whose panics nobody else reports: tasks that the body or an
    /// activity has started, or duroxide's own ([`super::Sim::allow_panics`]).
    TaskPanic(Vec<TaskPanic>),
    /// Nothing could happen any more, and the body waited.
    Stalled {
        /// Since when, counted from the start.
        since: Duration,
        /// How the body ended then, where its wait had a time-out. Otherwise the run was
        /// ended ([`super::Limits::waiting`], [`super::Limits::idle`]).
        then: Option<Box<Cause>>,
    },
    /// Something goes on for ever and gets nowhere.
    NoProgress(NoProgress),
    /// Work was stored for a handler that no build of any node has.
    UnknownHandler(UnknownHandler),
    /// Something does not hold that must ([`super::Sim::always`]).
    #[allow(missing_docs)]
    Property { name: String, what: String },
    /// Something did not hold when the run was at rest or its deadline came, that
    /// must hold eventually ([`super::Sim::eventually`]).
    Eventually {
        /// The property.
        name: String,
        /// What is wrong.
        what: String,
        /// When it had held before, if it had.
        held: Option<Held>,
    },
    /// Something did not hold when the run was at rest
    /// ([`super::Sim::at_end`]).
    #[allow(missing_docs)]
    AtEnd { name: String, what: String },
    /// The run did not come to rest, which is when something was to be judged
    /// ([`super::Sim::at_end`]).
    NeverAtRest {
        /// The property.
        name: String,
        /// What is still under way or due.
        busy: Vec<Busy>,
    },
    /// The body ended well, but not every instance ended within this bound
    /// ([`super::Sim::finish_within`]).
    Unfinished(Duration),
    /// Virtual time reached its limit before the body ended.
    VirtualTimeLimit(Duration),
    /// There were more provider calls than allowed.
    StepLimit(u64),
    /// Real time reached its limit; the run could be ended in good order.
    RealTimeLimit,
    /// Real time reached its limit, and the run's thread does not answer: it
    /// was given up.
    Hang(Stuck),
    /// The body ended well, but the trace breaks laws.
    Laws,
    /// The run went well, but what was asked for with [`super::Sim::plan`] or
    /// [`super::Handle::script`] did not happen, so that the run proves nothing
    /// of it ([`super::Sim::allow_unreached`]).
    Unreached(Vec<Missed>),
    /// The body ended well, but the run used the real network, wrote real files or
    /// started processes ([`super::Sim::allow_escapes`]): a green test would say
    /// nothing of the next run.
    RealIo,
    /// The process that ran it died; the text says how.
    Died(String),
}

impl Cause {
    /// Whether something happened that must not, whatever goes wrong.
    pub fn is_of_safety(&self) -> bool {
        match self {
            Cause::Error(_)
            | Cause::Panic(_)
            | Cause::TaskPanic(_)
            | Cause::Property { .. }
            | Cause::UnknownHandler(_)
            | Cause::Laws
            | Cause::RealIo
            | Cause::Died(_) => true,
            Cause::Setup(_)
            | Cause::Stalled { .. }
            | Cause::NoProgress(_)
            | Cause::Eventually { .. }
            | Cause::AtEnd { .. }
            | Cause::NeverAtRest { .. }
            | Cause::Unfinished(_)
            | Cause::VirtualTimeLimit(_)
            | Cause::StepLimit(_)
            | Cause::RealTimeLimit
            | Cause::Hang(_)
            | Cause::Unreached(_) => false,
        }
    }

    /// Whether something did not happen that must, once nothing goes wrong any
    /// more.
    pub fn is_of_liveness(&self) -> bool {
        match self {
            Cause::Stalled { .. }
            | Cause::NoProgress(_)
            | Cause::Eventually { .. }
            | Cause::AtEnd { .. }
            | Cause::NeverAtRest { .. }
            | Cause::Unfinished(_)
            | Cause::VirtualTimeLimit(_) => true,
            Cause::Setup(_)
            | Cause::Error(_)
            | Cause::Panic(_)
            | Cause::TaskPanic(_)
            | Cause::Property { .. }
            | Cause::UnknownHandler(_)
            | Cause::StepLimit(_)
            | Cause::RealTimeLimit
            | Cause::Hang(_)
            | Cause::Laws
            | Cause::RealIo
            | Cause::Unreached(_)
            | Cause::Died(_) => false,
        }
    }
}

impl Cause {
    /// What the test itself said went wrong.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Cause::Error(text) | Cause::Panic(text) => Some(text),
            Cause::Property { what, .. } | Cause::Eventually { what, .. } | Cause::AtEnd { what, .. } => Some(what),
            Cause::Stalled { then, .. } => then.as_deref().and_then(Cause::text),
            Cause::Setup(_)
            | Cause::NoProgress(_)
            | Cause::UnknownHandler(_)
            | Cause::TaskPanic(_)
            | Cause::NeverAtRest { .. }
            | Cause::Unfinished(_)
            | Cause::VirtualTimeLimit(_)
            | Cause::StepLimit(_)
            | Cause::RealTimeLimit
            | Cause::Hang(_)
            | Cause::Laws
            | Cause::RealIo
            | Cause::Unreached(_)
            | Cause::Died(_) => None,
        }
    }
}

fn task_panics(f: &mut fmt::Formatter<'_>, panics: &[TaskPanic]) -> fmt::Result {
    f.write_str("a task panicked, and nobody else reports it:")?;
    panics.iter().try_for_each(|panic| write!(f, " {panic}."))?;
    f.write_str(" (If it is meant, allow it with Sim::allow_panics.)")
}

fn stalled(f: &mut fmt::Formatter<'_>, since: Duration, then: Option<&Cause>) -> fmt::Result {
    write!(f, "it is stalled. Since +{} nothing has happened but polling, nothing is due, and the body ", Span(since))?;
    match then {
        Some(then) => write!(f, "only waited. Then {then}"),
        None => f.write_str(
            "still waits. (Raise Limits::waiting or Limits::idle if the body is to act after so long a time.)",
        ),
    }
}

fn eventually(f: &mut fmt::Formatter<'_>, name: &str, what: &str, held: Option<Held>) -> fmt::Result {
    write!(f, "{} must eventually hold", Quoted(name))?;
    match held {
        None => f.write_str(", and did not come to hold: ")?,
        Some(Held { from, until }) => {
            let (from, until) = (Span(from), Span(until));
            write!(f, " and go on holding; it held at +{from}, and no longer at +{until}: ")?;
        }
    }
    write!(f, "{}", Lines(what))
}

fn never_at_rest(f: &mut fmt::Formatter<'_>, name: &str, busy: &[Busy]) -> fmt::Result {
    write!(
        f,
        "{} is judged at the end, when nothing is under way or due, and the run did not come to that. (Where an \
         orchestration never ends, use Sim::eventually.) There still is:",
        Quoted(name)
    )?;
    busy.iter().try_for_each(|busy| write!(f, "\n  {busy}"))
}

const REAL_IO: &str = "the body ended well, but the run reached the real world, so that its outcome depends on more \
    than its seed. Allow that with Sim::allow_escapes if it is meant.";

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Setup(why) => Lines(why).fmt(f),
            // Texts of several lines, such as a history, are to be read as they are.
            Cause::Error(error) if error.contains('\n') => {
                write!(f, "the body returned an error.{}", Lines(format_args!("\n{}", error.trim_end_matches('\n'))))
            }
            Cause::Error(error) => write!(f, "the body returned the error {}.", Quoted(error)),
            Cause::Panic(text) => write!(f, "it panicked: {}", Lines(text)),
            Cause::TaskPanic(panics) => task_panics(f, panics),
            Cause::Stalled { since, then } => stalled(f, *since, then.as_deref()),
            Cause::UnknownHandler(unknown) => write!(f, "{}", Line(unknown)),
            Cause::NoProgress(circle) => write!(f, "there is no progress: {}", Line(circle)),
            Cause::Property { name, what } => {
                write!(f, "{} must always hold, and does not: {}", Quoted(name), Lines(what))
            }
            Cause::Eventually { name, what, held } => eventually(f, name, what, *held),
            Cause::AtEnd { name, what } => write!(
                f,
                "{} must hold at the end, when nothing is under way or due, and does not: {}",
                Quoted(name),
                Lines(what)
            ),
            Cause::NeverAtRest { name, busy } => never_at_rest(f, name, busy),
            Cause::Unfinished(bound) => write!(
                f,
                "the body ended well, but not every instance ended within {} of that and of the calm.",
                Span(*bound)
            ),
            Cause::VirtualTimeLimit(limit) => write!(
                f,
                "the limit on virtual time ({}) was reached, and the body still waits. Nothing else was left to run; \
                 raise Limits::virtual_time if it is meant to take longer.",
                Span(*limit)
            ),
            Cause::StepLimit(limit) => write!(
                f,
                "the limit of {limit} provider calls was reached. Something goes round in circles, or \
                 Limits::steps is too low for this run."
            ),
            Cause::RealTimeLimit => f.write_str(
                "the limit on real time was reached. A task that never waits keeps the simulation's thread busy, or \
                 something waits for another thread.",
            ),
            Cause::Hang(stuck) => write!(f, "{}", Line(stuck)),
            Cause::RealIo => f.write_str(REAL_IO),
            Cause::Died(how) => write!(f, "the process that ran it died: {}", Lines(how)),
            Cause::Unreached(missed) => {
                f.write_str("the body ended well, but what the test's plan asks for did not happen:")?;
                missed.iter().try_for_each(|missed| write!(f, "\n  {}", Line(missed)))?;
                f.write_str(
                    "\nSo the run proves nothing of it. Correct the plan or the body, or say with \
                     Sim::allow_unreached that it need not happen.",
                )
            }
            Cause::Laws => f.write_str("the body ended well, but the provider calls of the run break laws."),
        }
    }
}
