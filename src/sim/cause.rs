//! [`Cause`]: why a simulation failed.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::busy::Busy;
use super::handlers::UnknownHandler;
use super::missed::Missed;
use super::no_progress::NoProgress;
use super::panics::TaskPanic;
use super::stuck::Stuck;
use crate::text::{Line, Lines, Quoted};
use crate::trace::Span;

/// A period in which an `eventually` property held before it failed again. Times count from
/// the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// When the property was first seen to hold.
    pub from: Duration,
    /// When it was first seen not to hold again.
    pub until: Duration,
}

/// Why a simulation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The simulation could not be set up, for the reason in the text.
    Setup(String),
    /// The body returned an error.
    Error(String),
    /// The body panicked.
    Panic(String),
    /// Tasks panicked, and their panics are reported nowhere else: tasks spawned by the
    /// body or an activity, or duroxide's own ([`super::Sim::allow_panics`]).
    TaskPanic(Vec<TaskPanic>),
    /// Nothing could happen any more while the body was waiting.
    Stalled {
        /// The beginning of the stall, counted from the start of the run.
        since: Duration,
        /// How the body ended after the stall, if its wait had a time-out. Otherwise the
        /// run was ended ([`super::Limits::waiting`], [`super::Limits::idle`]).
        then: Option<Box<Cause>>,
    },
    /// The run keeps working without getting anywhere.
    NoProgress(NoProgress),
    /// Work was stored for a handler that no build of any node has.
    UnknownHandler(UnknownHandler),
    /// A property that must always hold was broken ([`super::Sim::always`]).
    #[allow(missing_docs)]
    Property { name: String, what: String },
    /// A property that must eventually hold did not hold when the run was at rest or its
    /// deadline passed ([`super::Sim::eventually`]).
    Eventually {
        /// The property.
        name: String,
        /// The violation, as described by the property.
        what: String,
        /// The period in which the property held before, if it did.
        held: Option<Held>,
    },
    /// A property of the final state did not hold when the run was at rest
    /// ([`super::Sim::at_end`]).
    #[allow(missing_docs)]
    AtEnd { name: String, what: String },
    /// The run did not come to rest, so a property of the final state could not be checked
    /// ([`super::Sim::at_end`]).
    NeverAtRest {
        /// The property.
        name: String,
        /// What is still under way or due.
        busy: Vec<Busy>,
    },
    /// The body succeeded, but not every instance ended within this bound
    /// ([`super::Sim::finish_within`]).
    Unfinished(Duration),
    /// Virtual time reached its limit before the body ended.
    VirtualTimeLimit(Duration),
    /// There were more provider calls than allowed.
    StepLimit(u64),
    /// Real time reached its limit, and the run ended in an orderly way.
    RealTimeLimit,
    /// Real time reached its limit and the run's thread does not answer, so the thread was
    /// abandoned.
    Hang(Stuck),
    /// The body succeeded, but the trace breaks laws.
    Laws,
    /// The run succeeded, but entries of [`super::Sim::plan`] or [`super::Handle::script`]
    /// did not happen, so the run proves nothing about them
    /// ([`super::Sim::allow_unreached`]).
    Unreached(Vec<Missed>),
    /// The body succeeded, but the run used the real network, wrote real files or started
    /// processes ([`super::Sim::allow_escapes`]), so a green test would not predict the
    /// next run.
    RealIo,
    /// The process of the run died, in the way described by the text.
    Died(String),
}

impl Cause {
    /// Whether the failure violates safety: something happened that must not happen under
    /// any faults.
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

    /// Whether the failure violates liveness: something that must happen without further
    /// faults did not.
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
    /// Returns the test's own text about the failure, if there is one.
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
    f.write_str("a task panicked, and its panic is reported nowhere else:")?;
    panics.iter().try_for_each(|panic| write!(f, " {panic}."))?;
    f.write_str(" (If the panic is intended, allow it with Sim::allow_panics.)")
}

fn stalled(f: &mut fmt::Formatter<'_>, since: Duration, then: Option<&Cause>) -> fmt::Result {
    write!(
        f,
        "it is stalled. Since +{} there has been nothing but polling, nothing is due, and the body ",
        Span(since)
    )?;
    match then {
        Some(then) => write!(f, "only waited. Then {then}"),
        None => f.write_str(
            "is still waiting. (If it is meant to act after so long a time, raise Limits::waiting or Limits::idle.)",
        ),
    }
}

fn eventually(f: &mut fmt::Formatter<'_>, name: &str, what: &str, held: Option<Held>) -> fmt::Result {
    write!(f, "{} must eventually hold", Quoted(name))?;
    match held {
        None => f.write_str(", but never did: ")?,
        Some(Held { from, until }) => {
            let (from, until) = (Span(from), Span(until));
            write!(f, " and keep holding; it held at +{from}, and no longer at +{until}: ")?;
        }
    }
    write!(f, "{}", Lines(what))
}

fn never_at_rest(f: &mut fmt::Formatter<'_>, name: &str, busy: &[Busy]) -> fmt::Result {
    write!(
        f,
        "{} is checked at the end, when nothing is under way or due, but the run never came to rest. (If an \
         orchestration never ends, use Sim::eventually.) Still under way or due:",
        Quoted(name)
    )?;
    busy.iter().try_for_each(|busy| write!(f, "\n  {busy}"))
}

const REAL_IO: &str = "the body succeeded, but the run used the real network, wrote real files or started \
    processes, so its outcome depends on more than its seed. If that is intended, allow it with Sim::allow_escapes.";

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Setup(why) => Lines(why).fmt(f),
            // Texts of several lines, such as a history, keep their line breaks.
            Cause::Error(error) if error.contains('\n') => {
                write!(f, "the body returned an error.{}", Lines(format_args!("\n{}", error.trim_end_matches('\n'))))
            }
            Cause::Error(error) => write!(f, "the body returned the error {}.", Quoted(error)),
            Cause::Panic(text) => write!(f, "it panicked: {}", Lines(text)),
            Cause::TaskPanic(panics) => task_panics(f, panics),
            Cause::Stalled { since, then } => stalled(f, *since, then.as_deref()),
            Cause::UnknownHandler(unknown) => write!(f, "{}", Line(unknown)),
            Cause::NoProgress(no_progress) => write!(f, "there is no progress: {}", Line(no_progress)),
            Cause::Property { name, what } => {
                write!(f, "{} must always hold, but does not: {}", Quoted(name), Lines(what))
            }
            Cause::Eventually { name, what, held } => eventually(f, name, what, *held),
            Cause::AtEnd { name, what } => write!(
                f,
                "{} must hold at the end, when nothing is under way or due, but does not: {}",
                Quoted(name),
                Lines(what)
            ),
            Cause::NeverAtRest { name, busy } => never_at_rest(f, name, busy),
            Cause::Unfinished(bound) => write!(
                f,
                "the body succeeded, but not every instance ended within {} after the body's end and the beginning of \
                 the calm.",
                Span(*bound)
            ),
            Cause::VirtualTimeLimit(limit) => write!(
                f,
                "the limit on virtual time ({}) was reached while the body was still waiting and nothing else could \
                 run. If the run is meant to take longer, raise Limits::virtual_time.",
                Span(*limit)
            ),
            Cause::StepLimit(limit) => write!(
                f,
                "the limit of {limit} provider calls was reached. Either the run is in an endless loop, or \
                 Limits::steps is too low for it."
            ),
            Cause::RealTimeLimit => f.write_str(
                "the limit on real time was reached. A task that never waits keeps the simulation's thread busy, or \
                 the thread waits for another one. If the run is only slow, raise Limits::real_time or Limits::stuck.",
            ),
            Cause::Hang(stuck) => write!(f, "{}", Line(stuck)),
            Cause::RealIo => f.write_str(REAL_IO),
            Cause::Died(how) => write!(f, "the process that ran it died: {}", Lines(how)),
            Cause::Unreached(missed) => {
                f.write_str("the body succeeded, but parts of the test's plan did not happen:")?;
                missed.iter().try_for_each(|missed| write!(f, "\n  {}", Line(missed)))?;
                f.write_str(
                    "\nSo the run proves nothing about them. Correct the plan or the body, or allow this with \
                     Sim::allow_unreached.",
                )
            }
            Cause::Laws => f.write_str("the body succeeded, but the provider calls of the run break laws."),
        }
    }
}
