//! [`RunLog`]: what the code of a simulation logs through `tracing`.
//!
//! Every line has the virtual time, and the node, the instance and the activity whose code logged
//! it. The lines are collected by a subscriber for the thread of the simulation, which passes
//! everything on to the subscriber that the calling thread had, if any. Nothing is installed for
//! the whole process, and simulations on other threads have logs of their own.

mod capture;
mod level;
mod line;
mod lines;
mod origin;
mod theirs;

pub(crate) use capture::{begin, silent};
pub(crate) use level::Levels;
pub use level::LogLevel;
pub use line::{LogLine, RunLog};
pub(crate) use lines::Lines;
pub(crate) use origin::{Origin, Place, answered, fetched, from, place, within};
pub(crate) use theirs::theirs;
